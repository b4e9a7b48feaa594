/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"

static void
test_accepted(void **state)
{
	static const struct {
		const char *text, *user, *host;
		int port;
	} ok[] = {
	    {"h", NULL, "h", 0},
	    {"h:22", NULL, "h", 22},
	    {"u@h", "u", "h", 0},
	    {"u@h:65535", "u", "h", 65535},
	    {"a@b@h:1", "a@b", "h", 1},
	    {"10.0.0.1:22", NULL, "10.0.0.1", 22},
	    {"fd00::1", NULL, "fd00::1", 0},
	    {"u@fd00::1", "u", "fd00::1", 0},
	    {"::1", NULL, "::1", 0},
	    {"[::1]", NULL, "::1", 0},
	    {"[fd00::1]:2222", NULL, "fd00::1", 2222},
	    {"u@[fe80::1%eth0]:22", "u", "fe80::1%eth0", 22},
	    {"fe80::1%eth0", NULL, "fe80::1%eth0", 0},
	    {"ssh://h", NULL, "h", 0},
	    {"SSH://h/", NULL, "h", 0},
	    {"ssh://u@h:22/", "u", "h", 22},
	    {"ssh://u%40x@[::1]:22", "u@x", "::1", 22},
	    {"project--box@gw", "project--box", "gw", 0},
	    {"DOM\\user@h", "DOM\\user", "h", 0},
	    {"my_robot.local", NULL, "my_robot.local", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ok / sizeof ok[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_hoststr h, again;
		char *text;

		if (oe_hoststr_parse(ok[i].text, &h, &err) < 0)
			fail_msg("'%s': %s", ok[i].text, err.msg);
		assert_true(oe_str_eq(h.user, ok[i].user));
		assert_string_equal(h.host, ok[i].host);
		assert_int_equal(h.port, ok[i].port);
		text = oe_hoststr_format(&h);
		assert_int_equal(oe_hoststr_parse(text, &again, NULL), 0);
		assert_true(oe_str_eq(h.user, again.user));
		assert_string_equal(h.host, again.host);
		assert_int_equal(h.port, again.port);
		free(text);
		oe_hoststr_done(&h);
		oe_hoststr_done(&again);
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", "@h", "u@", ":22", "h:", "h:0",
	    "h:65536", "h:70000", "h:-1", "h:+1", "h:022", "h:2x", "h: 22",
	    "-h", "-oProxyCommand=x", "u@-h", "-u@h", "[::1", "[]", "[h]:22",
	    "[::1]22", "[::1]:", "[::1]:0", "[10.0.0.1]:22", "1:2:3", "fd00::g",
	    "fe80::1%", "fe80::1%a b", "h\n", "u\n@h", "u\x7f@h", "h h", "a/b",
	    "h;id", "$(id)", "`id`@h", "u'@h", "u|x@h", "u\\@h", "h,i",
	    "ssh://", "ssh://h/path", "ssh://u:pw@h", "ssh://u;x=y@h",
	    "ssh://u%@h", "ssh://u%4@h", "ssh://u%zz@h", "ssh://u%00@h",
	    "ssh://%2du@h", "ssh://u%0a@h", "ssh://h:0", "ssh://@h", "http://h",
	    "a:b@c:d:e", "h*", "h%41"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_hoststr h;

		if (oe_hoststr_parse(bad[i], &h, &err) != OE_EINVAL ||
		    !err.msg[0])
			fail_msg("'%s' was not refused", bad[i]);
		assert_null(strstr(err.msg, "pw@"));
	}
}

static void
test_bounds_and_lists(void **state)
{
	char *text = oe_mem_zalloc(OE_HOSTSTR_MAX + 2);
	struct oe_hoststrs l;
	struct oe_hoststr h;

	(void)state;
	memset(text, 'a', OE_HOSTSTR_MAX);
	assert_int_equal(oe_hoststr_parse(text, &h, NULL), 0);
	oe_hoststr_done(&h);
	text[OE_HOSTSTR_MAX] = 'a';
	assert_int_equal(oe_hoststr_parse(text, &h, NULL), OE_ETOOBIG);
	free(text);
	assert_int_equal(oe_hoststr_parse_list("a,u@b:2,[::1]:3", &l, NULL), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[1].user, "u");
	assert_int_equal(l.v[2].port, 3);
	oe_hoststrs_done(&l);
	assert_int_equal(oe_hoststr_parse_list("a,,b", &l, NULL), OE_EINVAL);
	assert_int_equal(oe_hoststr_parse_list("a,", &l, NULL), OE_EINVAL);
	assert_int_equal(oe_hoststr_parse_list("", &l, NULL), OE_EINVAL);
	assert_int_equal(oe_hoststr_parse_list(
			     "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", &l, NULL),
	    OE_ETOOBIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_bounds_and_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
