/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that accepts.  It reads nothing from a peer: it looks at the
 * source address, keeps the limits, and forks a monitor for the rest.
 */
#include "server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/app/command.h"
#include "core/app/daemon.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "core/app/notify.h"
#include "core/net/sandbox.h"
#include "core/ssh/hostkey.h"
#include "core/ssh/serve.h"
#include "server/listener_internal.h"
#include "server/pam.h"
#include "server/pamconf.h"
#include "server/user.h"

/* Connections taken in one go before signals and reports get their turn. */
#define OE_SRV_ACCEPT_BURST 16
/* No descriptors or memory: how long accept() is left alone. */
#define OE_SRV_ACCEPT_REST_MS 200
/* Stopping: how long sessions have before they are killed. */
#define OE_SRV_STOP_MS 10000

static int
listener_bind_params(struct listener *l, const struct oe_srv_config *cfg,
    struct oe_ssh_bind **ret, struct oe_err *err)
{
	struct oe_ssh_bind_params p = {
	    .methods = cfg->methods,
	    .rekey_bytes = cfg->rekey_bytes,
	    .rekey_s = cfg->rekey_s,
	    .issue = cfg->banner,
	    .ciphers = cfg->ciphers,
	    .macs = cfg->macs,
	    .kex = cfg->kex,
	};
	int r = oe_ssh_bind_new(cfg->hostkeys, &p, ret, err);

	(void)l;
	if (r == 0 && oe_ssh_bind_warm(*ret, err) < 0) {
		/* slower, not wrong */
		oe_log_debug(NULL, "warm-up: %s", oe_err_text(err));
		err->msg[0] = 0;
	}
	return r;
}

/* The account of net: its own where it exists, else one that owns nothing. */
static void
listener_net_account(struct listener *l)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;

	if (!l->srv.cfg->root)
		return;
	if (oe_srv_user_lookup(l->srv.cfg->net_user, &u, NULL) == 0 &&
	    u.uid != 0) {
		l->srv.net_uid = u.uid;
		l->srv.net_gid = u.gid;
	} else {
		oe_log_warn(NULL,
		    "there is no account '%s': the network process runs as "
		    "'nobody', which other programs may use too",
		    l->srv.cfg->net_user);
		l->srv.net_uid = 65534;
		l->srv.net_gid = 65534;
	}
	oe_srv_user_done(&u);
}

static void
listener_refuse(
    struct listener *l, const struct oe_srv_peer *peer, const char *why)
{
	struct oe_eventlog log = l->srv.events;
	struct oe_event e;

	/* for want of room in it: not one more */
	if (l->full)
		log.also = NULL;
	oe_event_begin(&e, &log, "refused");
	oe_event_str(&e, "conn", peer->id);
	oe_event_str(&e, "src", peer->text);
	oe_event_int(&e, "src_port", peer->port);
	oe_event_str(&e, "reason", why);
	oe_event_end(&e, &log);
}

static void
listener_connected(struct listener *l, const struct oe_srv_peer *peer)
{
	struct oe_event e;

	oe_event_begin(&e, &l->srv.events, "connect");
	oe_event_str(&e, "conn", peer->id);
	oe_event_str(&e, "src", peer->text);
	oe_event_int(&e, "src_port", peer->port);
	oe_event_str(&e, "dst", peer->local_text);
	oe_event_int(&e, "dst_port", peer->local_port);
	oe_event_end(&e, &l->srv.events);
}

/* The child: nothing of the listener's is kept but what the monitor needs. */
static void OE_NORETURN
listener_child(struct listener *l, struct oe_srv_peer *peer, int fd)
{
	size_t i;

	for (i = 0; i < l->n_socks; i++)
		oe_fd_close(&l->socks[i].fd);
	oe_fd_close(&l->signals);
	oe_fd_close(&l->reports);
	/* who could read what the feed tells would take it from the listener */
	if (l->srv.cfg->feed)
		l->srv.cfg->source->close(&l->srv.cfg->feed);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	_exit(oe_srv__monitor_run(&l->srv, peer, fd));
}

static const char *
listener_judge(struct listener *l, const struct oe_srv_peer *peer)
{
	enum oe_srv_verdict v;

	if (!listener_policy_room(l))
		return "spool";
	if (l->srv.cfg->allow &&
	    !oe_cidr_list_contains(l->srv.cfg->allow, &peer->addr))
		return "source";
	v = oe_srv_limits_open(l->limits, peer->key, oe_time_mono_ms());
	return v == OE_SRV_PASS ? NULL : oe_srv_verdict_text(v);
}

