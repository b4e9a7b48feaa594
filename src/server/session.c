/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session channels in the monitor: the requests of net about them, and the
 * books that are kept of them.
 */
#include "server/session.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/ssh/ptymodes.h"
#include "core/ssh/signals.h"
#include "server/login.h"
#include "server/pam.h"

/* How long ended connections wait for their processes' status. */
#define OE_SRV_REAP_MS 300

struct oe_srv_session *
oe_srv__session_find(struct oe_srv_conn *c, uint32_t id)
{
	struct oe_srv_session *s;

	for (s = c->sessions; s; s = s->next)
		if (s->id == id && !s->closed)
			return s;
	return NULL;
}

static int
session_take(
    struct oe_srv_conn *c, struct oe_ipc_msg *m, struct oe_srv_session **ret)
{
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0)
		return OE_EPROTO;
	*ret = oe_srv__session_find(c, id);
	return *ret ? 0 : OE_EPROTO;
}

int
oe_srv__session_open(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	unsigned most = c->rule.max_sessions;
	struct oe_srv_session *s;
	struct oe_ipc_msg reply;

	if (c->open_sessions >= OE_SRV_CHANNELS_MAX ||
	    (most && c->open_sessions >= most)) {
		oe_srv__reply(c, m->type, 0);
		return 0;
	}
	s = oe_mem_zalloc(sizeof *s);
	s->id = ++c->next_session;
	s->master = s->slave = -1;
	oe_srv_env_init(&s->env);
	s->next = c->sessions;
	c->sessions = s;
	c->open_sessions++;
	oe_ipc_msg_init(&reply, m->type);
	(void)oe_buf_put_u8(&reply.payload, 1);
	(void)oe_buf_put_u32(&reply.payload, s->id);
	if (oe_ipc_send(c->rpc, &reply, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(&reply);
	return 0;
}

static void
session_set_size(int fd, const uint32_t size[4])
{
	struct winsize ws = {
	    .ws_col = (unsigned short)(size[0] > 0xffff ? 0xffff : size[0]),
	    .ws_row = (unsigned short)(size[1] > 0xffff ? 0xffff : size[1]),
	    .ws_xpixel = (unsigned short)(size[2] > 0xffff ? 0xffff : size[2]),
	    .ws_ypixel = (unsigned short)(size[3] > 0xffff ? 0xffff : size[3]),
	};

	(void)ioctl(fd, TIOCSWINSZ, &ws);
}

static int
session_get_size(struct oe_ipc_msg *m, uint32_t size[4])
{
	int i;

	for (i = 0; i < 4; i++)
		if (oe_buf_get_u32(&m->payload, &size[i]) < 0)
			return OE_EPROTO;
	return 0;
}

/* The slave belongs to the user, as login(1) leaves it. */
static bool
session_make_pty(struct oe_srv_conn *c, struct oe_srv_session *s)
{
	if (openpty(&s->master, &s->slave, s->tty, NULL, NULL) < 0)
		return false;
	(void)fcntl(s->master, F_SETFD, FD_CLOEXEC);
	(void)fcntl(s->slave, F_SETFD, FD_CLOEXEC);
	if (c->srv->cfg->root &&
	    (fchown(s->slave, c->account.uid, (gid_t)-1) < 0 ||
		fchmod(s->slave, 0620) < 0)) {
		oe_fd_close(&s->master);
		oe_fd_close(&s->slave);
		return false;
	}
	return true;
}

int
oe_srv__session_pty(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_session *s;
	struct oe_buf modes;
	struct termios t;
	uint32_t size[4];
	char *term = NULL;

	if (session_take(c, m, &s) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_TERM_MAX, &term) < 0)
		return OE_EPROTO;
	oe_str_copy(s->term, sizeof s->term, term);
	free(term);
	/* net itself refuses a second terminal, and one after the start */
	if (session_get_size(m, size) < 0 ||
	    oe_buf_get_string(&m->payload, &modes) < 0 ||
	    oe_buf_left(&modes) > OE_SRV_MODES_MAX || s->pty || s->started)
		return OE_EPROTO;
	if (!c->grant.pty || !session_make_pty(c, s)) {
		oe_srv__reply(c, m->type, 0);
		return 0;
	}
	s->pty = true;
	session_set_size(s->master, size);
	if (tcgetattr(s->slave, &t) == 0) {
		(void)oe_ssh_ptymodes_apply(
		    &t, oe_buf_head(&modes), oe_buf_left(&modes));
		(void)tcsetattr(s->slave, TCSANOW, &t);
	}
	oe_srv__reply(c, m->type, 1);
	return 0;
}

/* A rule's own list, which the operator's holds down when it was given. */
static const char *
session_patterns(const struct oe_srv_conn *c)
{
	return c->rule.accept_env ? c->rule.accept_env
				  : c->srv->cfg->accept_env;
}

static bool
session_accepts(const struct oe_srv_conn *c, const char *name)
{
	return !c->rule.accept_env || !c->srv->cfg->accept_env_given ||
	       oe_srv_env_accepts(c->srv->cfg->accept_env, name);
}

int
oe_srv__session_env(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_session *s;
	char *name = NULL, *value = NULL;
	int r = OE_EPROTO;

	if (session_take(c, m, &s) == 0 &&
	    oe_buf_get_cstring(&m->payload, OE_SRV_ENV_TEXT_MAX, &name) == 0 &&
	    oe_buf_get_cstring(&m->payload, OE_SRV_ENV_TEXT_MAX, &value) == 0) {
		bool ok = !s->started && session_accepts(c, name) &&
			  oe_srv_env_client(
			      &s->env, session_patterns(c), name, value) == 0;

		oe_srv__reply(c, m->type, ok);
		r = 0;
	}
	free(name);
	free(value);
	return r;
}

static const char *
session_kind_text(enum oe_srv_start_kind kind)
{
	switch (kind) {
	case OE_SRV_START_SHELL:
		break;
	case OE_SRV_START_EXEC:
		return "exec";
	case OE_SRV_START_SUBSYSTEM:
		return "subsystem";
	}
	return "shell";
}

static void
session_event(struct oe_srv_conn *c, struct oe_srv_session *s,
    struct oe_event *e, const char *name)
{
	oe_srv__event(c, e, name);
	oe_event_int(e, "session", s->id);
	oe_event_str(e, "local_user", c->account.name);
	oe_event_str(e, "kind", session_kind_text(s->kind));
	if (s->kind != OE_SRV_START_SHELL)
		oe_event_str(e, "command", s->text);
	if (s->pty)
		oe_event_str(e, "tty", s->tty);
}

void
oe_srv__session_record(
    struct oe_srv_conn *c, struct oe_srv_session *s, bool begin)
{
	struct oe_srv_login l = {
	    .user = &c->account,
	    .pid = s->pid > 0 ? s->pid : getpid(),
	    .tty = s->tty,
	    .host = c->peer->text,
	    .time_ms = oe_time_wall_ms(),
	};

	if (!c->srv->cfg->root || !s->pty || s->recorded == begin)
		return;
	memcpy(l.addr, c->peer->key, sizeof l.addr);
	s->recorded = begin;
	if (begin)
		oe_srv_login_begin(&l, NULL);
	else
		oe_srv_login_end(&l, NULL);
}

int
oe_srv__session_start(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_session *s;
	struct oe_err err = OE_ERR_INIT;
	struct oe_ipc_msg reply;
	struct oe_event e;
	char *text = NULL;
	uint8_t kind;
	int n;

	if (session_take(c, m, &s) < 0 || s->started ||
	    oe_buf_get_u8(&m->payload, &kind) < 0 ||
	    kind < OE_SRV_START_SHELL || kind > OE_SRV_START_SUBSYSTEM ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_COMMAND_MAX, &text) < 0)
		return OE_EPROTO;
	free(s->text);
	s->text = text;
	s->kind = (enum oe_srv_start_kind)kind;
	s->since_ms = oe_time_mono_ms();
	oe_ipc_msg_init(&reply, m->type);
	n = oe_srv__session_launch(c, s, reply.fds, &err);
	/* refused: clients fall back to another request on the channel */
	s->started = n >= 0 || s->pid;
	session_event(c, s, &e,
	    n < 0 || s->refused ? "session.refused" : "session.start");
	if (n < 0 || s->refused) {
		oe_event_str(&e, "why", oe_err_text(&err));
		oe_log_info(
		    &c->lc_user, "session refused: %s", oe_err_text(&err));
	}
	oe_event_end(&e, &c->srv->events);
	reply.nfds = n < 0 ? 0 : (unsigned)n;
	(void)oe_buf_put_u8(&reply.payload, n >= 0);
	if (oe_ipc_send(c->rpc, &reply, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(&reply);
	return 0;
}

int
oe_srv__session_window(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_session *s;
	uint32_t size[4];

	if (session_take(c, m, &s) < 0 || session_get_size(m, size) < 0)
		return OE_EPROTO;
	if (s->master >= 0)
		session_set_size(s->master, size);
	oe_srv__reply(c, m->type, s->master >= 0);
	return 0;
}

int
oe_srv__session_signal(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_session *s;
	char *name = NULL;
	int number;
	bool ok;

	if (session_take(c, m, &s) < 0 ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_SIGNAL_MAX, &name) < 0)
		return OE_EPROTO;
	number = oe_ssh_signal_number(name);
	/* a forced command is not the peer's to interrupt */
	ok = number && s->pid > 0 && !c->grant.force_command &&
	     !c->srv->cfg->force_command && killpg(s->pid, number) == 0;
	free(name);
	oe_srv__reply(c, m->type, ok);
	return 0;
}

int
oe_srv__session_agent(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_srv_session *s;

	if (session_take(c, m, &s) < 0)
		return OE_EPROTO;
	if (!c->grant.agent || s->started || oe_srv__agent_open(c, &err) < 0) {
		oe_log_debug(&c->lc_user, "no agent forwarding: %s",
		    err.code ? oe_err_text(&err) : "not permitted");
		oe_srv__reply(c, m->type, 0);
		return 0;
	}
	s->agent = true;
	oe_srv__reply(c, m->type, 1);
	return 0;
}

static void
session_free(struct oe_srv_conn *c, struct oe_srv_session *s)
{
	struct oe_srv_session **p = &c->sessions;
	struct oe_event e;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	oe_srv__reports_close(s);
	if (s->started && s->pid && !s->refused) {
		session_event(c, s, &e, "session.end");
		oe_event_int(&e, "bytes_out", (int64_t)s->sent);
		oe_event_int(&e, "bytes_in", (int64_t)s->received);
		if (s->pid > 0)
			oe_event_bool(&e, "still_running", true);
		else if (WIFSIGNALED(s->status))
			oe_event_str(&e, "signal",
			    oe_ssh_signal_name(WTERMSIG(s->status)));
		else
			oe_event_int(&e, "status", WEXITSTATUS(s->status));
		if (s->reports_refused)
			oe_event_int(
			    &e, "reports_refused", (int64_t)s->reports_refused);
		oe_event_int(
		    &e, "duration_ms", oe_time_mono_ms() - s->since_ms);
		oe_event_end(&e, &c->srv->events);
	}
	oe_fd_close(&s->master);
	oe_fd_close(&s->slave);
	oe_srv_env_done(&s->env);
	free(s->chosen);
	free(s->text);
	free(s);
}

int
oe_srv__session_close(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	struct oe_srv_session *s;

	if (session_take(c, m, &s) < 0 ||
	    oe_buf_get_u64(&m->payload, &s->sent) < 0 ||
	    oe_buf_get_u64(&m->payload, &s->received) < 0)
		return OE_EPROTO;
	s->closed = true;
	c->open_sessions--;
	oe_fd_close(&s->master);
	if (s->pid > 0)
		(void)killpg(s->pid, SIGHUP);
	else
		session_free(c, s);
	oe_srv__reply(c, m->type, 1);
	return 0;
}

static void
session_tell_exit(struct oe_srv_conn *c, struct oe_srv_session *s)
{
	bool by_signal = WIFSIGNALED(s->status);
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_SRV_NOTE_EXITED);
	(void)oe_buf_put_u32(&m.payload, s->id);
	(void)oe_buf_put_u8(&m.payload, by_signal);
	(void)oe_buf_put_u32(
	    &m.payload, by_signal ? 0 : (uint32_t)WEXITSTATUS(s->status));
	(void)oe_buf_put_cstring(&m.payload,
	    by_signal ? oe_ssh_signal_name(WTERMSIG(s->status)) : "");
	(void)oe_buf_put_u8(
	    &m.payload, by_signal && WCOREDUMP(s->status) ? 1 : 0);
	oe_srv__notice(c, &m);
}

