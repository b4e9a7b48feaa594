/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/session.h - one session over an open connection, until it ends:
 * terminal, standard streams, signals, escapes, exit status.
 */
#pragma once

#include <stdbool.h>

#include "client/connect.h"
#include "core/ssh/client.h"

struct oe_cli_forwarding;
struct oe_cli_forwards;

struct oe_session_plan {
	const struct oe_sshconf *conf;
	enum oe_ssh_open_kind kind;
	const char *command; /* EXEC, SUBSYSTEM */
	bool none;           /* -N: no session, only the connection */
	bool tty;            /* ask for a terminal */
	bool null_input;     /* -n */
	bool background;     /* -f: go there once logged in */
	bool quiet;
	/* both NULL: no forwards; those opened are the session's to close */
	const struct oe_cli_forwarding *forwarding;
	struct oe_cli_forwards *forwards;
};

/**
 * oe_session_run() - run it; blocks.  Uses descriptors 0, 1 and 2.
 * Return: an exit status: the command's own, 128+n when a signal ended it,
 * 255 when the connection was lost.
 */
int oe_session_run(struct oe_connect *c, const struct oe_session_plan *plan);

/**
 * oe_session_bridge() - join two descriptors with a direct TCP channel to
 * @host:@port (-W, jump hosts).  Return: an exit status.
 */
int oe_session_bridge(struct oe_connect *c, const struct oe_sshconf *conf,
    const char *host, int port, int in_fd, int out_fd);

/** oe_session_want_tty() - RequestTTY and what the command line says. */
bool oe_session_want_tty(
    const char *request, bool command, bool stdin_is_tty, bool *ret_refused);
/** oe_session_env() - SendEnv and SetEnv as NAME=VALUE. */
void oe_session_env(
    const struct oe_sshconf *conf, char *const *environ_, struct oe_strs *ret);
