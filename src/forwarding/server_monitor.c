/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding in the monitor: requests of net, reports of the forwarder, and
 * every decision between them.
 */
#include "forwarding/server_monitor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "forwarding/mailbox.h"
#include "forwarding/server.h"
#include "forwarding/server_wire.h"
#include "server/conn.h"
#include "server/proto.h"

/* Addresses of this machine that are looked at. */
#define FWD_OWN_MAX 128

static const char *
item_kind_text(const struct fwd_item *i)
{
	return i->kind == FWD_LOCAL    ? "local"
	       : i->kind == FWD_REMOTE ? "remote"
				       : "listen";
}

static void
item_event(struct oe_srv_forwards *f, const struct fwd_item *i,
    struct oe_event *e, const char *name)
{
	oe_srv__event(f->conn, e, name);
	oe_event_str(e, "local_user", f->conn->account.name);
	oe_event_int(e, "forward", i->id);
	oe_event_str(e, "kind", item_kind_text(i));
	oe_event_str(e, "host", i->host);
	if (!i->is_unix)
		oe_event_int(e, "port", i->port);
	if (i->kind == FWD_REMOTE)
		oe_event_int(e, "listener", i->listener);
	if (*i->address)
		oe_event_str(e, "address", i->address);
	if (i->origin && *i->origin) {
		oe_event_str(e, "origin", i->origin);
		oe_event_int(e, "origin_port", i->origin_port);
	}
}

static void
item_refused(
    struct oe_srv_forwards *f, const struct fwd_item *i, const char *why)
{
	struct oe_event e;

	item_event(f, i, &e, "forward.refused");
	oe_event_str(&e, "why", why);
	oe_event_end(&e, &f->conn->srv->events);
	oe_log_debug(&f->conn->lc_user, "no forwarding to %s port %u: %s",
	    i->host, i->port, why);
}

static struct fwd_item *
item_new(struct oe_srv_forwards *f, enum fwd_kind kind)
{
	struct fwd_item *i = oe_mem_zalloc(sizeof *i);

	i->kind = kind;
	i->id = ++f->last_id;
	i->since_ms = oe_time_mono_ms();
	i->next = f->items;
	f->items = i;
	if (kind == FWD_LISTENER)
		f->nlisteners++;
	else
		f->nconnections++;
	return i;
}

static void
item_free(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct fwd_item **p;

	for (p = &f->items; *p != i; p = &(*p)->next)
		continue;
	*p = i->next;
	if (i->kind == FWD_LISTENER)
		f->nlisteners--;
	else
		f->nconnections--;
	free(i->host);
	free(i->origin);
	free(i);
}

static struct fwd_item *
item_find(struct oe_srv_forwards *f, uint32_t id)
{
	struct fwd_item *i;

	for (i = f->items; i && i->id != id; i = i->next)
		continue;
	return i;
}

static void
item_closed(struct oe_srv_forwards *f, struct fwd_item *i, uint64_t sent,
    uint64_t received)
{
	struct oe_event e;

	if (i->state == FWD_OPEN) {
		item_event(f, i, &e, "forward.close");
		if (i->kind != FWD_LISTENER) {
			oe_event_int(&e, "bytes_out", (int64_t)sent);
			oe_event_int(&e, "bytes_in", (int64_t)received);
		}
		oe_event_int(
		    &e, "duration_ms", oe_time_mono_ms() - i->since_ms);
		oe_event_end(&e, &f->conn->srv->events);
	}
	item_free(f, i);
}

/* Tell net how it went.  A failed one is gone after this. */
static void
item_answer(
    struct oe_srv_forwards *f, struct fwd_item *i, int fd, const char *why)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, i->kind == FWD_LISTENER
				? OE_SRV_NOTE_FORWARD_LISTENING
				: OE_SRV_NOTE_FORWARD_CONNECTED);
	(void)oe_buf_put_u32(&m.payload, i->id);
	(void)oe_buf_put_u8(&m.payload, !why);
	(void)oe_buf_put_u32(&m.payload, i->real_port);
	if (fd >= 0) {
		m.fds[0] = fd;
		m.nfds = 1;
	}
	oe_fwd_mailbox_send(f->net, &m);
	if (why) {
		item_refused(f, i, why);
		item_free(f, i);
	}
}

