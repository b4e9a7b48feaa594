/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/session_internal.h - a running session, as its files see it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/escape.h"
#include "client/session.h"

struct oe_forward_agent;
struct oe_keepalive;
struct oe_ssh_chan;
struct oe_ssh_open;
struct oe_ssh_pump;
struct oe_watch;

/* What is different for a session that another process is the user of. */
struct oe_session_share {
	int say_fd; /* that user's standard error */
	/* stop that process until it goes on (~^Z); NULL: it cannot */
	void (*suspend)(void *arg);
	void *arg;
};

#define OE_SESSION_COMMAND_MAX 1024 /* bytes of a line at ~C */

struct oe_session {
	struct oe_connect *c;
	const struct oe_session_plan *plan;
	struct oe_ssh_open *open;
	struct oe_ssh_chan *chan;
	struct oe_ssh_pump *pump;
	struct oe_keepalive *alive;
	struct oe_forward_agent *agent;
	struct oe_escape escape;
	bool escapes; /* typed input is looked at */
	int in_fd, out_fd, err_fd;
	int signal_fd;
	struct oe_watch *signal_watch;
	int raise;   /* a signal that ends us, to be raised at the end */
	bool closed; /* the peer closed the channel */
	bool eof;    /* the peer's output has ended */
	bool has_status;
	int status;
	bool done;
	/* forwards of this connection */
	const struct oe_cli_forwarding *forwarding; /* NULL: there are none */
	struct oe_cli_forwards *forwards;
	const struct oe_session_share *share; /* NULL: it is our own */
	bool settled;  /* all of them are there, or failed */
	size_t failed; /* so many did */
	bool lingers;  /* the session is over, connections are not */
	struct {
		char text[OE_SESSION_COMMAND_MAX]; /* typed at ~C */
		size_t n;
		bool key; /* within the bytes of a special key */
	} command;
};

/** oe_session__end() - it is over with @status, unless it is already. */
void oe_session__end(struct oe_session *s, int status);
/** oe_session__raise() - the same signal again, with nobody to catch it. */
void oe_session__raise(int sig);
/** oe_session__escape() - what the user asked for, as of client/escape.h. */
void oe_session__escape(void *arg, enum oe_escape_act what);
