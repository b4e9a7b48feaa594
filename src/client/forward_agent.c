/* SPDX-License-Identifier: Apache-2.0 */
#include "client/forward_agent.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/agent.h"
#include "core/ssh/client.h"
#include "core/ssh/pump.h"

struct link {
	struct link *next;
	struct oe_ssh_chan *chan;
	struct oe_ssh_pump *pump;
	bool over;
};

struct oe_forward_agent {
	struct oe_connect *c;
	char *path;
	struct link *links;
	struct oe_idle *idle;
	size_t n;
};

static size_t
on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct link *l = arg;

	return l->pump ? oe_ssh_pump_data(l->pump, p, n, ext) : n;
}

static void
on_eof(void *arg)
{
	((struct link *)arg)->over = true;
}

static const struct oe_ssh_chan_ops link_ops = {
    .data = on_data,
    .eof = on_eof,
    .closed = on_eof,
};

static void
on_output_failed(void *arg, int sys_errno)
{
	(void)sys_errno;
	((struct link *)arg)->over = true;
}

static void
on_input_done(void *arg)
{
	((struct link *)arg)->over = true;
}

static void
on_channel(void *arg, struct oe_ssh_chan *chan)
{
	struct oe_forward_agent *a = arg;
	struct oe_ssh_pump_plan pp = {.more_fd = -1, .err_fd = -1};
	struct oe_err err = OE_ERR_INIT;
	struct link *l = oe_mem_zalloc(sizeof *l);
	int fd = -1;

	l->chan = chan;
	l->next = a->links;
	a->links = l;
	a->n++;
	oe_ssh_chan_set_ops(chan, &link_ops, l);
	if (a->n > OE_FORWARD_AGENT_MAX ||
	    oe_agent_connect(a->path, &fd, &err) < 0) {
		oe_log_debug(NULL, "agent forwarding: %s",
		    err.code ? oe_err_text(&err) : "too many at a time");
		l->over = true;
		return;
	}
	(void)oe_fd_set_nonblock(fd, true);
	pp.in_fd = pp.out_fd = fd;
	pp.output_failed = on_output_failed;
	pp.input_done = on_input_done;
	pp.arg = l;
	l->pump = oe_ssh_pump_new(a->c->loop, chan, &pp);
}

/* Ended links go before a wait, when nothing uses them. */
static bool
on_idle(void *arg)
{
	struct oe_forward_agent *a = arg;
	struct link **p = &a->links, *l;

	while ((l = *p)) {
		if (!l->over) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		oe_ssh_pump_free(&l->pump);
		oe_ssh_chan_close(l->chan);
		oe_ssh_chan_free(&l->chan);
		free(l);
		a->n--;
	}
	return false;
}

/* "yes" is the agent we use ourselves; a path or $VAR another one. */
static char *
agent_path(const struct oe_sshconf *conf)
{
	const char *set = oe_sshconf_str(conf, OE_SSHCONF_FORWARDAGENT);

	if (oe_str_eq_nocase(set, "no"))
		return NULL;
	if (oe_str_eq_nocase(set, "yes"))
		return oe_agent_path(conf);
	if (*set == '$')
		set = getenv(set + 1);
	return set && *set ? oe_mem_strdup(set) : NULL;
}

struct oe_forward_agent *
oe_forward_agent_new(struct oe_connect *c, const struct oe_sshconf *conf)
{
	char *path = agent_path(conf);
	struct oe_forward_agent *a;

	if (!path)
		return NULL;
	a = oe_mem_zalloc(sizeof *a);
	a->c = c;
	a->path = path;
	a->idle = oe_loop_idle(c->loop, on_idle, a);
	oe_ssh_accept_agent(c->ssh, on_channel, a);
	return a;
}

size_t
oe_forward_agent_count(const struct oe_forward_agent *a)
{
	return a ? a->n : 0;
}

void
oe_forward_agent_free(struct oe_forward_agent **pa)
{
	struct oe_forward_agent *a = *pa;
	struct link *l;

	if (!a)
		return;
	for (l = a->links; l; l = l->next)
		l->over = true;
	(void)on_idle(a);
	oe_idle_free(a->c->loop, &a->idle);
	free(a->path);
	free(a);
	*pa = NULL;
}