static void
item_order(
    const struct fwd_item *i, enum oe_fwd_order what, struct oe_ipc_msg *ret)
{
	oe_ipc_msg_init(ret, (uint8_t)what);
	(void)oe_buf_put_u32(&ret->payload, i->id);
}

/* LISTEN has the same form. */
static void
item_order_addrs(struct oe_srv_forwards *f, struct fwd_item *i,
    enum oe_fwd_order what, unsigned port)
{
	struct oe_ipc_msg m;
	size_t k;

	item_order(i, what, &m);
	(void)oe_buf_put_u32(&m.payload, port);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)i->naddrs);
	for (k = 0; k < i->naddrs; k++)
		oe_fwd_addr_put(&m.payload, &i->addrs[k]);
	i->state = FWD_CONNECTING;
	oe_fwd_mailbox_send(f->forwarder, &m);
}

static void
item_order_text(
    struct oe_srv_forwards *f, struct fwd_item *i, enum oe_fwd_order what)
{
	struct oe_ipc_msg m;

	item_order(i, what, &m);
	(void)oe_buf_put_cstring(&m.payload, i->host);
	oe_fwd_mailbox_send(f->forwarder, &m);
}

/* Keep those of @addrs that may be reached; the verdict of the last other. */
static enum oe_fwd_verdict
item_permit(struct oe_srv_forwards *f, struct fwd_item *i,
    const struct oe_addr *addrs, size_t n)
{
	struct oe_addr own[FWD_OWN_MAX];
	enum oe_fwd_verdict v, bad = OE_FWD_MALFORMED;
	struct oe_fwd_rules rules;
	size_t k;

	oe_fwd__rules(f->conn, own, FWD_OWN_MAX, &rules);
	for (k = 0; k < n; k++) {
		v = oe_fwd_rules_addr(&rules, i->host, &addrs[k], i->port);
		if (v == OE_FWD_ALLOWED)
			i->addrs[i->naddrs++] = addrs[k];
		else
			bad = v;
	}
	return i->naddrs ? OE_FWD_ALLOWED : bad;
}

static void
forwards_resolved(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	struct oe_addr addrs[OE_FWD_ADDRS_MAX];
	enum oe_fwd_verdict v;
	size_t n = 0;

	if (i->kind != FWD_LOCAL || i->state != FWD_RESOLVING ||
	    oe_fwd_addrs_get(&m->payload, addrs, OE_FWD_ADDRS_MAX, &n) < 0)
		return;
	v = item_permit(f, i, addrs, n);
	if (v == OE_FWD_ALLOWED)
		item_order_addrs(f, i, OE_FWD_DO_CONNECT, i->port);
	else
		item_answer(f, i, -1, oe_fwd_verdict_text(v));
}

/* Is @fd connected to what was permitted?  The forwarder is the user's. */
static bool
item_verify(struct fwd_item *i, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct oe_addr a;
	size_t k;

	memset(&sa, 0, sizeof sa);
	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
		return false;
	if (i->is_unix)
		return sa.ss_family == AF_UNIX;
	if (oe_addr_from_sockaddr((struct sockaddr *)&sa, len, &a) < 0 ||
	    oe_fwd_sockaddr_port(&sa) != i->port)
		return false;
	oe_addr_format(&a, i->address);
	for (k = 0; k < i->naddrs; k++)
		if (oe_addr_equal(&i->addrs[k], &a))
			return true;
	return false;
}

static void
item_opened(struct oe_srv_forwards *f, struct fwd_item *i, const char *name)
{
	struct oe_event e;

	i->state = FWD_OPEN;
	item_event(f, i, &e, name);
	if (i->kind == FWD_LISTENER)
		oe_event_int(&e, "bound_port", i->real_port);
	oe_event_end(&e, &f->conn->srv->events);
}

static void
forwards_connected(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	int fd = oe_ipc_msg_claim(m, 0);

	if (i->kind != FWD_LOCAL || i->state != FWD_CONNECTING) {
		oe_fd_close(&fd);
		return;
	}
	if (fd < 0 || !item_verify(i, fd)) {
		oe_fd_close(&fd);
		item_answer(f, i, -1, "the forwarder connected elsewhere");
		return;
	}
	item_opened(f, i, "forward.open");
	item_answer(f, i, fd, NULL);
}

