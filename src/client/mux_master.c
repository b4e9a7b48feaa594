/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_master.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/forward_agent.h"
#include "client/forwarding.h"
#include "client/keepalive.h"
#include "client/mux_internal.h"
#include "client/session_internal.h"
#include "client/streams.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/ssh.h"

/* The farewell may wait this long for a full socket. */
#define FAREWELL_MS 500
/* No descriptor for a client: look again after this time. */
#define PAUSE_MS 500

static void
master_end(struct oe_mux__master *m, int status)
{
	if (m->over)
		return;
	m->over = true;
	m->status = status;
}

static void
on_lost(void *arg)
{
	struct oe_mux__master *m = arg;
	const char *reason = oe_ssh_reason(m->plan.c->ssh);

	if (m->over)
		return;
	if (!reason || !*reason)
		reason = oe_ssh_error(m->plan.c->ssh);
	oe_log_error(NULL, "connection to %s lost: %s",
	    oe_sshconf_host(m->plan.conf), reason);
	master_end(m, OE_EXIT_CONNECT);
}

static void
on_dead_peer(void *arg)
{
	struct oe_mux__master *m = arg;

	oe_log_error(
	    NULL, "%s does not answer any more", oe_sshconf_host(m->plan.conf));
	master_end(m, OE_EXIT_CONNECT);
}

static void
on_client(void *arg, short revents)
{
	struct oe_mux__master *m = arg;
	int fd = oe_mux_socket_accept(&m->socket);

	(void)revents;
	if (fd >= 0) {
		oe_mux__client_new(m, fd, false);
	} else if (fd == OE_ESYS) {
		/* it would be tried without end */
		oe_watch_set(m->watch, 0);
		oe_timer_set(m->pause, PAUSE_MS);
	}
}

static void
on_pause_end(void *arg)
{
	struct oe_mux__master *m = arg;

	if (m->watch)
		oe_watch_set(m->watch, POLLIN);
}

/* Each session takes a handful of descriptors. */
static void
raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

/* The terminal of a session, whose process tells us, is not ours. */
static void
on_resized(struct oe_mux__master *m, pid_t pid)
{
	struct oe_mux__client *c;

	for (c = m->clients; c; c = c->next)
		if (c->session)
			oe_mux__session_resized(c->session, pid);
}

static void
on_signal(void *arg, short revents)
{
	struct oe_mux__master *m = arg;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(m->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGWINCH) {
			on_resized(m, (pid_t)info.ssi_pid);
			continue;
		}
		m->raise = (int)info.ssi_signo;
		master_end(m, OE_EXIT_SIGNAL + m->raise);
	}
}

