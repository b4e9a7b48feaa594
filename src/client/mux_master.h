/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux_master.h - the process that owns a shared connection and serves
 * the commands that use it, over its control socket.
 *
 * A client that is slow, silent or hostile holds up nobody else: each has a
 * bound of OE_MUX_OUT_MAX bytes of answers and OE_MUX_CLIENT_MS for what it
 * has begun to say.
 */
#pragma once

#include <stdbool.h>

#include "client/connect.h"
#include "client/mux_socket.h"

struct oe_cli_forwarding;
struct oe_cli_forwards;

/* Clients at a time; of more, the oldest without a session goes. */
#define OE_MUX_CLIENTS_MAX 512
#define OE_MUX_CLIENT_MS   30000

struct oe_mux_master_plan {
	struct oe_connect *c; /* logged in, not attached to its loop */
	const struct oe_sshconf *conf;
	const struct oe_cli_forwarding *forwarding; /* NULL: not built */
	struct oe_cli_forwards *forwards;           /* taken over; or NULL */
	struct oe_mux_socket socket;                /* taken over */
	int first;     /* the other end is the first client; or -1 */
	bool stays;    /* also when nobody uses it (-N) */
	bool detached; /* nobody reads standard error for long */
};

/**
 * oe_mux_master_run() - serve until it is over; blocks.
 * It ends with the connection, when it is told to (-O exit, a signal), and
 * when nobody uses it: at once, or as ControlPersist says.
 * Return: an exit status.
 */
int oe_mux_master_run(const struct oe_mux_master_plan *plan);