static void
forwards_listening(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	uint32_t port;

	if (i->kind != FWD_LISTENER || i->state != FWD_CONNECTING ||
	    oe_buf_get_u32(&m->payload, &port) < 0 || !port || port > 65535)
		return;
	i->real_port = port;
	item_opened(f, i, "forward.listen");
	item_answer(f, i, -1, NULL);
}

static void
forwards_accepted(
    struct oe_srv_forwards *f, struct fwd_item *l, struct oe_ipc_msg *m)
{
	int fd = oe_ipc_msg_claim(m, 0);
	struct oe_ipc_msg note;
	struct fwd_item *i;
	char *origin = NULL;
	uint32_t port;

	if (fd < 0 || l->kind != FWD_LISTENER || l->state != FWD_OPEN ||
	    f->nconnections >= OE_FWD_CONNECTIONS_MAX ||
	    oe_buf_get_cstring(&m->payload, OE_ADDR_TEXT_MAX, &origin) < 0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0) {
		free(origin);
		oe_fd_close(&fd);
		return;
	}
	i = item_new(f, FWD_REMOTE);
	i->listener = l->id;
	i->host = oe_mem_strdup(l->host);
	i->port = l->real_port;
	i->origin = origin;
	i->origin_port = port;
	item_opened(f, i, "forward.open");
	oe_ipc_msg_init(&note, OE_SRV_NOTE_FORWARD_ACCEPTED);
	(void)oe_buf_put_u32(&note.payload, i->id);
	(void)oe_buf_put_cstring(&note.payload, i->host);
	(void)oe_buf_put_u32(&note.payload, i->port);
	(void)oe_buf_put_cstring(&note.payload, i->origin);
	(void)oe_buf_put_u32(&note.payload, i->origin_port);
	note.fds[0] = fd;
	note.nfds = 1;
	oe_fwd_mailbox_send(f->net, &note);
}

static void
forwards_failed(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	char *why = NULL;

	if (i->state == FWD_OPEN || i->kind == FWD_REMOTE ||
	    oe_buf_get_cstring(&m->payload, OE_FWD_WHY_MAX, &why) < 0)
		return;
	item_answer(f, i, -1, why);
	free(why);
}

static void
forwards_got(void *arg, struct oe_ipc_msg *m)
{
	struct oe_srv_forwards *f = arg;
	struct fwd_item *i;
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0)
		return;
	/* what was ended meanwhile is not known any more */
	i = item_find(f, id);
	if (!i)
		return;
	switch (m->type) {
	case OE_FWD_IS_RESOLVED:
		forwards_resolved(f, i, m);
		break;
	case OE_FWD_IS_CONNECTED:
		forwards_connected(f, i, m);
		break;
	case OE_FWD_IS_LISTENING:
		forwards_listening(f, i, m);
		break;
	case OE_FWD_IS_ACCEPTED:
		forwards_accepted(f, i, m);
		break;
	case OE_FWD_IS_FAILED:
		forwards_failed(f, i, m);
		break;
	}
}

/* Without the forwarder nothing that it did is left but what net has. */
static void
forwards_lost(void *arg)
{
	struct oe_srv_forwards *f = arg;
	struct fwd_item *i, *next;

	oe_log_debug(&f->conn->lc_user, "the forwarder is gone");
	for (i = f->items; i; i = next) {
		next = i->next;
		if (i->state != FWD_OPEN)
			item_answer(f, i, -1, "the forwarder is gone");
		else if (i->kind == FWD_LISTENER)
			item_closed(f, i, 0, 0);
	}
}

static void
forwards_net_lost(void *arg)
{
	struct oe_srv_forwards *f = arg;

	f->conn->done = true;
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
	item_refused(f, i, why);
	item_free(f, i);
	forwards_reply(f->conn, type, 0);
}

static const char *
forwards_start(struct oe_srv_forwards *f)
{
	return oe_fwd__forwarder_start(f, forwards_got, forwards_lost)
		   ? NULL
		   : "the forwarder does not start";
}

