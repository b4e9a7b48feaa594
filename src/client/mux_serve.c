/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of one client of a shared connection.  Callbacks only note
 * that a client is over; it is freed before the loop waits.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/forwarding.h"
#include "client/mux_internal.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"

/* Packets of one client before the others get their turn. */
#define ROUNDS 16

static void
client_watch(struct oe_mux__client *c)
{
	short events = 0;

	if (oe_buf_left(&c->stream.out))
		events = POLLOUT;
	/* while it waits, only that it goes away is of interest */
	if (!c->leaving)
		events |= c->waits ? POLLRDHUP : POLLIN;
	oe_watch_set(c->watch, events ? events : POLLRDHUP);
	if (!c->greeted || c->leaving || c->want_fds ||
	    oe_mux_stream_begun(&c->stream) || oe_buf_left(&c->stream.out))
		return;
	oe_timer_set(c->deadline, -1);
}

static void
client_send(struct oe_mux__client *c, int put)
{
	int r = put < 0 ? OE_ECLOSED : oe_mux_stream_flush(&c->stream);

	/* it does not read its answers */
	if (r == OE_EAGAIN && oe_buf_left(&c->stream.out) > OE_MUX_OUT_MAX)
		r = OE_ECLOSED;
	if (r == OE_EAGAIN)
		oe_timer_set(c->deadline, OE_MUX_CLIENT_MS);
	if (r == OE_ECLOSED || (r == 0 && c->leaving))
		c->over = true;
}

static void
client_put(struct oe_mux__client *c, enum oe_mux_type type, uint32_t id,
    uint32_t value, const char *why)
{
	struct oe_mux_reply a = {.type = type, .id = id, .value = value};
	int r;

	a.reason = oe_mem_strdup(why);
	r = oe_mux_put_reply(&c->stream.out, &a);
	oe_mux_reply_done(&a);
	client_send(c, r);
}

/* The request is served; what came behind it may be there already. */
static void
client_next(struct oe_mux__client *c)
{
	oe_mux_request_done(&c->request);
	c->waits = false;
	client_watch(c);
}

void
oe_mux__client_answer(
    struct oe_mux__client *c, enum oe_mux_type type, uint32_t value)
{
	client_put(c, type, c->request.id, value, NULL);
	client_next(c);
}

void
oe_mux__client_refuse(
    struct oe_mux__client *c, enum oe_mux_type type, const char *why)
{
	client_put(c, type, c->request.id, 0, why);
	client_next(c);
}

void
oe_mux__client_tell(struct oe_mux__client *c, enum oe_mux_type type,
    uint32_t session, uint32_t value)
{
	client_put(c, type, session, value, NULL);
	client_watch(c);
}

void
oe_mux__client_leave(struct oe_mux__client *c)
{
	c->leaving = true;
	oe_timer_set(c->deadline, OE_MUX_CLIENT_MS);
	client_send(c, 0);
	client_watch(c);
}

/* --- requests --------------------------------------------------------------
 */

static void
serve_hello(struct oe_mux__client *c)
{
	c->over = c->request.version != OE_MUX_VERSION;
	c->greeted = true;
	c->ours = c->request.ours;
	client_next(c);
}

static void
serve_terminate(struct oe_mux__client *c)
{
	struct oe_mux__master *m = c->master;

	oe_mux__client_answer(c, OE_MUX_S_OK, 0);
	m->over = true;
	m->status = OE_EXIT_OK;
}

/* Nobody new comes; when the last one has gone, it is over. */
static void
serve_stop(struct oe_mux__client *c)
{
	struct oe_mux__master *m = c->master;

	oe_watch_free(&m->watch);
	oe_mux_socket_close(&m->socket);
	m->stays = false;
	m->persist_ms = -1;
	oe_mux__client_answer(c, OE_MUX_S_OK, 0);
}

static void
on_forwarded(void *arg, int port, const struct oe_err *err)
{
	struct oe_mux__client *c = arg;

	if (err)
		oe_mux__client_refuse(c, OE_MUX_S_FAILURE, oe_err_text(err));
	else if (c->request.kind == 'R' && !c->request.from.port &&
		 !c->request.from.path)
		oe_mux__client_answer(c, OE_MUX_S_REMOTE_PORT, (uint32_t)port);
	else
		oe_mux__client_answer(c, OE_MUX_S_OK, 0);
}

