/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"
#include "core/net/cidr.h"
#include "core/ssh/authopts.h"

static void
test_refused(void **state)
{
	static const char *const bad[] = {",", "restrict,", ",restrict",
	    "restrict,,pty", "unknown", "no-unknown", "no-restrict",
	    "no-cert-authority", "command", "command=", "command=x",
	    "command=\"x", "command=\"x\"y", "command=\"x\"restrict",
	    "command=\"a\",command=\"b\"", "restrict=\"x\"", "pty=\"\"",
	    "from=\"\"", "from=\"10.0.0.1/24\"", "from=\"10.0.0.0/33\"",
	    "from=\"10.0.0.1,\"", "from=\"10.0.0\"", "from=\"!host\"",
	    "from=\"!*.example.com,*\"", "from=\"10.0.0.1 \"", "from=\"!\"",
	    "from=\"*\",from=\"*\"", "permitopen=\"h\"", "permitopen=\"80\"",
	    "permitopen=\"h:0\"", "permitopen=\"a:1,b:2\"",
	    "permitlisten=\"h:x\"", "environment=\"A\"",
	    "environment=\"LD_PRELOAD=x\"", "expiry-time=\"x\"",
	    "principals=\"a\"", "cert-authority,principals=\"\"",
	    "cert-authority,principals=\"a\",principals=\"b\"", "tunnel=\"x\"",
	    "tunnel=\"-1\"", "command =\"x\"", "ssh-dss"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_authopts o;

		if (oe_authopts_parse(bad[i], &o, &err) >= 0 || !err.msg[0])
			fail_msg("'%s' was not refused", bad[i]);
	}
}

