/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards under a rule that has changed: what could not be begun now does
 * not go on.
 *
 * net has the sockets and moves the bytes.  It is told, and may be anybody's:
 * a socket is shut down here besides, which holds for every descriptor of it.
 */
#include <errno.h>
#include <sys/socket.h>

#include "core/net/ipc.h"
#include "forwarding/mailbox.h"
#include "forwarding/server_monitor.h"
#include "server/conn.h"
#include "server/proto.h"

static enum oe_fwd_verdict
recheck_listen(
    const struct oe_fwd_rules *r, const struct fwd_item *i, unsigned port)
{
	enum oe_fwd_verdict v = OE_FWD_ALLOWED;
	size_t k;

	for (k = 0; k < i->naddrs && v == OE_FWD_ALLOWED; k++)
		v = oe_fwd_rules_listen(r, i->host, &i->addrs[k], port);
	return v;
}

static enum oe_fwd_verdict
recheck_local(const struct oe_fwd_rules *r, const struct fwd_item *i)
{
	enum oe_fwd_verdict v = OE_FWD_ALLOWED;
	struct oe_addr a;
	size_t k;

	if (i->is_unix)
		return oe_fwd_rules_unix(r, i->host);
	/* its addresses are judged when they are known */
	if (i->state == FWD_RESOLVING)
		return oe_fwd_rules_name(r, i->host, i->port);
	if (i->state == FWD_OPEN)
		return oe_addr_parse(i->address, &a, NULL) < 0
			   ? OE_FWD_MALFORMED
			   : oe_fwd_rules_addr(r, i->host, &a, i->port);
	for (k = 0; k < i->naddrs && v == OE_FWD_ALLOWED; k++)
		v = oe_fwd_rules_addr(r, i->host, &i->addrs[k], i->port);
	return v;
}

static enum oe_fwd_verdict
recheck_item(const struct oe_fwd_rules *r, const struct fwd_item *i)
{
	switch (i->kind) {
	case FWD_LOCAL:
		return recheck_local(r, i);
	case FWD_REMOTE:
		return recheck_listen(r, i, i->asked_port);
	case FWD_LISTENER:
		break;
	}
	return recheck_listen(r, i, i->port);
}

/* Counts of its bytes come from net, or at the end of the connection. */
static void
recheck_cut(struct oe_srv_forwards *f, struct fwd_item *i)
{
	struct oe_ipc_msg m;

	if (shutdown(i->fd, SHUT_RDWR) < 0 && errno != ENOTCONN) {
		oe_srv__end(f->conn, OE_SRV_END_POLICY,
		    "the policy no longer permits a forwarding");
		return;
	}
	oe_ipc_msg_init(&m, OE_SRV_NOTE_FORWARD_END);
	(void)oe_buf_put_u32(&m.payload, i->id);
	oe_fwd_mailbox_send(f->net, &m);
}

static void
recheck_end(struct oe_srv_forwards *f, struct fwd_item *i, const char *why)
{
	struct oe_ipc_msg order;

	oe_log_info(&f->conn->lc_user,
	    "forwarding of %s port %u is ended by the policy: %s", i->host,
	    i->port, why);
	if (i->state == FWD_OPEN && i->kind != FWD_LISTENER) {
		recheck_cut(f, i);
		return;
	}
	oe_fwd__item_order(i, OE_FWD_DO_END, &order);
	if (i->state == FWD_OPEN)
		oe_fwd__item_closed(f, i, 0, 0);
	else
		oe_fwd__item_answer(f, i, -1, why);
	/* may lose the forwarder, and with it what waits for it */
	if (f->forwarder && !f->forwarder_lost)
		oe_fwd_mailbox_send(f->forwarder, &order);
	else
		oe_ipc_msg_done(&order);
}

/* One after the other from the beginning: ending one may end others. */
void
oe_fwd__recheck(struct oe_srv_conn *c)
{
	struct oe_srv_forwards *f = c->forwards;
	enum oe_fwd_verdict v = OE_FWD_ALLOWED;
	struct oe_fwd_rules rules;
	struct fwd_item *i;

	if (!f)
		return;
	oe_fwd__rules(c, &rules);
	do {
		for (i = f->items; i; i = i->next) {
			v = recheck_item(&rules, i);
			if (v != OE_FWD_ALLOWED && !i->cut)
				break;
		}
		if (!i)
			return;
		i->cut = true;
		recheck_end(f, i, oe_fwd_verdict_text(v));
	} while (c->forwards);
}