static const char *
connect_begin(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct oe_addr own[FWD_OWN_MAX], literal;
	struct oe_fwd_rules rules;
	enum oe_fwd_verdict v;
	const char *why;
	bool is_addr = oe_addr_parse(i->host, &literal, NULL) == 0;

	if (f->nconnections > OE_FWD_CONNECTIONS_MAX)
		return "too many connections";
	oe_fwd__rules(f->conn, own, FWD_OWN_MAX, &rules);
	v = i->is_unix ? oe_fwd_rules_unix(&rules, i->host)
	    : is_addr  ? item_permit(f, i, &literal, 1)
		       : oe_fwd_rules_name(&rules, i->host, i->port);
	if (v != OE_FWD_ALLOWED)
		return oe_fwd_verdict_text(v);
	why = forwards_start(f);
	if (why)
		return why;
	if (i->is_unix) {
		i->state = FWD_CONNECTING;
		item_order_text(f, i, OE_FWD_DO_UNIX);
	} else if (is_addr) {
		item_order_addrs(f, i, OE_FWD_DO_CONNECT, i->port);
	} else {
		i->state = FWD_RESOLVING;
		item_order_text(f, i, OE_FWD_DO_RESOLVE);
	}
	return NULL;
}

static int
forwards_connect(struct oe_srv_forwards *f, struct oe_ipc_msg *m)
{
	char *host = NULL, *origin = NULL;
	uint32_t port, origin_port;
	struct fwd_item *i;
	const char *why;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &host) <
		0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &origin) <
		0 ||
	    oe_buf_get_u32(&m->payload, &origin_port) < 0) {
		free(host);
		free(origin);
		return OE_EPROTO;
	}
	i = item_new(f, FWD_LOCAL);
	i->host = host;
	i->port = port;
	/* doc/protocol/forwarding.md: how a path travels */
	i->is_unix = *host == '/' && !port;
	i->origin = origin;
	i->origin_port = origin_port;
	why = connect_begin(f, i);
	if (why)
		forwards_refuse(f, i, m->type, why);
	else
		forwards_reply(f->conn, m->type, i->id);
	return 0;
}

static const char *
listen_begin(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct oe_addr own[FWD_OWN_MAX];
	struct oe_fwd_rules rules;
	enum oe_fwd_verdict v;
	const char *why;

	if (f->nlisteners > OE_FWD_LISTENERS_MAX)
		return "too many listeners";
	oe_fwd__rules(f->conn, own, FWD_OWN_MAX, &rules);
	v = oe_fwd_rules_listen(&rules, i->host, i->port);
	if (v != OE_FWD_ALLOWED)
		return oe_fwd_verdict_text(v);
	i->naddrs = oe_fwd__listen_addrs(f->conn, i->host, i->addrs);
	if (!i->naddrs)
		return "no address of this machine";
	why = forwards_start(f);
	if (!why)
		item_order_addrs(f, i, OE_FWD_DO_LISTEN, i->port);
	return why;
}

static int
forwards_listen(struct oe_srv_forwards *f, struct oe_ipc_msg *m)
{
	struct fwd_item *i;
	char *host = NULL;
	const char *why;
	uint32_t port;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &host) <
		0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0) {
		free(host);
		return OE_EPROTO;
	}
	i = item_new(f, FWD_LISTENER);
	i->host = host;
	i->port = port;
	why = listen_begin(f, i);
	if (why)
		forwards_refuse(f, i, m->type, why);
	else
		forwards_reply(f->conn, m->type, i->id);
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
		item_order(i, OE_FWD_DO_END, &order);
		oe_fwd_mailbox_send(f->forwarder, &order);
		item_closed(f, i, 0, 0);
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
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0 ||
	    oe_buf_get_u64(&m->payload, &sent) < 0 ||
	    oe_buf_get_u64(&m->payload, &received) < 0)
		return OE_EPROTO;
	i = item_find(f, id);
	if (!i || i->kind == FWD_LISTENER)
		return OE_EPROTO;
	/* the peer was gone before the answer was there */
	if (i->state != FWD_OPEN && f->forwarder) {
		item_order(i, OE_FWD_DO_END, &order);
		oe_fwd_mailbox_send(f->forwarder, &order);
	}
	item_closed(f, i, sent, received);
	oe_srv__reply(f->conn, m->type, 1);
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
	/* its socket tells the rest */
	f->pid = 0;
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
		item_closed(f, f->items, 0, 0);
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
    .end = oe_fwd__end,
};
