/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foreground of a shared connection: a process whose streams the master
 * has, and that waits for what becomes of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/escape.h"
#include "client/mux.h"
#include "client/mux_client.h"
#include "client/mux_internal.h"
#include "client/session_internal.h"
#include "client/streams.h"
#include "client/tty.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"

extern char **environ;

struct use {
	struct oe_mux_client *c;
	const struct oe_mux_want *want;
	int tty_fd; /* the terminal that is raw, or -1 */
	int signal_fd;
	int raise;
	bool told; /* the master said how it ended */
	bool over;
	int status;
};

static bool
is_stdio(const struct oe_mux_want *w)
{
	return w->host;
}

/* --- the session -----------------------------------------------------------
 */

static char *
text_or_empty(const char *s)
{
	return oe_mem_strdup(s ? s : "");
}

static void
session_request(const struct oe_mux_want *w, struct oe_mux_request *q)
{
	const struct oe_sshconf *conf = w->session.conf;
	int ch;

	memset(q, 0, sizeof *q);
	if (is_stdio(w)) {
		q->type = OE_MUX_C_NEW_STDIO_FWD;
		q->to.host = oe_mem_strdup(w->host);
		q->to.port = (uint32_t)w->port;
		return;
	}
	q->type = OE_MUX_C_NEW_SESSION;
	q->tty = w->session.tty;
	q->agent = !oe_sshconf_is(conf, OE_SSHCONF_FORWARDAGENT, "no");
	q->subsystem = w->session.kind == OE_SSH_OPEN_SUBSYSTEM;
	ch = oe_escape_parse(oe_sshconf_str(conf, OE_SSHCONF_ESCAPECHAR));
	q->escape = ch >= 0 ? (uint32_t)ch : OE_MUX_NO_ESCAPE;
	q->term = text_or_empty(getenv("TERM"));
	q->command = text_or_empty(w->session.command);
	oe_session_env(conf, environ, &q->env);
}

static int
request_session(struct use *u, struct oe_err *err)
{
	static const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	struct oe_mux_request q;
	int r;

	r = oe_mux_client_alive(u->c, err);
	if (r < 0)
		return r;
	session_request(u->want, &q);
	r = oe_mux_client_session(u->c, &q, fds, err);
	oe_mux_request_done(&q);
	return r;
}

static void
watch_signals(struct use *u)
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
	u->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The master looks at the terminal's size, and reads from it again. */
static void
nudge_master(const struct use *u)
{
	if (u->c->master)
		(void)kill(u->c->master, SIGWINCH);
}

static void
on_signals(struct use *u)
{
	struct signalfd_siginfo info;

	while (read(u->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGWINCH) {
			nudge_master(u);
		} else if (info.ssi_signo == SIGTSTP) {
			oe_tty_suspend();
			nudge_master(u);
		} else {
			u->raise = (int)info.ssi_signo;
			u->status = OE_EXIT_SIGNAL + u->raise;
			u->over = true;
		}
	}
}

static void
on_message(struct use *u, const struct oe_mux_reply *a)
{
	if (a->type == OE_MUX_S_TTY_ALLOC_FAIL && a->id == u->c->session) {
		oe_tty_restore();
	} else if (a->type == OE_MUX_S_EXIT_MESSAGE && a->id == u->c->session) {
		u->told = true;
		u->status = a->value <= 255 ? (int)a->value : OE_EXIT_CONNECT;
	} else {
		u->over = true;
		u->status = OE_EXIT_CONNECT;
		oe_tty_restore();
		oe_log_error(NULL, "an unexpected message of the connection's "
				   "master");
	}
}

static void
on_messages(struct use *u)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_mux_reply a;
	int r;

	while (!u->over) {
		r = oe_mux_client_next(u->c, &a, &err);
		if (r == OE_EAGAIN)
			return;
		if (r == 0) {
			on_message(u, &a);
			oe_mux_reply_done(&a);
			continue;
		}
		/* it closes when all is said, ours and OpenSSH's alike */
		u->over = true;
		if (u->told)
			return;
		u->status = OE_EXIT_CONNECT;
		oe_tty_restore();
		if (is_stdio(u->want) && !u->c->ours && r == OE_ECLOSED)
			u->status = OE_EXIT_OK;
		else
			oe_log_error(NULL,
			    "connection to %s lost: its master "
			    "has ended it",
			    oe_sshconf_host(u->want->session.conf));
	}
}

static void
use_loop(struct use *u)
{
	struct pollfd p[2] = {
	    {.fd = u->c->stream.fd, .events = POLLIN},
	    {.fd = u->signal_fd, .events = POLLIN},
	};

	/* what came with the last answer */
	on_messages(u);
	while (!u->over) {
		if (poll(p, 2, -1) < 0 && errno != EINTR) {
			u->over = true;
			u->status = OE_EXIT_CONNECT;
			return;
		}
		if (p[0].revents)
			on_messages(u);
		if (p[1].revents)
			on_signals(u);
	}
}

static void
enter_terminal(struct use *u)
{
	if (is_stdio(u->want) || !u->want->session.tty || !isatty(STDIN_FILENO))
		return;
	u->tty_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (u->tty_fd >= 0)
		(void)oe_tty_raw(u->tty_fd);
}

static void
go_on(struct use *u)
{
	const struct oe_session_plan *plan = &u->want->session;

	enter_terminal(u);
	/*
	 * Only the master holds the streams now, so that closing them is
	 * seen at the other end at once.
	 */
	oe_stream_drop(STDIN_FILENO);
	oe_stream_drop(STDOUT_FILENO);
	if (plan->background && daemon(1, 0) < 0) {
		oe_log_error(NULL, "go to the background: %s", strerror(errno));
		u->status = OE_EXIT_FAILURE;
		return;
	}
	watch_signals(u);
	/* a change of its size before we could hear of it */
	if (u->tty_fd >= 0)
		nudge_master(u);
	use_loop(u);
	oe_tty_restore();
	if (u->tty_fd >= 0 && !plan->quiet)
		oe_log_info(NULL, "Shared connection to %s closed.",
		    oe_sshconf_host(plan->conf));
	oe_fd_close(&u->tty_fd);
	oe_fd_close(&u->signal_fd);
}

/* -N: only forwards, and what else uses the connection. */
static int
join_forwards(struct use *u, bool joined)
{
	const struct oe_session_plan *plan = &u->want->session;
	struct oe_mux__forwards f = {.c = u->c, .type = OE_MUX_C_OPEN_FWD};

	if (!joined)
		return 0;
	oe_mux__forward_all(&f, plan);
	if (f.failed &&
	    oe_sshconf_yes(plan->conf, OE_SSHCONF_EXITONFORWARDFAILURE))
		return OE_EAGAIN;
	return f.failed && f.status != OE_EAGAIN && f.status != OE_EPERM
		   ? OE_EAGAIN
		   : 0;
}

int
oe_mux_use(struct oe_mux_client *c, const struct oe_mux_want *want, bool joined,
    int *ret_status)
{
	struct use u = {.c = c, .want = want, .tty_fd = -1, .signal_fd = -1};
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (want->session.null_input)
		oe_stream_drop(STDIN_FILENO);
	r = join_forwards(&u, joined);
	if (r == 0 && (is_stdio(want) || !want->session.none)) {
		r = request_session(&u, &err);
		if (r < 0)
			oe_log_error(NULL, "%s", oe_err_text(&err));
	}
	if (r < 0)
		return OE_EAGAIN;
	go_on(&u);
	*ret_status = u.status;
	oe_mux_client_close(c);
	if (u.raise)
		oe_session__raise(u.raise);
	return 0;
}