static void
serve_forward(struct oe_mux__client *c)
{
	struct oe_mux__master *m = c->master;
	struct oe_err err = OE_ERR_INIT;
	struct oe_cli_forward what;
	int r;

	if (!m->forwards) {
		oe_mux__client_refuse(c, OE_MUX_S_FAILURE,
		    "the master's build forwards no ports");
		return;
	}
	r = oe_mux_request_forward(&c->request, &what, &err);
	if (r == 0 && c->request.type == OE_MUX_C_OPEN_FWD) {
		m->plan.forwarding->add(m->forwards, &what, on_forwarded, c);
		return;
	}
	if (r == 0)
		r = m->plan.forwarding->remove(m->forwards, &what, &err);
	if (r == 0)
		oe_mux__client_answer(c, OE_MUX_S_OK, 0);
	else
		oe_mux__client_refuse(c, OE_MUX_S_FAILURE, oe_err_text(&err));
}

static void
serve(struct oe_mux__client *c)
{
	switch (c->request.type) {
	case OE_MUX_HELLO:
		serve_hello(c);
		break;
	case OE_MUX_C_ALIVE_CHECK:
		oe_mux__client_answer(c, OE_MUX_S_ALIVE, (uint32_t)getpid());
		break;
	case OE_MUX_C_TERMINATE:
		serve_terminate(c);
		break;
	case OE_MUX_C_STOP_LISTENING:
		serve_stop(c);
		break;
	case OE_MUX_C_NEW_SESSION:
	case OE_MUX_C_NEW_STDIO_FWD:
		oe_mux__session_start(c);
		break;
	case OE_MUX_C_OPEN_FWD:
	case OE_MUX_C_CLOSE_FWD:
		serve_forward(c);
		break;
	default:
		oe_mux__client_refuse(
		    c, OE_MUX_S_FAILURE, "unsupported request");
	}
}

/* --- asking ----------------------------------------------------------------
 */

/* What ControlMaster=ask asks; NULL: this needs no permission. */
static char *
question(const struct oe_mux__client *c)
{
	const struct oe_sshconf *conf = c->master->plan.conf;
	const char *host = oe_sshconf_host(conf), *what = NULL;
	char safe[256];

	if (!oe_sshconf_is(conf, OE_SSHCONF_CONTROLMASTER, "ask") &&
	    !oe_sshconf_is(conf, OE_SSHCONF_CONTROLMASTER, "autoask"))
		return NULL;
	if (c->request.type == OE_MUX_C_NEW_STDIO_FWD && c->request.to.host) {
		oe_str_escape(c->request.to.host, strlen(c->request.to.host),
		    safe, sizeof safe);
		return oe_mem_printf("Allow forward to %s:%u over the "
				     "connection to %s? ",
		    safe, c->request.to.port, host);
	}
	if (c->request.type == OE_MUX_C_NEW_SESSION)
		what = "Allow shared";
	else if (c->request.type == OE_MUX_C_TERMINATE)
		what = "Terminate shared";
	else if (c->request.type == OE_MUX_C_STOP_LISTENING)
		what = "Disable further multiplexing on shared";
	else if (c->request.type == OE_MUX_C_OPEN_FWD)
		what = "Allow a forward over shared";
	return what ? oe_mem_printf("%s connection to %s? ", what, host) : NULL;
}

static void
on_permission(void *arg, bool yes)
{
	struct oe_mux__client *c = arg;

	oe_mux__ask_free(&c->ask);
	if (yes)
		serve(c);
	else
		oe_mux__client_refuse(
		    c, OE_MUX_S_PERMISSION_DENIED, "Permission denied");
}

/* What the master was started for is what the user wants. */
static void
admit(struct oe_mux__client *c)
{
	char *text = c->first ? NULL : question(c);

	c->waits = true;
	if (!text) {
		serve(c);
		return;
	}
	c->ask = oe_mux__ask_start(c->master->loop, text, on_permission, c);
	free(text);
	if (!c->ask)
		oe_mux__client_refuse(
		    c, OE_MUX_S_PERMISSION_DENIED, "Permission denied");
}

