/* SPDX-License-Identifier: Apache-2.0 */
#include "client/session_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/forward_agent.h"
#include "client/forwarding.h"
#include "client/keepalive.h"
#include "client/streams.h"
#include "client/tty.h"
#include "core/app/exitcode.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/ssh/ptymodes.h"
#include "core/ssh/pump.h"
#include "core/ssh/signals.h"
#include "core/ssh/ssh.h"

/* The farewell may wait this long for a full socket. */
#define FAREWELL_MS 500

extern char **environ;

void
oe_session__end(struct oe_session *s, int status)
{
	if (s->done)
		return;
	s->done = true;
	s->status = status;
}

static void
session_lost(void *arg)
{
	struct oe_session *s = arg;
	const char *reason = oe_ssh_reason(s->c->ssh);
	struct oe_err why = OE_ERR_INIT;

	/* the peer may hang up once it has said how the command ended */
	if (s->has_status) {
		s->closed = true;
		return;
	}
	if (s->done)
		return;
	oe_tty_restore();
	oe_err_set(&why, OE_ECLOSED, "%s",
	    reason && *reason ? reason : oe_ssh_error(s->c->ssh));
	oe_log_error(NULL, "connection to %s lost: %s",
	    oe_sshconf_host(s->plan->conf), oe_err_text(&why));
	oe_session__end(s, OE_EXIT_CONNECT);
}

static size_t
on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct oe_session *s = arg;

	return s->pump ? oe_ssh_pump_data(s->pump, p, n, ext) : 0;
}

static void
on_eof(void *arg)
{
	struct oe_session *s = arg;

	s->eof = true;
	if (s->pump)
		oe_ssh_pump_eof(s->pump);
}

static void
on_closed(void *arg)
{
	struct oe_session *s = arg;

	s->closed = true;
}

static void
on_exit_status(void *arg, int status)
{
	struct oe_session *s = arg;

	/* output that failed on this side has decided already */
	if (s->done)
		return;
	s->has_status = true;
	s->status = status & 0xff;
}

static void
on_exit_signal(void *arg, const char *name, bool core, const char *message)
{
	struct oe_session *s = arg;
	int n = oe_ssh_signal_number(name);

	(void)message;
	if (s->done)
		return;
	s->has_status = true;
	s->status = n ? OE_EXIT_SIGNAL + n : OE_EXIT_CONNECT;
	oe_log_debug(NULL, "the command was ended by signal %s%s", name,
	    core ? " (core dumped)" : "");
}

static const struct oe_ssh_chan_ops session_ops = {
    .data = on_data,
    .eof = on_eof,
    .closed = on_closed,
    .exit_status = on_exit_status,
    .exit_signal = on_exit_signal,
};

static void
on_output_failed(void *arg, int sys_errno)
{
	struct oe_session *s = arg;

	if (sys_errno != EPIPE)
		oe_log_error(NULL, "write output: %s", strerror(sys_errno));
	oe_session__end(
	    s, sys_errno == EPIPE ? OE_EXIT_SIGNAL + SIGPIPE : OE_EXIT_FAILURE);
}

static size_t
on_typed(void *arg, uint8_t *p, size_t n)
{
	struct oe_session *s = arg;
	size_t room = oe_ssh_chan_room(s->chan);

	return oe_escape_filter(&s->escape, p, n, room > n ? n + 1 : n);
}

static void
send_size(struct oe_session *s)
{
	uint32_t size[4];

	if (!s->chan || !s->plan->tty)
		return;
	oe_tty_size(STDERR_FILENO, size);
	if (isatty(s->in_fd))
		oe_tty_size(s->in_fd, size);
	oe_ssh_chan_resize(s->chan, size);
}

static void
on_signal(void *arg, short revents)
{
	struct oe_session *s = arg;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGWINCH) {
			send_size(s);
		} else if (info.ssi_signo == SIGTSTP) {
			oe_tty_suspend();
			send_size(s);
		} else {
			s->raise = (int)info.ssi_signo;
			oe_session__end(s, OE_EXIT_SIGNAL + s->raise);
		}
	}
}

