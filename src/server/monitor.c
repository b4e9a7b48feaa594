/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The privileged process of one connection: a table of what may be asked in
 * which phase, and the order of its life.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "server/conn.h"
#include "server/pam.h"
#include "server/proto.h"

/* How long net may take to say goodbye to the peer. */
#define OE_SRV_GOODBYE_MS 3000

void
oe_srv__reply(struct oe_srv_conn *c, uint8_t type, uint8_t answer)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, type);
	(void)oe_buf_put_u8(&m.payload, answer);
	if (oe_ipc_send(c->rpc, &m, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(&m);
}

void
oe_srv__reply_text(
    struct oe_srv_conn *c, uint8_t type, uint8_t answer, const char *text)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, type);
	(void)oe_buf_put_u8(&m.payload, answer);
	(void)oe_buf_put_cstring(&m.payload, text);
	if (oe_ipc_send(c->rpc, &m, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(&m);
}

void
oe_srv__notice(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	if (oe_ipc_send(c->notices, m, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(m);
}

void
oe_srv__report(struct oe_srv_conn *c, enum oe_srv_report_what what)
{
	struct oe_srv_report r = {.monitor = getpid(), .what = (int)what};

	if (c->srv->report_fd >= 0)
		(void)!write(c->srv->report_fd, &r, sizeof r);
}

void
oe_srv__event(struct oe_srv_conn *c, struct oe_event *e, const char *name)
{
	oe_event_begin(e, &c->srv->events, name);
	oe_event_str(e, "conn", c->peer->id);
	oe_event_str(e, "src", c->peer->text);
	oe_event_int(e, "src_port", c->peer->port);
	oe_event_str(e, "user", c->user);
}

static const char *
monitor_end_text(enum oe_srv_end why)
{
	switch (why) {
	case OE_SRV_END_NONE:
	case OE_SRV_END_PEER:
		break;
	case OE_SRV_END_GRACE:
		return "login-grace";
	case OE_SRV_END_TRIES:
		return "too-many-tries";
	case OE_SRV_END_PROTOCOL:
		return "protocol";
	case OE_SRV_END_SHUTDOWN:
		return "shutdown";
	case OE_SRV_END_LISTENER:
		return "sessions-full";
	case OE_SRV_END_POLICY:
		return "policy";
	case OE_SRV_END_ORDER:
		return "order";
	case OE_SRV_END_INTERNAL:
		return "internal";
	}
	return "peer";
}

static void
monitor_on_kill(void *arg)
{
	struct oe_srv_conn *c = arg;

	c->done = true;
}

void
oe_srv__end(struct oe_srv_conn *c, enum oe_srv_end why, const char *say)
{
	struct oe_ipc_msg m;

	if (c->phase == OE_SRV_PHASE_OVER)
		return;
	c->phase = OE_SRV_PHASE_OVER;
	c->end = why;
	if (say) {
		oe_ipc_msg_init(&m, OE_SRV_NOTE_DISCONNECT);
		(void)oe_buf_put_cstring(&m.payload, say);
		oe_srv__notice(c, &m);
		c->kill = oe_loop_timer(
		    c->loop, OE_SRV_GOODBYE_MS, monitor_on_kill, c);
	} else {
		c->done = true;
	}
}

static int
monitor_hello(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	char *version = NULL, *algorithms = NULL;
	struct oe_event e;
	int r = OE_EPROTO;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_VERSION_MAX, &version) ==
		0 &&
	    oe_buf_get_cstring(&m->payload, OE_SRV_VERSION_MAX, &algorithms) ==
		0) {
		oe_srv__event(c, &e, "hello");
		oe_event_str(&e, "version", version);
		oe_event_str(&e, "algorithms", algorithms);
		oe_event_end(&e, &c->srv->events);
		oe_srv__reply(c, m->type, 1);
		c->version = version;
		version = NULL;
		r = 0;
	}
	free(version);
	free(algorithms);
	return r;
}

static int
monitor_refused(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_event e;
	char *what = NULL;

	if (oe_buf_get_cstring(&m->payload, 64, &what) < 0)
		return OE_EPROTO;
	oe_srv__event(c, &e, "request.refused");
	oe_event_str(&e, "what", what);
	oe_event_end(&e, &c->srv->events);
	oe_log_debug(&c->lc_user, "refused: %s", what);
	free(what);
	oe_srv__reply(c, m->type, 1);
	return 0;
}

/* Without the module net asks none of this. */
static int
monitor_forward(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	return c->forwarding ? c->forwarding->request(c, m) : OE_EPROTO;
}

#define IN(phase) (1u << OE_SRV_PHASE_##phase)

static const struct monitor_rule {
	unsigned phases; /* where it may be asked at all */
	unsigned most;   /* how often in a connection; 0: any number */
	bool told;       /* net does not wait for a reply */
	oe_srv_handler *handler;
} monitor_rules[OE_SRV_REQ_COUNT] = {
    [OE_SRV_REQ_HELLO] = {IN(AUTH), 1, false, monitor_hello},
    [OE_SRV_REQ_TRY_KEY] = {IN(AUTH), 0, false, oe_srv__auth_key},
    [OE_SRV_REQ_PROVEN_KEY] = {IN(AUTH), 0, false, oe_srv__auth_key},
    [OE_SRV_REQ_PASSWORD] = {IN(AUTH), 0, false, oe_srv__auth_password},
    [OE_SRV_REQ_NONE] = {IN(AUTH), 0, false, oe_srv__auth_none},
    [OE_SRV_REQ_KBDINT] = {IN(AUTH), 0, false, oe_srv__auth_kbdint},
    [OE_SRV_REQ_OPEN] = {IN(OPEN), 0, false, oe_srv__session_open},
    [OE_SRV_REQ_PTY] = {IN(OPEN), 0, false, oe_srv__session_pty},
    [OE_SRV_REQ_ENV] = {IN(OPEN), 0, false, oe_srv__session_env},
    [OE_SRV_REQ_START] = {IN(OPEN), 0, false, oe_srv__session_start},
    [OE_SRV_REQ_WINDOW] = {IN(OPEN), 0, false, oe_srv__session_window},
    [OE_SRV_REQ_SIGNAL] = {IN(OPEN), 0, false, oe_srv__session_signal},
    [OE_SRV_REQ_AGENT] = {IN(OPEN), 0, false, oe_srv__session_agent},
    /* closing is how an ending connection gives back what it has */
    [OE_SRV_REQ_CLOSE] = {IN(OPEN) | IN(OVER), 0, false, oe_srv__session_close},
    [OE_SRV_REQ_REFUSED] = {IN(AUTH) | IN(OPEN), 0, false, monitor_refused},
    [OE_SRV_REQ_FORWARD_CONNECT] = {IN(OPEN), 0, true, monitor_forward},
    [OE_SRV_REQ_FORWARD_LISTEN] = {IN(OPEN), 0, false, monitor_forward},
    [OE_SRV_REQ_FORWARD_CANCEL] = {IN(OPEN), 0, false, monitor_forward},
    [OE_SRV_REQ_FORWARD_CLOSE] = {IN(OPEN) | IN(OVER), 0, true,
	monitor_forward},
};

static void
monitor_violation(struct oe_srv_conn *c, uint8_t type, const char *what)
{
	struct oe_event e;

	oe_log_error(&c->lc_user,
	    "the network process sent a request (type %u) that is %s: "
	    "ending the connection",
	    type, what);
	oe_srv__event(c, &e, "violation");
	oe_event_int(&e, "request", type);
	oe_event_str(&e, "why", what);
	oe_event_end(&e, &c->srv->events);
	oe_srv__end(c, OE_SRV_END_PROTOCOL, NULL);
	c->done = true;
}

static void
monitor_serve(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	const struct monitor_rule *rule;

	if (m->type >= OE_SRV_REQ_COUNT || !monitor_rules[m->type].handler) {
		monitor_violation(c, m->type, "unknown");
		return;
	}
	rule = &monitor_rules[m->type];
	if (m->nfds) {
		monitor_violation(c, m->type, "carrying descriptors");
		return;
	}
	/* an ending connection is answered "no" until net has understood */
	if (c->phase == OE_SRV_PHASE_OVER && !(rule->phases & IN(OVER))) {
		if (!rule->told)
			oe_srv__reply(c, m->type, 0);
		return;
	}
	if (!(rule->phases & (1u << c->phase))) {
		monitor_violation(c, m->type, "not permitted in this phase");
		return;
	}
	if (rule->most && c->asked[m->type] >= rule->most) {
		monitor_violation(c, m->type, "repeated");
		return;
	}
	c->asked[m->type]++;
	if (rule->handler(c, m) < 0)
		monitor_violation(c, m->type, "malformed");
}

void
oe_srv__serve(struct oe_srv_conn *c)
{
	struct oe_ipc_msg m;

	if (oe_ipc_recv(c->rpc, 0, &m, NULL) < 0) {
		oe_srv__end(c, OE_SRV_END_PEER, NULL);
		c->done = true;
		return;
	}
	monitor_serve(c, &m);
	oe_ipc_msg_done(&m);
	while (c->has_pending && !c->done) {
		m = c->pending;
		c->has_pending = false;
		monitor_serve(c, &m);
		oe_ipc_msg_done(&m);
	}
}

static void
monitor_on_rpc(void *arg, short revents)
{
	(void)revents;
	oe_srv__serve(arg);
}

static void
monitor_reap(struct oe_srv_conn *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (oe_srv__session_reaped(c, pid, status) ||
		    (c->forwarding && c->forwarding->reaped(c, pid, status)))
			continue;
		if (pid != c->net)
			continue;
		c->net = -1;
		if (WIFSIGNALED(status))
			oe_log_warn(&c->lc_user,
			    "the network process ended by signal %d",
			    WTERMSIG(status));
		/* what it asked before is still in the socket: rpc ends it */
	}
}

