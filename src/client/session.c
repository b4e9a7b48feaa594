/* SPDX-License-Identifier: Apache-2.0 */
#include "client/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/escape.h"
#include "client/forward_agent.h"
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

struct session {
	struct oe_connect *c;
	const struct oe_session_plan *plan;
	struct oe_ssh_open *open;
	struct oe_ssh_chan *chan;
	struct oe_ssh_pump *pump;
	struct oe_keepalive *alive;
	struct oe_forward_agent *agent;
	struct oe_escape escape;
	bool escapes; /* typed input is looked at */
	int in_fd, out_fd, err_fd;
	int signal_fd;
	struct oe_watch *signal_watch;
	int raise;   /* a signal that ends us, to be raised at the end */
	bool closed; /* the peer closed the channel */
	bool eof;    /* the peer's output has ended */
	bool has_status;
	int status;
	bool done;
};

static void
session_end(struct session *s, int status)
{
	if (s->done)
		return;
	s->done = true;
	s->status = status;
}

static void
say(struct session *s, const char *text)
{
	/* the terminal may be raw: carriage returns are ours to send */
	(void)s;
	fprintf(stderr, "%s%s", text, oe_tty_is_raw() ? "\r\n" : "\n");
}

static void
session_lost(void *arg)
{
	struct session *s = arg;
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
	session_end(s, OE_EXIT_CONNECT);
}

static size_t
on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct session *s = arg;

	return s->pump ? oe_ssh_pump_data(s->pump, p, n, ext) : 0;
}

static void
on_eof(void *arg)
{
	struct session *s = arg;

	s->eof = true;
	if (s->pump)
		oe_ssh_pump_eof(s->pump);
}

static void
on_closed(void *arg)
{
	struct session *s = arg;

	s->closed = true;
}

static void
on_exit_status(void *arg, int status)
{
	struct session *s = arg;

	/* output that failed on this side has decided already */
	if (s->done)
		return;
	s->has_status = true;
	s->status = status & 0xff;
}

static void
on_exit_signal(void *arg, const char *name, bool core, const char *message)
{
	struct session *s = arg;
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
	struct session *s = arg;

	if (sys_errno != EPIPE)
		oe_log_error(NULL, "write output: %s", strerror(sys_errno));
	session_end(
	    s, sys_errno == EPIPE ? OE_EXIT_SIGNAL + SIGPIPE : OE_EXIT_FAILURE);
}

static void
escape_help(struct session *s)
{
	static const struct {
		const char *key, *what;
	} lines[] = {
	    {".", "end the connection"},
	    {"^Z", "suspend omniedge"},
	    {"#", "list what runs over this connection"},
	    {"B", "send a break"},
	    {"R", "exchange new keys"},
	    {"v", "say more"},
	    {"V", "say less"},
	    {"?", "this text"},
	};
	char ch[3], line[80];
	size_t i;

	oe_escape_text(s->escape.ch, ch);
	say(s, "");
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		snprintf(line, sizeof line, " %s%-3s %s", ch, lines[i].key,
		    lines[i].what);
		say(s, line);
	}
	snprintf(line, sizeof line, " %s%s   the character itself", ch, ch);
	say(s, line);
}

static void
escape_list(struct session *s)
{
	uint64_t sent, received;
	char line[160];

	oe_ssh_pump_bytes(s->pump, &sent, &received);
	snprintf(line, sizeof line,
	    "\r\n session: %llu bytes sent, %llu received; %zu agent "
	    "connection(s)",
	    (unsigned long long)sent, (unsigned long long)received,
	    oe_forward_agent_count(s->agent));
	say(s, line);
}

static void
escape_verbosity(struct session *s, int step)
{
	int level = OE_LOG_ERROR;

	while (level < OE_LOG_DEBUG3 &&
	       oe_log_wants((enum oe_log_level)(level + 1)))
		level++;
	level += step;
	if (level < OE_LOG_ERROR || level > OE_LOG_DEBUG3)
		return;
	oe_log_setup((enum oe_log_level)level, OE_LOG_TEXT, -1, false);
	say(s, step > 0 ? "\r\n saying more" : "\r\n saying less");
}

static void
on_escape(void *arg, enum oe_escape_act what)
{
	struct session *s = arg;

	switch (what) {
	case OE_ESCAPE_DISCONNECT:
		oe_tty_restore();
		say(s, "");
		if (!s->plan->quiet)
			say(s, "Connection ended.");
		session_end(s, OE_EXIT_CONNECT);
		break;
	case OE_ESCAPE_SUSPEND:
		say(s, "");
		oe_tty_suspend();
		kill(getpid(), SIGWINCH);
		break;
	case OE_ESCAPE_HELP:
		escape_help(s);
		break;
	case OE_ESCAPE_LIST:
		escape_list(s);
		break;
	case OE_ESCAPE_BREAK:
		(void)oe_ssh_chan_break(s->chan, 1000);
		break;
	case OE_ESCAPE_REKEY:
		say(s, "\r\n This libssh exchanges new keys by RekeyLimit "
		       "only, not on request.");
		break;
	case OE_ESCAPE_LOUDER:
		escape_verbosity(s, 1);
		break;
	case OE_ESCAPE_QUIETER:
		escape_verbosity(s, -1);
		break;
	case OE_ESCAPE_COUNT:
		break;
	}
}

