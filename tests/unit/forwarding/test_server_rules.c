/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/str.h"
#include "core/ssh/grant.h"
#include "forwarding/server_rules.h"
#include "server/permits.h"

#define ITEMS_MAX 4

struct setting {
	struct oe_grant grant;
	struct oe_strs open, listen;
	struct oe_addr own[1];
	struct oe_fwd_rules rules;
};

static void
setting_init(struct setting *s)
{
	memset(s, 0, sizeof *s);
	oe_grant_init(&s->grant, true);
	assert_int_equal(oe_addr_parse("192.0.2.7", &s->own[0], NULL), 0);
	s->rules = (struct oe_fwd_rules){
	    .grant = &s->grant,
	    .local = true,
	    .remote = true,
	    .permit_open = &s->open,
	    .permit_listen = &s->listen,
	    .own = s->own,
	    .own_n = 1,
	    .own_ports = {2222, 22},
	};
}

static void
setting_done(struct setting *s)
{
	oe_grant_done(&s->grant);
	oe_strs_done(&s->open);
	oe_strs_done(&s->listen);
}

/* Before and, where the name passes, after it is resolved. */
static enum oe_fwd_verdict
judge(struct setting *s, const char *host, const char *address, unsigned port)
{
	enum oe_fwd_verdict v = oe_fwd_rules_name(&s->rules, host, port);
	struct oe_addr a;

	if (v != OE_FWD_ALLOWED)
		return v;
	assert_int_equal(oe_addr_parse(address ? address : host, &a, NULL), 0);
	return oe_fwd_rules_addr(&s->rules, host, &a, port);
}

/* Nothing is listed: all but what is protected. */
static void
test_protected(void **state)
{
	static const struct {
		const char *host, *address;
		unsigned port;
		enum oe_fwd_verdict want;
	} t[] = {
	    {"10.1.2.3", NULL, 80, OE_FWD_ALLOWED},
	    {"db.example", "10.1.2.3", 5432, OE_FWD_ALLOWED},
	    {"2001:db8::1", NULL, 443, OE_FWD_ALLOWED},
	    {"localhost", "127.0.0.1", 80, OE_FWD_ALLOWED},
	    {"localhost", "::1", 80, OE_FWD_ALLOWED},
	    {"192.0.2.7", NULL, 80, OE_FWD_ALLOWED},
	    {"192.0.2.8", NULL, 2222, OE_FWD_ALLOWED},
	    /* this server, by all its names */
	    {"127.0.0.1", NULL, 2222, OE_FWD_OWN_PORT},
	    {"127.9.9.9", NULL, 2222, OE_FWD_OWN_PORT},
	    {"localhost", "127.0.0.1", 22, OE_FWD_OWN_PORT},
	    {"localhost", "::1", 2222, OE_FWD_OWN_PORT},
	    {"::1", NULL, 2222, OE_FWD_OWN_PORT},
	    {"0.0.0.0", NULL, 2222, OE_FWD_OWN_PORT},
	    {"::", NULL, 2222, OE_FWD_OWN_PORT},
	    {"192.0.2.7", NULL, 2222, OE_FWD_OWN_PORT},
	    {"::ffff:192.0.2.7", NULL, 2222, OE_FWD_OWN_PORT},
	    {"::ffff:127.0.0.1", NULL, 2222, OE_FWD_OWN_PORT},
	    {"me.example", "192.0.2.7", 2222, OE_FWD_OWN_PORT},
	    {"2130706433", "127.0.0.1", 2222, OE_FWD_OWN_PORT},
	    {"127.1", "127.0.0.1", 2222, OE_FWD_OWN_PORT},
	    {"64:ff9b::7f00:1", NULL, 2222, OE_FWD_OWN_PORT},
	    /* metadata and link-local, by rebinding too */
	    {"169.254.169.254", NULL, 80, OE_FWD_METADATA},
	    {"::ffff:169.254.169.254", NULL, 80, OE_FWD_METADATA},
	    {"64:ff9b::a9fe:a9fe", NULL, 80, OE_FWD_METADATA},
	    {"::169.254.169.254", NULL, 80, OE_FWD_METADATA},
	    {"metadata.google.internal", "169.254.169.254", 80,
		OE_FWD_METADATA},
	    {"rebound.example", "169.254.169.254", 80, OE_FWD_METADATA},
	    {"rebound.example", "fd00:ec2::254", 80, OE_FWD_METADATA},
	    {"fd00:ec2::254", NULL, 80, OE_FWD_METADATA},
	    {"169.254.170.2", NULL, 80, OE_FWD_METADATA},
	    {"100.100.100.200", NULL, 80, OE_FWD_METADATA},
	    {"169.254.3.4", NULL, 80, OE_FWD_LINK_LOCAL},
	    {"fe80::1", NULL, 80, OE_FWD_LINK_LOCAL},
	    {"febf::1", NULL, 80, OE_FWD_LINK_LOCAL},
	    {"rebound.example", "fe80::1", 80, OE_FWD_LINK_LOCAL},
	    {"fec0::1", NULL, 80, OE_FWD_ALLOWED},
	    {"169.253.0.1", NULL, 80, OE_FWD_ALLOWED},
	    /* no target at all */
	    {"", NULL, 80, OE_FWD_MALFORMED},
	    {"a b", NULL, 80, OE_FWD_MALFORMED},
	    {"10.0.0.0/8", NULL, 80, OE_FWD_MALFORMED},
	    {"10.1.2.3", NULL, 0, OE_FWD_MALFORMED},
	    {"10.1.2.3", NULL, 65536, OE_FWD_MALFORMED},
	};
	struct setting s;
	size_t i;

	(void)state;
	setting_init(&s);
	for (i = 0; i < sizeof t / sizeof *t; i++)
		if (judge(&s, t[i].host, t[i].address, t[i].port) != t[i].want)
			fail_msg("%s (%s) port %u: %s", t[i].host,
			    t[i].address ? t[i].address : "itself", t[i].port,
			    oe_fwd_verdict_text(
				judge(&s, t[i].host, t[i].address, t[i].port)));
	setting_done(&s);
}

