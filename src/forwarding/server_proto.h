/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/server_proto.h - between the monitor and the forwarder.
 *
 * Both ways asynchronous; ids are the monitor's.  An address is a string of
 * 4 or 16 bytes.  The forwarder runs as the user: the monitor checks what it
 * says and what the descriptors are that it hands over.
 */
#pragma once

enum oe_fwd_order {
	OE_FWD_DO_RESOLVE = 1, /* u32 id, string host */
	OE_FWD_DO_CONNECT,     /* u32 id, u32 port, u32 n, n addresses */
	OE_FWD_DO_UNIX,        /* u32 id, string path */
	OE_FWD_DO_LISTEN,      /* u32 id, u32 port, u32 n, n addresses */
	OE_FWD_DO_END,         /* u32 id: listen no more, connect no more */
};

enum oe_fwd_report {
	OE_FWD_IS_RESOLVED = 64, /* u32 id, u32 n, n addresses */
	OE_FWD_IS_CONNECTED,     /* u32 id; one descriptor */
	OE_FWD_IS_LISTENING,     /* u32 id, u32 port */
	OE_FWD_IS_ACCEPTED,      /* u32 id of the listener; one descriptor */
	OE_FWD_IS_FAILED,        /* u32 id, string why */
};

#define OE_FWD_ADDRS_MAX 16
#define OE_FWD_HOST_MAX  1024
#define OE_FWD_WHY_MAX   256
/* How long resolving may take, and connecting. */
#define OE_FWD_STEP_MS 30000
/* Names that are resolved at a time; more wait. */
#define OE_FWD_LOOKUPS_MAX 16
