/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/keeper.h - the two processes that an ssh-server has for its control
 * API, so that no other of its processes has to do with it.
 *
 *	listener -- keeper -- courier -- control API
 *
 * The courier (mesh/courier.h) speaks HTTPS.  It is another program from the
 * start, runs as an account that owns nothing, in a sandbox, and is believed
 * nothing.  The keeper has the account of the listener and its files, and no
 * network: it keeps signed copies of policy and directory, after it has
 * looked at their signature and version, and the login and how far events
 * were sent.  It serves the courier, one request after the other
 * (mesh/keeper_proto.h).  What it writes is checked again by who reads it.
 *
 * Both end with the listener, after a renewal of the token that is under way;
 * and each with the other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/compiler.h"
#include "core/base/log.h"
#include "core/base/str.h"

struct oe_err;

#define OE_KEEPER_ID_MAX 64

enum oe_keeper_kind {
	OE_KEEPER_POLICY,
	OE_KEEPER_DIRECTORY,
	OE_KEEPER_KINDS,
};

/* What a keeper works with; its texts are owned. */
struct oe_keeper_plan {
	char *account;  /* path of the token file */
	char *key_file; /* a security key to log in with anew, or NULL */
	char *folder;   /* policy, directory, events */
	char *network_id, *device_id, *hardware;
	char *origin;
	uint8_t signing_key[32];
	int64_t interval_ms; /* between two looks at the documents */
	struct oe_strs host_keys;
	int port;  /* where the server listens; 0: not known */
	bool root; /* the courier becomes uid and gid */
	uid_t uid;
	gid_t gid;
	enum oe_log_level level; /* of what it says on standard error */
	enum oe_log_format format;
	bool journal;
};

void oe_keeper_plan_done(struct oe_keeper_plan *p);

/* Notes for the listener, each one datagram. */
enum oe_keeper_what {
	OE_KEEPER_NEW = 1, /* another @kind is on disk */
	OE_KEEPER_SAME,    /* @kind, of @version, is the newest as of now */
	OE_KEEPER_ORDER,   /* end @conn; nothing comes back */
};

struct oe_keeper_note {
	uint32_t what; /* enum oe_keeper_what */
	uint32_t kind; /* enum oe_keeper_kind */
	uint64_t version;
	char conn[OE_KEEPER_ID_MAX];
};

/**
 * oe_keeper_start() - fork one, which starts its courier.
 * @ret_fd: its socket (SOCK_SEQPACKET, nonblocking), which tells its end, and
 *          whose end ends it.
 * Return: its process id, or OE_ESYS.
 */
pid_t oe_keeper_start(const struct oe_keeper_plan *p, int *ret_fd,
    struct oe_err *err) OE_MUST_CHECK;

/** oe_keeper_path() - of a file in the folder; free() it. */
char *oe_keeper_path(const struct oe_keeper_plan *p, const char *name);
/** oe_keeper_name() - "policy": of a document, and of its file. */
const char *oe_keeper_name(enum oe_keeper_kind kind);
