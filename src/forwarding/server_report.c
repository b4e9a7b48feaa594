/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the forwarder reports.  It is the user's: nothing of it is believed
 * that the kernel does not say too.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "forwarding/mailbox.h"
#include "forwarding/server_monitor.h"
#include "forwarding/server_wire.h"
#include "server/conn.h"
#include "server/proto.h"

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
	v = oe_fwd__item_permit(f, i, addrs, n);
	if (v == OE_FWD_ALLOWED)
		oe_fwd__item_order_addrs(f, i, OE_FWD_DO_CONNECT, i->port);
	else
		oe_fwd__item_answer(f, i, -1, oe_fwd_verdict_text(v));
}

/* Is @fd connected to what was permitted?  The forwarder is the user's. */
static bool
connected_verify(struct fwd_item *i, int fd)
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
forwards_connected(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	int fd = oe_ipc_msg_claim(m, 0);

	if (i->kind != FWD_LOCAL || i->state != FWD_CONNECTING) {
		oe_fd_close(&fd);
		return;
	}
	if (fd < 0 || !connected_verify(i, fd)) {
		oe_fd_close(&fd);
		oe_fwd__item_answer(
		    f, i, -1, "the forwarder connected elsewhere");
		return;
	}
	oe_fwd__item_hold(i, fd);
	/* net first: it has work to do while the event is written */
	oe_fwd__item_answer(f, i, fd, NULL);
	oe_fwd__item_opened(f, i, "forward.open");
}

static void
forwards_listening(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	uint32_t port;

	if (i->kind != FWD_LISTENER || i->state != FWD_CONNECTING ||
	    oe_buf_get_u32(&m->payload, &port) < 0 || !port || port > 65535 ||
	    (i->port && i->port != port))
		return;
	i->real_port = port;
	oe_fwd__item_opened(f, i, "forward.listen");
	oe_fwd__item_answer(f, i, -1, NULL);
}

static bool
accepted_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *),
    struct sockaddr_storage *ret, struct oe_addr *ret_addr)
{
	socklen_t len = sizeof *ret;

	memset(ret, 0, sizeof *ret);
	return get(fd, (struct sockaddr *)ret, &len) == 0 &&
	       oe_addr_from_sockaddr((struct sockaddr *)ret, len, ret_addr) ==
		   0;
}

/* Did @fd come to listener @l?  Tells from where. */
static bool
accepted_verify(const struct fwd_item *l, int fd, struct oe_addr *ret_from,
    unsigned *ret_port)
{
	static const uint8_t any[16];
	struct sockaddr_storage at, from;
	struct oe_addr a;
	size_t k;

	if (!accepted_name(fd, getsockname, &at, &a) ||
	    !accepted_name(fd, getpeername, &from, ret_from) ||
	    oe_fwd_sockaddr_port(&at) != l->real_port)
		return false;
	*ret_port = oe_fwd_sockaddr_port(&from);
	for (k = 0; k < l->naddrs; k++)
		if (!memcmp(l->addrs[k].bytes, any, sizeof any) ||
		    oe_addr_equal(&l->addrs[k], &a))
			return true;
	return false;
}

static void
accepted_tell(struct oe_srv_forwards *f, const struct fwd_item *i, int fd)
{
	struct oe_ipc_msg note;

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
forwards_accepted(
    struct oe_srv_forwards *f, struct fwd_item *l, struct oe_ipc_msg *m)
{
	int fd = oe_ipc_msg_claim(m, 0);
	char origin[OE_ADDR_TEXT_MAX];
	struct oe_addr from;
	struct fwd_item *i;
	unsigned port;

	if (fd < 0 || l->kind != FWD_LISTENER || l->state != FWD_OPEN ||
	    f->nconnections >= OE_FWD_CONNECTIONS_MAX ||
	    !accepted_verify(l, fd, &from, &port)) {
		oe_fd_close(&fd);
		return;
	}
	oe_addr_format(&from, origin);
	i = oe_fwd__item_new(f, FWD_REMOTE);
	i->listener = l->id;
	i->host = oe_mem_strdup(l->host);
	i->port = l->real_port;
	i->origin = oe_mem_strdup(origin);
	i->origin_port = port;
	memcpy(i->addrs, l->addrs, sizeof i->addrs);
	i->naddrs = l->naddrs;
	i->asked_port = l->port;
	oe_fwd__item_hold(i, fd);
	oe_fwd__item_opened(f, i, "forward.open");
	accepted_tell(f, i, fd);
}

static void
forwards_failed(
    struct oe_srv_forwards *f, struct fwd_item *i, struct oe_ipc_msg *m)
{
	char *why = NULL;

	if (i->state == FWD_OPEN || i->kind == FWD_REMOTE ||
	    oe_buf_get_cstring(&m->payload, OE_FWD_WHY_MAX, &why) < 0)
		return;
	oe_fwd__item_answer(f, i, -1, why);
	free(why);
}

void
oe_fwd__forwarder_got(void *arg, struct oe_ipc_msg *m)
{
	struct oe_srv_forwards *f = arg;
	struct fwd_item *i;
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0)
		return;
	/* what was ended meanwhile is not known any more */
	i = oe_fwd__item_find(f, id);
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

void
oe_fwd__forwarder_lost(void *arg)
{
	struct oe_srv_forwards *f = arg;
	struct fwd_item *i, *next;

	if (f->forwarder_lost)
		return;
	f->forwarder_lost = true;
	/* one that does not read, or talks nonsense, is as good as gone */
	if (f->pid)
		kill(f->pid, SIGKILL);
	oe_log_debug(&f->conn->lc_user, "the forwarder is gone");
	for (i = f->items; i; i = next) {
		next = i->next;
		if (i->state != FWD_OPEN)
			oe_fwd__item_answer(f, i, -1, "the forwarder is gone");
		else if (i->kind == FWD_LISTENER)
			oe_fwd__item_closed(f, i, 0, 0);
	}
}