/* Is it for this connection? */
static void
monitor_on_order(struct oe_srv_conn *c, const struct signalfd_siginfo *si)
{
	uint64_t id = strtoull(c->peer->id, NULL, 16);
	union sigval want = {.sival_ptr = NULL}, got = {.sival_ptr = NULL};

	memcpy(&want, &id, sizeof want < sizeof id ? sizeof want : sizeof id);
	memcpy(&got, &si->ssi_ptr,
	    sizeof got < sizeof si->ssi_ptr ? sizeof got : sizeof si->ssi_ptr);
	if (want.sival_ptr == got.sival_ptr)
		oe_srv__end(c, OE_SRV_END_ORDER,
		    "an administrator has ended this session");
}

static void
monitor_on_signal(void *arg, short revents)
{
	struct oe_srv_conn *c = arg;
	struct signalfd_siginfo si;

	(void)revents;
	if (read(c->signals, &si, sizeof si) != sizeof si)
		return;
	if (si.ssi_signo == SIGCHLD)
		monitor_reap(c);
	else if (si.ssi_signo == SIGUSR2)
		oe_srv__policy_changed(c);
	else if (si.ssi_signo == OE_SRV_SIGNAL_ORDER)
		monitor_on_order(c, &si);
	else if (si.ssi_signo == SIGUSR1)
		oe_srv__end(c, OE_SRV_END_LISTENER,
		    "the server has all the sessions that it may have");
	else
		oe_srv__end(
		    c, OE_SRV_END_SHUTDOWN, "the server is shutting down");
}

