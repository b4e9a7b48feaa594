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
	struct oe_fwd_rules rules;
};

static bool
is_own(const struct oe_addr *a)
{
	struct oe_addr own;

	return oe_addr_parse("192.0.2.7", &own, NULL) == 0 &&
	       oe_addr_equal(a, &own);
}

static void
setting_init(struct setting *s)
{
	memset(s, 0, sizeof *s);
	oe_grant_init(&s->grant, true);
	s->rules = (struct oe_fwd_rules){
	    .grant = &s->grant,
	    .local = true,
	    .remote = true,
	    .permit_open = &s->open,
	    .permit_listen = &s->listen,
	    .is_own = is_own,
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
	    {"64:ff9b:1::a9fe:a9fe", NULL, 80, OE_FWD_METADATA},
	    {"2002:a9fe:a9fe::1", NULL, 80, OE_FWD_METADATA},
	    {"2002:7f00:1::1", NULL, 2222, OE_FWD_OWN_PORT},
	    {"2002:c000:207::", NULL, 2222, OE_FWD_OWN_PORT},
	    {"64:ff9b::c000:207", NULL, 22, OE_FWD_OWN_PORT},
	    {"::192.0.2.7", NULL, 22, OE_FWD_OWN_PORT},
	    {"::2", NULL, 80, OE_FWD_ALLOWED},
	    {"0.1.2.3", NULL, 2222, OE_FWD_OWN_PORT},
	    {"fd00:ec2::23", NULL, 80, OE_FWD_METADATA},
	    {"fd20:ce::254", NULL, 80, OE_FWD_METADATA},
	    {"168.63.129.16", NULL, 80, OE_FWD_METADATA},
	    {"192.0.0.192", NULL, 80, OE_FWD_METADATA},
	    /* a zone is no part of an address: a name until it is resolved */
	    {"fe80::1%eth0", "fe80::1", 80, OE_FWD_LINK_LOCAL},
	    {"::1%lo", "::1", 2222, OE_FWD_OWN_PORT},
	    {"fec0::1", NULL, 80, OE_FWD_ALLOWED},
	    {"169.253.0.1", NULL, 80, OE_FWD_ALLOWED},
	    /* no target at all */
	    {"", NULL, 80, OE_FWD_MALFORMED},
	    {"a b", NULL, 80, OE_FWD_MALFORMED},
	    {"10.0.0.0/8", NULL, 80, OE_FWD_MALFORMED},
	    {"*", "10.1.2.3", 80, OE_FWD_MALFORMED},
	    {"*.example", "10.1.2.3", 80, OE_FWD_MALFORMED},
	    {"?", "10.1.2.3", 80, OE_FWD_MALFORMED},
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
static const struct {
	const char *grant[ITEMS_MAX], *server[ITEMS_MAX];
	const char *host, *address;
	unsigned port;
	enum oe_fwd_verdict want;
} listed[] = {
    {{NULL}, {"10.0.0.0/8:*"}, "10.9.9.9", NULL, 1, OE_FWD_ALLOWED},
    {{NULL}, {"10.0.0.0/8:*"}, "11.0.0.1", NULL, 1, OE_FWD_UNLISTED},
    {{NULL}, {"10.0.0.0/8:80-90"}, "10.0.0.1", NULL, 80, OE_FWD_ALLOWED},
    {{NULL}, {"10.0.0.0/8:80-90"}, "10.0.0.1", NULL, 90, OE_FWD_ALLOWED},
    {{NULL}, {"10.0.0.0/8:80-90"}, "10.0.0.1", NULL, 91, OE_FWD_UNLISTED},
    {{NULL}, {"10.0.0.0/8:80"}, "db.example", "10.0.0.1", 80, OE_FWD_ALLOWED},
    {{NULL}, {"10.0.0.0/8:80"}, "db.example", "192.0.2.1", 80, OE_FWD_UNLISTED},
    {{NULL}, {"10.0.0.0/8:80"}, "::ffff:10.0.0.1", NULL, 80, OE_FWD_ALLOWED},
    {{NULL}, {"[2001:db8::/32]:*"}, "2001:db8:9::1", NULL, 7, OE_FWD_ALLOWED},
    {{NULL}, {"[2001:db8::/32]:*"}, "2001:db9::1", NULL, 7, OE_FWD_UNLISTED},
    {{NULL}, {"[2001:db8::1]:7"}, "2001:DB8:0::1", NULL, 7, OE_FWD_ALLOWED},
    {{NULL}, {"db.example:5432"}, "DB.example", "10.0.0.1", 5432,
	OE_FWD_ALLOWED},
    {{NULL}, {"db.example:5432"}, "10.0.0.1", NULL, 5432, OE_FWD_UNLISTED},
    {{NULL}, {"db.example:5432"}, "other.example", NULL, 5432, OE_FWD_UNLISTED},
    {{NULL}, {"*:443"}, "a.example", "192.0.2.9", 443, OE_FWD_ALLOWED},
    {{NULL}, {"*:443"}, "a.example", "192.0.2.9", 444, OE_FWD_UNLISTED},
    {{"db.example:5432"}, {NULL}, "db.example", "10.0.0.1", 5432,
	OE_FWD_ALLOWED},
    {{"db.example:5432"}, {NULL}, "x.example", NULL, 5432, OE_FWD_UNGRANTED},
    {{"*:80"}, {"10.0.0.0/8:*"}, "10.0.0.1", NULL, 80, OE_FWD_ALLOWED},
    {{"*:80"}, {"10.0.0.0/8:*"}, "10.0.0.1", NULL, 81, OE_FWD_UNGRANTED},
    {{"*:80"}, {"10.0.0.0/8:*"}, "11.0.0.1", NULL, 80, OE_FWD_UNLISTED},
    /* what is protected wants its name, not a pattern */
    {{NULL}, {"*:*"}, "169.254.169.254", NULL, 80, OE_FWD_METADATA},
    {{NULL}, {"169.254.0.0/16:80"}, "169.254.169.254", NULL, 80,
	OE_FWD_METADATA},
    {{NULL}, {"169.254.169.254:*"}, "169.254.169.254", NULL, 80,
	OE_FWD_METADATA},
    {{NULL}, {"169.254.169.254:80"}, "169.254.169.254", NULL, 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"169.254.169.254:80"}, "::ffff:169.254.169.254", NULL, 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"169.254.169.254:80"}, "rebound.example", "169.254.169.254", 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"169.254.169.254:80-80"}, "169.254.169.254", NULL, 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"169.254.169.254:80-81"}, "169.254.169.254", NULL, 80,
	OE_FWD_METADATA},
    {{NULL}, {"any"}, "169.254.169.254", NULL, 80, OE_FWD_METADATA},
    {{NULL}, {"meta.*:80"}, "meta.example", "169.254.169.254", 80,
	OE_FWD_METADATA},
    {{NULL}, {"*:80"}, "*", "169.254.169.254", 80, OE_FWD_MALFORMED},
    /* a grant narrows: the user may have written it */
    {{"169.254.169.254:80"}, {NULL}, "169.254.169.254", NULL, 80,
	OE_FWD_METADATA},
    {{"localhost:22"}, {NULL}, "localhost", "::1", 22, OE_FWD_OWN_PORT},
    {{"localhost:22"}, {"localhost:22"}, "localhost", "::1", 22,
	OE_FWD_ALLOWED},
    /* any and none */
    {{NULL}, {"any"}, "a.example", "10.0.0.1", 1, OE_FWD_ALLOWED},
    {{NULL}, {"none"}, "a.example", NULL, 1, OE_FWD_UNLISTED},
    {{NULL}, {"none"}, "none", NULL, 1, OE_FWD_UNLISTED},
    {{NULL}, {"none", "b.example:1"}, "b.example", "10.0.0.1", 1,
	OE_FWD_ALLOWED},
    {{"*:*"}, {"none"}, "10.0.0.1", NULL, 1, OE_FWD_UNLISTED},
    /* names with wildcards, as they are asked for */
    {{NULL}, {"*.lab.example:80"}, "a.lab.example", "10.0.0.1", 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"*.lab.example:80"}, "A.B.LAB.example", "10.0.0.1", 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"*.lab.example:80"}, "lab.example", NULL, 80, OE_FWD_UNLISTED},
    {{NULL}, {"*.lab.example:80"}, "a.lab.example.org", NULL, 80,
	OE_FWD_UNLISTED},
    {{NULL}, {"*.lab.example:80"}, "10.0.0.1", NULL, 80, OE_FWD_UNLISTED},
    {{NULL}, {"db?.example:80"}, "db1.example", "10.0.0.1", 80, OE_FWD_ALLOWED},
    {{NULL}, {"db?.example:80"}, "db12.example", NULL, 80, OE_FWD_UNLISTED},
    /* what stands for an IPv4 address is itself to a list */
    {{NULL}, {"10.0.0.0/8:80"}, "2002:a00:1::1", NULL, 80, OE_FWD_UNLISTED},
    {{NULL}, {"[2002:a00:1::/48]:80"}, "2002:a00:1::1", NULL, 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"[::ffff:10.0.0.0/104]:80"}, "10.9.9.9", NULL, 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"[::1]:80"}, "0:0:0:0:0:0:0:1", NULL, 80, OE_FWD_ALLOWED},
    {{NULL}, {"[fe80::1]:80"}, "fe80::1%lo", "fe80::1", 80, OE_FWD_ALLOWED},
    /* both lists, each with several items */
    {{"a.example:1", "b.example:2"}, {"b.example:2", "c.example:3"},
	"b.example", "10.0.0.1", 2, OE_FWD_ALLOWED},
    {{"a.example:1", "b.example:2"}, {"b.example:2", "c.example:3"},
	"a.example", NULL, 1, OE_FWD_UNLISTED},
    {{"a.example:1", "b.example:2"}, {"b.example:2", "c.example:3"},
	"c.example", NULL, 3, OE_FWD_UNGRANTED},
    {{NULL}, {"meta.example:80"}, "meta.example", "169.254.169.254", 80,
	OE_FWD_ALLOWED},
    {{NULL}, {"[fe80::1]:80"}, "fe80::1", NULL, 80, OE_FWD_ALLOWED},
    {{NULL}, {"localhost:2222"}, "localhost", "127.0.0.1", 2222,
	OE_FWD_ALLOWED},
    {{"*:*"}, {NULL}, "localhost", "127.0.0.1", 2222, OE_FWD_OWN_PORT},
    {{"*:2222"}, {NULL}, "localhost", "127.0.0.1", 2222, OE_FWD_OWN_PORT},
};

