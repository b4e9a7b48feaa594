/* SPDX-License-Identifier: Apache-2.0 */
#include "server/usermap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "server/user.h"

static void
add(void **state)
{
	static const struct {
		const char *spec;
		int rc;
	} cases[] = {
	    {"ops:daemon", 0},
	    {"ops:nobody", OE_EEXIST},
	    {"admin:root", 0},
	    {"0:daemon", 0},
	    {"x:no-such-user-here", OE_ENOENT},
	    {"x:0", OE_ENOENT},
	    {"x", OE_EINVAL},
	    {"", OE_EINVAL},
	    {":", OE_EINVAL},
	    {"x:", OE_EINVAL},
	    {":root", OE_EINVAL},
	    {"a:b:c", OE_EINVAL},
	    {"a::root", OE_EINVAL},
	    {"-x:root", OE_EINVAL},
	    {"x y:root", OE_EINVAL},
	    {"x: root", OE_EINVAL},
	    {"x:root\n", OE_EINVAL},
	    {"../x:root", OE_EINVAL},
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_srv_usermap m;
	size_t i;

	(void)state;
	oe_srv_usermap_init(&m, NULL);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		int rc = oe_srv_usermap_add(&m, cases[i].spec, &err);

		if (rc != cases[i].rc)
			fail_msg(
			    "'%s': %d, not %d", cases[i].spec, rc, cases[i].rc);
	}
	assert_int_equal(m.n, 3);
	assert_string_equal(oe_srv_usermap_name(&m, "ops"), "daemon");
	assert_string_equal(oe_srv_usermap_name(&m, "OPS"), "OPS");
	assert_string_equal(oe_srv_usermap_name(&m, "admin"), "root");
	assert_string_equal(oe_srv_usermap_name(&m, "root"), "root");
	assert_null(oe_srv_usermap_name(&m, "root\n"));
	assert_null(oe_srv_usermap_name(&m, "-x"));
	oe_srv_usermap_done(&m);
}

static void
resolve(void **state)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	struct oe_srv_usermap m;

	(void)state;
	oe_srv_usermap_init(&m, NULL);
	assert_int_equal(
	    oe_srv_usermap_resolve(&m, "nope-nope", &u, NULL), OE_ENOENT);
	assert_int_equal(oe_srv_usermap_resolve(&m, "root", &u, NULL), 0);
	assert_int_equal(u.uid, 0);
	oe_srv_user_done(&u);
	assert_int_equal(
	    oe_srv_usermap_set_default(&m, "root", NULL), OE_EPERM);
	assert_int_equal(
	    oe_srv_usermap_set_default(&m, "a b", NULL), OE_EINVAL);
	assert_int_equal(
	    oe_srv_usermap_set_default(&m, "no-such-user", NULL), OE_ENOENT);
	assert_int_equal(oe_srv_usermap_set_default(&m, "daemon", NULL), 0);
	/* with a default user, root must be asked for by the map */
	assert_int_equal(oe_srv_usermap_resolve(&m, "root", &u, NULL), 0);
	assert_string_equal(u.name, "daemon");
	oe_srv_user_done(&u);
	assert_int_equal(
	    oe_srv_usermap_resolve(&m, "../x", &u, NULL), OE_ENOENT);
	oe_srv_usermap_done(&m);
}

static void
plain_user(void **state)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	struct oe_srv_usermap m;

	(void)state;
	oe_srv_usermap_init(&m, "daemon");
	assert_int_equal(oe_srv_usermap_add(&m, "me:daemon", NULL), 0);
	assert_int_equal(oe_srv_usermap_add(&m, "r:root", NULL), OE_EPERM);
	assert_int_equal(oe_srv_usermap_add(&m, "n:nobody", NULL), OE_EPERM);
	assert_int_equal(
	    oe_srv_usermap_set_default(&m, "nobody", NULL), OE_EPERM);
	assert_int_equal(oe_srv_usermap_resolve(&m, "me", &u, NULL), 0);
	oe_srv_user_done(&u);
	assert_int_equal(oe_srv_usermap_resolve(&m, "daemon", &u, NULL), 0);
	oe_srv_user_done(&u);
	assert_int_equal(
	    oe_srv_usermap_resolve(&m, "root", &u, NULL), OE_ENOENT);
	assert_int_equal(
	    oe_srv_usermap_resolve(&m, "nope-nope", &u, NULL), OE_ENOENT);
	oe_srv_usermap_done(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(add),
	    cmocka_unit_test(resolve),
	    cmocka_unit_test(plain_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
