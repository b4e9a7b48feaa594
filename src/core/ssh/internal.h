/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/internal.h - libssh as the files of this folder see it.
 */
#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "core/ssh/ssh.h"
#include "core/ssh/window.h"

/* Writes by count before one waits for libssh's own word. */
#define OE_SSH_LOOSE_MAX 16

struct oe_idle;
struct oe_watch;

struct oe_ssh {
	ssh_session session;
	ssh_event event; /* holds the session only; our loop does the waiting */
	struct oe_loop *loop;
	struct oe_watch *watch;
	struct oe_idle *idle;
	void (*failed)(void *arg);
	void *failed_arg;
	struct oe_ssh_chan *chans;
	struct ssh_counter_struct wire, packets;
	/*
	 * libssh says "output pending" after every send until the next poll.
	 * Waiting for that costs two polls a write and splits each write in
	 * two; so a few writes go by the count of bytes that left instead.
	 */
	uint64_t write_mark;   /* wire.out_bytes when the last write is out */
	unsigned loose_writes; /* since libssh last said "nothing pending" */
	uint64_t input_noted;  /* wire.in_bytes at last_input_ms */
	int64_t last_input_ms;
	unsigned depth; /* inside libssh: channels may not be freed */
	bool dead;      /* the transport ended */
	bool told;      /* failed() was called */
	int fd;
	char error[256];
	struct oe_ssh__agent_hook *agent_hook; /* client side, or NULL */
	struct oe_ssh__letter *inbox, **inbox_end;
	/* forward.c */
	const struct oe_ssh_forward_ops *forward;
	void *forward_arg;
	struct oe_ssh_request *requests;
	unsigned nrequests;
	/* listen.c: what the one pending global request of libssh is for */
	struct oe_ssh_listen *listens;
	struct oe_idle *listen_idle;
	struct oe_ssh_listen *asking;
	bool keepalive_out;
	uint8_t *space; /* see oe_ssh__chan_space() */
	size_t space_size;
	int drip_fd; /* watched instead of fd while that is held; or -1 */
	/* server side */
	const struct oe_ssh_serve_ops *serve;
	void *serve_arg;
	const char *issue; /* banner text still to be sent, or NULL */
	bool authenticated;
};

struct oe_ssh_chan {
	struct oe_ssh_chan *next;
	struct oe_ssh *ssh;
	ssh_channel ch;
	struct ssh_channel_callbacks_struct cb;
	const struct oe_ssh_chan_ops *ops;
	void *arg;
	struct oe_ssh__window window; /* what we grant, both streams */
	size_t kept[2];   /* bytes in libssh's buffers: data, extended */
	uint8_t *held[2]; /* taken from libssh, not yet by the owner */
	size_t held_off[2], held_len[2], held_cap[2];
	uint8_t *late; /* what libssh did not take yet, or NULL */
	size_t late_off, late_len;
	bool late_ext;
	bool resuming;
	bool fed;         /* the owner took some data */
	bool deferred[2]; /* the owner was not asked to take what is kept */
	bool eof;         /* the peer sent EOF */
	bool closed;      /* the peer sent CLOSE, or the connection ended */
	bool freed;
};

/**
 * oe_ssh__wrap() - own @session, whose socket is @fd; makes it non-blocking.
 */
struct oe_ssh *oe_ssh__wrap(ssh_session session, int fd);
/**
 * oe_ssh__why() - the peer's or libssh's words for the end of a connection,
 * escaped; never empty.
 */
void oe_ssh__why(ssh_session session, char *ret, size_t size);
/** oe_ssh__chan_wrap() - own a channel of @s. */
struct oe_ssh_chan *oe_ssh__chan_wrap(struct oe_ssh *s, ssh_channel ch);
/** oe_ssh__chan_retry() - offer late data again; true when some went out. */
bool oe_ssh__chan_retry(struct oe_ssh *s);
/** oe_ssh__chan_deliver() - hand over what waited for more of its kind. */
void oe_ssh__chan_deliver(struct oe_ssh *s);
/**
 * oe_ssh__chan_widen() - judge the windows, and grant what is due.  Not from
 * within libssh.
 */
void oe_ssh__chan_widen(struct oe_ssh *s);
/** oe_ssh__chan_find() - the wrapper of @ch, or NULL. */
struct oe_ssh_chan *oe_ssh__chan_find(struct oe_ssh *s, ssh_channel ch);
/**
 * oe_ssh__chan_space() - @size bytes that all channels of a connection use in
 * turn: what is in it is good until the caller returns to the loop.
 * All callers ask for the same size.
 */
uint8_t *oe_ssh__chan_space(struct oe_ssh_chan *c, size_t size);
/** oe_ssh__chan_detach() - libssh's channel goes; what was held is lost. */
void oe_ssh__chan_detach(struct oe_ssh_chan *c);
/** oe_ssh__chan_reap() - free what oe_ssh_chan_free() had to leave. */
void oe_ssh__chan_reap(struct oe_ssh *s);
/** oe_ssh__least_rtt_us() - least round trip that TCP saw of late, or 0. */
uint64_t oe_ssh__least_rtt_us(const struct oe_ssh *s);
/**
 * oe_ssh__settle() - send what libssh has, as long as the socket takes it,
 * and have libssh know that it did.  Nothing is read.  Not from within libssh.
 */
void oe_ssh__settle(struct oe_ssh *s);
/** oe_ssh__may_write() - what was written before has left, or nearly all. */
bool oe_ssh__may_write(const struct oe_ssh *s);
/** oe_ssh__break() - the connection cannot go on; @why for oe_ssh_error(). */
void oe_ssh__break(struct oe_ssh *s, const char *why);

/* What becomes of a message: libssh's "no", nothing more, or it stays ours. */
enum { OE_SSH__REPLY_DONE, OE_SSH__REPLY_DEFAULT, OE_SSH__REPLY_KEPT };

/**
 * oe_ssh__serve_message() - a message on the server side; until the peer is
 * authenticated this is libssh's callback, which never keeps one.
 */
int oe_ssh__serve_message(ssh_session session, ssh_message msg, void *arg);
/**
 * oe_ssh__inbox_serve() - handle the messages that libssh has queued.
 * Called after it read, and before a channel event that came later than a
 * queued request of that channel is told.
 */
bool oe_ssh__inbox_serve(struct oe_ssh *s);
/** oe_ssh__inbox_forget() - @ch is about to go: drop its requests. */
void oe_ssh__inbox_forget(struct oe_ssh *s, ssh_channel ch);
void oe_ssh__inbox_done(struct oe_ssh *s);
/**
 * oe_ssh__forward_take() - @m becomes a request of the owner's.
 * Return: false when it is none, or none that is wanted.
 */
bool oe_ssh__forward_take(struct oe_ssh *s, ssh_message m);
/** oe_ssh__forward_done() - the connection goes; requests lose it. */
void oe_ssh__forward_done(struct oe_ssh *s);
/**
 * oe_ssh__listen_collect() - after each byte that libssh read while a request
 * for any port is out: is its answer there?
 */
void oe_ssh__listen_collect(struct oe_ssh *s);
/** oe_ssh__watch() - have the loop watch @fd, the socket or a copy of it. */
void oe_ssh__watch(struct oe_ssh *s, int fd);
/** oe_ssh__listen_waits() - a request is out, or is the next to go. */
bool oe_ssh__listen_waits(const struct oe_ssh *s);
/** oe_ssh__listen_drips() - such a request is out. */
bool oe_ssh__listen_drips(const struct oe_ssh *s);
void oe_ssh__listen_done(struct oe_ssh *s);
