/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding in the monitor: requests of net, and the decisions about them.
 */
#include "forwarding/server_monitor.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "forwarding/mailbox.h"
#include "forwarding/server.h"
#include "server/conn.h"
#include "server/proto.h"

static void
forwards_net_lost(void *arg)
{
	const struct oe_srv_forwards *f = arg;

	/* what it told before is still in the socket: that ends it */
	if (f->conn->net > 0)
		kill(f->conn->net, SIGKILL);
}

static struct oe_srv_forwards *
forwards_get(struct oe_srv_conn *c)
{
	struct oe_srv_forwards *f = c->forwards;

	if (f)
		return f;
	f = c->forwards = oe_mem_zalloc(sizeof *f);
	f->conn = c;
	f->forwarder_fd = -1;
	f->net =
	    oe_fwd_mailbox_new(c->loop, c->notices, NULL, forwards_net_lost, f);
	return f;
}

static void
forwards_reply(struct oe_srv_conn *c, uint8_t type, uint32_t id)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, type);
	(void)oe_buf_put_u8(&m.payload, id != 0);
	(void)oe_buf_put_u32(&m.payload, id);
	if (oe_ipc_send(c->rpc, &m, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(&m);
}

/* Not even begun: say no at once. */
static void
forwards_refuse(struct oe_srv_forwards *f, struct fwd_item *i, uint8_t type,
    const char *why)
{
	oe_fwd__item_refused(f, i, why);
	oe_fwd__item_free(f, i);
	forwards_reply(f->conn, type, 0);
}

static const char *
forwards_start(struct oe_srv_forwards *f)
{
	return oe_fwd__forwarder_start(f) ? NULL
					  : "the forwarder does not start";
}

static const char *
connect_begin(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct oe_addr literal;
	struct oe_fwd_rules rules;
	enum oe_fwd_verdict v;
	const char *why;
	bool is_addr = oe_addr_parse(i->host, &literal, NULL) == 0;

	if (f->nconnections > OE_FWD_CONNECTIONS_MAX ||
	    f->npending > OE_FWD_PENDING_MAX)
		return "too many connections";
	oe_fwd__rules(f->conn, &rules);
	v = i->is_unix ? oe_fwd_rules_unix(&rules, i->host)
	    : is_addr  ? oe_fwd__item_permit(f, i, &literal, 1)
		       : oe_fwd_rules_name(&rules, i->host, i->port);
	if (v != OE_FWD_ALLOWED)
		return oe_fwd_verdict_text(v);
	why = forwards_start(f);
	if (why)
		return why;
	if (i->is_unix) {
		i->state = FWD_CONNECTING;
		oe_fwd__item_order_text(f, i, OE_FWD_DO_UNIX);
	} else if (is_addr) {
		oe_fwd__item_order_addrs(f, i, OE_FWD_DO_CONNECT, i->port);
	} else {
		i->state = FWD_RESOLVING;
		oe_fwd__item_order_text(f, i, OE_FWD_DO_RESOLVE);
	}
	return NULL;
}

static int
forwards_connect(struct oe_srv_forwards *f, struct oe_ipc_msg *m)
{
	char *host = NULL, *origin = NULL;
	uint32_t token, port, origin_port;
	struct fwd_item *i;
	const char *why;

	if (oe_buf_get_u32(&m->payload, &token) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &host) <
		0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &origin) <
		0 ||
	    oe_buf_get_u32(&m->payload, &origin_port) < 0) {
		free(host);
		free(origin);
		return OE_EPROTO;
	}
	i = oe_fwd__item_new(f, FWD_LOCAL);
	i->token = token;
	i->host = host;
	i->port = port;
	/* doc/protocol/forwarding.md: how a path travels */
	i->is_unix = *host == '/' && !port;
	i->origin = origin;
	i->origin_port = origin_port;
	why = connect_begin(f, i);
	/* begun, it may have failed already: i is not ours any more */
	if (why)
		oe_fwd__item_answer(f, i, -1, why);
	return 0;
}

/* Where to bind: what GatewayPorts makes of the host, as far as permitted. */
static const char *
listen_permit(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct oe_addr addrs[OE_FWD_BIND_MAX];
	enum oe_fwd_verdict v = OE_FWD_ALLOWED, bad = OE_FWD_ALLOWED;
	struct oe_fwd_rules rules;
	size_t k, n = oe_fwd__listen_addrs(f->conn, i->host, addrs);

	oe_fwd__rules(f->conn, &rules);
	for (k = 0; k < n; k++) {
		v = oe_fwd_rules_listen(&rules, i->host, &addrs[k], i->port);
		if (v == OE_FWD_ALLOWED)
			i->addrs[i->naddrs++] = addrs[k];
		else
			bad = v;
	}
	if (!n)
		return "no address of this machine";
	return i->naddrs ? NULL : oe_fwd_verdict_text(bad);
}

