/* SPDX-License-Identifier: Apache-2.0 */
#include "server/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "server/usermap.h"

static void
standalone(void **state)
{
	static const struct {
		const char *user;
		enum oe_srv_method method;
		bool trust;
		const char *local; /* NULL: refused */
	} cases[] = {
	    {"alice", OE_SRV_METHOD_PUBLICKEY, false, "alice"},
	    {"alice", OE_SRV_METHOD_NONE, false, NULL},
	    {"alice", OE_SRV_METHOD_NONE, true, "alice"},
	    {"ops", OE_SRV_METHOD_PASSWORD, false, "daemon"},
	    {"root", OE_SRV_METHOD_PUBLICKEY, false, "root"},
	    {"root", OE_SRV_METHOD_CERTIFICATE, false, "root"},
	    {"root", OE_SRV_METHOD_PASSWORD, true, NULL},
	    {"root", OE_SRV_METHOD_KBDINT, true, NULL},
	    {"root", OE_SRV_METHOD_NONE, true, NULL},
	    {"admin", OE_SRV_METHOD_NONE, true, NULL},
	    {"admin", OE_SRV_METHOD_PUBLICKEY, true, "root"},
	    {"root\n", OE_SRV_METHOD_PUBLICKEY, true, NULL},
	    {"", OE_SRV_METHOD_PUBLICKEY, true, NULL},
	};
	struct oe_srv_standalone s;
	struct oe_srv_usermap m;
	struct oe_srv_policy p;
	size_t i;

	(void)state;
	oe_srv_usermap_init(&m, NULL);
	assert_int_equal(oe_srv_usermap_add(&m, "ops:daemon", NULL), 0);
	assert_int_equal(oe_srv_usermap_add(&m, "admin:root", NULL), 0);
	oe_srv_standalone_init(&s, &m);
	s.max_sessions = 9;
	s.idle_timeout_s = 60;
	p = oe_srv_standalone_policy(&s);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_srv_identity id;
		struct oe_srv_rule r;
		int rc;

		memset(&id, 0, sizeof(id));
		id.requested_user = cases[i].user;
		id.method = cases[i].method;
		s.trust_network = cases[i].trust;
		rc = oe_srv_policy_decide(&p, &id, &r, NULL);
		assert_int_equal(rc, cases[i].local ? 0 : OE_EPERM);
		if (rc != 0) {
			oe_srv_rule_done(&r);
			continue;
		}
		assert_string_equal(r.local_user, cases[i].local);
		assert_string_equal(r.id, "standalone");
		assert_true(r.grant.pty);
		assert_int_equal(r.max_sessions, 9);
		assert_int_equal(r.idle_timeout_s, 60);
		oe_srv_rule_done(&r);
	}
	oe_srv_standalone_done(&s);
	oe_srv_usermap_done(&m);
}

/* A careless policy must not get past the fixed rules. */
static int
careless(const void *self, const struct oe_srv_identity *id,
    struct oe_srv_rule *ret, struct oe_err *err)
{
	(void)id;
	(void)err;
	ret->local_user = oe_mem_strdup(self);
	return 0;
}

static void
fixed_rules(void **state)
{
	static const char *const names[] = {"root", "", NULL};
	struct oe_srv_identity id;
	struct oe_srv_rule r;
	size_t i;

	(void)state;
	memset(&id, 0, sizeof(id));
	id.method = OE_SRV_METHOD_PASSWORD;
	for (i = 0; i < OE_ARRAY_LEN(names); i++) {
		struct oe_srv_policy p = {.decide = careless, .self = names[i]};

		assert_int_equal(
		    oe_srv_policy_decide(&p, &id, &r, NULL), OE_EPERM);
		oe_srv_rule_done(&r);
	}
	/* a key alone is not enough: the rule has to give root */
	id.method = OE_SRV_METHOD_PUBLICKEY;
	{
		struct oe_srv_policy p = {.decide = careless, .self = "root"};

		assert_int_equal(
		    oe_srv_policy_decide(&p, &id, &r, NULL), OE_EPERM);
		oe_srv_rule_done(&r);
	}
	assert_false(oe_srv_policy_may_be(OE_SRV_METHOD_NONE, 0));
	assert_false(oe_srv_policy_may_be(OE_SRV_METHOD_PASSWORD, 0));
	assert_false(oe_srv_policy_may_be(OE_SRV_METHOD_KBDINT, 0));
	assert_true(oe_srv_policy_may_be(OE_SRV_METHOD_PUBLICKEY, 0));
	assert_true(oe_srv_policy_may_be(OE_SRV_METHOD_NONE, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(standalone),
	    cmocka_unit_test(fixed_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
