/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding in net: the peer's requests become questions to the monitor, the
 * descriptors that it sends become channels.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "core/ssh/client.h"
#include "core/ssh/forward.h"
#include "core/ssh/pump.h"
#include "forwarding/server_monitor.h"
#include "server/net_rpc.h"
#include "server/proto.h"

struct net_forward {
	struct net_forward *next;
	struct oe_srv_net_forwards *all;
	uint32_t id;    /* the monitor's; 0: it is not known (yet) */
	uint32_t token; /* until it is; 0: none */
	struct oe_ssh_request *request; /* to be answered, or NULL */
	struct oe_ssh_open *open;       /* to be confirmed, or NULL */
	int fd;                         /* until the channel is there */
	char *host, *origin;
	struct oe_ssh_chan *chan;
	struct oe_ssh_pump *pump;
	bool is_listen;
	bool input_done, peer_eof, closed;
	bool over; /* to be freed */
};

struct oe_srv_net_forwards {
	struct oe_loop *loop;
	struct oe_ssh *ssh;
	int rpc;
	struct net_forward *list;
	uint64_t past; /* traffic of those that are gone */
	bool untidy;   /* one of them is over */
	uint32_t last_token;
};

static void
forward_over(struct net_forward *n)
{
	n->over = true;
	n->all->untidy = true;
}

static uint64_t
forward_traffic(const struct net_forward *n)
{
	uint64_t sent = 0, received = 0;

	if (n->pump)
		oe_ssh_pump_bytes(n->pump, &sent, &received);
	return sent + received;
}

static void
forward_report(struct net_forward *n)
{
	uint64_t sent = 0, received = 0;
	struct oe_ipc_msg m;

	/* the monitor forgets by itself what did not come to be */
	if (n->is_listen || n->request || !n->id)
		return;
	if (n->pump)
		oe_ssh_pump_bytes(n->pump, &sent, &received);
	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CLOSE);
	(void)oe_buf_put_u32(&m.payload, n->id);
	(void)oe_buf_put_u64(&m.payload, sent);
	(void)oe_buf_put_u64(&m.payload, received);
	oe_srv__rpc_tell(n->all->rpc, &m);
	n->id = 0;
}

static void
forward_free(struct net_forward *n)
{
	n->all->past += forward_traffic(n);
	forward_report(n);
	oe_ssh_request_refuse(&n->request);
	oe_ssh_open_free(&n->open);
	oe_ssh_pump_free(&n->pump);
	oe_ssh_chan_free(&n->chan);
	oe_fd_close(&n->fd);
	free(n->host);
	free(n->origin);
	free(n);
}

/* Between rounds, when nobody is inside a channel. */
static bool
forwards_sweep(void *arg)
{
	struct oe_srv_net_forwards *f = arg;
	struct net_forward **p = &f->list, *n;

	if (!f->untidy)
		return false;
	f->untidy = false;
	while ((n = *p)) {
		if (!n->over) {
			p = &n->next;
			continue;
		}
		*p = n->next;
		forward_free(n);
	}
	return false;
}

static struct net_forward *
forward_new(struct oe_srv_net_forwards *f, uint32_t id)
{
	struct net_forward *n = oe_mem_zalloc(sizeof *n);

	n->all = f;
	n->id = id;
	n->fd = -1;
	n->next = f->list;
	f->list = n;
	return n;
}

static struct net_forward *
forward_find(struct oe_srv_net_forwards *f, uint32_t id)
{
	struct net_forward *n;

	for (n = f->list; n && n->id != id; n = n->next)
		continue;
	return n;
}

static void
forward_maybe_end(struct net_forward *n)
{
	/* both directions have ended, and all of it is where it belongs */
	if ((n->input_done || n->closed) && n->peer_eof &&
	    oe_ssh_pump_output_done(n->pump)) {
		oe_ssh_chan_close(n->chan);
		forward_over(n);
	}
}

static size_t
forward_on_data(void *arg, const void *p, size_t size, bool ext)
{
	struct net_forward *n = arg;

	if (!n->pump)
		return 0;
	return ext ? size : oe_ssh_pump_data(n->pump, p, size, ext);
}

static void
forward_on_eof(void *arg)
{
	struct net_forward *n = arg;

	n->peer_eof = true;
	if (!n->pump)
		return;
	oe_ssh_pump_eof(n->pump);
	forward_maybe_end(n);
}