static size_t
on_typed(void *arg, uint8_t *p, size_t n)
{
	struct session *s = arg;
	size_t room = oe_ssh_chan_room(s->chan);

	return oe_escape_filter(&s->escape, p, n, room > n ? n + 1 : n);
}

static void
send_size(struct session *s)
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
	struct session *s = arg;
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
			session_end(s, OE_EXIT_SIGNAL + s->raise);
		}
	}
}

static void
watch_signals(struct session *s)
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
start_pump(struct session *s)
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
	struct session *s = arg;
	int ch;

	s->chan = chan;
	if (!chan) {
		oe_log_error(NULL, "%s", oe_err_text(err));
		session_end(s, OE_EXIT_CONNECT);
		return;
	}
	if (pty_refused)
		oe_log_warn(NULL, "the server gave no terminal");
	if (s->plan->tty && !pty_refused && isatty(s->in_fd)) {
		(void)oe_tty_raw(s->in_fd);
		ch = oe_escape_parse(
		    oe_sshconf_str(s->plan->conf, OE_SSHCONF_ESCAPECHAR));
		oe_escape_init(&s->escape, ch, on_escape, s);
		s->escapes = ch >= 0;
	}
	start_pump(s);
}

static void
open_streams(struct session *s)
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
open_channel(struct session *s, struct oe_buf *modes)
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

static bool
finished(const struct session *s)
{
	if (s->done)
		return true;
	return s->closed && (!s->pump || oe_ssh_pump_output_done(s->pump));
}

/* The peer said nothing for too long. */
static void
on_dead_peer(void *arg)
{
	struct session *s = arg;

	oe_tty_restore();
	oe_log_error(NULL, "%s does not answer any more",
	    oe_sshconf_host(s->plan->conf));
	session_end(s, OE_EXIT_CONNECT);
}

static int
session_result(const struct session *s)
{
	if (s->done || s->has_status)
		return s->status;
	/* closed without a status: the command's end is not known */
	return s->plan->none ? OE_EXIT_OK : OE_EXIT_CONNECT;
}

static void
session_close(struct session *s)
{
	oe_tty_restore();
	oe_ssh_open_free(&s->open);
	oe_ssh_pump_free(&s->pump);
	oe_ssh_chan_free(&s->chan);
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

/* The same signal again, with nobody left to catch it. */
static void
pass_signal(int sig)
{
	sigset_t set;

	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void
session_step(struct session *s, int timeout_ms)
{
	if (oe_loop_once(s->c->loop, timeout_ms) < 0)
		session_end(s, OE_EXIT_CONNECT);
}

static void
session_loop(struct session *s)
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

int
oe_session_run(struct oe_connect *c, const struct oe_session_plan *plan)
{
	struct session s = {
	    .c = c,
	    .plan = plan,
	    .in_fd = -1,
	    .out_fd = -1,
	    .err_fd = -1,
	    .signal_fd = -1,
	};
	struct oe_buf modes;
	int status;

	oe_buf_init(&modes, OE_SSH_PTYMODES_MAX);
	/* before -f lets go of the standard ones: output still arrives */
	if (!plan->none)
		open_streams(&s);
	if (plan->background && daemon(1, 0) < 0) {
		oe_log_error(NULL, "go to the background: %s", strerror(errno));
		session_close(&s);
		return OE_EXIT_FAILURE;
	}
	oe_ssh_attach(c->ssh, c->loop, session_lost, &s);
	watch_signals(&s);
	s.alive = oe_keepalive_new(c, plan->conf, on_dead_peer, &s);
	if (!plan->none) {
		if (!c->wary)
			s.agent = oe_forward_agent_new(c, plan->conf);
		open_channel(&s, &modes);
	}
	session_loop(&s);
	status = session_result(&s);
	session_close(&s);
	oe_buf_done(&modes);
	if (s.raise)
		pass_signal(s.raise);
	return status;
}

int
oe_session_bridge(struct oe_connect *c, const struct oe_sshconf *conf,
    const char *host, int port, int in_fd, int out_fd)
{
	struct oe_session_plan plan = {.conf = conf};
	struct session s = {
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
	    .done = on_open,
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
