/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/connect.h - a connection for one peer, waited for: dialled, through
 * ProxyCommand or through ProxyJump, with the user at hand for questions.
 */
#pragma once

#include <stdbool.h>

#include "core/ssh/sshconf.h"

struct oe_cli_forwarding;
struct oe_err;
struct oe_loop;
struct oe_peer_names;
struct oe_ssh;

struct oe_connect {
	struct oe_loop *loop;
	struct oe_ssh *ssh; /* attached to the loop by the caller */
	bool wary;          /* the host key is wrong and was let through */
	bool asked;         /* the user had to answer something to log in */
	bool shares_loop;   /* the loop is the caller's, and stays */
	bool outlived;      /* as of the plan */
};

struct oe_connect_plan {
	const struct oe_sshconf *conf; /* resolved for the peer */
	const struct oe_sshconf_env *env;
	const char *config_file; /* -F for the hops; NULL: the usual files */
	struct oe_peer_names *names; /* for the hops; or NULL */
	bool quiet;                  /* no banner, no warnings */
	int fd;                      /* a connected stream, or -1 */
	struct oe_loop *loop;        /* NULL: one is made */
	/*
	 * Ctrl-C is not meant for the connection (it ends a transfer):
	 * ProxyCommand and jump hosts do not hear it.
	 */
	bool sheltered;
	/*
	 * The connection may go on in the background: ProxyCommand and jump
	 * hosts do not end with this process.
	 */
	bool outlived;
	/* for a master of a shared connection; NULL: not built */
	const struct oe_cli_forwarding *forwarding;
	/* ProxyCommand gets no terminal to ask on. */
	bool unattended;
};

/**
 * oe_connect_open() - resolve, dial or jump, check the host key, log in.
 * Blocks; signals that end the process end it.
 * @ret: oe_connect_close() it.
 * Return: 0, or what oe_ssh_dial_plan.done tells, with a message.
 */
int oe_connect_open(const struct oe_connect_plan *plan, struct oe_connect *ret,
    struct oe_err *err);
void oe_connect_close(struct oe_connect *c);