/* What came before the end is the target's, however slowly it reads. */
static void
forward_on_closed(void *arg)
{
	struct net_forward *n = arg;

	n->closed = true;
	if (!n->pump || oe_ssh_pump_output_done(n->pump)) {
		forward_over(n);
		return;
	}
	n->peer_eof = true;
	oe_ssh_pump_eof(n->pump);
}

static const struct oe_ssh_chan_ops forward_chan_ops = {
    .data = forward_on_data,
    .eof = forward_on_eof,
    .closed = forward_on_closed,
};

static void
forward_on_input_done(void *arg)
{
	struct net_forward *n = arg;

	n->input_done = true;
	forward_maybe_end(n);
}

/* The target takes nothing more: neither does the channel. */
static void
forward_on_output_failed(void *arg, int sys_errno)
{
	struct net_forward *n = arg;

	(void)sys_errno;
	oe_ssh_chan_close(n->chan);
	forward_over(n);
}

static void
forward_on_output_done(void *arg)
{
	forward_maybe_end(arg);
}

static void
forward_pump(struct net_forward *n)
{
	struct oe_ssh_pump_plan plan = {.in_fd = n->fd,
	    .more_fd = -1,
	    .out_fd = n->fd,
	    .err_fd = -1,
	    .input_done = forward_on_input_done,
	    .output_done = forward_on_output_done,
	    .output_failed = forward_on_output_failed,
	    .socket = true,
	    .arg = n};

	n->fd = -1;
	n->pump = oe_ssh_pump_new(n->all->loop, n->chan, &plan);
	/* what came before */
	oe_ssh_chan_resume(n->chan);
	if (n->peer_eof)
		oe_ssh_pump_eof(n->pump);
}

/* --- what the peer asks --------------------------------------------------- */

static void
asked_put(struct oe_ipc_msg *m, const struct oe_ssh_request_text *t)
{
	(void)oe_buf_put_cstring(&m->payload, t->host);
	(void)oe_buf_put_u32(&m->payload, (uint32_t)t->port);
	if (t->kind != OE_SSH_REQUEST_DIRECT)
		return;
	(void)oe_buf_put_cstring(&m->payload, t->origin);
	(void)oe_buf_put_u32(&m->payload, (uint32_t)t->origin_port);
}

static uint32_t
asked_ask(struct oe_srv_net_forwards *f, uint8_t type,
    const struct oe_ssh_request_text *t)
{
	struct oe_ipc_msg m, reply;
	uint32_t id = 0;

	oe_ipc_msg_init(&m, type);
	asked_put(&m, t);
	if (!oe_srv__rpc_bool(f->rpc, &m, &reply) ||
	    oe_buf_get_u32(&reply.payload, &id) < 0)
		id = 0;
	oe_ipc_msg_done(&reply);
	return id;
}

static void
asked_cancel(struct oe_srv_net_forwards *f, struct oe_ssh_request *r)
{
	const struct oe_ssh_request_text *t = oe_ssh_request_text(r);
	uint32_t id = asked_ask(f, OE_SRV_REQ_FORWARD_CANCEL, t);

	if (id)
		oe_ssh_request_grant(&r, t->port);
	else
		oe_ssh_request_refuse(&r);
}

static void
asked_listen(struct oe_srv_net_forwards *f, struct oe_ssh_request *r)
{
	uint32_t id =
	    asked_ask(f, OE_SRV_REQ_FORWARD_LISTEN, oe_ssh_request_text(r));
	struct net_forward *n;

	if (!id) {
		oe_ssh_request_refuse(&r);
		return;
	}
	n = forward_new(f, id);
	n->request = r;
	n->is_listen = true;
}

/* Nothing waits for the monitor here: it tells, by the token. */
static void
asked_connect(struct oe_srv_net_forwards *f, struct oe_ssh_request *r)
{
	struct net_forward *n = forward_new(f, 0);
	struct oe_ipc_msg m;

	/* 0 is none */
	if (!++f->last_token)
		f->last_token++;
	n->token = f->last_token;
	n->request = r;
	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CONNECT);
	(void)oe_buf_put_u32(&m.payload, n->token);
	asked_put(&m, oe_ssh_request_text(r));
	oe_srv__rpc_tell(f->rpc, &m);
}

static void
forwards_asked(void *arg, struct oe_ssh_request *r)
{
	switch (oe_ssh_request_text(r)->kind) {
	case OE_SSH_REQUEST_CANCEL:
		asked_cancel(arg, r);
		break;
	case OE_SSH_REQUEST_LISTEN:
		asked_listen(arg, r);
		break;
	default:
		asked_connect(arg, r);
	}
}

/* --- what the monitor tells ----------------------------------------------- */

