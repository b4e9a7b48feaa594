/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"

/* One pipe with a watch on it, and what happened to it. */
struct spy {
	struct oe_loop *loop;
	struct oe_watch *watch;
	struct oe_timer *timer;
	struct oe_idle *idle;
	struct spy *victim; /* freed by on_ready() */
	int fd[2];
	unsigned calls, idles, idle_more;
	short revents;
	bool free_self, add;
};

static void
spy_init(struct spy *s, struct oe_loop *loop)
{
	memset(s, 0, sizeof *s);
	s->loop = loop;
	assert_int_equal(pipe(s->fd), 0);
}

static void
spy_done(struct spy *s)
{
	oe_watch_free(&s->watch);
	oe_timer_free(&s->timer);
	oe_idle_free(s->loop, &s->idle);
	oe_fd_close(&s->fd[0]);
	oe_fd_close(&s->fd[1]);
}

static void
on_ready(void *arg, short revents)
{
	struct spy *s = arg;

	s->calls++;
	s->revents = revents;
	if (s->victim)
		oe_watch_free(&s->victim->watch);
	if (s->free_self)
		oe_watch_free(&s->watch);
	if (s->add) {
		s->add = false;
		s->victim = NULL;
		oe_watch_free(&s->watch);
		s->watch =
		    oe_loop_watch(s->loop, s->fd[0], POLLIN, on_ready, s);
	}
}

static void
watch(struct spy *s, short events)
{
	s->watch = oe_loop_watch(s->loop, s->fd[0], events, on_ready, s);
}

static void
test_watch(void **state)
{
	struct oe_loop *loop = oe_loop_new();
	struct spy s;

	(void)state;
	spy_init(&s, loop);
	watch(&s, POLLIN);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 0);
	assert_int_equal(write(s.fd[1], "x", 1), 1);
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.revents, POLLIN);
	/* level-triggered: still there, so called again */
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.calls, 2);
	oe_watch_set(s.watch, 0);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 2);
	/* ignored wholly: a hang-up must not make the loop spin */
	oe_fd_close(&s.fd[1]);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 2);
	oe_watch_set(s.watch, POLLIN);
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.calls, 3);
	assert_true(s.revents & POLLHUP);
	spy_done(&s);
	oe_loop_free(&loop);
	assert_null(loop);
	oe_loop_free(&loop);
}

/* Callbacks free themselves, each other, and add: nothing stale is called. */
static void
test_changes_from_callbacks(void **state)
{
	struct oe_loop *loop = oe_loop_new();
	struct spy a, b;
	unsigned before;

	(void)state;
	spy_init(&a, loop);
	spy_init(&b, loop);
	watch(&a, POLLIN);
	watch(&b, POLLIN);
	assert_int_equal(write(a.fd[1], "x", 1), 1);
	assert_int_equal(write(b.fd[1], "x", 1), 1);
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(oe_loop_once(loop, -1), 0);
	/* whoever came first freed the other before its turn */
	assert_int_equal(a.calls + b.calls, 1);
	assert_true(!a.watch != !b.watch);
	a.victim = b.victim = NULL;
	oe_watch_free(&a.watch);
	oe_watch_free(&b.watch);

	watch(&a, POLLIN);
	a.free_self = true;
	before = a.calls;
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(a.calls, before + 1);
	assert_null(a.watch);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(a.calls, before + 1);

	/* one that is replaced within its own call waits for the next round */
	a.free_self = false;
	a.add = true;
	watch(&a, POLLIN);
	before = a.calls;
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(a.calls, before + 1);
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(a.calls, before + 2);
	spy_done(&a);
	spy_done(&b);
	oe_loop_free(&loop);
}

static void
test_many_watches(void **state)
{
	struct oe_loop *loop = oe_loop_new();
	struct spy s[40];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(s); i++) {
		spy_init(&s[i], loop);
		watch(&s[i], POLLIN);
		if (i % 2)
			assert_int_equal(write(s[i].fd[1], "x", 1), 1);
	}
	assert_int_equal(oe_loop_once(loop, -1), 0);
	for (i = 0; i < OE_ARRAY_LEN(s); i++) {
		assert_int_equal(s[i].calls, i % 2);
		spy_done(&s[i]);
	}
	oe_loop_free(&loop);
}

static void
on_time(void *arg)
{
	struct spy *s = arg;

	s->calls++;
	if (s->add)
		oe_timer_set(s->timer, 0);
	if (s->free_self)
		oe_timer_free(&s->timer);
}

static void
test_timers(void **state)
{
	struct oe_loop *loop = oe_loop_new();
	struct spy s;

	(void)state;
	spy_init(&s, loop);
	oe_time_fake(1000);
	s.timer = oe_loop_timer(loop, 50, on_time, &s);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 0);
	oe_time_fake(1049);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 0);
	oe_time_fake(1050);
	/* due: does not wait although it might */
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.calls, 1);
	/* fired once, stays disarmed */
	oe_time_fake(99999);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 1);
	oe_timer_set(s.timer, 10);
	oe_timer_set(s.timer, -1);
	oe_time_fake(199999);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.calls, 1);
	/* armed again from its own callback: next round, not this one */
	oe_timer_set(s.timer, 0);
	s.add = true;
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.calls, 2);
	s.add = false;
	s.free_self = true;
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.calls, 3);
	assert_null(s.timer);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	oe_time_fake(-1);
	spy_done(&s);
	oe_loop_free(&loop);
}

static bool
on_idle(void *arg)
{
	struct spy *s = arg;

	s->idles++;
	if (s->free_self)
		oe_idle_free(s->loop, &s->idle);
	return s->idle_more && s->idle_more--;
}

static void
test_idle(void **state)
{
	struct oe_loop *loop = oe_loop_new();
	struct spy s;

	(void)state;
	spy_init(&s, loop);
	s.idle = oe_loop_idle(loop, on_idle, &s);
	s.idle_more = 1;
	/* would wait for ever if the idle function were not heard */
	assert_int_equal(oe_loop_once(loop, -1), 0);
	assert_int_equal(s.idles, 1);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.idles, 2);
	s.free_self = true;
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.idles, 3);
	assert_null(s.idle);
	assert_int_equal(oe_loop_once(loop, 0), 0);
	assert_int_equal(s.idles, 3);
	spy_done(&s);
	oe_loop_free(&loop);
}

/* What is left when the loop goes is freed with it. */
static void
test_free_with_leftovers(void **state)
{
	struct oe_loop *loop = oe_loop_new();
	struct spy s;

	(void)state;
	spy_init(&s, loop);
	watch(&s, POLLIN);
	(void)oe_loop_timer(loop, 5, on_time, &s);
	(void)oe_loop_idle(loop, on_idle, &s);
	oe_loop_free(&loop);
	oe_fd_close(&s.fd[0]);
	oe_fd_close(&s.fd[1]);
	assert_int_equal(s.calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_watch),
	    cmocka_unit_test(test_changes_from_callbacks),
	    cmocka_unit_test(test_many_watches),
	    cmocka_unit_test(test_timers),
	    cmocka_unit_test(test_idle),
	    cmocka_unit_test(test_free_with_leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
