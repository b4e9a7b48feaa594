/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/event.h"
#include "core/base/fd.h"
#include "core/base/time.h"

static char line[8192];

static json_t *
taken(int fd)
{
	ssize_t n = read(fd, line, sizeof line - 1);

	assert_true(n > 0);
	line[n] = 0;
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	return json_loads(line, 0, NULL);
}

static void
test_events(void **state)
{
	static char big[3000];
	struct oe_eventlog log = {-1, "robot-7"};
	struct oe_event e;
	int p[2], i;
	json_t *o;

	(void)state;
	oe_time_fake(1700000000000);
	assert_int_equal(pipe(p), 0);
	log.fd = p[1];
	oe_event_begin(&e, &log, "session.end");
	oe_event_str(&e, "user", "r\xff\n");
	oe_event_str(&e, "absent", NULL);
	oe_event_int(&e, "bytes", INT64_MAX);
	oe_event_bool(&e, "pty", true);
	oe_event_end(&e, &log);
	o = taken(p[0]);
	assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
	assert_string_equal(
	    json_string_value(json_object_get(o, "event")), "session.end");
	assert_string_equal(
	    json_string_value(json_object_get(o, "node")), "robot-7");
	assert_string_equal(
	    json_string_value(json_object_get(o, "user")), "r\\xff\\n");
	assert_true(
	    json_integer_value(json_object_get(o, "bytes")) == INT64_MAX);
	assert_true(json_is_true(json_object_get(o, "pty")));
	assert_null(json_object_get(o, "absent"));
	json_decref(o);

	/* too much text loses the longest strings, never the line */
	memset(big, '"', sizeof big - 1);
	oe_event_begin(&e, &log, "auth.fail");
	oe_event_int(&e, "kept", 5);
	for (i = 0; i < 9; i++)
		oe_event_str(&e, (char[]){(char)('a' + i), 0}, big);
	oe_event_end(&e, &log);
	o = taken(p[0]);
	assert_non_null(o);
	assert_int_equal(json_integer_value(json_object_get(o, "kept")), 5);
	assert_in_range(strlen(line), 1, OE_EVENT_LINE_MAX);
	json_decref(o);
	oe_fd_close(&p[0]);
	oe_fd_close(&p[1]);
	oe_time_fake(-1);
}

static void
test_switched_off(void **state)
{
	struct oe_eventlog off = {-1, "x"};
	struct oe_event e;

	(void)state;
	oe_event_begin(&e, &off, "connect");
	oe_event_str(&e, "user", "x");
	oe_event_int(&e, "n", 1);
	oe_event_bool(&e, "b", true);
	oe_event_end(&e, &off);
	assert_null(e.fields);
}

/* What another process says: taken as it is, or not at all. */
static void
test_foreign(void **state)
{
	static const struct {
		const char *text;
		bool taken;
	} cases[] = {
	    {"{}", true},
	    {"{\"event\":\"sftp.upload\",\"bytes\":7,\"ok\":true}", true},
	    {"{\"path\":\"a\\\\x0ab\"}", true},
	    {"", false},
	    {"x", false},
	    {"[]", false},
	    {"7", false},
	    {"{\"a\":1}x", false},
	    {"{\"a\":1,\"a\":2}", false},
	    {"{\"a\":{}}", false},
	    {"{\"a\":[1]}", false},
	    {"{\"a\":null}", false},
	    {"{\"a\":1.5}", false},
	    {"{\"A\":1}", false},
	    {"{\"\":1}", false},
	    {"{\"a b\":1}", false},
	    {"{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}", false},
	    {"{\"a\":\"\\n\"}", false},
	    {"{\"a\":\"\\u0000\"}", false},
	    {"{\"a\":\"\xc3\xa4\"}", false},
	    {"{\"a\":\"\xff\"}", false},
	};
	struct oe_eventlog log = {-1, "robot-7"};
	struct oe_event e;
	json_t *o, *in;
	int p[2];
	size_t i;

	(void)state;
	assert_int_equal(pipe(p), 0);
	log.fd = p[1];
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		oe_event_begin(&e, &log, "session.report");
		assert_int_equal(oe_event_foreign(&e, "report", cases[i].text,
				     strlen(cases[i].text)),
		    cases[i].taken);
		oe_event_end(&e, &log);
		o = taken(p[0]);
		assert_int_equal(
		    json_object_get(o, "report") != NULL, cases[i].taken);
		json_decref(o);
	}

	/* what is known better is not said twice */
	oe_event_begin(&e, &log, "session.report");
	oe_event_str(&e, "user", "me");
	assert_true(oe_event_foreign(&e, "report",
	    "{\"v\":9,\"user\":\"root\",\"event\":\"auth\"}", 36));
	oe_event_end(&e, &log);
	o = taken(p[0]);
	in = json_object_get(o, "report");
	assert_string_equal(
	    json_string_value(json_object_get(o, "event")), "session.report");
	assert_string_equal(
	    json_string_value(json_object_get(o, "user")), "me");
	assert_int_equal(json_object_size(in), 1);
	assert_string_equal(
	    json_string_value(json_object_get(in, "event")), "auth");
	json_decref(o);

	/* nothing is written */
	oe_event_begin(&e, &log, "session.report");
	oe_event_drop(&e);
	assert_null(e.fields);
	log.fd = -1;
	oe_event_begin(&e, &log, "session.report");
	assert_true(oe_event_foreign(&e, "report", "x", 1));
	oe_event_drop(&e);
	oe_fd_close(&p[1]);
	assert_int_equal(read(p[0], line, sizeof line), 0);
	oe_fd_close(&p[0]);
}

/* Two long texts inside lose one, as those outside do. */
static void
test_foreign_is_shortened(void **state)
{
	static char text[4096], path[1000];
	struct oe_eventlog log = {-1, "robot-7"};
	struct oe_event e;
	int p[2], n;
	json_t *o;

	(void)state;
	assert_int_equal(pipe(p), 0);
	log.fd = p[1];
	memset(path, 'a', sizeof path - 1);
	n = snprintf(text, sizeof text,
	    "{\"a\":\"%s\",\"b\":\"%s\",\"c\":\"%s\",\"d\":\"%.900s\"}", path,
	    path, path, path);
	oe_event_begin(&e, &log, "session.report");
	oe_event_str(&e, "src", path);
	assert_true(oe_event_foreign(&e, "report", text, (size_t)n));
	oe_event_end(&e, &log);
	o = taken(p[0]);
	assert_int_equal(json_object_size(json_object_get(o, "report")), 4);
	assert_in_range(strlen(line), 1, OE_EVENT_LINE_MAX);
	json_decref(o);
	oe_fd_close(&p[0]);
	oe_fd_close(&p[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_switched_off),
	    cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_foreign_is_shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