static void
listener_take(struct listener *l, int fd)
{
	struct oe_srv_peer peer;
	const char *why;
	pid_t pid;

	if (listener_identify(l, fd, &peer) < 0) {
		oe_fd_close(&fd);
		return;
	}
	why = listener_judge(l, &peer);
	if (why) {
		listener_refuse(l, &peer, why);
		oe_fd_close(&fd);
		return;
	}
	listener_connected(l, &peer);
	pid = fork();
	if (pid == 0)
		listener_child(l, &peer, fd);
	if (pid < 0) {
		oe_log_error(NULL, "fork: %s", strerror(errno));
		oe_srv_limits_close(l->limits, peer.key, false);
		listener_refuse(l, &peer, "fork");
	} else {
		listener_add_child(l, pid, &peer);
	}
	oe_fd_close(&fd);
}

void
listener_on_accept(void *arg, short revents)
{
	struct sock *s = arg;
	struct listener *l = s->listener;
	int i, fd;

	(void)revents;
	for (i = 0; i < OE_SRV_ACCEPT_BURST; i++) {
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			listener_take(l, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			oe_log_error(NULL, "accept: %s: resting a moment",
			    strerror(errno));
			oe_watch_set(s->watch, 0);
			oe_timer_set(l->rest, OE_SRV_ACCEPT_REST_MS);
		}
		return;
	}
}

static void
listener_on_rest(void *arg)
{
	struct listener *l = arg;
	size_t i;

	for (i = 0; i < l->n_socks && !l->stopping; i++)
		oe_watch_set(l->socks[i].watch, POLLIN);
}

static void
listener_status(struct listener *l)
{
	struct oe_srv_limits_stats st;

	oe_srv_limits_stats(l->limits, &st);
	oe_notify("STATUS=%zu logged in, %zu logging in", st.sessions,
	    st.unauthenticated);
}

static void
listener_on_watchdog(void *arg)
{
	struct listener *l = arg;

	oe_notify("WATCHDOG=1");
	listener_status(l);
	oe_timer_set(l->watchdog, oe_notify_watchdog_ms());
}

static int
listener_apply(void *arg, const struct oe_values *v, struct oe_err *err)
{
	struct listener *l = arg;
	struct oe_srv_config *cfg = NULL;
	struct oe_ssh_bind *bind = NULL;
	int r = oe_srv_config_load(l->ctx->modules, v, true, &cfg, err);

	if (r == 0)
		r = listener_bind_params(l, cfg, &bind, err);
	if (r == 0) {
		l->srv.cfg = cfg;
		r = listener_rebind(l, err);
		l->srv.cfg = *l->cfg;
	}
	if (r < 0) {
		oe_ssh_bind_free(&bind);
		oe_srv_config_free(&cfg);
		return r;
	}
	oe_srv_config_log(v);
	oe_ssh_bind_free(&l->srv.bind);
	l->srv.bind = bind;
	oe_srv_limits_set(l->limits, &cfg->limits);
	/* its feed goes with it */
	listener_policy_stop(l);
	oe_srv_config_free(l->cfg);
	*l->cfg = l->srv.cfg = cfg;
	l->srv.events.fd = cfg->quiet ? -1 : STDOUT_FILENO;
	l->srv.events.node = l->srv.spool.node = cfg->device_id;
	listener_net_account(l);
	return listener_policy_start(l, err);
}

static void
listener_on_kill(void *arg)
{
	struct listener *l = arg;

	listener_signal_children(l, SIGKILL);
	l->killed = true;
}

static void
listener_stop(struct listener *l)
{
	size_t i;

	/* asked twice: no patience left */
	if (l->stopping) {
		listener_on_kill(l);
		return;
	}
	l->stopping = true;
	oe_notify("STOPPING=1");
	for (i = 0; i < l->n_socks; i++) {
		oe_watch_free(&l->socks[i].watch);
		oe_fd_close(&l->socks[i].fd);
	}
	l->n_socks = 0;
	listener_signal_children(l, SIGTERM);
	l->kill = oe_loop_timer(l->loop, OE_SRV_STOP_MS, listener_on_kill, l);
}

static void
listener_on_signal(void *arg, short revents)
{
	struct listener *l = arg;
	struct signalfd_siginfo si;

	(void)revents;
	while (read(l->signals, &si, sizeof si) == sizeof si) {
		switch (si.ssi_signo) {
		case SIGCHLD:
			listener_reap(l);
			break;
		case SIGHUP:
			oe_daemon_reload(l->ctx, &l->srv.events,
			    "server.reload", listener_apply, l);
			break;
		case SIGUSR2:
			listener_reexec(l);
			break;
		case SIGTERM:
		case SIGINT:
			listener_stop(l);
			break;
		}
	}
}