/* --- the stream ------------------------------------------------------------
 */

static int
read_request(struct oe_mux__client *c, struct oe_err *err)
{
	struct oe_buf body;
	int r = 0;

	if (!c->want_fds) {
		r = oe_mux_stream_read(&c->stream, &body, err);
		if (r == 0)
			r = oe_mux_request_parse(&body, &c->request, err);
		if (r == 0 && c->greeted == (c->request.type == OE_MUX_HELLO))
			r = oe_err_set(err, OE_EPROTO, "out of order");
		if (r < 0)
			return r;
		c->want_fds = oe_mux_request_fds(&c->request);
	}
	r = oe_mux_stream_read_fds(&c->stream, c->want_fds, err);
	if (r == 0)
		c->want_fds = 0;
	return r;
}

static void
client_read(struct oe_mux__client *c)
{
	struct oe_err err = OE_ERR_INIT;
	int i, r = 0;

	for (i = 0; i < ROUNDS && r == 0 && !c->waits && !c->over; i++) {
		r = read_request(c, &err);
		if (r == 0)
			admit(c);
	}
	if (r == OE_EAGAIN) {
		if (c->want_fds || oe_mux_stream_begun(&c->stream))
			oe_timer_set(c->deadline, OE_MUX_CLIENT_MS);
	} else if (r < 0) {
		oe_log_debug(NULL, "a client of the shared connection: %s",
		    oe_err_text(&err));
		c->over = true;
	}
}

static void
on_ready(void *arg, short revents)
{
	struct oe_mux__client *c = arg;

	if (c->over)
		return;
	if (revents & POLLOUT)
		client_send(c, 0);
	if (c->waits || c->leaving)
		c->over |= (revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
	else
		client_read(c);
	if (c->over)
		oe_watch_set(c->watch, 0);
	else
		client_watch(c);
}

static void
on_late(void *arg)
{
	struct oe_mux__client *c = arg;

	oe_log_debug(NULL, "a client of the shared connection dawdles");
	c->over = true;
}

/* Those that want nothing make room: the list has the newest first. */
static bool
drop_oldest(struct oe_mux__master *m)
{
	struct oe_mux__client *c, *oldest = NULL;

	for (c = m->clients; c; c = c->next)
		if (!c->session && !c->over)
			oldest = c;
	if (oldest)
		oldest->over = true;
	return oldest;
}

void
oe_mux__client_new(struct oe_mux__master *m, int fd, bool first)
{
	struct oe_mux__client *c;

	if (m->nclients >= OE_MUX_CLIENTS_MAX && !drop_oldest(m)) {
		(void)close(fd);
		return;
	}
	c = oe_mem_zalloc(sizeof *c);
	c->master = m;
	c->first = first;
	c->pid = oe_mux_socket_peer(fd);
	oe_mux_stream_init(&c->stream, fd);
	c->deadline = oe_loop_timer(m->loop, OE_MUX_CLIENT_MS, on_late, c);
	c->watch = oe_loop_watch(m->loop, fd, POLLIN, on_ready, c);
	c->next = m->clients;
	m->clients = c;
	m->nclients++;
	client_send(c, oe_mux_put_hello(&c->stream.out));
}

static void
client_free(struct oe_mux__client *c)
{
	struct oe_mux__master *m = c->master;

	oe_mux__session_free(&c->session);
	oe_mux__ask_free(&c->ask);
	if (m->forwards)
		m->plan.forwarding->forget(m->forwards, c);
	oe_watch_free(&c->watch);
	oe_timer_free(&c->deadline);
	oe_mux_request_done(&c->request);
	oe_mux_stream_done(&c->stream);
	m->nclients--;
	free(c);
}

void
oe_mux__client_reap(struct oe_mux__master *m, bool all)
{
	struct oe_mux__client **p = &m->clients, *c;

	while ((c = *p)) {
		if (c->session && !c->over)
			oe_mux__session_look(c->session);
		if (!c->over && !all) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		client_free(c);
	}
}
