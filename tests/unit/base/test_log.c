/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/time.h"

static int p[2] = {-1, -1};
static char line[8192];

static int
setup(void **state)
{
	(void)state;
	oe_time_fake(1700000000000);
	return pipe(p) || oe_fd_set_nonblock(p[0], true);
}

static int
teardown(void **state)
{
	(void)state;
	oe_log_setup(OE_LOG_INFO, OE_LOG_TEXT, STDERR_FILENO, false);
	oe_fd_close(&p[0]);
	oe_fd_close(&p[1]);
	return 0;
}

static const char *
taken(void)
{
	ssize_t n = read(p[0], line, sizeof line - 1);

	line[n > 0 ? n : 0] = 0;
	return line;
}

static void
test_text(void **state)
{
	const struct oe_logctx peer = {NULL, "peer", "10.0.0.1\n"};
	const struct oe_logctx conn = {&peer, "conn", "7"};

	(void)state;
	oe_log_setup(OE_LOG_INFO, OE_LOG_TEXT, p[1], false);
	errno = EIO;
	oe_log_info(NULL, "ready on %d", 2222);
	assert_int_equal(errno, EIO);
	assert_string_equal(taken(), "omniedge: ready on 2222\n");
	oe_log_warn(&conn, "bad\nname '%s'", "\x1b[31m");
	assert_string_equal(taken(),
	    "omniedge: warning: bad\\nname '\\x1b[31m' conn=7 "
	    "peer=10.0.0.1\\n\n");
	oe_log_debug(NULL, "unheard");
	assert_string_equal(taken(), "");
	assert_false(oe_log_wants(OE_LOG_DEBUG));
	oe_log_setup(OE_LOG_DEBUG, OE_LOG_TEXT, -1, true);
	oe_log_prefix("sshd");
	oe_log_debug(NULL, "heard");
	assert_string_equal(taken(), "<7>sshd: debug: heard\n");
	oe_log_prefix("omniedge");
}

static void
test_json(void **state)
{
	const struct oe_logctx user = {NULL, "user", "\xff\"x"};
	json_t *o;

	(void)state;
	oe_log_setup(OE_LOG_INFO, OE_LOG_JSON, p[1], false);
	oe_log_error(&user, "no \"%s\"", "shell");
	o = json_loads(taken(), 0, NULL);
	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "level")), "error");
	assert_string_equal(
	    json_string_value(json_object_get(o, "msg")), "no \"shell\"");
	assert_string_equal(
	    json_string_value(json_object_get(o, "user")), "\\xff\"x");
	assert_string_equal(json_string_value(json_object_get(o, "ts")),
	    "2023-11-14T22:13:20.000Z");
	json_decref(o);
}

/* However long and odd the peer's words are, there is one whole line. */
static void
test_long_lines(void **state)
{
	static char big[6000];
	const struct oe_logctx a = {NULL, "a", big}, b = {&a, "b", big},
			       c = {&b, "c", big}, d = {&c, "d", big};
	json_t *o;
	int fill;

	(void)state;
	for (fill = 0; fill < 3; fill++) {
		memset(big, "x\\\""[fill], sizeof big - 1);
		oe_log_setup(OE_LOG_INFO, OE_LOG_TEXT, p[1], false);
		oe_log_info(&d, "%s", big);
		taken();
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		oe_log_setup(OE_LOG_INFO, OE_LOG_JSON, p[1], false);
		oe_log_info(&d, "%s", big);
		o = json_loads(taken(), 0, NULL);
		assert_non_null(o);
		assert_true(json_is_string(json_object_get(o, "msg")));
		json_decref(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_text, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long_lines, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