bool
oe_srv__session_reaped(struct oe_srv_conn *c, pid_t pid, int status)
{
	struct oe_srv_session *s;

	for (s = c->sessions; s && s->pid != pid; s = s->next)
		continue;
	if (!s)
		return false;
	oe_srv__session_record(c, s, false);
	s->pid = -1;
	s->status = status;
	if (s->closed)
		session_free(c, s);
	else
		session_tell_exit(c, s);
	return true;
}

static bool
session_any_running(const struct oe_srv_conn *c)
{
	const struct oe_srv_session *s;

	for (s = c->sessions; s; s = s->next)
		if (s->pid > 0)
			return true;
	return false;
}

void
oe_srv__session_end_all(struct oe_srv_conn *c)
{
	int64_t until = oe_time_mono_ms() + OE_SRV_REAP_MS;
	struct timespec nap = {0, 2000000};
	struct oe_srv_session *s;
	int status;
	pid_t pid;

	for (s = c->sessions; s; s = s->next) {
		oe_fd_close(&s->master);
		if (s->pid > 0)
			(void)killpg(s->pid, SIGHUP);
	}
	while (session_any_running(c) && oe_time_mono_ms() < until) {
		pid = waitpid(-1, &status, WNOHANG);
		for (s = c->sessions; pid > 0 && s; s = s->next) {
			if (s->pid != pid)
				continue;
			oe_srv__session_record(c, s, false);
			s->pid = -1;
			s->status = status;
		}
		if (pid <= 0)
			nanosleep(&nap, NULL);
	}
	/* a policy that was withdrawn is not to be sat out */
	for (s = c->sessions; s && c->end == OE_SRV_END_POLICY; s = s->next)
		if (s->pid > 0)
			(void)killpg(s->pid, SIGKILL);
	while (c->sessions) {
		oe_srv__session_record(c, c->sessions, false);
		session_free(c, c->sessions);
	}
	oe_srv__agent_close(c);
	if (c->pam_open)
		oe_srv_pam_close(c->pam);
}
