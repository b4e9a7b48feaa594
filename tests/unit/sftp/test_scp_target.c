/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "sftp/scp_target.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		const char *user, *host; /* host NULL: local */
		int port;
		const char *path;
	} all[] = {
	    {"a", NULL, NULL, 0, "a"},
	    {"/a:b", NULL, NULL, 0, "/a:b"},
	    {"./a:b", NULL, NULL, 0, "./a:b"},
	    {":a", NULL, NULL, 0, ":a"},
	    {"-x", NULL, NULL, 0, "-x"},
	    {"[a]", NULL, NULL, 0, "[a]"},
	    {"user@host", NULL, NULL, 0, "user@host"},
	    {"host:", NULL, "host", 0, ""},
	    {"host:a b", NULL, "host", 0, "a b"},
	    {"host:/a:b", NULL, "host", 0, "/a:b"},
	    {"host:22:b", NULL, "host", 0, "22:b"},
	    {"me@host:x", "me", "host", 0, "x"},
	    {"me@corp@host:x", "me@corp", "host", 0, "x"},
	    {"[::1]:x", NULL, "::1", 0, "x"},
	    {"me@[fe80::1%eth0]:/x", "me", "fe80::1%eth0", 0, "/x"},
	    {"scp://host", NULL, "host", 0, ""},
	    {"scp://host/", NULL, "host", 0, ""},
	    {"scp://host/a/b", NULL, "host", 0, "a/b"},
	    {"scp://host//a/b", NULL, "host", 0, "/a/b"},
	    {"scp://me@host:2222/a%20b%2F%25", "me", "host", 2222, "a b/%"},
	    {"scp://m%40e@[::1]:22/x", "m@e", "::1", 22, "x"},
	    {"scp://host/%ff", NULL, "host", 0, "\xff"},
	};
	struct oe_scp_target t;
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		if (oe_scp_target_parse(all[i].text, &t, &err) < 0)
			fail_msg("%s: %s", all[i].text, oe_err_text(&err));
		assert_int_equal(t.remote, all[i].host != NULL);
		assert_string_equal(t.path, all[i].path);
		if (t.remote) {
			assert_string_equal(t.host.host, all[i].host);
			assert_true(oe_str_eq(t.host.user, all[i].user));
			assert_int_equal(t.host.port, all[i].port);
		}
		oe_scp_target_done(&t);
	}
}

static void
test_refused(void **state)
{
	static const char *const all[] = {"", "-oProxyCommand=x:y", "a b:c",
	    "u;x@h:y", "@host:x", "scp://", "scp:///x", "scp://h:0/x",
	    "scp://h:99999/x", "scp://h/%", "scp://h/%4", "scp://h/%zz",
	    "scp://h/a%00b", "[host]:x", "`x`:y", "$(x):y"};
	struct oe_scp_target t;
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		if (oe_scp_target_parse(all[i], &t, &err) != OE_EUSAGE)
			fail_msg("taken: %s", all[i]);
		assert_true(*oe_err_text(&err));
	}
}

static void
test_home(void **state)
{
	static const char *const all[][2] = {
	    {"", "."},
	    {"~", "."},
	    {"~/", "."},
	    {"~//", "."},
	    {"~/a/~b", "a/~b"},
	    {"~//a", "a"},
	    {"a/~", "a/~"},
	    {"/", "/"},
	    {"~me", NULL},
	    {"~me/x", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		char *got = oe_scp_home(all[i][0]);

		assert_true(oe_str_eq(got, all[i][1]));
		free(got);
	}
}

static void
test_where(void **state)
{
	static const struct {
		bool exists, is_dir, remote;
		size_t sources, matches;
		int want;
	} all[] = {
	    {true, true, false, 1, 1, OE_SCP_INTO},
	    {true, true, true, 3, 3, OE_SCP_INTO},
	    {true, false, false, 1, 1, OE_SCP_EXACTLY},
	    {false, false, false, 1, 1, OE_SCP_EXACTLY},
	    {false, false, true, 1, 1, OE_SCP_EXACTLY},
	    {true, false, false, 2, 2, OE_EINVAL},
	    {true, false, true, 2, 2, OE_EINVAL},
	    {true, false, false, 1, 2, OE_EINVAL},
	    {false, false, true, 2, 2, OE_SCP_MAKE_DIR},
	    {false, false, false, 2, 2, OE_ENOENT},
	    {false, false, false, 1, 2, OE_SCP_MAKE_DIR},
	};
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		struct oe_scp_place to = {
		    "x", all[i].exists, all[i].is_dir, all[i].remote};

		assert_int_equal(
		    oe_scp_where(&to, all[i].sources, all[i].matches, &err),
		    all[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_home),
	    cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
