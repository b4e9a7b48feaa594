/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"

static void
good(void **state)
{
	static const struct {
		const char *text, *user, *host, *path;
		int port;
	} cases[] = {
	    {"h", NULL, "h", NULL, 0},
	    {"u@h", "u", "h", NULL, 0},
	    {"h:", NULL, "h", NULL, 0},
	    {"h:/a b", NULL, "h", "/a b", 0},
	    {"u@h:a:b", "u", "h", "a:b", 0},
	    {"h:~x/y", NULL, "h", "~x/y", 0},
	    {"[fe80::1]:x", NULL, "fe80::1", "x", 0},
	    {"u@[::1]", "u", "::1", NULL, 0},
	    {"sftp://h", NULL, "h", NULL, 0},
	    {"sftp://h/", NULL, "h", NULL, 0},
	    {"sftp://u@h:22/a", "u", "h", "a", 22},
	    {"sftp://h//a%20b", NULL, "h", "/a b", 0},
	    {"SFTP://[::1]:7/x", NULL, "::1", "x", 7},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_sftp_target t = {{NULL, NULL, 0}, NULL};

		assert_int_equal(
		    oe_sftp_target_parse(cases[i].text, &t, NULL), 0);
		assert_string_equal(t.host.host, cases[i].host);
		assert_int_equal(t.host.port, cases[i].port);
		assert_int_equal(!t.host.user, !cases[i].user);
		if (t.host.user)
			assert_string_equal(t.host.user, cases[i].user);
		assert_int_equal(!t.path, !cases[i].path);
		if (t.path)
			assert_string_equal(t.path, cases[i].path);
		oe_sftp_target_done(&t);
	}
}

static void
bad(void **state)
{
	static const char *const cases[] = {"", ":x", "@h:x", "-h:x", "a b:x",
	    "sftp://", "sftp:///x", "sftp://h:99999/x", "sftp://h/%zz",
	    "sftp://h/a%00b", "/x", "./x:y"};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_sftp_target t = {{NULL, NULL, 0}, NULL};

		if (oe_sftp_target_parse(cases[i], &t, NULL) == 0)
			fail_msg("'%s' passes", cases[i]);
		oe_sftp_target_done(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good),
	    cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests_name("sftp_target", tests, NULL, NULL);
}
