/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions under a rule that has changed: those that could not be started as
 * they were are ended, the others go on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "server/session.h"

/* What hears SIGHUP has so long to put things in order. */
#define OE_SRV_CONDEMNED_MS 2000

/* On its terminal, where there is one: nobody else can be told. */
static void
session_say(const struct oe_srv_session *s, const char *why)
{
	int fd;

	if (!s->pty)
		return;
	fd = open(s->tty, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		dprintf(fd, "\r\nomniedge: ended by the policy: %s\r\n", why);
	oe_fd_close(&fd);
}

static void
condemned_kill(void *arg)
{
	struct oe_srv_conn *c = arg;
	struct oe_srv_session *s;

	for (s = c->sessions; s; s = s->next)
		if (s->condemned && s->pid > 0)
			(void)killpg(s->pid, SIGKILL);
}

static void
session_condemn(
    struct oe_srv_conn *c, struct oe_srv_session *s, const char *why)
{
	s->condemned = true;
	oe_log_info(
	    &c->lc_user, "session %u is ended by the policy: %s", s->id, why);
	session_say(s, why);
	(void)killpg(s->pid, SIGHUP);
	(void)killpg(s->pid, SIGCONT);
	if (!c->condemned)
		c->condemned = oe_loop_timer(
		    c->loop, OE_SRV_CONDEMNED_MS, condemned_kill, c);
	else
		oe_timer_set(c->condemned, OE_SRV_CONDEMNED_MS);
}

/* Would it be started now as it was? */
static int
session_check(
    struct oe_srv_conn *c, const struct oe_srv_session *s, struct oe_err *err)
{
	char *now;
	bool same;
	int r = oe_srv__session_chosen(c, s, &now, err);

	if (r < 0)
		return r;
	same = oe_str_eq(now, s->chosen);
	free(now);
	if (!same)
		return oe_err_set(
		    err, OE_EPERM, "it would be started in another way by now");
	if (s->pty && !c->grant.pty)
		return oe_err_set(
		    err, OE_EPERM, "the policy permits no terminal");
	return 0;
}

void
oe_srv__session_recheck(struct oe_srv_conn *c)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_srv_session *s;
	struct oe_ipc_msg m;

	for (s = c->sessions; s; s = s->next)
		if (s->pid > 0 && !s->refused && !s->condemned &&
		    session_check(c, s, &err) < 0)
			session_condemn(c, s, oe_err_text(&err));
	if (c->grant.agent || c->agent_fd < 0)
		return;
	oe_log_info(&c->lc_user, "the agent is taken away by the policy");
	oe_srv__agent_close(c);
	oe_ipc_msg_init(&m, OE_SRV_NOTE_AGENT_END);
	oe_srv__notice(c, &m);
}