/* --permit-open and the grant's own list, each alone and both. */
static void
test_listed(void **state)
{
	static const struct {
		const char *grant[ITEMS_MAX], *server[ITEMS_MAX];
		const char *host, *address;
		unsigned port;
		enum oe_fwd_verdict want;
	} t[] = {
	    {{NULL}, {"10.0.0.0/8:*"}, "10.9.9.9", NULL, 1, OE_FWD_ALLOWED},
	    {{NULL}, {"10.0.0.0/8:*"}, "11.0.0.1", NULL, 1, OE_FWD_UNLISTED},
	    {{NULL}, {"10.0.0.0/8:80-90"}, "10.0.0.1", NULL, 80,
		OE_FWD_ALLOWED},
	    {{NULL}, {"10.0.0.0/8:80-90"}, "10.0.0.1", NULL, 90,
		OE_FWD_ALLOWED},
	    {{NULL}, {"10.0.0.0/8:80-90"}, "10.0.0.1", NULL, 91,
		OE_FWD_UNLISTED},
	    {{NULL}, {"10.0.0.0/8:80"}, "db.example", "10.0.0.1", 80,
		OE_FWD_ALLOWED},
	    {{NULL}, {"10.0.0.0/8:80"}, "db.example", "192.0.2.1", 80,
		OE_FWD_UNLISTED},
	    {{NULL}, {"10.0.0.0/8:80"}, "::ffff:10.0.0.1", NULL, 80,
		OE_FWD_ALLOWED},
	    {{NULL}, {"[2001:db8::/32]:*"}, "2001:db8:9::1", NULL, 7,
		OE_FWD_ALLOWED},
	    {{NULL}, {"[2001:db8::/32]:*"}, "2001:db9::1", NULL, 7,
		OE_FWD_UNLISTED},
	    {{NULL}, {"[2001:db8::1]:7"}, "2001:DB8:0::1", NULL, 7,
		OE_FWD_ALLOWED},
	    {{NULL}, {"db.example:5432"}, "DB.example", "10.0.0.1", 5432,
		OE_FWD_ALLOWED},
	    {{NULL}, {"db.example:5432"}, "10.0.0.1", NULL, 5432,
		OE_FWD_UNLISTED},
	    {{NULL}, {"db.example:5432"}, "other.example", NULL, 5432,
		OE_FWD_UNLISTED},
	    {{NULL}, {"*:443"}, "a.example", "192.0.2.9", 443, OE_FWD_ALLOWED},
	    {{NULL}, {"*:443"}, "a.example", "192.0.2.9", 444, OE_FWD_UNLISTED},
	    {{"db.example:5432"}, {NULL}, "db.example", "10.0.0.1", 5432,
		OE_FWD_ALLOWED},
	    {{"db.example:5432"}, {NULL}, "x.example", NULL, 5432,
		OE_FWD_UNGRANTED},
	    {{"*:80"}, {"10.0.0.0/8:*"}, "10.0.0.1", NULL, 80, OE_FWD_ALLOWED},
	    {{"*:80"}, {"10.0.0.0/8:*"}, "10.0.0.1", NULL, 81,
		OE_FWD_UNGRANTED},
	    {{"*:80"}, {"10.0.0.0/8:*"}, "11.0.0.1", NULL, 80, OE_FWD_UNLISTED},
	    /* what is protected wants its name, not a pattern */
	    {{NULL}, {"*:*"}, "169.254.169.254", NULL, 80, OE_FWD_METADATA},
	    {{NULL}, {"169.254.0.0/16:80"}, "169.254.169.254", NULL, 80,
		OE_FWD_METADATA},
	    {{NULL}, {"169.254.169.254:*"}, "169.254.169.254", NULL, 80,
		OE_FWD_METADATA},
	    {{NULL}, {"169.254.169.254:80"}, "169.254.169.254", NULL, 80,
		OE_FWD_ALLOWED},
	    {{"169.254.169.254:80"}, {NULL}, "169.254.169.254", NULL, 80,
		OE_FWD_ALLOWED},
	    {{NULL}, {"meta.example:80"}, "meta.example", "169.254.169.254", 80,
		OE_FWD_ALLOWED},
	    {{NULL}, {"[fe80::1]:80"}, "fe80::1", NULL, 80, OE_FWD_ALLOWED},
	    {{NULL}, {"localhost:2222"}, "localhost", "127.0.0.1", 2222,
		OE_FWD_ALLOWED},
	    {{"*:*"}, {NULL}, "localhost", "127.0.0.1", 2222, OE_FWD_OWN_PORT},
	    {{"*:2222"}, {NULL}, "localhost", "127.0.0.1", 2222,
		OE_FWD_OWN_PORT},
	};
	struct setting s;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		setting_init(&s);
		for (k = 0; t[i].grant[k]; k++)
			assert_int_equal(
			    oe_grant_add_open(&s.grant, t[i].grant[k], NULL),
			    0);
		for (k = 0; t[i].server[k]; k++) {
			assert_int_equal(oe_srv_permit_check(t[i].server[k],
					     OE_SRV_PERMIT_OPEN, NULL),
			    0);
			oe_strs_add(&s.open, t[i].server[k]);
		}
		if (judge(&s, t[i].host, t[i].address, t[i].port) != t[i].want)
			fail_msg("%zu: %s port %u: %s", i, t[i].host, t[i].port,
			    oe_fwd_verdict_text(
				judge(&s, t[i].host, t[i].address, t[i].port)));
		setting_done(&s);
	}
}

