/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/session_internal.h - the parts of the client's session, to each other.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "sftp/session.h"

struct oe_idle;
struct oe_timer;

/* Names of one NAME answer. */
#define OE_SESSION_NAMES_MAX 65536
/* An "ls -l" line: a name, and what is before it. */
#define OE_SESSION_LONGNAME_MAX (OE_SFTP_PATH_MAX + OE_SFTP_TEXT_MAX)

/* What a request's answer must be; in oe_sftp_op.kind. */
enum oe_sftp__kind {
	OE_ASK_STATUS,
	OE_ASK_WRITE, /* as STATUS, counted for room() */
	OE_ASK_COPY,  /* as STATUS, and may take long */
	OE_ASK_HANDLE,
	OE_ASK_DATA,
	OE_ASK_NAMES,
	OE_ASK_NAME,
	OE_ASK_ATTRS,
	OE_ASK_VFS,
	OE_ASK_HASH,
	OE_ASK_EXTENTS,
	OE_ASK_GET,
	OE_ASK_USERS,
	OE_ASK_LIMITS,
};

struct oe_sftp_file {
	size_t len;
	uint8_t handle[];
};

/* Ids of a USERS request, in the order asked. */
struct oe_sftp__ids {
	size_t n_uids, n_gids;
	uint32_t v[]; /* uids, then gids */
};

struct oe_sftp__slot {
	struct oe_sftp_op *op; /* NULL: free */
	uint32_t next_free;    /* index + 1; 0 ends the list */
	uint16_t turn;         /* upper half of the next id */
};

enum oe_sftp__state {
	OE_SESSION_HELLO, /* VERSION is awaited */
	OE_SESSION_ASKED, /* limits are awaited */
	OE_SESSION_READY,
	OE_SESSION_FAILED,
};

struct oe_sftp_session {
	struct oe_sftp_fs fs;
	struct oe_sftp_session_plan plan; /* host is fs.host */
	enum oe_sftp__state state;
	struct oe_err why; /* code set: failed, or about to be told */
	struct oe_idle *idle;
	struct oe_timer *timer;
	unsigned busy; /* inside callbacks: memory must stay */
	bool freed;    /* let go when busy is 0 */

	/* session_out.c */
	struct oe_buf out;
	struct oe_sftp__slot *slots;
	uint32_t n_slots, cap_slots, first_free;
	unsigned writes; /* WRITE and put-file without an answer */
	unsigned slow;   /* COPY and HASH without one: these may take long */
	bool silent;     /* the deadline passed once */
	unsigned bulk;   /* the same and READ: round trips are not told */
	bool starved;    /* room() was 0: tell when it is not */

	/* session.c: the packet that is being read */
	uint8_t head[9];
	size_t head_len;
	size_t left; /* bytes of the packet that are missing */
	struct oe_buf in;
	struct oe_sftp_op *data_op; /* DATA that is being passed on */
	size_t data_left;

	/* session_reply.c: names with their ends */
	char name[OE_SFTP_PATH_MAX + 1];
	char longname[OE_SESSION_LONGNAME_MAX + 1];

	struct oe_sftp_op limits_op;
};

/** oe_sftp__session() - @fs as what it is. */
struct oe_sftp_session *oe_sftp__session(struct oe_sftp_fs *fs);
/**
 * oe_sftp__session_fail() - end the session: every op, then ready() or
 * failed().  "HOST: words" is what they are told.
 * Return: @status.
 */
int oe_sftp__session_fail(struct oe_sftp_session *s, int status,
    const char *fmt, ...) OE_PRINTF(3, 4);
/** oe_sftp__session_end() - results are in: done(), once. */
void oe_sftp__session_end(struct oe_sftp_op *op);
/** oe_sftp__session_refuse() - end @op, which was not sent. */
void oe_sftp__session_refuse(struct oe_sftp_session *s, struct oe_sftp_op *op,
    int status, const char *words);
/** oe_sftp__session_progress() - something moved: the clock starts anew. */
void oe_sftp__session_progress(struct oe_sftp_session *s);

/* --- session_out.c --- */

/* A request while it is written into s->out. */
struct oe_sftp__ask {
	struct oe_sftp_session *s;
	struct oe_sftp_op *op;
	struct oe_buf *b; /* where its fields go */
	size_t start;
	int bad; /* puts that failed, or-ed together */
};

/**
 * oe_sftp__ask_begin() - length, type and id.
 * Return: 0; negative when it cannot be and @op has ended.
 */
int oe_sftp__ask_begin(struct oe_sftp__ask *q, struct oe_sftp_session *s,
    struct oe_sftp_op *op, enum oe_sftp_type type, enum oe_sftp__kind kind);
/** oe_sftp__ask_send() - it is whole but for @n bytes at @p, its last. */
void oe_sftp__ask_send(struct oe_sftp__ask *q, const void *p, size_t n);
/** oe_sftp__session_flush() - hand the stream what it takes. */
void oe_sftp__session_flush(struct oe_sftp_session *s);
/** oe_sftp__session_room() - fs.room. */
uint64_t oe_sftp__session_room(struct oe_sftp_fs *fs);
/** oe_sftp__session_wake() - tell the owner about room, if it waits. */
void oe_sftp__session_wake(struct oe_sftp_session *s);
/** oe_sftp__slot_find() - the request with this id, or NULL. */
struct oe_sftp_op *
oe_sftp__slot_find(const struct oe_sftp_session *s, uint32_t id);
/** oe_sftp__slot_release() - @op has its answer. */
void oe_sftp__slot_release(struct oe_sftp_session *s, struct oe_sftp_op *op);
/** oe_sftp__slot_any() - some request without an answer, or NULL. */
struct oe_sftp_op *oe_sftp__slot_any(const struct oe_sftp_session *s);

/* --- session_reply.c, session_hello.c, session_fs.c --- */

/**
 * oe_sftp__session_reply() - the whole answer to @op in @b, from behind its
 * id; ends @op, or the session.
 */
void oe_sftp__session_reply(struct oe_sftp_session *s, struct oe_sftp_op *op,
    uint8_t type, struct oe_buf *b);
/** oe_sftp__session_hello() - say INIT. */
void oe_sftp__session_hello(struct oe_sftp_session *s);
/** oe_sftp__session_version() - VERSION's extensions are in @b. */
void oe_sftp__session_version(
    struct oe_sftp_session *s, uint32_t version, struct oe_buf *b);

/** oe_sftp__session_free() - fs.free. */
void oe_sftp__session_free(struct oe_sftp_fs *fs);

extern const struct oe_sftp_fs_ops oe_sftp__session_ops;
