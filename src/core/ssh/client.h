/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/client.h - what a client asks of an open connection: sessions
 * with shell, command or subsystem, and direct TCP channels.
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
};

struct oe_ssh_open_plan {
	enum oe_ssh_open_kind kind;
	const char *text; /* command or subsystem; DIRECT: host */
	int port;         /* DIRECT */
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
	 * in @err (OE_EPERM: refused by the server, OE_ECLOSED).
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
