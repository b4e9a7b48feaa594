/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../event_reference.h"
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
	struct oe_eventlog log = {.fd = -1, .node = "robot-7"};
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
	struct oe_eventlog off = {.fd = -1, .node = "x"};
	struct oe_event e;

	(void)state;
	oe_event_begin(&e, &off, "connect");
	oe_event_str(&e, "user", "x");
	oe_event_int(&e, "n", 1);
	oe_event_bool(&e, "b", true);
	oe_event_end(&e, &off);
	assert_null(e.text);
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
	struct oe_eventlog log = {.fd = -1, .node = "robot-7"};
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
	assert_null(e.text);
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
	struct oe_eventlog log = {.fd = -1, .node = "robot-7"};
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

/* --- the same lines as jansson's --- */

static char got[1 << 16];

static size_t
written(int fd)
{
	ssize_t n = pread(fd, got, sizeof got, 0);

	assert_true(n >= 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return (size_t)n;
}

static void
compare_foreign(struct oe_eventlog *log, const char *text, size_t n)
{
	char want[OE_EVENT_LINE_MAX];
	json_t *in = reference_foreign(text, n), *o;
	struct oe_event e;
	bool taken;

	oe_event_begin(&e, log, "session.report");
	oe_event_str(&e, "src", "10.0.0.2");
	taken = oe_event_foreign(&e, "report", text, n);
	if (taken != (in != NULL))
		print_error("differs: %.*s\n", (int)n, text);
	assert_int_equal(taken, in != NULL);
	oe_event_end(&e, log);
	o = reference_begin("session.report", log->node);
	json_object_set_new(o, "src", json_string("10.0.0.2"));
	json_object_set_new(o, "report", in);
	n = reference_line(o, want);
	assert_int_equal(written(log->fd), n);
	assert_memory_equal(got, want, n);
}

/* Each text, each beginning of it, and it with each byte another one. */
static void
compare_around(struct oe_eventlog *log, const char *text)
{
	static const char other[] = "\0 \"\\{}[]:,-01eEu.atfn/\n\x7f\x80\xc3";
	size_t i, k, n = strlen(text);
	char *copy;

	for (i = 0; i <= n + 1; i++)
		compare_foreign(log, text, i);
	copy = malloc(n + 1);
	assert_non_null(copy);
	for (i = 0; i <= n; i++) {
		for (k = 0; k < sizeof other - 1; k++) {
			memcpy(copy, text, n + 1);
			copy[i] = other[k];
			compare_foreign(log, copy, n + (i == n));
		}
	}
	free(copy);
}

static void
test_as_jansson(void **state)
{
	static const char *const texts[] = {
	    "{\"event\":\"sftp.put\",\"user\":\"x\",\"bytes\":120,\"b\":true}",
	    " {\t\"a\" : \"\\u0041\\\"\\/\\\\\" ,\r\n\"b\":-0, \"c\":false } ",
	    "{\"a\\u0062\":1,\"ab\":2}",
	    "{\"ts\":\"\",\"b\":\"\",\"v\":1,\"v\":2}",
	    "{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
	    "{\"a\":9223372036854775808}",
	    "{\"a\":-9223372036854775809}",
	    "{\"a\":99999999999999999999999}",
	    "{\"a\":\"\\uD83D\\uDE00\\u007f\\u00e4\\b\\u0020\\u001f\"}",
	    "{\"src_port\":1,\"local_user\":\"\",\"node\":\"n\",\"conn\":0}",
	    "{\"abcdefghijklmnopqrstuvwxyz._abcd\":1}",
	};
	struct oe_eventlog log = {
	    .fd = memfd_create("log", MFD_CLOEXEC), .node = "robot"};
	char big[3000], text[4200];
	int i, n;

	(void)state;
	oe_time_fake(0);
	for (i = 0; i < (int)OE_ARRAY_LEN(texts); i++)
		compare_around(&log, texts[i]);
	/* longest texts, shortened lines, most members */
	memset(big, 'x', sizeof big);
	for (i = 1000; i < 1040; i++) {
		n = snprintf(text, sizeof text,
		    "{\"a\":\"%.*s\\\\\",\"b\":\"%.*s\",\"c\":\"%.*s\","
		    "\"d\":\"%.1000s\"}",
		    i, big, i - 17, big, i - 17, big, big);
		compare_foreign(&log, text, (size_t)n);
	}
	for (i = 0, n = 1, text[0] = '{'; i < 30; i++) {
		n += sprintf(text + n, "%s\"%c%c\":1", i ? "," : "",
		    'a' + i % 26, 'a' + i / 26);
		text[n] = '}';
		compare_foreign(&log, text, (size_t)n + 1);
	}
	oe_time_fake(-1);
	oe_fd_close(&log.fd);
}

/* Texts of any bytes, long enough for lines that lose some. */
static void
test_texts_as_jansson(void **state)
{
	static const char *const pieces[] = {"a", "\"", "\\", "\xc3\xa4",
	    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\n", "\x7f", "/"};
	struct oe_eventlog log = {
	    .fd = memfd_create("log", MFD_CLOEXEC), .node = "r\xc3\xb6"};
	char want[OE_EVENT_LINE_MAX], name[2] = "a", text[4 * 1500];
	struct oe_event e;
	uint32_t seed = 1;
	size_t i, k, n, len;
	json_t *o;

	(void)state;
	oe_time_fake(0);
	for (i = 0; i < 300; i++) {
		oe_event_begin(&e, &log, "x.y");
		o = reference_begin("x.y", log.node);
		for (k = 0; k < 5; k++) {
			name[0] = (char)('a' + k);
			len = (seed >> 8) % 1200 / (1 + i % 7);
			text[0] = 0;
			for (n = 0; n < len; n++) {
				seed = seed * 1664525 + 1013904223;
				strcat(text, pieces[(seed >> 16) % 10]);
			}
			oe_event_str(&e, name, text);
			json_object_set_new(o, name, reference_text(text));
		}
		oe_event_end(&e, &log);
		n = reference_line(o, want);
		assert_int_equal(written(log.fd), n);
		assert_memory_equal(got, want, n);
	}
	oe_time_fake(-1);
	oe_fd_close(&log.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_switched_off),
	    cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_foreign_is_shortened),
	    cmocka_unit_test(test_as_jansson),
	    cmocka_unit_test(test_texts_as_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
