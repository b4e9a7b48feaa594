/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"

struct oe_watch {
	struct oe_watch *next;
	int fd;
	short events;
	bool dead;   /* freed during a round, swept after it */
	size_t slot; /* index in the poll set of this round, or NO_SLOT */
	oe_watch_fn *fn;
	void *arg;
	struct oe_loop *loop;
};

struct oe_timer {
	struct oe_timer *next;
	int64_t at_ms; /* monotonic; -1: disarmed */
	bool dead;
	oe_timer_fn *fn;
	void *arg;
	struct oe_loop *loop;
};

struct oe_idle {
	struct oe_idle *next;
	bool (*fn)(void *arg);
	void *arg;
	bool dead;
};

struct oe_loop {
	struct oe_watch *watches;
	struct oe_timer *timers;
	struct oe_idle *idles;
	struct pollfd *set;
	size_t set_cap;
	unsigned depth; /* inside callbacks: nothing may be unlinked */
	bool dirty;     /* something dead waits for the sweep */
};

#define NO_SLOT ((size_t)-1)

struct oe_loop *
oe_loop_new(void)
{
	return oe_mem_zalloc(sizeof(struct oe_loop));
}

static void
loop_sweep(struct oe_loop *l)
{
	struct oe_watch **w = &l->watches, *dw;
	struct oe_timer **t = &l->timers, *dt;
	struct oe_idle **i = &l->idles, *di;

	if (!l->dirty || l->depth)
		return;
	l->dirty = false;
	while ((dw = *w)) {
		if (dw->dead) {
			*w = dw->next;
			free(dw);
		} else {
			w = &dw->next;
		}
	}
	while ((dt = *t)) {
		if (dt->dead) {
			*t = dt->next;
			free(dt);
		} else {
			t = &dt->next;
		}
	}
	while ((di = *i)) {
		if (di->dead) {
			*i = di->next;
			free(di);
		} else {
			i = &di->next;
		}
	}
}

void
oe_loop_free(struct oe_loop **loop)
{
	struct oe_loop *l = *loop;
	struct oe_watch *w;
	struct oe_timer *t;
	struct oe_idle *i;

	if (!l)
		return;
	for (w = l->watches; w; w = w->next)
		w->dead = true;
	for (t = l->timers; t; t = t->next)
		t->dead = true;
	for (i = l->idles; i; i = i->next)
		i->dead = true;
	l->dirty = true;
	l->depth = 0;
	loop_sweep(l);
	free(l->set);
	free(l);
	*loop = NULL;
}

struct oe_watch *
oe_loop_watch(
    struct oe_loop *loop, int fd, short events, oe_watch_fn *fn, void *arg)
{
	struct oe_watch *w = oe_mem_zalloc(sizeof *w);

	w->fd = fd;
	w->events = events;
	w->fn = fn;
	w->arg = arg;
	w->loop = loop;
	w->slot = NO_SLOT;
	w->next = loop->watches;
	loop->watches = w;
	return w;
}

void
oe_watch_set(struct oe_watch *w, short events)
{
	w->events = events;
}

void
oe_watch_free(struct oe_watch **w)
{
	if (!*w)
		return;
	(*w)->dead = true;
	(*w)->loop->dirty = true;
	loop_sweep((*w)->loop);
	*w = NULL;
}

struct oe_timer *
oe_loop_timer(
    struct oe_loop *loop, int64_t delay_ms, oe_timer_fn *fn, void *arg)
{
	struct oe_timer *t = oe_mem_zalloc(sizeof *t);

	t->fn = fn;
	t->arg = arg;
	t->loop = loop;
	oe_timer_set(t, delay_ms);
	t->next = loop->timers;
	loop->timers = t;
	return t;
}

void
oe_timer_set(struct oe_timer *t, int64_t delay_ms)
{
	t->at_ms = delay_ms < 0 ? -1 : oe_time_mono_ms() + delay_ms;
}

void
oe_timer_free(struct oe_timer **t)
{
	if (!*t)
		return;
	(*t)->dead = true;
	(*t)->loop->dirty = true;
	loop_sweep((*t)->loop);
	*t = NULL;
}

struct oe_idle *
oe_loop_idle(struct oe_loop *loop, bool (*fn)(void *arg), void *arg)
{
	struct oe_idle *i = oe_mem_zalloc(sizeof *i);

	i->fn = fn;
	i->arg = arg;
	i->next = loop->idles;
	loop->idles = i;
	return i;
}

void
oe_idle_free(struct oe_loop *loop, struct oe_idle **i)
{
	if (!*i)
		return;
	(*i)->dead = true;
	loop->dirty = true;
	loop_sweep(loop);
	*i = NULL;
}

static bool
loop_run_idles(struct oe_loop *l)
{
	struct oe_idle *i;
	bool more = false;

	l->depth++;
	for (i = l->idles; i; i = i->next)
		if (!i->dead && i->fn(i->arg))
			more = true;
	l->depth--;
	loop_sweep(l);
	return more;
}

static int
loop_timeout(const struct oe_loop *l, int timeout_ms)
{
	const struct oe_timer *t;
	int64_t now = -1, left;

	for (t = l->timers; t; t = t->next) {
		if (t->dead || t->at_ms < 0)
			continue;
		if (now < 0)
			now = oe_time_mono_ms();
		left = t->at_ms > now ? t->at_ms - now : 0;
		if (left > 3600 * 1000)
			left = 3600 * 1000;
		if (timeout_ms < 0 || left < timeout_ms)
			timeout_ms = (int)left;
	}
	return timeout_ms;
}

static size_t
loop_fill_set(struct oe_loop *l)
{
	struct oe_watch *w;
	size_t n = 0;

	for (w = l->watches; w; w = w->next) {
		w->slot = NO_SLOT;
		if (w->dead || !w->events)
			continue;
		if (n == l->set_cap) {
			l->set_cap = l->set_cap ? l->set_cap * 2 : 16;
			l->set = oe_mem_realloc_array(
			    l->set, l->set_cap, sizeof *l->set);
		}
		l->set[n].fd = w->fd;
		l->set[n].events = w->events;
		l->set[n].revents = 0;
		w->slot = n++;
	}
	return n;
}

static void
loop_run_timers(struct oe_loop *l)
{
	struct oe_timer *t;
	int64_t now = oe_time_mono_ms();

	for (t = l->timers; t; t = t->next) {
		if (t->dead || t->at_ms < 0 || t->at_ms > now)
			continue;
		t->at_ms = -1;
		t->fn(t->arg);
	}
}

int
oe_loop_once(struct oe_loop *l, int timeout_ms)
{
	struct oe_watch *w;
	size_t n;
	int r;

	if (loop_run_idles(l))
		timeout_ms = 0;
	timeout_ms = loop_timeout(l, timeout_ms);
	n = loop_fill_set(l);
	r = poll(l->set, (nfds_t)n, timeout_ms);
	if (r < 0 && errno != EINTR)
		return OE_ESYS;
	l->depth++;
	for (w = r > 0 ? l->watches : NULL; w; w = w->next) {
		/* a watch added by a callback of this round has no slot */
		if (w->dead || w->slot == NO_SLOT)
			continue;
		if (l->set[w->slot].revents && w->events)
			w->fn(w->arg, l->set[w->slot].revents);
	}
	if (l->timers)
		loop_run_timers(l);
	l->depth--;
	loop_sweep(l);
	return 0;
}