static void
watch_signals(struct oe_mux__master *m)
{
	static const int ends[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct sigaction old;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	for (i = 0; i < OE_ARRAY_LEN(ends); i++)
		if (sigaction(ends[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd >= 0)
		m->signal_watch =
		    oe_loop_watch(m->loop, m->signal_fd, POLLIN, on_signal, m);
}

/* Everything is set up: whoever waits may come. */
static void
open_doors(struct oe_mux__master *m)
{
	if (m->plan.forwarding)
		m->plan.forwarding->ready(m->forwards, true);
	if (m->plan.detached && !oe_log_wants(OE_LOG_DEBUG))
		oe_stream_drop(STDERR_FILENO);
	if (m->plan.first >= 0)
		oe_mux__client_new(m, m->plan.first, true);
	m->plan.first = -1;
	m->watch = oe_loop_watch(m->loop, m->socket.fd, POLLIN, on_client, m);
}

static void
on_settled(void *arg, size_t failed)
{
	struct oe_mux__master *m = arg;

	m->settled = true;
	m->failed = failed;
	if (failed &&
	    oe_sshconf_yes(m->plan.conf, OE_SSHCONF_EXITONFORWARDFAILURE)) {
		oe_log_error(NULL, "a forward could not be set up: the "
				   "connection ends (ExitOnForwardFailure)");
		master_end(m, OE_EXIT_CONNECT);
		return;
	}
	open_doors(m);
}

static void
on_persisted(void *arg)
{
	struct oe_mux__master *m = arg;

	oe_log_debug(NULL, "nobody has used the connection for long enough "
			   "(ControlPersist)");
	master_end(m, OE_EXIT_OK);
}

static bool
in_use(const struct oe_mux__master *m)
{
	return m->clients ||
	       (m->forwards && m->plan.forwarding->busy(m->forwards));
}

/* Before each wait: who has gone, and is anybody left? */
static bool
on_idle(void *arg)
{
	struct oe_mux__master *m = arg;

	oe_mux__client_reap(m, false);
	if (m->over || !m->settled)
		return false;
	if (in_use(m)) {
		m->resting = false;
		oe_timer_set(m->persist, -1);
	} else if (!m->stays && m->persist_ms < 0) {
		master_end(m, OE_EXIT_OK);
		return true;
	} else if (!m->resting) {
		m->resting = true;
		if (m->persist_ms > 0 && !m->stays)
			oe_timer_set(m->persist, m->persist_ms);
	}
	return false;
}

static int64_t
persist_ms(const struct oe_sshconf *conf)
{
	const char *text = oe_sshconf_str(conf, OE_SSHCONF_CONTROLPERSIST);
	int64_t s;

	if (oe_str_eq(text, "yes"))
		return 0;
	return oe_str_parse_int(text, 1, INT32_MAX, &s) == 0 ? s * 1000 : -1;
}

static void
master_start(struct oe_mux__master *m)
{
	const struct oe_mux_master_plan *p = &m->plan;

	oe_ssh_attach(p->c->ssh, m->loop, on_lost, m);
	watch_signals(m);
	m->alive = oe_keepalive_new(p->c, p->conf, on_dead_peer, m);
	m->persist = oe_loop_timer(m->loop, -1, on_persisted, m);
	m->pause = oe_loop_timer(m->loop, -1, on_pause_end, m);
	m->idle = oe_loop_idle(m->loop, on_idle, m);
	if (!p->c->wary)
		m->agent = oe_forward_agent_new(p->c, p->conf);
	if (p->forwarding)
		p->forwarding->start(m->forwards, p->c, on_settled, m);
	else
		on_settled(m, 0);
}

static void
master_close(struct oe_mux__master *m)
{
	struct oe_ssh *ssh = m->plan.c->ssh;

	oe_watch_free(&m->watch);
	oe_mux_socket_close(&m->socket);
	oe_mux__client_reap(m, true);
	oe_fd_close(&m->plan.first);
	if (m->plan.forwarding)
		m->plan.forwarding->close(&m->forwards);
	oe_forward_agent_free(&m->agent);
	oe_keepalive_free(&m->alive);
	oe_timer_free(&m->persist);
	oe_timer_free(&m->pause);
	oe_idle_free(m->loop, &m->idle);
	oe_watch_free(&m->signal_watch);
	oe_fd_close(&m->signal_fd);
	if (oe_ssh_is_alive(ssh)) {
		(void)oe_ssh_flush(ssh, FAREWELL_MS);
		oe_ssh_disconnect(ssh, NULL);
	}
}

int
oe_mux_master_run(const struct oe_mux_master_plan *plan)
{
	struct oe_mux__master m = {
	    .plan = *plan,
	    .loop = plan->c->loop,
	    .socket = plan->socket,
	    .forwards = plan->forwards,
	    .signal_fd = -1,
	    .persist_ms = persist_ms(plan->conf),
	    .stays = plan->stays,
	};

	raise_limit();
	master_start(&m);
	while (!m.over)
		if (oe_loop_once(m.loop, -1) < 0)
			master_end(&m, OE_EXIT_CONNECT);
	master_close(&m);
	if (m.raise)
		oe_session__raise(m.raise);
	return m.status;
}
