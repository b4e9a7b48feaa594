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
#include "core/ssh/grant.h"

static void
test_permit_syntax(void **state)
{
	static const struct {
		const char *text, *bare, *strict; /* NULL: refused */
	} t[] = {
	    {"h:80", "h:80", "h:80"},
	    {"[::1]:80", "[::1]:80", "[::1]:80"},
	    {"*:80", "*:80", "*:80"},
	    {"h:*", "h:*", "h:*"},
	    {"80", "*:80", NULL},
	    {"*", "*:*", NULL},
	    {"h", NULL, NULL},
	    {"", NULL, NULL},
	    {":80", NULL, NULL},
	    {"h:", NULL, NULL},
	    {"h:0", NULL, NULL},
	    {"h:65536", NULL, NULL},
	    {"::1:80", NULL, NULL},
	    {"[::1:80", NULL, NULL},
	    {"[h]:80", NULL, NULL},
	    {"[:::]:80", NULL, NULL},
	    {"h h:80", NULL, NULL},
	    {"h/x:80", NULL, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof t / sizeof t[0]; i++) {
		bool bare = i % 2;
		const char *want = bare ? t[i / 2].bare : t[i / 2].strict;
		char *got = NULL;
		int r = oe_grant_permit_check(t[i / 2].text, bare, &got, NULL);

		if (r != (want ? 0 : OE_EINVAL))
			fail_msg("'%s' gave %d", t[i / 2].text, r);
		if (want)
			assert_string_equal(got, want);
		free(got);
	}
}

static void
test_may(void **state)
{
	struct oe_grant g;

	(void)state;
	oe_grant_init(&g, true);
	assert_true(oe_grant_may_open(&g, "any", 1));
	assert_int_equal(oe_grant_add_open(&g, "Db.lan:5432", NULL), 0);
	assert_int_equal(oe_grant_add_open(&g, "[fd00::1]:*", NULL), 0);
	assert_int_equal(oe_grant_add_listen(&g, "8080", NULL), 0);
	assert_int_equal(oe_grant_add_listen(&g, "*.lan:81", NULL), 0);
	assert_true(oe_grant_may_open(&g, "db.LAN", 5432));
	assert_true(oe_grant_may_open(&g, "fd00:0::1", 9));
	assert_false(oe_grant_may_open(&g, "db.lan", 5433));
	assert_false(oe_grant_may_open(&g, "fd00::2", 9));
	assert_true(oe_grant_may_listen(&g, "localhost", 8080));
	assert_true(oe_grant_may_listen(&g, "a.lan", 81));
	assert_false(oe_grant_may_listen(&g, "a.wan", 81));
	g.port_forwarding = false;
	assert_false(oe_grant_may_open(&g, "db.lan", 5432));
	assert_false(oe_grant_may_listen(&g, "localhost", 8080));
	oe_grant_done(&g);
}

static void
test_env(void **state)
{
	static const char *const bad[] = {
	    "", "A", "=x", "1A=x", "A B=x", "A-B=x", "LD_PRELOAD=x"};
	struct oe_grant g;
	size_t i;

	(void)state;
	oe_grant_init(&g, true);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(oe_grant_add_env(&g, bad[i], NULL), OE_EINVAL);
	assert_int_equal(oe_grant_add_env(&g, "A=1", NULL), 0);
	assert_int_equal(oe_grant_add_env(&g, "A=2", NULL), 0);
	assert_int_equal(oe_grant_add_env(&g, "AB=3", NULL), 0);
	assert_int_equal(g.env.n, 2);
	assert_string_equal(g.env.v[0], "A=1");
	oe_grant_done(&g);
}

static void
test_intersect(void **state)
{
	struct oe_grant a, b, c;

	(void)state;
	oe_grant_init(&a, true);
	oe_grant_init(&b, true);
	b.pty = false;
	b.verify_required = true;
	a.no_touch_required = true;
	b.not_after_s = 100;
	b.force_command = oe_mem_strdup("x");
	assert_int_equal(oe_grant_add_open(&a, "*:80", NULL), 0);
	assert_int_equal(oe_grant_add_open(&b, "h:*", NULL), 0);
	assert_int_equal(oe_grant_add_open(&b, "i:81", NULL), 0);
	assert_int_equal(oe_grant_add_listen(&b, "8080", NULL), 0);
	assert_int_equal(oe_grant_add_env(&b, "A=1", NULL), 0);
	assert_int_equal(oe_grant_intersect(&a, &b, NULL), 0);
	assert_false(a.pty);
	assert_true(a.agent && a.verify_required && !a.no_touch_required);
	assert_int_equal(a.not_after_s, 100);
	assert_string_equal(a.force_command, "x");
	assert_int_equal(a.permit_open.n, 1);
	assert_string_equal(a.permit_open.v[0], "h:80");
	assert_true(oe_grant_may_listen(&a, "h", 8080));
	assert_false(oe_grant_may_listen(&a, "h", 8081));
	assert_int_equal(a.env.n, 1);
	/* nothing in common: nothing may be opened */
	oe_grant_init(&c, true);
	assert_int_equal(oe_grant_add_open(&c, "k:80", NULL), 0);
	assert_int_equal(oe_grant_intersect(&a, &c, NULL), 0);
	assert_int_equal(a.permit_open.n, 0);
	assert_false(oe_grant_may_open(&a, "h", 80));
	assert_false(oe_grant_may_open(&a, "k", 80));
	/* two commands that differ */
	free(b.force_command);
	b.force_command = oe_mem_strdup("y");
	assert_int_equal(oe_grant_intersect(&a, &b, NULL), OE_EPERM);
	assert_string_equal(a.force_command, "x");
	oe_grant_done(&c);
	oe_grant_copy(&c, &a);
	assert_int_equal(oe_grant_intersect(&a, &c, NULL), 0);
	oe_grant_done(&a);
	oe_grant_done(&b);
	oe_grant_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_permit_syntax),
	    cmocka_unit_test(test_may),
	    cmocka_unit_test(test_env),
	    cmocka_unit_test(test_intersect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
