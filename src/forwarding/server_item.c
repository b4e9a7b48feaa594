/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards of a connection in the monitor: their list, their events, and what
 * net and the forwarder are told about them.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "forwarding/mailbox.h"
#include "forwarding/server_monitor.h"
#include "forwarding/server_wire.h"
#include "server/conn.h"
#include "server/proto.h"

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

void
oe_fwd__item_refused(
    struct oe_srv_forwards *f, const struct fwd_item *i, const char *why)
{
	struct oe_event e;

	item_event(f, i, &e, "forward.refused");
	oe_event_str(&e, "why", why);
	oe_event_end(&e, &f->conn->srv->events);
	oe_log_debug(&f->conn->lc_user, "no forwarding to %s port %u: %s",
	    i->host, i->port, why);
}

struct fwd_item *
oe_fwd__item_new(struct oe_srv_forwards *f, enum fwd_kind kind)
{
	struct fwd_item *i = oe_mem_zalloc(sizeof *i);

	i->kind = kind;
	i->id = ++f->last_id;
	i->fd = -1;
	i->since_ms = oe_time_mono_ms();
	i->next = f->items;
	f->items = i;
	f->npending++;
	if (kind == FWD_LISTENER)
		f->nlisteners++;
	else
		f->nconnections++;
	return i;
}

void
oe_fwd__item_free(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct fwd_item **p;

	for (p = &f->items; *p != i; p = &(*p)->next)
		continue;
	*p = i->next;
	if (i->state != FWD_OPEN)
		f->npending--;
	if (i->kind == FWD_LISTENER)
		f->nlisteners--;
	else
		f->nconnections--;
	oe_fd_close(&i->fd);
	free(i->host);
	free(i->origin);
	free(i);
}

struct fwd_item *
oe_fwd__item_find(struct oe_srv_forwards *f, uint32_t id)
{
	struct fwd_item *i;

	for (i = f->items; i && i->id != id; i = i->next)
		continue;
	return i;
}

void
oe_fwd__item_closed(struct oe_srv_forwards *f, struct fwd_item *i,
    uint64_t sent, uint64_t received)
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
	oe_fwd__item_free(f, i);
}

void
oe_fwd__item_answer(
    struct oe_srv_forwards *f, struct fwd_item *i, int fd, const char *why)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, i->kind == FWD_LISTENER
				? OE_SRV_NOTE_FORWARD_LISTENING
				: OE_SRV_NOTE_FORWARD_CONNECTED);
	(void)oe_buf_put_u32(
	    &m.payload, i->kind == FWD_LISTENER ? i->id : i->token);
	(void)oe_buf_put_u8(&m.payload, !why);
	(void)oe_buf_put_u32(
	    &m.payload, i->kind == FWD_LISTENER ? i->real_port : i->id);
	if (fd >= 0) {
		m.fds[0] = fd;
		m.nfds = 1;
	}
	oe_fwd_mailbox_send(f->net, &m);
	if (why) {
		oe_fwd__item_refused(f, i, why);
		oe_fwd__item_free(f, i);
	}
}

void
oe_fwd__item_hold(struct fwd_item *i, int fd)
{
	i->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void
oe_fwd__item_order(
    const struct fwd_item *i, enum oe_fwd_order what, struct oe_ipc_msg *ret)
{
	oe_ipc_msg_init(ret, (uint8_t)what);
	(void)oe_buf_put_u32(&ret->payload, i->id);
}

void
oe_fwd__item_order_addrs(struct oe_srv_forwards *f, struct fwd_item *i,
    enum oe_fwd_order what, unsigned port)
{
	struct oe_ipc_msg m;
	size_t k;

	oe_fwd__item_order(i, what, &m);
	(void)oe_buf_put_u32(&m.payload, port);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)i->naddrs);
	for (k = 0; k < i->naddrs; k++)
		oe_fwd_addr_put(&m.payload, &i->addrs[k]);
	i->state = FWD_CONNECTING;
	oe_fwd_mailbox_send(f->forwarder, &m);
}

void
oe_fwd__item_order_text(
    struct oe_srv_forwards *f, struct fwd_item *i, enum oe_fwd_order what)
{
	struct oe_ipc_msg m;

	oe_fwd__item_order(i, what, &m);
	(void)oe_buf_put_cstring(&m.payload, i->host);
	oe_fwd_mailbox_send(f->forwarder, &m);
}

void
oe_fwd__item_opened(
    struct oe_srv_forwards *f, struct fwd_item *i, const char *name)
{
	struct oe_event e;

	i->state = FWD_OPEN;
	f->npending--;
	item_event(f, i, &e, name);
	if (i->kind == FWD_LISTENER)
		oe_event_int(&e, "bound_port", i->real_port);
	oe_event_end(&e, &f->conn->srv->events);
}

enum oe_fwd_verdict
oe_fwd__item_permit(struct oe_srv_forwards *f, struct fwd_item *i,
    const struct oe_addr *addrs, size_t n)
{
	enum oe_fwd_verdict v, bad = OE_FWD_MALFORMED;
	struct oe_fwd_rules rules;
	size_t k;

	oe_fwd__rules(f->conn, &rules);
	for (k = 0; k < n; k++) {
		v = oe_fwd_rules_addr(&rules, i->host, &addrs[k], i->port);
		if (v == OE_FWD_ALLOWED) {
			i->addrs[i->naddrs++] = addrs[k];
			continue;
		}
		bad = v;
		oe_addr_format(&addrs[k], i->address);
	}
	if (!i->naddrs)
		return bad;
	*i->address = 0;
	return OE_FWD_ALLOWED;
}
