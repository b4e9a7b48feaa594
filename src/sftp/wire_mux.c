/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session of somebody else's connection: its master has the other ends of
 * our pipes, and tells over its control socket how the session ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/mux_client.h"
#include "client/session.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/ssh/sshconf.h"
#include "sftp/wire.h"
#include "sftp/wire_pipes.h"
#include "sftp/wire_words.h"

/* The pipe has ended: so long the master may take to say why. */
#define WIRE_EOF_MS 3000

extern char **environ;

struct wire {
	struct oe_sftp_wire base;
	struct oe_sftp_pipes pipes;
	struct oe_mux_client c;
	struct oe_watch *watch; /* on the control socket */
	int err_fd;             /* the server's standard error */
	struct oe_watch *err_watch;
	struct oe_timer *eof_timer;
	struct oe_sftp_words words;
	bool eof;    /* the pipe has ended */
	bool closed; /* the control socket has */
	int status;  /* -1: none was told */
};

static void
wire_gone(struct wire *w)
{
	struct oe_err err = OE_ERR_INIT;
	const char *host = w->pipes.plan.host;

	if (w->status >= 0 || !w->closed)
		oe_sftp_words_gone(host, w->pipes.heard, w->status, NULL, &err);
	else
		oe_err_set(&err, OE_ECLOSED,
		    "connection to %s lost: its master has ended it", host);
	oe_sftp_pipes_end(&w->pipes, &err);
}

static void
wire_on_time(void *arg)
{
	wire_gone(arg);
}

static void
wire_on_ended(void *arg)
{
	struct wire *w = arg;

	w->eof = true;
	if (w->closed)
		wire_gone(w);
	else
		oe_timer_set(w->eof_timer, WIRE_EOF_MS);
}

static void
wire_on_stderr(void *arg, short revents)
{
	struct wire *w = arg;
	char text[512];
	ssize_t n = read(w->err_fd, text, sizeof text);

	(void)revents;
	if (n > 0)
		oe_sftp_words_take(&w->words, &w->pipes.plan, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		oe_watch_set(w->err_watch, 0);
}

static void
wire_on_control(void *arg, short revents)
{
	struct wire *w = arg;
	struct oe_err err = OE_ERR_INIT;
	struct oe_mux_reply a;
	int r;

	(void)revents;
	while ((r = oe_mux_client_next(&w->c, &a, &err)) == 0) {
		if (a.type == OE_MUX_S_EXIT_MESSAGE && a.id == w->c.session)
			w->status = (int)(a.value & 0xff);
		oe_mux_reply_done(&a);
	}
	if (r == OE_EAGAIN)
		return;
	oe_watch_set(w->watch, 0);
	w->closed = true;
	/* what is in the pipe still counts */
	if (w->eof)
		wire_gone(w);
}

static size_t
wire_room(void *wire)
{
	return oe_sftp_pipes_room(&((struct wire *)wire)->pipes);
}

static int
wire_write(void *wire, const void *p, size_t n)
{
	return oe_sftp_pipes_write(&((struct wire *)wire)->pipes, p, n);
}

static uint64_t
wire_rtt_us(const void *wire)
{
	(void)wire;
	return 0;
}

/* The end of the pipe is the farewell: the server says how that went. */
static void
wire_farewell(struct wire *w)
{
	struct pollfd p = {.fd = w->c.stream.fd, .events = POLLIN};

	oe_fd_close(&w->pipes.out);
	if (!w->closed && !w->pipes.ended)
		(void)poll(&p, 1, OE_SFTP_FAREWELL_MS);
}

static void
wire_free(void *wire)
{
	struct wire *w = wire;

	oe_watch_free(&w->pipes.out_watch);
	wire_farewell(w);
	oe_watch_free(&w->watch);
	oe_watch_free(&w->err_watch);
	oe_timer_free(&w->eof_timer);
	oe_sftp_pipes_done(&w->pipes);
	oe_fd_close(&w->err_fd);
	oe_mux_client_close(&w->c);
	free(w);
}

static const struct oe_sftp_wire_ops wire_ops = {
    .room = wire_room,
    .write = wire_write,
    .rtt_us = wire_rtt_us,
    .free = wire_free,
};

static int
wire_request(struct oe_mux_client *c, const struct oe_sshconf *conf,
    const char *subsystem, const int *fds, struct oe_err *err)
{
	bool command = strchr(subsystem, '/') != NULL;
	struct oe_mux_request q = {
	    .type = OE_MUX_C_NEW_SESSION,
	    .agent = !oe_sshconf_is(conf, OE_SSHCONF_FORWARDAGENT, "no"),
	    .subsystem = !command,
	    .escape = OE_MUX_NO_ESCAPE,
	    .term = oe_mem_strdup(""),
	    .command = oe_mem_strdup(subsystem),
	};
	int r;

	/* as in wire_ssh.c: each costs a round trip, and few servers care */
	if (command || oe_sshconf_is_set(conf, OE_SSHCONF_SETENV))
		oe_session_env(conf, environ, &q.env);
	r = oe_mux_client_session(c, &q, fds, err);
	oe_mux_request_done(&q);
	return r;
}

/* Three pipes, whose other ends go to the master. */
static int
wire_join(struct wire *w, struct oe_mux_client *c,
    const struct oe_sshconf *conf, const char *subsystem, struct oe_err *err)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, says[2] = {-1, -1}, fds[3];
	int r = oe_sftp_pipes_make(to, err), i;

	if (r == 0)
		r = oe_sftp_pipes_make(from, err);
	if (r == 0)
		r = oe_sftp_pipes_make(says, err);
	fds[0] = to[0];
	fds[1] = from[1];
	fds[2] = says[1];
	if (r == 0)
		r = wire_request(c, conf, subsystem, fds, err);
	if (r == 0) {
		w->pipes.out = to[1];
		w->pipes.in = from[0];
		w->err_fd = says[0];
		to[1] = from[0] = says[0] = -1;
	}
	for (i = 0; i < 2; i++) {
		oe_fd_close(&to[i]);
		oe_fd_close(&from[i]);
		oe_fd_close(&says[i]);
	}
	return r;
}

struct oe_sftp_wire *
oe_sftp_wire_mux(const struct oe_sftp_wire_plan *plan, struct oe_mux_client *c,
    const struct oe_sshconf *conf, const char *subsystem, struct oe_err *err)
{
	struct wire *w = oe_mem_zalloc(sizeof *w);

	w->base.ops = &wire_ops;
	if (wire_join(w, c, conf, subsystem, err) < 0) {
		free(w);
		return NULL;
	}
	w->c = *c;
	memset(c, 0, sizeof *c);
	c->stream.fd = -1;
	w->status = -1;
	w->pipes.name = oe_mem_strdup(plan->host);
	w->pipes.on_ended = wire_on_ended;
	w->pipes.ended_arg = w;
	oe_sftp_pipes_start(&w->pipes, plan);
	(void)oe_fd_set_nonblock(w->err_fd, true);
	w->eof_timer = oe_loop_timer(plan->loop, -1, wire_on_time, w);
	w->watch = oe_loop_watch(
	    plan->loop, w->c.stream.fd, POLLIN, wire_on_control, w);
	w->err_watch =
	    oe_loop_watch(plan->loop, w->err_fd, POLLIN, wire_on_stderr, w);
	return &w->base;
}
