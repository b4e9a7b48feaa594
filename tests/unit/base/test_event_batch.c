/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/event_batch.h"
#include "core/base/fd.h"
#include "core/base/time.h"

static int pipes[2];
static struct oe_eventlog event_log;
static char got[1 << 16];

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_DIRECT), 0);
	event_log = (struct oe_eventlog){.fd = pipes[1], .node = "robot"};
	oe_time_fake(1700000000998);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	oe_time_fake(-1);
	oe_fd_close(&pipes[0]);
	oe_fd_close(&pipes[1]);
	return 0;
}

/* What one write() brought: the pipe keeps them apart. */
static const char *
one_write(void)
{
	struct pollfd p = {.fd = pipes[0], .events = POLLIN};
	ssize_t n = 0;

	if (poll(&p, 1, 0) > 0)
		n = read(pipes[0], got, sizeof got - 1);
	assert_true(n >= 0);
	got[n] = 0;
	return got;
}

static void
begin(struct oe_event_batch *b)
{
	struct oe_event e;

	oe_event_begin(&e, &event_log, "");
	oe_event_int(&e, "pid", 7);
	oe_event_batch_init(b, &event_log, &e);
}

static void
add(struct oe_event_batch *b, int64_t i)
{
	oe_event_int(oe_event_batch_begin(b, "x"), "i", i);
	oe_event_batch_end(b);
}

#define START(ts) "{\"v\":1,\"ts\":\"2023-11-14T22:13:" ts "Z\",\"event\":"

/* Lines have their time and go together; a dropped one leaves nothing. */
static void
test_together(void **state)
{
	struct oe_event_batch b;

	(void)state;
	begin(&b);
	add(&b, 1);
	oe_time_fake(1700000000999);
	add(&b, 2);
	oe_time_fake(1700000001000);
	oe_event_str(oe_event_batch_begin(&b, "no"), "i", "x");
	oe_event_batch_drop(&b);
	oe_time_fake(1700000001007);
	add(&b, 3);
	assert_string_equal(one_write(), "");
	oe_event_batch_flush(&b);
	assert_string_equal(one_write(),
	    START("20.998") "\"x\",\"node\":\"robot\",\"pid\":7,\"i\":1}"
			    "\n" START("20.999") "\"x\",\"node\":\"robot\","
						 "\"pid\":7,\"i\":2}\n" START(
						     "21.007") "\"x\",\"node\":"
							       "\"robot\","
							       "\"pid\":7,"
							       "\"i\":3}\n");
	oe_event_batch_flush(&b);
	assert_string_equal(one_write(), "");
	add(&b, 4);
	oe_event_batch_done(&b);
	assert_non_null(strstr(one_write(), "\"i\":4}\n"));
}

/* No write is longer than others of the pipe may cut in, none is half. */
static void
test_full(void **state)
{
	struct oe_event_batch b;
	size_t n, lines = 0;
	const char *p;
	int i;

	(void)state;
	begin(&b);
	for (i = 0; i < 300; i++)
		add(&b, i);
	oe_event_batch_done(&b);
	for (i = 0; (n = strlen(one_write())) > 0; i++) {
		assert_in_range(n, 1, OE_EVENT_LINE_MAX);
		assert_int_equal(got[n - 1], '\n');
		for (p = got; *p; p++)
			lines += *p == '\n';
	}
	assert_int_equal(lines, 300);
	assert_in_range(i, 2, 12);
}

/* The longest line there is fills a write of its own. */
static void
test_long(void **state)
{
	struct oe_event_batch b;
	struct oe_event *e;
	char text[991], key[2] = "a";

	(void)state;
	begin(&b);
	add(&b, 1);
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	e = oe_event_batch_begin(&b, "x");
	for (; key[0] < 'e'; key[0]++)
		oe_event_str(e, key, text);
	oe_event_batch_end(&b);
	assert_non_null(strstr(one_write(), "\"i\":1}\n"));
	oe_event_batch_done(&b);
	assert_in_range(strlen(one_write()), 4000, OE_EVENT_LINE_MAX);
	assert_null(strstr(got, "too long"));
}

/* A line that waited for another does not wait on. */
static void
test_late(void **state)
{
	struct oe_event_batch b;

	(void)state;
	begin(&b);
	add(&b, 1);
	oe_time_fake(1700000000998 + OE_EVENT_BATCH_MS);
	add(&b, 2);
	assert_non_null(strstr(one_write(), "\"i\":2}\n"));
	oe_event_batch_done(&b);
	assert_string_equal(one_write(), "");
}

static void
test_off(void **state)
{
	struct oe_event_batch b;

	(void)state;
	event_log.fd = -1;
	begin(&b);
	add(&b, 1);
	assert_true(
	    oe_event_foreign(oe_event_batch_begin(&b, "x"), "r", "?", 1));
	oe_event_batch_drop(&b);
	oe_event_batch_done(&b);
	assert_string_equal(one_write(), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_together, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_late, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_off, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
