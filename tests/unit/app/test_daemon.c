/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/event.h"
#include "core/base/log.h"

static int
settle(const struct oe_ctx *ctx, struct oe_values **ret, struct oe_err *err)
{
	const int *r = ctx->opaque;

	*ret = NULL;
	return *r < 0 ? oe_err_set(err, *r, "no such file") : 0;
}

/* What a configuration that is taken would do. */
struct taken {
	int n, result;
};

static int
apply(void *arg, const struct oe_values *v, struct oe_err *err)
{
	struct taken *t = arg;

	assert_null(v);
	t->n++;
	return t->result < 0 ? oe_err_set(err, t->result, "bad port") : 0;
}

/* The lines that @p has by now. */
static const char *
lines(const int p[2], char *text, size_t size)
{
	ssize_t n = read(p[0], text, size - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
test_reload(void **state)
{
	int settled = 0, p[2];
	struct oe_ctx ctx = {.reload = settle, .opaque = &settled};
	struct taken t = {0, 0};
	struct oe_eventlog log = {.node = "here"};
	char text[4096];

	(void)state;
	assert_int_equal(pipe(p), 0);
	log.fd = p[1];
	oe_daemon_reload(&ctx, &log, "server.reload", apply, &t);
	assert_non_null(
	    strstr(lines(p, text, sizeof text), "\"event\":\"server.reload\""));
	assert_non_null(strstr(text, "\"success\":true"));
	assert_null(strstr(text, "why"));
	assert_int_equal(t.n, 1);
	t.result = OE_ECONF;
	oe_daemon_reload(&ctx, &log, "server.reload", apply, &t);
	assert_non_null(
	    strstr(lines(p, text, sizeof text), "\"success\":false"));
	assert_non_null(strstr(text, "\"why\":\"bad port\""));
	/* values that cannot be read are not handed on */
	settled = OE_ESYS;
	oe_daemon_reload(&ctx, &log, "server.reload", apply, &t);
	assert_non_null(
	    strstr(lines(p, text, sizeof text), "\"why\":\"no such file\""));
	assert_int_equal(t.n, 2);
	close(p[0]);
	close(p[1]);
}

static void
test_life(void **state)
{
	struct oe_eventlog log = {.node = "here"};
	struct oe_event e;
	char text[4096];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	log.fd = p[1];
	oe_daemon_started(&e, &log, "server.start");
	oe_event_end(&e, &log);
	assert_non_null(strstr(lines(p, text, sizeof text), "server.start"));
	assert_non_null(
	    strstr(text, "\"version\":\"" PACKAGE_VERSION "\",\"pid\":"));
	oe_daemon_ended(&log, "server.stop");
	assert_non_null(strstr(lines(p, text, sizeof text), "server.stop"));
	close(p[0]);
	close(p[1]);
}

static void
test_signals(void **state)
{
	static const int all[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR2};
	sigset_t set, old, now;
	size_t i;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &old);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	oe_daemon_signals(&set);
	sigprocmask(SIG_SETMASK, &old, &now);
	for (i = 0; i < sizeof all / sizeof *all; i++) {
		assert_int_equal(sigismember(&set, all[i]), 1);
		assert_int_equal(sigismember(&now, all[i]), 1);
	}
	assert_int_equal(sigismember(&set, SIGCHLD), 0);
	/* a peer that is gone ends nobody */
	assert_int_equal(raise(SIGPIPE), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
