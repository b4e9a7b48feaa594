/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/session.h - the client's side of one SFTP session over any stream,
 * as a file system (fs.h).
 *
 * The stream hands bytes in and takes bytes out; nothing blocks.  READ data
 * is passed on as it arrives, without gathering a packet.  Bounds: an answer
 * of more than OE_SFTP_PACKET_MAX (DATA: more than was asked for), an unknown
 * or repeated id, an answer of the wrong type, a name with a NUL or above the
 * bounds of proto.h end the session with OE_EPROTO.
 *
 * Requests wait in one buffer until the loop is about to wait, so that small
 * ones share a packet of the stream; the data of large WRITEs goes past it
 * where the stream has room.  What the stream does not take stays in it, up
 * to OE_SESSION_QUEUE_MAX; a request beyond that, or beyond
 * OE_SESSION_OUT_MAX unanswered ones, ends with OE_EAGAIN at once.
 *
 * The session may be freed from within any of its callbacks.
 */
#pragma once

#include "sftp/fs.h"

struct oe_sftp_session;

#define OE_SESSION_QUEUE_MAX (8u * 1024 * 1024)
#define OE_SESSION_OUT_MAX   16384
/* WRITE and put-file requests without an answer at which room() is 0. */
#define OE_SESSION_WRITES_MAX 1024

/* Where a session's bytes go; a failure of write() ends the session later. */
struct oe_sftp_stream {
	/* Bytes that write() takes now. */
	size_t (*room)(void *arg);
	/* At most room() bytes, all of them taken; 0 or OE_ECLOSED. */
	int (*write)(void *arg, const void *p, size_t n);
	void *arg;
};

struct oe_sftp_session_plan {
	struct oe_loop *loop;
	struct oe_sftp_stream stream;
	const char *host; /* for messages */
	/* 0: as the server's limits allow; else a bound (sftp -B). */
	size_t data_max;
	/*
	 * No answer for so long (and a last call of seconds) ends the session,
	 * unless it hashes or copies; 0: never.
	 */
	int64_t answer_ms;
	/*
	 * Called once, never from within _new(): 0 when version, extensions
	 * and limits are known, else why not (OE_EPROTO, OE_ECLOSED,
	 * OE_ETIMEOUT).
	 */
	void (*ready)(void *arg, int status, const struct oe_err *err);
	/* The session failed after it was ready; once.  May be NULL. */
	void (*failed)(void *arg, const struct oe_err *err);
	void *arg;
};

/** oe_sftp_session_new() - sends INIT as soon as the stream has room. */
struct oe_sftp_session *
oe_sftp_session_new(const struct oe_sftp_session_plan *plan);
/**
 * oe_sftp_session_fs() - the file system; it lives as long as the session and
 * its free() ends the session too.
 */
struct oe_sftp_fs *oe_sftp_session_fs(struct oe_sftp_session *s);
/** oe_sftp_session_input() - bytes from the server; all are taken. */
void oe_sftp_session_input(struct oe_sftp_session *s, const void *p, size_t n);
/** oe_sftp_session_writable() - the stream may have room again. */
void oe_sftp_session_writable(struct oe_sftp_session *s);
/** oe_sftp_session_lost() - the stream ended; @err says why, or NULL. */
void oe_sftp_session_lost(struct oe_sftp_session *s, const struct oe_err *err);
