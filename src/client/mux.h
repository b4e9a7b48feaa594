/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux.h - one connection for several commands: ControlMaster,
 * ControlPath and ControlPersist of ssh_config(5), -M, -S and -O of ssh(1).
 *
 * A command that becomes the master leaves the connection to a process in the
 * background (client/mux_master.h) and uses it as any later command does, as
 * its client (client/mux_client.h).
 */
#pragma once

#include <stdbool.h>

#include "client/connect.h"
#include "client/session.h"

struct oe_mux_client;

/* What "omniedge ssh" wants of a connection. */
struct oe_mux_want {
	struct oe_session_plan session; /* its forwards are the caller's */
	const char *host;               /* -W: a stdio forward to host:port */
	int port;
};

/** oe_mux_path() - where the control socket is to be; NULL: nowhere. */
const char *oe_mux_path(const struct oe_sshconf *conf);
/**
 * oe_mux_masters() - may this command become a master?  What it starts for
 * its connection must then outlive it.
 */
bool oe_mux_masters(const struct oe_sshconf *conf);

/** oe_mux_persists() - and is that master to stay (ControlPersist)? */
bool oe_mux_persists(const struct oe_sshconf *conf);
/**
 * oe_mux_join() - use the connection that there is.
 * @ret: oe_mux_client_close() it.
 * Return: 0; else there is none that can be used: the user was told if that
 * is news.
 */
int oe_mux_join(const struct oe_sshconf *conf, struct oe_mux_client *ret);
/**
 * oe_mux_lead() - hand @c over to a master in the background, if the settings
 * want one.
 * @c: logged in, not attached to its loop; on success it is not a connection
 * any more, only its loop is left.
 * @forwards: taken over on success; the peer has answered for all of them.
 * @stays: the master stays without any client.
 * @ret: its first client; oe_mux_client_close() it.
 * Return: 0, OE_EAGAIN (no master is wanted, or it cannot be: go on with @c),
 * another code when the connection has ended, as the user was told.
 */
int oe_mux_lead(struct oe_connect *c, const struct oe_sshconf *conf,
    const struct oe_cli_forwarding *forwarding,
    struct oe_cli_forwards **forwards, bool stays, struct oe_mux_client *ret);

/**
 * oe_mux_use() - what @want wants, over a shared connection; blocks.
 * @joined: somebody else's: it is asked for forwards too.
 * @ret_status: an exit status.
 * Return: 0, or OE_EAGAIN: the master opens no session; the user was told.
 */
int oe_mux_use(struct oe_mux_client *c, const struct oe_mux_want *want,
    bool joined, int *ret_status);
/**
 * oe_mux_hold() - -N as a master, in the foreground: this process is it.
 * Return: an exit status, or OE_EAGAIN as oe_mux_lead().
 */
int oe_mux_hold(struct oe_connect *c, const struct oe_session_plan *plan);

/* mux_order.c */
/** oe_mux_order_check() - the check of -O, for tables. */
int oe_mux_order_check(const char *value, struct oe_err *err);
/** oe_mux_order() - -O @word; an exit status. */
int oe_mux_order(const char *word, const struct oe_session_plan *plan);
