/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the loop: bytes in, requests to the workers, replies out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control/loop_internal.h"
#include "control/server.h"
#include "control/text.h"
#include "control/tls_cert.h"
#include "core/base/mem.h"
#include "core/base/time.h"

/* Bytes given to TLS at a time, and before others get their turn. */
#define SEND_CHUNK 16384
#define SEND_TURN  (16 * SEND_CHUNK)
/* After the last reply: what is still read, and for how long, so that the
 * other side can read the reply before it sees a reset. */
#define LINGER_MAX (4 << 20)
#define LINGER_MS  2000

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

void
oe_ctl__link_in(struct oe_ctl_loop *l, struct oe_ctl__link *k)
{
	k->next = l->first;
	k->link = &l->first;
	if (k->next)
		k->next->link = &k->next;
	l->first = k;
	l->n_links++;
	l->plan.server->metrics.connections++;
	l->plan.server->metrics.connections_total++;
}

void
oe_ctl__unsend(struct oe_ctl__link *k)
{
	if (k->sending)
		k->loop->unsent -= k->sending->out_len;
	oe_ctl_request_free(&k->sending);
}

void
oe_ctl__expect_none(struct oe_ctl__link *k)
{
	k->loop->expected -= k->expected;
	k->expected = 0;
}

void
oe_ctl__link_out(struct oe_ctl__link **kp)
{
	struct oe_ctl__link *k = *kp;

	*k->link = k->next;
	if (k->next)
		k->next->link = k->link;
	k->loop->n_links--;
	k->loop->plan.server->metrics.connections--;
	/* a worker may still have its request: that answers nobody now */
	if (k->working)
		k->working->owner = NULL;
	oe_ctl__unsend(k);
	oe_ctl__expect_none(k);
	oe_ctl_conn_done(&k->conn);
	oe_mem_free(kp);
}