/* One timer for both: the end of the grace, or the rest after login. */
static void
monitor_on_grace(void *arg)
{
	struct oe_srv_conn *c = arg;

	if (c->phase != OE_SRV_PHASE_AUTH)
		oe_mem_trim();
	else
		oe_srv__end(c, OE_SRV_END_GRACE, "not authenticated in time");
}

static int
monitor_signals(struct oe_srv_conn *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, (int)OE_SRV_SIGNAL_ORDER);
	sigprocmask(SIG_SETMASK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signals < 0 ? OE_ESYS : 0;
}

/* net keeps standard error, for its messages, and nothing else. */
static int
monitor_mute(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), r = 0;

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		r = OE_ESYS;
	oe_fd_close(&fd);
	return r;
}

static int
monitor_fork_net(struct oe_srv_conn *c, int fd)
{
	int rpc[2] = {-1, -1}, notices[2] = {-1, -1}, r = OE_ESYS;
	struct oe_err err = OE_ERR_INIT;

	if (oe_ipc_pair(rpc, &err) < 0 || oe_ipc_pair(notices, &err) < 0)
		goto out;
	c->net = fork();
	if (c->net < 0) {
		oe_err_sys(&err, "fork");
		goto out;
	}
	if (c->net == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		oe_fd_close(&rpc[0]);
		oe_fd_close(&notices[0]);
		oe_fd_close(&c->signals);
		oe_srv_snapshot_close(&c->snapshot);
		if (c->srv->report_fd >= 0)
			close(c->srv->report_fd);
		if (c->srv->spool.fd >= 0)
			close(c->srv->spool.fd);
		/* events are the monitor's to write */
		if (monitor_mute() < 0)
			_exit(1);
		oe_srv__net_run(c->srv, c->peer, fd, rpc[1], notices[1]);
	}
	c->rpc = rpc[0];
	c->notices = notices[0];
	rpc[0] = notices[0] = -1;
	r = 0;
out:
	if (r < 0)
		oe_log_error(&c->lc, "%s", oe_err_text(&err));
	oe_fd_close(&rpc[0]);
	oe_fd_close(&rpc[1]);
	oe_fd_close(&notices[0]);
	oe_fd_close(&notices[1]);
	oe_fd_close(&fd);
	return r;
}

