/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener's children: one monitor for each connection.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "server/listener_internal.h"

/* A module that hangs in login has this long after the grace is over. */
#define OE_SRV_GRACE_EXTRA_MS 15000

static struct child **
child_slot(struct listener *l, pid_t pid)
{
	return &l->children[(size_t)pid % OE_ARRAY_LEN(l->children)];
}

void
listener_add_child(
    struct listener *l, pid_t pid, const struct oe_srv_peer *peer)
{
	struct child *c = oe_mem_zalloc(sizeof *c), **slot;

	c->pid = pid;
	c->since_ms = oe_time_mono_ms();
	c->adopted = c->authenticated = !peer;
	if (peer) {
		memcpy(c->key, peer->key, sizeof c->key);
		memcpy(c->id, peer->id, sizeof c->id);
		memcpy(c->text, peer->text, sizeof c->text);
	}
	slot = child_slot(l, pid);
	c->next = *slot;
	*slot = c;
	l->n_children++;
}

struct child *
listener_find_child(const struct listener *l, pid_t pid)
{
	struct child *c = l->children[(size_t)pid % OE_ARRAY_LEN(l->children)];

	while (c && c->pid != pid)
		c = c->next;
	return c;
}

static void
child_remove(struct listener *l, pid_t pid)
{
	struct child **p = child_slot(l, pid), *c;

	while (*p && (*p)->pid != pid)
		p = &(*p)->next;
	c = *p;
	if (!c)
		return;
	*p = c->next;
	if (!c->adopted)
		oe_srv_limits_close(l->limits, c->key, c->authenticated);
	l->n_children--;
	free(c);
}

void
listener_reap(struct listener *l)
{
	struct child *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		c = listener_find_child(l, pid);
		if (c && WIFSIGNALED(status)) {
			struct oe_logctx lc = {NULL, "conn", c->id};

			oe_log_error(&lc, "the monitor ended by signal %d",
			    WTERMSIG(status));
		}
		child_remove(l, pid);
	}
}

void
listener_signal_children(const struct listener *l, int sig)
{
	const struct child *c;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(l->children); i++)
		for (c = l->children[i]; c; c = c->next)
			(void)kill(c->pid, sig);
}

void
listener_forget_children(struct listener *l)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(l->children); i++)
		while (l->children[i])
			child_remove(l, l->children[i]->pid);
}

void
listener_banned(struct listener *l, const struct child *c, int64_t ms)
{
	struct oe_event e;

	oe_event_begin(&e, &l->srv.events, "ban");
	oe_event_str(&e, "conn", c->id);
	oe_event_str(&e, "src", c->text);
	oe_event_int(&e, "duration_ms", ms);
	oe_event_end(&e, &l->srv.events);
	oe_log_warn(NULL, "%s is banned for %lld s: too many failed logins",
	    c->text, (long long)(ms / 1000));
}

void
listener_on_sweep(void *arg)
{
	struct listener *l = arg;
	int64_t limit =
	    (int64_t)l->srv.cfg->login_grace_s * 1000 + OE_SRV_GRACE_EXTRA_MS;
	int64_t now = oe_time_mono_ms();
	const struct child *c;
	size_t i;

	for (i = 0; l->srv.cfg->login_grace_s && i < OE_ARRAY_LEN(l->children);
	     i++)
		for (c = l->children[i]; c; c = c->next)
			if (!c->authenticated && now - c->since_ms > limit)
				(void)kill(c->pid, SIGKILL);
	oe_timer_set(l->sweep, l->n_children ? 1000 : 5000);
}
