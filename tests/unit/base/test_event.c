/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