static struct net_forward *
told_find(struct oe_srv_net_forwards *f, uint32_t token)
{
	struct net_forward *n;

	for (n = f->list; n && n->token != token; n = n->next)
		continue;
	return token ? n : NULL;
}

static void
told_connected(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m)
{
	int fd = oe_ipc_msg_claim(m, 0);
	struct net_forward *n;
	uint32_t token, id;
	uint8_t yes;

	if (oe_buf_get_u32(&m->payload, &token) < 0 ||
	    oe_buf_get_u8(&m->payload, &yes) < 0 ||
	    oe_buf_get_u32(&m->payload, &id) < 0 ||
	    !(n = told_find(f, token))) {
		oe_fd_close(&fd);
		return;
	}
	n->token = 0;
	if (!yes || fd < 0) {
		oe_fd_close(&fd);
		forward_over(n);
		return;
	}
	n->id = id;
	n->fd = fd;
	n->chan = oe_ssh_request_accept(&n->request, &forward_chan_ops, n);
	if (n->chan)
		forward_pump(n);
	else
		forward_over(n);
}

static void
told_listening(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m)
{
	struct net_forward *n;
	uint32_t id, port;
	uint8_t yes;

	if (oe_buf_get_u32(&m->payload, &id) < 0 ||
	    oe_buf_get_u8(&m->payload, &yes) < 0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0 ||
	    !(n = forward_find(f, id)) || !n->request)
		return;
	if (yes)
		oe_ssh_request_grant(&n->request, (int)port);
	forward_over(n);
}

static void
told_opened(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct net_forward *n = arg;

	(void)pty_refused;
	(void)err;
	n->chan = chan;
	if (chan)
		forward_pump(n);
	else
		forward_over(n);
}

static void
told_accepted(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m)
{
	struct oe_ssh_open_plan plan = {.kind = OE_SSH_OPEN_FORWARDED,
	    .ops = &forward_chan_ops,
	    .done = told_opened};
	uint32_t id, port, origin_port;
	struct net_forward *n;
	char *host = NULL, *origin = NULL;

	if (oe_buf_get_u32(&m->payload, &id) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &host) <
		0 ||
	    oe_buf_get_u32(&m->payload, &port) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_FORWARD_HOST_MAX, &origin) <
		0 ||
	    oe_buf_get_u32(&m->payload, &origin_port) < 0) {
		free(host);
		free(origin);
		return;
	}
	n = forward_new(f, id);
	n->fd = oe_ipc_msg_claim(m, 0);
	plan.text = n->host = host;
	plan.port = (int)port;
	plan.origin = n->origin = origin;
	plan.origin_port = (int)origin_port;
	plan.ops_arg = plan.arg = n;
	if (n->fd < 0)
		forward_over(n);
	else
		n->open = oe_ssh_open_start(f->ssh, &plan);
}

static void
told_end(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m)
{
	struct net_forward *n;
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0 || !id ||
	    !(n = forward_find(f, id)) || n->is_listen)
		return;
	if (n->chan)
		oe_ssh_chan_close(n->chan);
	forward_over(n);
}

void
oe_fwd__net_notice(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m)
{
	switch (m->type) {
	case OE_SRV_NOTE_FORWARD_ACCEPTED:
		told_accepted(f, m);
		break;
	case OE_SRV_NOTE_FORWARD_CONNECTED:
		told_connected(f, m);
		break;
	case OE_SRV_NOTE_FORWARD_END:
		told_end(f, m);
		break;
	default:
		told_listening(f, m);
	}
}

struct oe_srv_net_forwards *
oe_fwd__net_new(struct oe_loop *loop, struct oe_ssh *ssh, int rpc)
{
	static const struct oe_ssh_forward_ops ops = {.asked = forwards_asked};
	struct oe_srv_net_forwards *f = oe_mem_zalloc(sizeof *f);

	f->loop = loop;
	f->ssh = ssh;
	f->rpc = rpc;
	oe_loop_idle(loop, forwards_sweep, f);
	oe_ssh_forward_serve(ssh, &ops, f);
	return f;
}

uint64_t
oe_fwd__net_traffic(const struct oe_srv_net_forwards *f)
{
	const struct net_forward *n;
	uint64_t sum = f->past;

	for (n = f->list; n; n = n->next)
		sum += forward_traffic(n);
	return sum;
}

void
oe_fwd__net_lost(struct oe_srv_net_forwards *f)
{
	struct net_forward *n;

	for (n = f->list; n; n = n->next)
		forward_report(n);
}
