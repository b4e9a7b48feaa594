/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's SFTP session over memory, for its tests: the server's packets
 * are made by hand.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "sftp/session.h"

#define SENT_MAX (4u * 1024 * 1024)

/* A session over memory. */
struct rig {
	struct oe_loop *loop;
	struct oe_sftp_session *s;
	struct oe_sftp_fs *fs;
	struct oe_buf sent; /* by the session */
	size_t room;
	bool dead; /* write() fails */
	bool bytewise;
	int ready_status, ready_calls, failed_calls, writable_calls;
	struct oe_err err;
	bool free_in_done;
};

/* One request and what it was told. */
struct asked {
	struct oe_sftp_op op;
	struct rig *rig;
	int done;
	struct oe_buf data; /* of data(), or names joined by newlines */
	unsigned n_extents;
	uint64_t next;
	char text[64];
};

enum what {
	MKDIR,
	OPEN,
	READ8, /* 8 bytes from 100 */
	WRITE,
	LSTAT,
	READDIR,
	READLINK,
	STATVFS,
	HASH,
	EXTENTS, /* from 100 */
	GET8,    /* at most 8 bytes */
	PUT,
	USERS, /* two users, one group */
	CLOSE,
};

/* Bytes with their number. */
#define B(text) text, sizeof text - 1

/* Name and data of every extension, ended by NULL. */
extern const char *const all_ext[];

/* Sends INIT; nothing was heard yet. */
void rig_open(struct rig *r, int64_t answer_ms, size_t data_max);
void rig_close(struct rig *r);
void rig_turn(struct rig *r);
void rig_input(struct rig *r, const void *p, size_t n);
/* A packet from the server. */
void rig_answer(
    struct rig *r, uint8_t type, uint32_t id, const void *body, size_t n);
/* The next packet that the session sent: its type, id and fields. */
uint8_t rig_sent(struct rig *r, uint32_t *id, struct oe_buf *fields);
void rig_version(struct rig *r, const char *const *ext);
void rig_limits(struct rig *r, uint64_t packet, uint64_t most);
/* Ready, with all extensions. */
void rig_up(struct rig *r, bool bytewise);
void asked_init(struct asked *a, struct rig *r);
void asked_done(struct asked *a);
struct oe_sftp_file *some_file(struct rig *r);
void
ask(struct rig *r, struct asked *a, enum what what, struct oe_sftp_file *f);
/* Text or data that it was told. */
const char *told(struct asked *a);