static const char *
listen_begin(struct oe_srv_forwards *f, struct fwd_item *i)
{
	const char *why;

	if (f->nlisteners > OE_FWD_LISTENERS_MAX ||
	    f->npending > OE_FWD_PENDING_MAX)
		return "too many listeners";
	why = listen_permit(f, i);
	if (!why)
		why = forwards_start(f);
	if (!why)
		oe_fwd__item_order_addrs(f, i, OE_FWD_DO_LISTEN, i->port);
	return why;
}

static int
forwards_listen(struct oe_srv_forwards *f, struct oe_ipc_msg *m)
{
	struct fwd_item *i;
	char *host = NULL;
	const char *why;
	uint32_t port, id;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &host) <
		0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0) {
		free(host);
		return OE_EPROTO;
	}
	i = oe_fwd__item_new(f, FWD_LISTENER);
	i->host = host;
	i->port = port;
	id = i->id;
	why = listen_begin(f, i);
	if (why)
		forwards_refuse(f, i, m->type, why);
	else
		forwards_reply(f->conn, m->type, id);
	return 0;
}

static int
forwards_cancel(struct oe_srv_forwards *f, struct oe_ipc_msg *m)
{
	struct oe_ipc_msg order;
	struct fwd_item *i;
	char *host = NULL;
	uint32_t port, id = 0;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &host) <
		0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0) {
		free(host);
		return OE_EPROTO;
	}
	for (i = f->items; i; i = i->next)
		if (i->kind == FWD_LISTENER && i->state == FWD_OPEN &&
		    i->real_port == port && !strcmp(i->host, host))
			break;
	free(host);
	if (i) {
		id = i->id;
		oe_fwd__item_order(i, OE_FWD_DO_END, &order);
		oe_fwd__item_closed(f, i, 0, 0);
		/* may lose the forwarder, and with it what waits for it */
		oe_fwd_mailbox_send(f->forwarder, &order);
	}
	forwards_reply(f->conn, m->type, id);
	return 0;
}

static int
forwards_close(struct oe_srv_forwards *f, struct oe_ipc_msg *m)
{
	struct oe_ipc_msg order;
	uint64_t sent, received;
	struct fwd_item *i;
	bool pending;
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0 ||
	    oe_buf_get_u64(&m->payload, &sent) < 0 ||
	    oe_buf_get_u64(&m->payload, &received) < 0)
		return OE_EPROTO;
	i = oe_fwd__item_find(f, id);
	if (!i || i->kind == FWD_LISTENER)
		return OE_EPROTO;
	pending = i->state != FWD_OPEN;
	oe_fwd__item_order(i, OE_FWD_DO_END, &order);
	oe_fwd__item_closed(f, i, sent, received);
	/* the peer was gone before the answer was there */
	if (pending && f->forwarder)
		oe_fwd_mailbox_send(f->forwarder, &order);
	else
		oe_ipc_msg_done(&order);
	return 0;
}

int
oe_fwd__request(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_forwards *f = forwards_get(c);

	switch (m->type) {
	case OE_SRV_REQ_FORWARD_CONNECT:
		return forwards_connect(f, m);
	case OE_SRV_REQ_FORWARD_LISTEN:
		return forwards_listen(f, m);
	case OE_SRV_REQ_FORWARD_CANCEL:
		return forwards_cancel(f, m);
	case OE_SRV_REQ_FORWARD_CLOSE:
		return forwards_close(f, m);
	}
	return OE_EPROTO;
}

bool
oe_fwd__reaped(struct oe_srv_conn *c, pid_t pid, int status)
{
	struct oe_srv_forwards *f = c->forwards;

	(void)status;
	if (!f || !f->pid || f->pid != pid)
		return false;
	f->pid = 0;
	oe_fwd__forwarder_lost(f);
	return true;
}

void
oe_fwd__end(struct oe_srv_conn *c)
{
	struct oe_srv_forwards *f = c->forwards;

	if (!f)
		return;
	oe_fwd__forwarder_stop(f);
	while (f->items)
		oe_fwd__item_closed(f, f->items, 0, 0);
	oe_fwd_mailbox_free(&f->net);
	oe_mem_free(&c->forwards);
}

const struct oe_srv_forwarding oe_fwd_server = {
    .net_new = oe_fwd__net_new,
    .net_notice = oe_fwd__net_notice,
    .net_traffic = oe_fwd__net_traffic,
    .net_lost = oe_fwd__net_lost,
    .request = oe_fwd__request,
    .reaped = oe_fwd__reaped,
    .recheck = oe_fwd__recheck,
    .end = oe_fwd__end,
};
