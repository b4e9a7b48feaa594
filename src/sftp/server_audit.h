/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/server_audit.h - what a session did to files, told to whoever wants
 * to know.
 *
 * Facts go to the log (a line each, at level info) and to an event log
 * (doc/protocol/events.md, the sftp events).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/event_batch.h"

struct oe_logctx;

enum oe_sftp_audit_op {
	OE_SFTP_AUDIT_OPEN,
	OE_SFTP_AUDIT_DOWNLOAD, /* at close of a file that was read */
	OE_SFTP_AUDIT_UPLOAD,   /* at close of a file that was written */
	OE_SFTP_AUDIT_OPENDIR,
	OE_SFTP_AUDIT_REMOVE,
	OE_SFTP_AUDIT_MKDIR,
	OE_SFTP_AUDIT_RMDIR,
	OE_SFTP_AUDIT_RENAME,
	OE_SFTP_AUDIT_SYMLINK, /* path holds the target, to is the link */
	OE_SFTP_AUDIT_HARDLINK,
	OE_SFTP_AUDIT_SETSTAT,
	OE_SFTP_AUDIT_COPY,
	OE_SFTP_AUDIT_GET_FILE,
	OE_SFTP_AUDIT_PUT_FILE,
	OE_SFTP_AUDIT_HASH,
	OE_SFTP_AUDIT_REFUSED, /* by the rules; path is the request's name */
};

/* One operation that ended; valid during the call only. */
struct oe_sftp_audit_item {
	enum oe_sftp_audit_op op;
	const char *path; /* as the peer wrote it */
	const char *to;   /* second path, or NULL */
	int sys_errno;    /* 0: it was done */
	uint64_t bytes;   /* DOWNLOAD, UPLOAD, COPY, GET_FILE, PUT_FILE */
};

struct oe_sftp_audit {
	void (*operation)(void *arg, const struct oe_sftp_audit_item *item);
	/* Before answers go out and before what may take long; or NULL. */
	void (*flush)(void *arg);
	void *arg;
};

/* Log and events; the address is given to oe_sftp_auditlog_init(). */
struct oe_sftp_auditlog {
	struct oe_sftp_audit audit;
	struct oe_eventlog events;  /* fd -1: none */
	const struct oe_logctx *lc; /* for lines of the log */
	const char *user;           /* local user */
	char src[64];               /* address of the peer; "" not known */
	int src_port;
	struct oe_event_batch batch;
};

/**
 * oe_sftp_auditlog_init() - @connection is SSH_CONNECTION as a server sets
 * it ("address port address port"), or NULL.  oe_sftp_auditlog_done() it.
 */
void oe_sftp_auditlog_init(struct oe_sftp_auditlog *a,
    const struct oe_eventlog *events, const char *user, const char *connection);
/** oe_sftp_auditlog_session() - it begins or ends (with the status). */
void
oe_sftp_auditlog_session(struct oe_sftp_auditlog *a, bool begins, int status);
/** oe_sftp_auditlog_done() - write what waits; the descriptor stays open. */
void oe_sftp_auditlog_done(struct oe_sftp_auditlog *a);
