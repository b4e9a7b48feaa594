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
/** oe_ssh__chan_detach() - libssh's channel goes; what was held is lost. */
void oe_ssh__chan_detach(struct oe_ssh_chan *c);
/** oe_ssh__chan_reap() - free what oe_ssh_chan_free() had to leave. */
void oe_ssh__chan_reap(struct oe_ssh *s);
/** oe_ssh__least_rtt_us() - least round trip that TCP saw of late, or 0. */
uint64_t oe_ssh__least_rtt_us(const struct oe_ssh *s);
/** oe_ssh__may_write() - what was written before has left, or nearly all. */
bool oe_ssh__may_write(const struct oe_ssh *s);
/** oe_ssh__break() - the connection cannot go on; @why for oe_ssh_error(). */
void oe_ssh__break(struct oe_ssh *s, const char *why);
/** oe_ssh__serve_message() - libssh's message callback of the server side. */
int oe_ssh__serve_message(ssh_session session, ssh_message msg, void *arg);
