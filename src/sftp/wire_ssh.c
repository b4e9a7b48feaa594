/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/wire.h"

#include <stdlib.h>
#include <string.h>

#include "client/connect.h"
#include "client/forward_agent.h"
#include "client/keepalive.h"
#include "client/session.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/client.h"
#include "core/ssh/ssh.h"
#include "sftp/wire_words.h"

/*
 * A server that has ended its output, but not its channel, has most likely
 * a child that holds on: it will not answer any more.
 */
#define WIRE_EOF_MS 3000
/* What one write may take: libssh copies all of it. */
#define WIRE_WRITE_MAX (1024u * 1024)

extern char **environ;

struct wire {
	struct oe_sftp_wire base;
	struct oe_sftp_wire_plan plan;
	const char *subsystem;
	struct oe_connect c;
	struct oe_ssh_open *open;
	struct oe_ssh_chan *chan;
	struct oe_keepalive *alive;
	struct oe_forward_agent *agent; /* of the first connection */
	struct oe_idle *idle;
	struct oe_timer *eof_timer;
	size_t room_told; /* by room(), less what was written since */
	bool heard;       /* the server said something */
	bool ended, told;
	int status; /* its exit status; -1: none was told */
	char signal[32];
	struct oe_err why;
	struct oe_sftp_words words;
};

static void
wire_end(struct wire *w)
{
	w->ended = true;
}

static bool
wire_is_command(const struct wire *w)
{
	return strchr(w->subsystem, '/') != NULL;
}

static void
wire_closed_why(struct wire *w)
{
	oe_sftp_words_gone(
	    w->plan.host, w->heard, w->status, w->signal, &w->why);
}

static size_t
wire_on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct wire *w = arg;

	if (ext) {
		oe_sftp_words_take(&w->words, &w->plan, p, n);
		return n;
	}
	w->heard = true;
	if (!w->ended)
		w->plan.data(w->plan.arg, p, n);
	return n;
}

static void
wire_on_eof_time(void *arg)
{
	struct wire *w = arg;

	if (!w->ended)
		wire_closed_why(w);
	wire_end(w);
}

static void
wire_on_eof(void *arg)
{
	struct wire *w = arg;

	oe_timer_set(w->eof_timer, WIRE_EOF_MS);
}

static void
wire_on_closed(void *arg)
{
	wire_on_eof_time(arg);
}

static void
wire_on_exit_status(void *arg, int status)
{
	struct wire *w = arg;

	w->status = status & 0xff;
}

static void
wire_on_exit_signal(
    void *arg, const char *signal, bool core, const char *message)
{
	struct wire *w = arg;

	(void)core;
	(void)message;
	oe_str_escape(signal, strlen(signal), w->signal, sizeof w->signal);
}

static const struct oe_ssh_chan_ops wire_chan_ops = {
    .data = wire_on_data,
    .eof = wire_on_eof,
    .closed = wire_on_closed,
    .exit_status = wire_on_exit_status,
    .exit_signal = wire_on_exit_signal,
};

static void
wire_on_open(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct wire *w = arg;

	(void)pty_refused;
	w->chan = chan;
	if (chan || w->ended)
		return;
	w->why = *err;
	if (err->code == OE_EPERM && !wire_is_command(w))
		oe_err_set(&w->why, OE_EPERM,
		    "%s refuses the subsystem '%s': it has none, or this user "
		    "may not transfer files",
		    w->plan.host, w->subsystem);
	else
		oe_err_wrap(&w->why, err->code, "%s", w->plan.host);
	wire_end(w);
}

static void
wire_on_failed(void *arg)
{
	struct wire *w = arg;
	const char *reason = oe_ssh_reason(w->c.ssh);
	char safe[256];

	if (w->ended)
		return;
	if (!reason || !*reason)
		reason = oe_ssh_error(w->c.ssh);
	oe_str_escape(reason, strlen(reason), safe, sizeof safe);
	oe_err_set(&w->why, OE_ECLOSED, "connection to %s lost: %s",
	    w->plan.host, safe);
	wire_end(w);
}