static void
test_listed(void **state)
{
	struct setting s;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof listed / sizeof *listed; i++) {
		setting_init(&s);
		for (k = 0; listed[i].grant[k]; k++)
			assert_int_equal(oe_grant_add_open(&s.grant,
					     listed[i].grant[k], NULL),
			    0);
		for (k = 0; listed[i].server[k]; k++) {
			assert_int_equal(
			    oe_srv_permit_check(
				listed[i].server[k], OE_SRV_PERMIT_OPEN, NULL),
			    0);
			oe_strs_add(&s.open, listed[i].server[k]);
		}
		if (judge(&s, listed[i].host, listed[i].address,
			listed[i].port) != listed[i].want)
			fail_msg("%zu: %s port %u: %s", i, listed[i].host,
			    listed[i].port,
			    oe_fwd_verdict_text(judge(&s, listed[i].host,
				listed[i].address, listed[i].port)));
		setting_done(&s);
	}
}

static enum oe_fwd_verdict
may_listen(
    struct setting *s, const char *host, const char *address, unsigned port)
{
	struct oe_addr a;

	assert_int_equal(oe_addr_parse(address, &a, NULL), 0);
	return oe_fwd_rules_listen(&s->rules, host, &a, port);
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
	assert_int_equal(may_listen(&s, "", "0.0.0.0", 8080), OE_FWD_ALLOWED);
	s.rules.local = true;
	s.rules.remote = false;
	assert_int_equal(judge(&s, "10.0.0.1", NULL, 80), OE_FWD_ALLOWED);
	assert_int_equal(may_listen(&s, "", "0.0.0.0", 8080), OE_FWD_OFF);
	s.rules.remote = true;
	s.grant.port_forwarding = false;
	assert_int_equal(judge(&s, "10.0.0.1", NULL, 80), OE_FWD_UNGRANTED);
	assert_int_equal(oe_fwd_rules_unix(&s.rules, "/s"), OE_FWD_UNGRANTED);
	assert_int_equal(may_listen(&s, "", "0.0.0.0", 8080), OE_FWD_UNGRANTED);
	setting_done(&s);
}