static void
test_switches(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s);
	s.rules.local = false;
	assert_int_equal(judge(&s, "10.0.0.1", NULL, 80), OE_FWD_OFF);
	assert_int_equal(oe_fwd_rules_unix(&s.rules, "/s"), OE_FWD_OFF);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "", 8080), OE_FWD_ALLOWED);
	s.rules.local = true;
	s.rules.remote = false;
	assert_int_equal(judge(&s, "10.0.0.1", NULL, 80), OE_FWD_ALLOWED);
	assert_int_equal(oe_fwd_rules_listen(&s.rules, "", 8080), OE_FWD_OFF);
	s.rules.remote = true;
	s.grant.port_forwarding = false;
	assert_int_equal(judge(&s, "10.0.0.1", NULL, 80), OE_FWD_UNGRANTED);
	assert_int_equal(oe_fwd_rules_unix(&s.rules, "/s"), OE_FWD_UNGRANTED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "", 8080), OE_FWD_UNGRANTED);
	setting_done(&s);
}

static void
test_listen(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "localhost", 0), OE_FWD_ALLOWED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "", 80), OE_FWD_PRIVILEGED);
	s.rules.root = true;
	assert_int_equal(oe_fwd_rules_listen(&s.rules, "", 80), OE_FWD_ALLOWED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "a b", 8080), OE_FWD_MALFORMED);
	oe_strs_add(&s.listen, "8000-8099");
	oe_strs_add(&s.listen, "localhost:9000");
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "", 8080), OE_FWD_ALLOWED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "", 8100), OE_FWD_UNLISTED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "localhost", 9000), OE_FWD_ALLOWED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "", 9000), OE_FWD_UNLISTED);
	/* any free port is none that is listed */
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "localhost", 0), OE_FWD_UNLISTED);
	assert_int_equal(
	    oe_grant_add_listen(&s.grant, "localhost:8080", NULL), 0);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "localhost", 8080), OE_FWD_ALLOWED);
	assert_int_equal(
	    oe_fwd_rules_listen(&s.rules, "localhost", 8081), OE_FWD_UNGRANTED);
	setting_done(&s);
}

