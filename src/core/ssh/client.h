/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/client.h - channels that we open: a client's sessions with shell,
 * command or subsystem, and connections that are forwarded, of either side.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/ssh/ssh.h"

struct oe_err;
struct oe_ssh_open;

enum oe_ssh_open_kind {
	OE_SSH_OPEN_SHELL,
	OE_SSH_OPEN_EXEC,
	OE_SSH_OPEN_SUBSYSTEM,
	OE_SSH_OPEN_DIRECT, /* direct-tcpip, RFC 4254 section 7.2 */
	/*
	 * A Unix socket of the server's: direct-streamlocal@openssh.com to
	 * OpenSSH; to others direct-tcpip with the path and port 0, as
	 * doc/protocol/forwarding.md says.
	 */
	OE_SSH_OPEN_DIRECT_UNIX,
	OE_SSH_OPEN_FORWARDED, /* server: forwarded-tcpip, section 7.2 */
};

struct oe_ssh_open_plan {
	enum oe_ssh_open_kind kind;
	/*
	 * command or subsystem; DIRECT: host; DIRECT_UNIX: path; FORWARDED:
	 * the address that was listened on, as the client named it
	 */
	const char *text;
	int port;           /* DIRECT, FORWARDED */
	const char *origin; /* DIRECT, FORWARDED: who connected; NULL: us */
	int origin_port;
	bool pty;
	const char *term;
	uint32_t size[4];     /* columns, rows, pixels wide, pixels high */
	const uint8_t *modes; /* RFC 4254 section 8, as on the wire */
	size_t modes_len;
	struct oe_strs env; /* NAME=VALUE, taken over; refused ones do not
			     * matter */
	bool agent;         /* ask for agent forwarding */
	const struct oe_ssh_chan_ops *ops; /* set before anything arrives */
	void *ops_arg;
	/*
	 * Called once.  @chan: the callee's; NULL on failure with a message
	 * in @err: OE_EPERM refused by the server, OE_ENOENT it could not
	 * connect to the target, OE_EAGAIN it can open no more, OE_ECLOSED.
	 */
	void (*done)(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
	    const struct oe_err *err);
	void *arg;
};

/** oe_ssh_open_start() - begin; @plan is copied, what it points to is not. */
struct oe_ssh_open *
oe_ssh_open_start(struct oe_ssh *s, const struct oe_ssh_open_plan *plan);
/** oe_ssh_open_free() - end it; a half-open channel is dropped. */
void oe_ssh_open_free(struct oe_ssh_open **o);

/** oe_ssh_chan_resize() - window-change. */
void oe_ssh_chan_resize(struct oe_ssh_chan *c, const uint32_t size[4]);
/** oe_ssh_chan_break() - RFC 4335 break of @ms. 0 or OE_ECLOSED. */
int oe_ssh_chan_break(struct oe_ssh_chan *c, uint32_t ms);
/** oe_ssh_chan_signal() - "TERM", "INT", ... without SIG. */
void oe_ssh_chan_signal(struct oe_ssh_chan *c, const char *name);

/**
 * oe_ssh_accept_agent() - take auth-agent channels that the server opens.
 * @fn: gets the new channel, the callee's; sets its ops and its pump.
 */
void oe_ssh_accept_agent(struct oe_ssh *s,
    void (*fn)(void *arg, struct oe_ssh_chan *chan), void *arg);
