/* SPDX-License-Identifier: Apache-2.0 */
#include "server/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		size_t len; /* 0: strlen */
		bool ok;
	} cases[] = {
	    {"alice", 0, true}, {"a.b-c_d$", 0, true},
	    {"alice@example.org", 0, true}, {"j\xc3\xbcrgen", 0, true},
	    {"1000", 0, true}, {"...", 0, true}, {".x", 0, true},
	    {"", 0, false}, {"-x", 0, false}, {".", 0, false}, {"..", 0, false},
	    {"../x", 0, false}, {"a/b", 0, false}, {"a:b", 0, false},
	    {"a b", 0, false}, {"root\n", 0, false}, {"a\tb", 0, false},
	    {"a\x7f", 0, false}, {"a\0b", 3, false},
	    {"a\xc2\x85", 0, false},     /* C1 next line */
	    {"a\xc2\xa0", 0, false},     /* no-break space */
	    {"a\xe2\x80\xae", 0, false}, /* right-to-left override */
	    {"a\xe3\x80\x80", 0, false}, /* ideographic space */
	    {"\xff", 0, false}, {"\xc0\xaf", 0, false}, /* overlong slash */
	    {"\xe0\x80\xaf", 0, false},                 /* overlong slash */
	    {"\xed\xa0\x80", 0, false},                 /* surrogate */
	    {"\xf4\x90\x80\x80", 0, false},             /* past U+10FFFF */
	    {"\xc3", 0, false},                         /* cut off */
	};
	char longest[OE_SRV_USER_NAME_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		size_t n = cases[i].len ? cases[i].len : strlen(cases[i].name);

		if (oe_srv_user_name_ok(cases[i].name, n) != cases[i].ok)
			fail_msg("case %zu: '%s'", i, cases[i].name);
	}
	memset(longest, 'a', sizeof(longest));
	assert_true(oe_srv_user_name_ok(longest, OE_SRV_USER_NAME_MAX));
	assert_false(oe_srv_user_name_ok(longest, OE_SRV_USER_NAME_MAX + 1));
}

static void
lookup(void **state)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;

	(void)state;
	assert_int_equal(oe_srv_user_lookup("root", &u, NULL), 0);
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.name, "root");
	assert_int_equal(u.home[0], '/');
	oe_srv_user_done(&u);
	assert_null(u.name);
	/* a number is a name, not a uid */
	assert_int_equal(oe_srv_user_lookup("0", &u, NULL), OE_ENOENT);
	assert_int_equal(
	    oe_srv_user_lookup("no-such-user-here", &u, NULL), OE_ENOENT);
	assert_int_equal(oe_srv_user_lookup("root\n", &u, NULL), OE_EINVAL);
	assert_null(u.name);
	assert_int_equal(oe_srv_user_self(&u, NULL), 0);
	assert_int_equal(u.uid, geteuid());
	oe_srv_user_done(&u);
}

static void
shell(void **state)
{
	static const struct {
		const char *shell;
		int rc;
	} cases[] = {
	    {"/bin/sh", 0},
	    {"bin/sh", OE_EPERM},
	    {"/no/such/shell", OE_EPERM},
	    {"/etc/passwd", OE_EPERM},
	    {"/", OE_EPERM},
	};
	struct oe_srv_user u = OE_SRV_USER_INIT;
	size_t i;

	(void)state;
	u.name = (char *)"x";
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		u.shell = (char *)cases[i].shell;
		assert_int_equal(
		    oe_srv_user_check_shell(&u, NULL), cases[i].rc);
	}
}

/* An account that shadow does not know is judged by passwd alone. */
static void
locked(void **state)
{
	static const struct {
		const char *hash;
		int rc;
	} cases[] = {
	    {"x", 0},
	    {"*", 0},
	    {"", 0},
	    {"!", OE_EPERM},
	    {"!$6$a$b", OE_EPERM},
	    {"*LK*", OE_EPERM},
	};
	struct oe_srv_user u = OE_SRV_USER_INIT;
	size_t i;

	(void)state;
	u.name = (char *)"no-such-user-here";
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		u.hash = (char *)cases[i].hash;
		assert_int_equal(
		    oe_srv_user_check_account(&u, 0, NULL), cases[i].rc);
	}
}

static void
nologin(void **state)
{
	char dir[] = "/tmp/oe-user-XXXXXX", path[64];
	const char *files[] = {"/no/such/file", path, NULL};
	struct oe_srv_user u = OE_SRV_USER_INIT;
	struct oe_buf text;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/nologin", dir);
	u.uid = 1000;
	oe_buf_init(&text, 4);
	assert_int_equal(oe_srv_user_check_nologin(&u, files, &text), 0);
	assert_int_equal(oe_fd_write_file(path, "closed\n", 7, 0644, NULL), 0);
	assert_int_equal(oe_srv_user_check_nologin(&u, files, &text), OE_EPERM);
	assert_int_equal(oe_buf_left(&text), 4);
	assert_memory_equal(oe_buf_head(&text), "clos", 4);
	u.uid = 0;
	assert_int_equal(oe_srv_user_check_nologin(&u, files, &text), 0);
	oe_buf_done(&text);
	(void)unlink(path);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(lookup),
	    cmocka_unit_test(shell),
	    cmocka_unit_test(locked),
	    cmocka_unit_test(nologin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
