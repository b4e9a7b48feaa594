/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/forwarding.h - what a module that forwards ports does for the
 * server: in net, which speaks to the peer, and in the monitor, which
 * decides.  Without such a module every request of it is refused.
 *
 * Handed over as struct oe_module.server_forwarding.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct oe_ipc_msg;
struct oe_loop;
struct oe_module_set;
struct oe_srv_conn;
struct oe_srv_net_forwards; /* the module's state in net */
struct oe_ssh;

struct oe_srv_forwarding {
	/* net: take the peer's requests; made before anything arrives */
	struct oe_srv_net_forwards *(*net_new)(
	    struct oe_loop *loop, struct oe_ssh *ssh, int rpc);
	/* an OE_SRV_NOTE_FORWARD notice came */
	void (*net_notice)(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m);
	/* bytes moved so far, both ways */
	uint64_t (*net_traffic)(const struct oe_srv_net_forwards *f);
	/* the peer is gone: tell the monitor the counts of what is open */
	void (*net_lost)(struct oe_srv_net_forwards *f);

	/* monitor: an OE_SRV_REQ_FORWARD request; an oe_srv_handler */
	int (*request)(struct oe_srv_conn *c, struct oe_ipc_msg *m);
	/* child @pid ended; false: not one of the module's */
	bool (*reaped)(struct oe_srv_conn *c, pid_t pid, int status);
	/* its rule changed: end what it does not permit any more */
	void (*recheck)(struct oe_srv_conn *c);
	/* the connection ends */
	void (*end)(struct oe_srv_conn *c);
};

/** oe_srv_forwarding_of() - of the module that has it; NULL: none. */
const struct oe_srv_forwarding *
oe_srv_forwarding_of(const struct oe_module_set *modules);