static void
wire_on_dead(void *arg)
{
	struct wire *w = arg;

	if (!w->ended)
		oe_err_set(&w->why, OE_ETIMEOUT,
		    "connection to %s lost: it does not answer any more",
		    w->plan.host);
	wire_end(w);
}

/* Told here, where libssh is not on the stack. */
static bool
wire_before_wait(void *arg)
{
	struct wire *w = arg;

	if (w->ended) {
		if (w->told)
			return false;
		w->told = true;
		w->plan.lost(w->plan.arg, &w->why);
		return true;
	}
	if (!w->chan || oe_ssh_chan_room(w->chan) <= w->room_told)
		return false;
	w->plan.writable(w->plan.arg);
	return false;
}

static size_t
wire_room(void *wire)
{
	struct wire *w = wire;
	size_t room = w->chan && !w->ended ? oe_ssh_chan_room(w->chan) : 0;

	w->room_told = room;
	return room < WIRE_WRITE_MAX ? room : WIRE_WRITE_MAX;
}

static int
wire_write(void *wire, const void *p, size_t n)
{
	struct wire *w = wire;

	if (!w->chan || w->ended)
		return OE_ECLOSED;
	w->room_told -= n < w->room_told ? n : w->room_told;
	return oe_ssh_chan_write(w->chan, p, n, false);
}

static uint64_t
wire_rtt_us(const void *wire)
{
	const struct wire *w = wire;

	return oe_ssh_rtt_us(w->c.ssh);
}

static void
wire_free(void *wire)
{
	struct wire *w = wire;

	oe_ssh_open_free(&w->open);
	oe_ssh_chan_free(&w->chan);
	oe_forward_agent_free(&w->agent);
	oe_keepalive_free(&w->alive);
	oe_timer_free(&w->eof_timer);
	oe_idle_free(w->plan.loop, &w->idle);
	if (oe_ssh_is_alive(w->c.ssh)) {
		(void)oe_ssh_flush(w->c.ssh, OE_SFTP_FAREWELL_MS);
		oe_ssh_disconnect(w->c.ssh, NULL);
	}
	oe_connect_close(&w->c);
	free(w);
}

static const struct oe_sftp_wire_ops wire_ops = {
    .room = wire_room,
    .write = wire_write,
    .rtt_us = wire_rtt_us,
    .free = wire_free,
};

static void
wire_open(struct wire *w, const struct oe_sshconf *conf)
{
	struct oe_ssh_open_plan op = {
	    .kind =
		wire_is_command(w) ? OE_SSH_OPEN_EXEC : OE_SSH_OPEN_SUBSYSTEM,
	    .text = w->subsystem,
	    .agent = w->agent != NULL,
	    .ops = &wire_chan_ops,
	    .ops_arg = w,
	    .done = wire_on_open,
	    .arg = w,
	};

	/*
	 * Each variable costs a round trip, and a server of files reads
	 * none, unless somebody has set one up that does.
	 */
	if (wire_is_command(w) || oe_sshconf_is_set(conf, OE_SSHCONF_SETENV))
		oe_session_env(conf, environ, &op.env);
	w->open = oe_ssh_open_start(w->c.ssh, &op);
}

struct oe_sftp_wire *
oe_sftp_wire_ssh(const struct oe_sftp_wire_plan *plan, struct oe_connect *c,
    const struct oe_sshconf *conf, const char *subsystem)
{
	struct wire *w = oe_mem_zalloc(sizeof *w);

	w->base.ops = &wire_ops;
	w->plan = *plan;
	w->subsystem = subsystem;
	w->c = *c;
	memset(c, 0, sizeof *c);
	w->status = -1;
	oe_ssh_attach(w->c.ssh, plan->loop, wire_on_failed, w);
	w->eof_timer = oe_loop_timer(plan->loop, -1, wire_on_eof_time, w);
	w->alive = oe_keepalive_new(&w->c, conf, wire_on_dead, w);
	if (!plan->silent && !w->c.wary)
		w->agent = oe_forward_agent_new(&w->c, conf);
	wire_open(w, conf);
	/* after the connection's own, so that it runs before that */
	w->idle = oe_loop_idle(plan->loop, wire_before_wait, w);
	return &w->base;
}