void
oe_srv__conn_init(struct oe_srv_conn *c, const struct oe_srv *srv,
    const struct oe_srv_peer *peer)
{
	uint32_t grace_s = srv->cfg->login_grace_s;

	*c = (struct oe_srv_conn){
	    .srv = srv,
	    .peer = peer,
	    .lc = {NULL, "conn", peer->id},
	    .lc_peer = {&c->lc, "peer", peer->text},
	    .lc_user = {&c->lc_peer, "user", NULL},
	    .rpc = -1,
	    .notices = -1,
	    .signals = -1,
	    .agent_fd = -1,
	    .listener = -1,
	    .account = OE_SRV_USER_INIT,
	    .forwarding = oe_srv_forwarding_of(srv->cfg->modules),
	    .policy = srv->cfg->policy,
	    .snapshot = srv->snapshot,
	};
	oe_grant_init(&c->grant, false);
	oe_grant_init(&c->proven, false);
	c->loop = oe_loop_new();
	c->grace = oe_loop_timer(c->loop,
	    grace_s ? (int64_t)grace_s * 1000 : -1, monitor_on_grace, c);
}

void
oe_srv__conn_done(struct oe_srv_conn *c)
{
	struct oe_event e;

	c->phase = OE_SRV_PHASE_OVER;
	if (c->net > 0)
		kill(c->net, SIGKILL);
	if (c->forwarding)
		c->forwarding->end(c);
	oe_srv__session_end_all(c);
	if (c->pam)
		oe_srv_pam_free(&c->pam);
	oe_srv__event(c, &e, "disconnect");
	oe_event_str(&e, "reason", monitor_end_text(c->end));
	oe_event_bool(&e, "authenticated", c->method != NULL);
	oe_event_int(&e, "duration_ms", oe_time_mono_ms() - c->peer->since_ms);
	oe_event_end(&e, &c->srv->events);
	if (c->has_pending)
		oe_ipc_msg_done(&c->pending);
	oe_srv__policy_done(c);
	oe_timer_free(&c->grace);
	oe_timer_free(&c->kill);
	oe_timer_free(&c->condemned);
	oe_loop_free(&c->loop);
	oe_fd_close(&c->rpc);
	oe_fd_close(&c->notices);
	oe_fd_close(&c->signals);
	oe_grant_done(&c->grant);
	oe_srv_user_done(&c->account);
	oe_mem_free(&c->user);
	oe_mem_free(&c->version);
}

int
oe_srv__monitor_run(
    const struct oe_srv *srv, const struct oe_srv_peer *peer, int fd)
{
	struct oe_srv_conn c;

	oe_srv__conn_init(&c, srv, peer);
	if (monitor_signals(&c) < 0 || monitor_fork_net(&c, fd) < 0)
		return 1;
	oe_loop_watch(c.loop, c.rpc, POLLIN, monitor_on_rpc, &c);
	oe_loop_watch(c.loop, c.signals, POLLIN, monitor_on_signal, &c);
	oe_srv__policy_watch(&c);
	while (!c.done && oe_loop_once(c.loop, -1) == 0)
		continue;
	oe_srv__conn_done(&c);
	return 0;
}