/* @address is where it would be bound, which the server's settings decide. */
static void
test_listen(void **state)
{
	static const struct {
		const char *grant[ITEMS_MAX], *server[ITEMS_MAX];
		bool root;
		const char *host, *address;
		unsigned port;
		enum oe_fwd_verdict want;
	} t[] = {
	    {{NULL}, {NULL}, false, "localhost", "::1", 0, OE_FWD_ALLOWED},
	    {{NULL}, {NULL}, false, "", "0.0.0.0", 8080, OE_FWD_ALLOWED},
	    {{NULL}, {NULL}, false, "*", "0.0.0.0", 8080, OE_FWD_ALLOWED},
	    {{NULL}, {NULL}, false, "", "::", 80, OE_FWD_PRIVILEGED},
	    {{NULL}, {NULL}, false, "", "::", 1023, OE_FWD_PRIVILEGED},
	    {{NULL}, {NULL}, false, "", "::", 1024, OE_FWD_ALLOWED},
	    {{NULL}, {NULL}, true, "", "::", 80, OE_FWD_ALLOWED},
	    {{NULL}, {NULL}, false, "a b", "::", 8080, OE_FWD_MALFORMED},
	    {{NULL}, {NULL}, false, "", "::", 65536, OE_FWD_MALFORMED},
	    /* the server's list */
	    {{NULL}, {"8000-8099"}, false, "", "::", 8080, OE_FWD_ALLOWED},
	    {{NULL}, {"8000-8099"}, false, "", "::", 8100, OE_FWD_UNLISTED},
	    {{NULL}, {"8000-8099"}, false, "", "::", 0, OE_FWD_UNLISTED},
	    {{NULL}, {"any"}, false, "", "::", 0, OE_FWD_ALLOWED},
	    {{NULL}, {"none"}, false, "", "::", 8080, OE_FWD_UNLISTED},
	    {{NULL}, {"localhost:9000"}, false, "localhost", "127.0.0.1", 9000,
		OE_FWD_ALLOWED},
	    {{NULL}, {"localhost:9000"}, false, "", "127.0.0.1", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"localhost:9000"}, false, "localhost", "::1", 0,
		OE_FWD_UNLISTED},
	    /* an address there is where it is bound, whatever was asked */
	    {{NULL}, {"127.0.0.1:9000"}, false, "", "0.0.0.0", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"127.0.0.1:9000"}, false, "*", "0.0.0.0", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"127.0.0.1:9000"}, false, "127.0.0.1", "0.0.0.0", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"127.0.0.1:9000"}, false, "no.name", "0.0.0.0", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"127.0.0.1:9000"}, false, "", "127.0.0.1", 9000,
		OE_FWD_ALLOWED},
	    {{NULL}, {"127.0.0.1:9000"}, false, "", "::1", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"10.0.0.0/8:*"}, false, "10.1.1.1", "10.1.1.1", 9,
		OE_FWD_PRIVILEGED},
	    {{NULL}, {"10.0.0.0/8:*"}, false, "10.1.1.1", "10.1.1.1", 9000,
		OE_FWD_ALLOWED},
	    {{NULL}, {"10.0.0.0/8:*"}, false, "", "0.0.0.0", 9000,
		OE_FWD_UNLISTED},
	    {{NULL}, {"0.0.0.0:9000"}, false, "", "0.0.0.0", 9000,
		OE_FWD_ALLOWED},
	    {{NULL}, {"[::]:9000"}, false, "", "0.0.0.0", 9000,
		OE_FWD_UNLISTED},
	    /* the grant's, alone and with it */
	    {{"localhost:8080"}, {NULL}, false, "localhost", "::1", 8080,
		OE_FWD_ALLOWED},
	    {{"localhost:8080"}, {NULL}, false, "localhost", "::1", 8081,
		OE_FWD_UNGRANTED},
	    {{"localhost:8080"}, {NULL}, false, "", "::", 8080,
		OE_FWD_UNGRANTED},
	    {{"8080"}, {NULL}, false, "", "::", 8080, OE_FWD_ALLOWED},
	    {{"8080"}, {"8080-8090"}, false, "", "::", 8080, OE_FWD_ALLOWED},
	    {{"8080"}, {"8080-8090"}, false, "", "::", 8081, OE_FWD_UNGRANTED},
	    {{"8080"}, {"8081-8090"}, false, "", "::", 8080, OE_FWD_UNLISTED},
	};
	struct setting s;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		setting_init(&s);
		s.rules.root = t[i].root;
		for (k = 0; t[i].grant[k]; k++)
			assert_int_equal(
			    oe_grant_add_listen(&s.grant, t[i].grant[k], NULL),
			    0);
		for (k = 0; t[i].server[k]; k++)
			oe_strs_add(&s.listen, t[i].server[k]);
		if (may_listen(&s, t[i].host, t[i].address, t[i].port) !=
		    t[i].want)
			fail_msg("%zu: %s (%s) port %u: %s", i, t[i].host,
			    t[i].address, t[i].port,
			    oe_fwd_verdict_text(may_listen(
				&s, t[i].host, t[i].address, t[i].port)));
		setting_done(&s);
	}
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
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/./pg"), OE_FWD_UNLISTED);
	oe_strs_add(&s.open, "any");
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/pg2"), OE_FWD_ALLOWED);
	assert_int_equal(oe_grant_add_open(&s.grant, "*:*", NULL), 0);
	assert_int_equal(
	    oe_fwd_rules_unix(&s.rules, "/run/pg"), OE_FWD_UNGRANTED);
	setting_done(&s);
}

static void
test_items(void **state)
{
	static const char *const good[] = {"a:1", "*:*", "1.2.3.4:65535",
	    "[::1]:22", "[fd00::/8]:1-2", "10.0.0.0/8:*", "a.b-c:80-80",
	    "*.example:1", "db?:1", "any", "none"};
	static const char *const bad[] = {"", "a", ":1", "a:", "a:0", "a:65536",
	    "a:2-1", "a:-1", "a:1-", "::1:22", "[a]:1", "[::1:2",
	    "10.1.2.3/8:1", "10.0.0.0/33:1", "a b:1", "a:1,b:2", "[::1]",
	    "user@a:1", "10.*:1", "10.0.0.?:1", "**:1", "ANY", "nothing",
	    "[*]:1", "[fe80::1%lo]:1"};
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