static void
watch_signals(struct oe_session *s)
{
	static const int ends[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct sigaction old;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	/* what was ignored (nohup, a shell's &) stays ignored */
	for (i = 0; i < OE_ARRAY_LEN(ends); i++)
		if (sigaction(ends[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd >= 0)
		s->signal_watch = oe_loop_watch(
		    s->c->loop, s->signal_fd, POLLIN, on_signal, s);
}

static void
start_pump(struct oe_session *s)
{
	struct oe_ssh_pump_plan pp = {
	    .in_fd = s->in_fd,
	    .more_fd = -1,
	    .out_fd = s->out_fd,
	    .err_fd = s->err_fd,
	    .filter = s->escapes ? on_typed : NULL,
	    .output_failed = on_output_failed,
	    .arg = s,
	};

	s->pump = oe_ssh_pump_new(s->c->loop, s->chan, &pp);
	s->in_fd = s->out_fd = s->err_fd = -1;
	/* what came before there was a pump */
	oe_ssh_chan_resume(s->chan);
	if (s->eof)
		oe_ssh_pump_eof(s->pump);
}

static void
on_open(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct oe_session *s = arg;
	int ch;

	s->chan = chan;
	if (!chan) {
		oe_log_error(NULL, "%s", oe_err_text(err));
		oe_session__end(s, OE_EXIT_CONNECT);
		return;
	}
	if (pty_refused)
		oe_log_warn(NULL, "the server gave no terminal");
	if (s->plan->tty && !pty_refused && isatty(s->in_fd)) {
		(void)oe_tty_raw(s->in_fd);
		ch = oe_escape_parse(
		    oe_sshconf_str(s->plan->conf, OE_SSHCONF_ESCAPECHAR));
		oe_escape_init(&s->escape, ch, oe_session__escape, s);
		s->escapes = ch >= 0;
	}
	start_pump(s);
}

static void
open_streams(struct oe_session *s)
{
	if (s->plan->null_input)
		oe_stream_drop(STDIN_FILENO);
	s->in_fd = oe_stream_private(STDIN_FILENO, true);
	s->out_fd = oe_stream_private(STDOUT_FILENO, false);
	s->err_fd = oe_stream_private(STDERR_FILENO, false);
	/*
	 * Only our own descriptors hold the streams now, so that closing them
	 * is seen at the other end at once.
	 */
	oe_stream_drop(STDIN_FILENO);
	oe_stream_drop(STDOUT_FILENO);
}

static void
open_channel(struct oe_session *s, struct oe_buf *modes)
{
	struct oe_ssh_open_plan op = {
	    .kind = s->plan->kind,
	    .text = s->plan->command,
	    .pty = s->plan->tty,
	    .term = getenv("TERM"),
	    .agent = s->agent != NULL,
	    .ops = &session_ops,
	    .ops_arg = s,
	    .done = on_open,
	    .arg = s,
	};

	oe_tty_size(s->in_fd, op.size);
	if (op.pty && isatty(s->in_fd))
		oe_tty_modes(s->in_fd, modes);
	op.modes = oe_buf_head(modes);
	op.modes_len = oe_buf_left(modes);
	oe_session_env(s->plan->conf, environ, &op.env);
	s->open = oe_ssh_open_start(s->c->ssh, &op);
}

/* The session itself, as far as the peer is concerned. */
static bool
ended(const struct oe_session *s)
{
	return s->closed && (!s->pump || oe_ssh_pump_output_done(s->pump));
}

static bool
finished(const struct oe_session *s)
{
	if (s->done)
		return true;
	if (s->forwards && s->forwarding->busy(s->forwards))
		return false;
	return ended(s);
}

/* The peer said nothing for too long. */
static void
on_dead_peer(void *arg)
{
	struct oe_session *s = arg;

	oe_tty_restore();
	oe_log_error(NULL, "%s does not answer any more",
	    oe_sshconf_host(s->plan->conf));
	oe_session__end(s, OE_EXIT_CONNECT);
}

static int
session_result(const struct oe_session *s)
{
	if (s->done || s->has_status)
		return s->status;
	/* closed without a status: the command's end is not known */
	return s->plan->none ? OE_EXIT_OK : OE_EXIT_CONNECT;
}

static void
session_close(struct oe_session *s)
{
	oe_tty_restore();
	oe_ssh_open_free(&s->open);
	oe_ssh_pump_free(&s->pump);
	oe_ssh_chan_free(&s->chan);
	if (s->forwarding)
		s->forwarding->close(&s->forwards);
	oe_forward_agent_free(&s->agent);
	oe_keepalive_free(&s->alive);
	oe_watch_free(&s->signal_watch);
	oe_fd_close(&s->signal_fd);
	oe_fd_close(&s->in_fd);
	oe_fd_close(&s->out_fd);
	oe_fd_close(&s->err_fd);
	if (oe_ssh_is_alive(s->c->ssh)) {
		(void)oe_ssh_flush(s->c->ssh, FAREWELL_MS);
		oe_ssh_disconnect(s->c->ssh, NULL);
	}
}

void
oe_session__raise(int sig)
{
	sigset_t set;

	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void
session_step(struct oe_session *s, int timeout_ms)
{
	if (oe_loop_once(s->c->loop, timeout_ms) < 0)
		oe_session__end(s, OE_EXIT_CONNECT);
	/* as ssh does: what goes through us is not cut off */
	if (!s->lingers && ended(s) && !finished(s)) {
		s->lingers = true;
		oe_tty_restore();
		oe_log_debug(NULL, "waiting for forwarded connections to end");
	}
}

static void
session_loop(struct oe_session *s)
{
	while (!finished(s))
		session_step(s, -1);
	/*
	 * The answer to the request, all output and the close can come in one
	 * read: then the answer has not been looked at, and nothing written.
	 */
	if (!s->done && !s->pump)
		session_step(s, 0);
	while (!finished(s))
		session_step(s, -1);
}

static void
on_settled(void *arg, size_t failed)
{
	struct oe_session *s = arg;

	s->settled = true;
	s->failed = failed;
}

/*
 * Forwards before the session: where a failed one ends it all, and before
 * -f, it is waited for them.
 */
static void
start_forwards(struct oe_session *s)
{
	bool strict =
	    oe_sshconf_yes(s->plan->conf, OE_SSHCONF_EXITONFORWARDFAILURE);

	if (!s->forwarding)
		return;
	s->forwarding->start(s->forwards, s->c, on_settled, s);
	while ((strict || s->plan->background) && !s->settled && !s->done)
		session_step(s, -1);
	if (strict && s->failed && !s->done) {
		oe_log_error(NULL, "a forward could not be set up: the "
				   "connection ends (ExitOnForwardFailure)");
		oe_session__end(s, OE_EXIT_CONNECT);
	}
}

static void
go_background(struct oe_session *s)
{
	if (daemon(1, 0) == 0)
		return;
	oe_log_error(NULL, "go to the background: %s", strerror(errno));
	oe_session__end(s, OE_EXIT_FAILURE);
}

/* Everything that goes over the connection. */
static void
start_all(struct oe_session *s, struct oe_buf *modes)
{
	oe_ssh_attach(s->c->ssh, s->c->loop, session_lost, s);
	watch_signals(s);
	s->alive = oe_keepalive_new(s->c, s->plan->conf, on_dead_peer, s);
	start_forwards(s);
	if (s->plan->background && !s->done)
		go_background(s);
	if (s->forwarding)
		s->forwarding->ready(
		    s->forwards, s->plan->none || s->plan->tty);
	if (s->plan->none || s->done)
		return;
	if (!s->c->wary)
		s->agent = oe_forward_agent_new(s->c, s->plan->conf);
	open_channel(s, modes);
}

int
oe_session_run(struct oe_connect *c, const struct oe_session_plan *plan)
{
	struct oe_session s = {
	    .c = c,
	    .plan = plan,
	    .in_fd = -1,
	    .out_fd = -1,
	    .err_fd = -1,
	    .signal_fd = -1,
	    .forwarding = plan->forwarding,
	    .forwards = plan->forwards,
	};
	struct oe_buf modes;
	int status;

	oe_buf_init(&modes, OE_SSH_PTYMODES_MAX);
	/* before -f lets go of the standard ones: output still arrives */
	if (!plan->none)
		open_streams(&s);
	start_all(&s, &modes);
	session_loop(&s);
	status = session_result(&s);
	session_close(&s);
	oe_buf_done(&modes);
	if (s.raise)
		oe_session__raise(s.raise);
	return status;
}

/* What goes on in the background holds nobody's streams. */
static void
on_bridged(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct oe_session *s = arg;
	const int keep[] = {s->in_fd, s->out_fd, oe_ssh_fd(s->c->ssh)};

	on_open(arg, chan, pty_refused, err);
	if (!chan || !s->c->outlived)
		return;
	oe_stream_detach(keep, OE_ARRAY_LEN(keep));
	if (!oe_log_wants(OE_LOG_DEBUG))
		oe_stream_drop(STDERR_FILENO);
}

int
oe_session_bridge(struct oe_connect *c, const struct oe_sshconf *conf,
    const char *host, int port, int in_fd, int out_fd)
{
	struct oe_session_plan plan = {.conf = conf};
	struct oe_session s = {
	    .c = c,
	    .plan = &plan,
	    .in_fd = oe_stream_private(in_fd, true),
	    .out_fd = in_fd == out_fd ? -1 : oe_stream_private(out_fd, false),
	    .err_fd = -1,
	    .signal_fd = -1,
	};
	struct oe_ssh_open_plan op = {
	    .kind = OE_SSH_OPEN_DIRECT,
	    .text = host,
	    .port = port,
	    .ops = &session_ops,
	    .ops_arg = &s,
	    .done = on_bridged,
	    .arg = &s,
	};

	if (in_fd == out_fd) {
		/* a stream pair of our own */
		(void)oe_fd_set_nonblock(in_fd, true);
		s.out_fd = s.in_fd;
	} else {
		oe_stream_drop(in_fd);
		oe_stream_drop(out_fd);
	}
	s.has_status = true; /* a channel has none: its end is success */
	oe_ssh_attach(c->ssh, c->loop, session_lost, &s);
	s.alive = oe_keepalive_new(c, conf, on_dead_peer, &s);
	s.open = oe_ssh_open_start(c->ssh, &op);
	session_loop(&s);
	if (s.out_fd == s.in_fd)
		s.out_fd = -1;
	session_close(&s);
	return s.status;
}