static void
test_unix(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s);
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/pg"), OE_FWD_ALLOWED);
	assert_int_equal(oe_fwd_rules_unix(&s.rules, "pg"), OE_FWD_MALFORMED);
	oe_strs_add(&s.open, "/run/pg");
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/pg"), OE_FWD_ALLOWED);
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/pg2"), OE_FWD_UNLISTED);
	assert_int_equal(oe_grant_add_open(&s.grant, "*:*", NULL), 0);
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/pg"), OE_FWD_UNGRANTED);
	setting_done(&s);
}

static void
test_items(void **state)
{
	static const char *const good[] = {"a:1", "*:*", "1.2.3.4:65535",
	    "[::1]:22", "[fd00::/8]:1-2", "10.0.0.0/8:*", "a.b-c:80-80"};
	static const char *const bad[] = {"", "a", ":1", "a:", "a:0", "a:65536",
	    "a:2-1", "a:-1", "a:1-", "::1:22", "[a]:1", "[::1:2",
	    "10.1.2.3/8:1", "10.0.0.0/33:1", "a b:1", "a:1,b:2", "[::1]",
	    "user@a:1"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof *good; i++)
		if (oe_srv_permit_check(good[i], OE_SRV_PERMIT_OPEN, NULL) < 0)
			fail_msg("refused: '%s'", good[i]);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (oe_srv_permit_check(bad[i], OE_SRV_PERMIT_OPEN, NULL) == 0)
			fail_msg("accepted: '%s'", bad[i]);
	assert_int_equal(
	    oe_srv_permit_check("/s", OE_SRV_PERMIT_OPEN, NULL), 0);
	assert_true(oe_srv_permit_check("/s", OE_SRV_PERMIT_LISTEN, NULL) < 0);
	assert_int_equal(
	    oe_srv_permit_check("8080", OE_SRV_PERMIT_LISTEN, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_protected),
	    cmocka_unit_test(test_listed),
	    cmocka_unit_test(test_switches),
	    cmocka_unit_test(test_listen),
	    cmocka_unit_test(test_unix),
	    cmocka_unit_test(test_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