static void
test_flags(void **state)
{
	static const struct {
		const char *text;
		bool pty, agent, x11, rc, fwd, no_touch, verify;
	} t[] = {
	    {"", 1, 1, 1, 1, 1, 0, 0},
	    {"restrict", 0, 0, 0, 0, 0, 0, 0},
	    {"RESTRICT,Pty", 1, 0, 0, 0, 0, 0, 0},
	    {"pty,restrict", 0, 0, 0, 0, 0, 0, 0},
	    {"restrict,agent-forwarding,X11-forwarding,user-rc,"
	     "port-forwarding",
		0, 1, 1, 1, 1, 0, 0},
	    {"no-pty", 0, 1, 1, 1, 1, 0, 0},
	    {"no-agent-forwarding,no-X11-forwarding", 1, 0, 0, 1, 1, 0, 0},
	    {"no-user-rc,no-port-forwarding", 1, 1, 1, 0, 0, 0, 0},
	    {"no-touch-required,verify-required", 1, 1, 1, 1, 1, 1, 1},
	    {"tunnel=\"0\",tunnel=\"any\"", 1, 1, 1, 1, 1, 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_authopts o;
		const struct oe_grant *g = &o.grant;

		if (oe_authopts_parse(t[i].text, &o, &err) < 0)
			fail_msg("'%s': %s", t[i].text, err.msg);
		if (g->pty != t[i].pty || g->agent != t[i].agent ||
		    g->x11 != t[i].x11 || g->user_rc != t[i].rc ||
		    g->port_forwarding != t[i].fwd ||
		    g->no_touch_required != t[i].no_touch ||
		    g->verify_required != t[i].verify)
			fail_msg("'%s'", t[i].text);
		oe_authopts_done(&o);
	}
}

static void
test_values(void **state)
{
	static const char text[] =
	    "command=\"say \\\"hi, you\\\" \\n\",from=\"10.0.0.0/8,!10.0.0.1\","
	    "permitopen=\"a:1\",permitopen=\"[::1]:*\",permitlisten=\"8080\","
	    "environment=\"A=b=c\",cert-authority,principals=\"x, y\","
	    "expiry-time=\"20300101Z\",expiry-time=\"20290101Z\"";
	struct oe_authopts o;

	(void)state;
	assert_int_equal(oe_authopts_parse(text, &o, NULL), 0);
	assert_string_equal(o.grant.force_command, "say \"hi, you\" \\n");
	assert_string_equal(o.from, "10.0.0.0/8,!10.0.0.1");
	assert_string_equal(o.grant.permit_open.v[1], "[::1]:*");
	assert_string_equal(o.grant.permit_listen.v[0], "*:8080");
	assert_string_equal(o.grant.env.v[0], "A=b=c");
	assert_true(o.cert_authority);
	assert_int_equal(o.principals.n, 2);
	assert_int_equal(o.grant.not_after_s, 1861920000);
	oe_authopts_done(&o);
	assert_int_equal(oe_authopts_span("a=\"x y\\\" z\",b key"), 13);
	assert_int_equal(oe_authopts_span("a=\"x y"), -1);
	assert_int_equal(oe_authopts_span(""), 0);
}

static void
test_from(void **state)
{
	static const struct {
		const char *list, *addr;
		int want;
	} t[] = {
	    {"10.0.0.0/8", "10.1.2.3", 1},
	    {"10.0.0.0/8", "11.1.2.3", 0},
	    {"10.0.0.0/8", "::ffff:10.1.2.3", 1},
	    {"10.1.2.3", "10.1.2.3", 1},
	    {"10.1.2.*", "10.1.2.3", 1},
	    {"10.1.2.?", "10.1.2.33", 0},
	    {"*", "fd00::1", 1},
	    {"FD00::*", "fd00::1", 1},
	    {"fd00:0:0::1", "fd00::1", 1},
	    {"*,!10.1.2.3", "10.1.2.3", 0},
	    {"!10.1.2.3,*", "10.1.2.3", 0},
	    {"!10.1.2.0/24,10.0.0.0/8", "10.1.2.3", 0},
	    {"!10.1.2.0/24,10.0.0.0/8", "10.1.3.3", 1},
	    {"!10.1.2.3", "10.1.2.4", 0},
	    {"host.example.com", "10.1.2.3", 0},
	    {"*.example.com", "10.1.2.3", 0},
	    {"cafe", "10.1.2.3", 0},
	    {"::/0", "10.1.2.3", 0},
	    {"*,10.1.2.3/8", "10.1.2.3", OE_EINVAL},
	    {"*,,", "10.1.2.3", OE_EINVAL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_addr a;

		assert_int_equal(oe_addr_parse(t[i].addr, &a, NULL), 0);
		if (oe_authopts_from(t[i].list, &a, NULL) != t[i].want)
			fail_msg("%s %s", t[i].list, t[i].addr);
	}
}

static void
test_time(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} t[] = {
	    {"20250101Z", 1735689600},
	    {"20250101", 1735689600 + 5 * 3600},
	    {"202501010203Z", 1735689600 + 2 * 3600 + 180},
	    {"20250101020304z", 1735689600 + 2 * 3600 + 184},
	    {"20250101020304", 1735689600 + 7 * 3600 + 184},
	    {"20240229Z", 1709164800},
	    {"20230229Z", -1},
	    {"20251301Z", -1},
	    {"20250001Z", -1},
	    {"20250100Z", -1},
	    {"202501012400Z", -1},
	    {"202501010060Z", -1},
	    {"20250101000060Z", -1},
	    {"2025010100Z", -1},
	    {"2025010", -1},
	    {"", -1},
	    {"Z", -1},
	    {"20250101ZZ", -1},
	    {"20250101 ", -1},
	    {"-2025101", -1},
	    {"19690101Z", -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		int64_t got = -1;
		int r = oe_authopts_time(t[i].text, &got, NULL);

		if (got != t[i].want || (r == 0) != (t[i].want != -1))
			fail_msg("'%s': %lld", t[i].text, (long long)got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_flags),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_from),
	    cmocka_unit_test(test_time),
	};

	/* local time is five hours behind UTC */
	setenv("TZ", "TST5", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