/* What a monitor tells: see struct oe_srv_report. */
static void
listener_on_report(void *arg, short revents)
{
	struct listener *l = arg;
	struct oe_srv_report r;
	struct child *c;
	int64_t ban;

	(void)revents;
	while (read(l->reports, &r, sizeof r) == sizeof r) {
		c = listener_find_child(l, r.monitor);
		if (!c)
			continue;
		if (r.what == OE_SRV_REPORT_FAILED) {
			ban = oe_srv_limits_failed(
			    l->limits, c->key, oe_time_mono_ms());
			if (ban)
				listener_banned(l, c, ban);
		} else if (!c->authenticated) {
			if (oe_srv_limits_authenticated(l->limits, c->key) ==
			    OE_SRV_PASS)
				c->authenticated = true;
			else
				(void)kill(c->pid, SIGUSR1);
		}
	}
}

static int
listener_open(struct listener *l, struct oe_err *err)
{
	sigset_t set;
	int p[2], r;

	r = oe_sandbox_new(&l->srv.sandbox, err);
	if (r == 0)
		r = listener_bind_params(l, l->srv.cfg, &l->srv.bind, err);
	if (r < 0)
		return r;
	if (l->srv.cfg->pam)
		(void)oe_srv_pamconf_warm(oe_srv_pam_service());
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return oe_err_sys(err, "make a pipe");
	l->reports = p[0];
	l->srv.report_fd = p[1];
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR2);
	oe_daemon_signals(&set);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signals < 0)
		return oe_err_sys(err, "watch signals");
	return listener_rebind(l, err);
}

static void
listener_announce(struct listener *l)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	struct oe_event e;
	size_t i;

	if (cfg->permissive)
		oe_log_warn(NULL,
		    "--permissive: connections from ANY address are "
		    "accepted; only authentication protects this machine");
	if (cfg->trust_network)
		oe_log_warn(NULL,
		    "--trust-network: private addresses log in WITHOUT any "
		    "key or password");
	for (i = 0; i < oe_ssh_hostkeys_count(cfg->hostkeys); i++)
		oe_log_info(NULL, "host key %s",
		    oe_ssh_hostkeys_describe(cfg->hostkeys, i));
	for (i = 0; i < l->n_socks; i++)
		oe_log_info(NULL, "listening on %s", l->socks[i].text);
	oe_daemon_started(&e, &l->srv.events, "server.start");
	oe_event_str(&e, "sandbox", oe_sandbox_describe());
	if (l->replaced)
		oe_event_bool(&e, "replaced", true);
	oe_event_end(&e, &l->srv.events);
	oe_notify("READY=1");
}

static void
listener_free(struct listener *l)
{
	listener_forget_children(l);
	listener_policy_stop(l);
	oe_srv_snapshot_close(&l->srv.snapshot);
	oe_srv_limits_free(&l->limits);
	oe_ssh_bind_free(&l->srv.bind);
	oe_sandbox_free(&l->srv.sandbox);
	oe_loop_free(&l->loop);
}

static void
listener_done(struct listener *l)
{
	oe_daemon_ended(&l->srv.events, "server.stop");
	listener_free(l);
}

int
oe_srv_listener_run(const struct oe_ctx *ctx, struct oe_srv_config **cfg)
{
	struct listener l = {
	    .ctx = ctx,
	    .cfg = cfg,
	    .signals = -1,
	    .reports = -1,
	    .srv = {.cfg = *cfg,
		.report_fd = -1,
		.snapshot = {.fd = -1},
		.spool = {.fd = -1}},
	};
	struct oe_err err = OE_ERR_INIT;
	int64_t dog = oe_notify_watchdog_ms();

	l.srv.events.fd = (*cfg)->quiet ? -1 : STDOUT_FILENO;
	l.srv.events.node = (*cfg)->device_id;
	l.srv.self_path = listener_self_path();
	l.srv.listener = getpid();
	l.loop = oe_loop_new();
	listener_inherit(&l);
	l.limits = oe_srv_limits_new(&(*cfg)->limits);
	listener_net_account(&l);
	if (listener_open(&l, &err) < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		listener_free(&l);
		return OE_EXIT_CONFIG;
	}
	oe_loop_watch(l.loop, l.signals, POLLIN, listener_on_signal, &l);
	oe_loop_watch(l.loop, l.reports, POLLIN, listener_on_report, &l);
	l.rest = oe_loop_timer(l.loop, -1, listener_on_rest, &l);
	l.sweep = oe_loop_timer(l.loop, 1000, listener_on_sweep, &l);
	l.watchdog =
	    oe_loop_timer(l.loop, dog ? 0 : -1, listener_on_watchdog, &l);
	listener_adopt(&l);
	if (listener_policy_start(&l, &err) < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		listener_free(&l);
		return OE_EXIT_CONFIG;
	}
	listener_announce(&l);
	while (!(l.stopping && (l.killed || !l.n_children)) &&
	       oe_loop_once(l.loop, -1) == 0)
		continue;
	listener_done(&l);
	return OE_EXIT_OK;
}
