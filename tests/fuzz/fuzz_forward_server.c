/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding in the monitor between a net process that asks anything and a
 * forwarder that reports anything.
 *
 * Input: u8 flags (1: gateway-ports clientspecified, 2: lists), then for each
 * message u8 type, below 64 a request of net and else a report; u16 length,
 * payload.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/server/hostile.h"
#include "forwarding/server.h"
#include "forwarding/server_monitor.h"

#define FUZZ_MESSAGES_MAX 64

enum { FUZZ_GATEWAY = 1, FUZZ_LISTS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* There is a forwarder, of which nothing is seen: the linker prefers this. */
pid_t
fork(void)
{
	return 0x7ffffff0;
}

int
kill(pid_t pid, int sig)
{
	(void)pid;
	(void)sig;
	errno = ESRCH;
	return -1;
}

static bool
next(struct oe_buf *in, struct oe_ipc_msg *m)
{
	uint8_t type, len[2];
	size_t n;

	if (oe_buf_get_u8(in, &type) < 0 || oe_buf_get_u8(in, &len[0]) < 0 ||
	    oe_buf_get_u8(in, &len[1]) < 0)
		return false;
	oe_ipc_msg_init(m, type);
	n = (size_t)len[0] << 8 | len[1];
	if (n > oe_buf_left(in))
		n = oe_buf_left(in);
	(void)oe_buf_put(&m->payload, oe_buf_head(in), n);
	oe_buf_skip(in, n);
	return true;
}

/* What no sequence may lead to. */
static void
judge(const struct oe_srv_forwards *f)
{
	unsigned connections = 0, listeners = 0, pending = 0;
	const struct fwd_item *i;

	for (i = f ? f->items : NULL; i; i = i->next) {
		connections += i->kind != FWD_LISTENER;
		listeners += i->kind == FWD_LISTENER;
		pending += i->state != FWD_OPEN;
		/* no descriptor came, so no connection is there */
		if (i->state == FWD_OPEN && i->kind != FWD_LISTENER)
			abort();
		if (i->naddrs > OE_FWD_ADDRS_MAX)
			abort();
	}
	if (f && (connections != f->nconnections ||
		     listeners != f->nlisteners || pending != f->npending))
		abort();
}

static void
drain(int fd)
{
	struct oe_ipc_msg m;

	while (oe_ipc_recv(fd, 0, &m, NULL) == 0)
		oe_ipc_msg_done(&m);
}

static void
play(struct hostile *h, struct oe_buf *in)
{
	struct oe_ipc_msg m;
	unsigned i;

	for (i = 0; i < FUZZ_MESSAGES_MAX && !h->conn.done && next(in, &m);
	     i++) {
		if (m.type < 64 && m.type >= OE_SRV_REQ_FORWARD_CONNECT &&
		    m.type <= OE_SRV_REQ_FORWARD_CLOSE) {
			if (oe_ipc_send(h->rpc, &m, NULL) < 0)
				abort();
			oe_srv__serve(&h->conn);
		} else if (m.type >= 64 && h->conn.forwards) {
			oe_fwd__forwarder_got(h->conn.forwards, &m);
		}
		judge(h->conn.forwards);
		drain(h->rpc);
		drain(h->notices);
		oe_ipc_msg_done(&m);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool quiet;
	struct oe_buf in;
	struct hostile h;
	uint8_t flags;

	if (!quiet)
		oe_log_setup(OE_LOG_ERROR, OE_LOG_TEXT,
		    open("/dev/null", O_WRONLY | O_CLOEXEC), false);
	quiet = true;
	oe_buf_view(&in, data, size);
	if (oe_buf_get_u8(&in, &flags) < 0 || !hostile_init(&h, "/nonexistent"))
		return 0;
	hostile_log_in(&h, true);
	h.conn.forwarding = &oe_fwd_server;
	h.cfg.forward_local = h.cfg.forward_remote = true;
	h.cfg.port = 2222;
	if (flags & FUZZ_GATEWAY)
		h.cfg.gateway_ports = OE_SRV_GATEWAY_CLIENT;
	if (flags & FUZZ_LISTS) {
		oe_strs_add(&h.cfg.permit_open, "10.0.0.0/8:*");
		oe_strs_add(&h.cfg.permit_open, "*.example:80-90");
		oe_strs_add(&h.cfg.permit_listen, "localhost:8000-9000");
	}
	play(&h, &in);
	hostile_done(&h);
	oe_strs_done(&h.cfg.permit_open);
	oe_strs_done(&h.cfg.permit_listen);
	return 0;
}