void
oe_ctl__kill(struct oe_ctl__link *k)
{
	if (k->dead || !k->wsi)
		return;
	k->dead = true;
	oe_ctl__lws()->lws_set_timeout(
	    k->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static void
set_deadline(struct oe_ctl__link *k, int64_t ms)
{
	k->deadline_ms = oe_time_mono_ms() + ms;
}

/* Look for a request in what has been read. */
static void
advance(struct oe_ctl__link *k)
{
	const struct oe_ctl_loop_plan *plan = &k->loop->plan;
	enum oe_ctl_conn_state before = k->conn.state;
	struct oe_ctl_request *r;

	r = oe_ctl_conn_next(&k->conn);
	if (r) {
		oe_ctl__lws()->lws_rx_flow_control(k->wsi, 0);
		oe_ctl__hand_over(k, r);
		return;
	}
	oe_ctl__lws()->lws_rx_flow_control(k->wsi, 1);
	if (k->conn.state == OE_CTL_CONN_BODY && before != OE_CTL_CONN_BODY)
		set_deadline(k, plan->body_ms);
	if (k->conn.say_continue)
		oe_ctl__lws()->lws_callback_on_writable(k->wsi);
}

void
oe_ctl__timed_out(struct oe_ctl__link *k)
{
	struct oe_ctl_request *r;

	/* who began a request is told why; who only was there is not */
	if (k->sending || k->conn.state == OE_CTL_CONN_LINGER ||
	    oe_ctl_conn_idle(&k->conn) || !k->wsi) {
		oe_ctl__kill(k);
		return;
	}
	oe_ctl_request_free(&k->conn.req);
	oe_ctl__expect_none(k);
	k->conn.state = OE_CTL_CONN_BUSY;
	r = oe_mem_zalloc(sizeof *r);
	r->refuse = 408;
	r->close = true;
	oe_ctl__lws()->lws_rx_flow_control(k->wsi, 0);
	oe_ctl__hand_over(k, r);
}

static int
on_read(struct oe_ctl__link *k, const void *p, size_t n)
{
	bool idle = oe_ctl_conn_idle(&k->conn);

	if (k->conn.state == OE_CTL_CONN_LINGER) {
		k->dropped += n;
		return k->dropped > LINGER_MAX ? -1 : 0;
	}
	if (oe_ctl_conn_feed(&k->conn, p, n) < 0)
		return -1;
	if (k->conn.state == OE_CTL_CONN_BUSY)
		return 0;
	advance(k);
	/* a request has begun: it may not take as long as being idle; empty
	 * lines are no request and buy no time */
	if (idle && k->served && k->conn.state == OE_CTL_CONN_HEAD &&
	    !oe_ctl_conn_idle(&k->conn))
		set_deadline(k, k->loop->plan.head_ms);
	return 0;
}

static void
answered(struct oe_ctl__link *k)
{
	bool last = k->sending->close || k->loop->stopping;

	oe_ctl__unsend(k);
	oe_ctl_conn_answered(&k->conn, last);
	k->served = true;
	if (last) {
		/* the other side sees the end, and may finish its own part */
		oe_ctl_tls_end(oe_ctl__lws()->lws_get_ssl(k->wsi));
		(void)shutdown(
		    oe_ctl__lws()->lws_get_socket_fd(k->wsi), SHUT_WR);
		set_deadline(k, LINGER_MS);
		oe_ctl__lws()->lws_rx_flow_control(k->wsi, 1);
		return;
	}
	set_deadline(k, oe_ctl_conn_idle(&k->conn) ? k->loop->plan.idle_ms
						   : k->loop->plan.head_ms);
	advance(k);
}

static int
say_continue(struct oe_ctl__link *k)
{
	unsigned char text[sizeof go_on];

	k->conn.say_continue = false;
	memcpy(text, go_on, sizeof go_on);
	return oe_ctl__lws()->lws_write(
		   k->wsi, text, sizeof go_on - 1, LWS_WRITE_RAW) < 0
		   ? -1
		   : 0;
}

static size_t
size_of(const struct oe_ctl_request *r)
{
	return r->out_len + (r->shared ? oe_ctl_text_len(r->shared) : 0);
}

/* What is sent next; returns how much of it. */
static size_t
piece(const struct oe_ctl__link *k, unsigned char **ret)
{
	const struct oe_ctl_request *r = k->sending;
	size_t at = k->sent, n = r->out_len;
	const char *p = r->out;

	if (at >= n) {
		at -= n;
		n = oe_ctl_text_len(r->shared);
		p = oe_ctl_text_get(r->shared);
	}
	/* lws_write() does not write there: not for raw sockets */
	*ret = (unsigned char *)(uintptr_t)p + at;
	return n - at < SEND_CHUNK ? n - at : SEND_CHUNK;
}

/* -1: the connection is broken. */
static int
send_some(struct oe_ctl__link *k)
{
	size_t n, size = size_of(k->sending), turn = 0;
	bool choked = oe_ctl__lws()->lws_partial_buffered(k->wsi);
	unsigned char *p;

	while (k->sent < size && turn < SEND_TURN && !choked) {
		n = piece(k, &p);
		if (oe_ctl__lws()->lws_write(k->wsi, p, n, LWS_WRITE_RAW) < 0)
			return -1;
		k->sent += n;
		turn += n;
		choked = oe_ctl__lws()->lws_partial_buffered(k->wsi);
	}
	if (turn)
		set_deadline(k, k->loop->plan.body_ms);
	if (k->sent == size && !choked)
		answered(k);
	else
		oe_ctl__lws()->lws_callback_on_writable(k->wsi);
	return 0;
}

static int
on_writable(struct oe_ctl__link *k)
{
	if (k->conn.say_continue)
		return say_continue(k);
	if (!k->sending)
		/* after "Connection: close" nothing more is to be said */
		return 0;
	return send_some(k);
}

void
oe_ctl__send(struct oe_ctl__link *k)
{
	if (!k->dead && k->wsi && send_some(k) < 0)
		oe_ctl__kill(k);
}

int
oe_ctl__on_conn(struct lws *wsi, enum lws_callback_reasons why, void *user,
    void *in, size_t len)
{
	struct oe_ctl_loop *l = oe_ctl__lws()->lws_context_user(
	    oe_ctl__lws()->lws_get_context(wsi));
	struct oe_ctl__link *k;

	if (why == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
		l->ssl_ctx = user;
		return 0;
	}
	if (why == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
		if (l->pool && !l->freeing)
			oe_ctl__woken(l);
		return 0;
	}
	k = oe_ctl__lws()->lws_get_opaque_user_data(wsi);
	if (!k)
		return 0;
	switch (why) {
	case LWS_CALLBACK_RAW_ADOPT:
		k->wsi = wsi;
		return 0;
	case LWS_CALLBACK_RAW_RX:
		/* its end is a timeout that must not be taken back */
		if (k->dead)
			return -1;
		/* the limit of libwebsockets for TLS is over; ours counts */
		oe_ctl__lws()->lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
		return on_read(k, in, len);
	case LWS_CALLBACK_RAW_WRITEABLE:
		return k->dead ? -1 : on_writable(k);
	case LWS_CALLBACK_WSI_DESTROY:
		oe_ctl__lws()->lws_set_opaque_user_data(wsi, NULL);
		k->wsi = NULL;
		/* while adopting, take() still has it */
		if (!k->adopting)
			oe_ctl__link_out(&k);
		return 0;
	default:
		return 0;
	}
}
