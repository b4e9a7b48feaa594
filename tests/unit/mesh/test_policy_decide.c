/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/time.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"
#include "policies.h"

#define FP1 "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const char decisions[] =
    "{\"rules\":["
    "{\"id\":\"old\",\"principals\":[{\"any\":true}],"
    " \"ssh_users\":{\"*\":\"=\"},\"action\":{\"accept\":true},"
    " \"expires\":\"2026-03-02T12:00:00Z\"},"
    "{\"id\":\"bad\",\"principals\":[{\"tag\":\"stolen\"}],"
    " \"ssh_users\":{\"*\":\"=\"},\"action\":{\"accept\":true,"
    " \"reject\":true,\"message\":\"ask us\"}},"
    "{\"id\":\"admins\",\"principals\":[{\"group\":\"admins\"}],"
    " \"ssh_users\":{\"root\":\"root\",\"ops\":\"root\",\"adm\":\"=\"},"
    " \"action\":{\"accept\":true}},"
    "{\"id\":\"or\",\"principals\":[{\"node_id\":\"dev_1\","
    " \"cidr\":\"10.1.0.0/16\"},{\"fingerprint\":\"" FP1 "\"}],"
    " \"ssh_users\":{\"deploy\":\"www\"},\"action\":{\"accept\":true}},"
    "{\"id\":\"mail\",\"principals\":[{\"user_email\":\"*@example.org\"},"
    " {\"cert_principal\":\"eve\"}],"
    " \"ssh_users\":{\"*\":\"localpart\",\"guest\":\"guest\"},"
    " \"action\":{\"accept\":true}},"
    "{\"id\":\"silent\",\"principals\":[{\"network_id\":\"vnw_1\"}],"
    " \"ssh_users\":{\"*\":\"=\"},\"action\":{}},"
    "{\"id\":\"held\",\"principals\":[{\"node_ip\":\"100.64.0.9\"}],"
    " \"ssh_users\":{\"*\":\"=\"},\"action\":{\"accept\":true,"
    " \"hold_and_delegate\":\"https://x/\"}},"
    "{\"id\":\"hours\",\"principals\":[{\"tag\":\"hours\"}],"
    " \"ssh_users\":{\"*\":\"=\"},\"action\":{\"accept\":true,"
    " \"time_restrictions\":{\"allowed_days\":[\"Tuesday\"]}}},"
    "{\"id\":\"all\",\"principals\":[{\"any\":true},{\"any\":false}],"
    " \"ssh_users\":{\"anyone\":\"nobody\",\"same\":\"=\"},"
    " \"action\":{\"accept\":true},\"expires\":\"2026-03-02T13:00:00Z\"}"
    "]}";

static const struct {
	const char *what, *as, *tag, *group, *email, *cert;
	const char *source, *node_ip, *node, *network, *key;
	const char *rule, *local;
	enum oe_policy_reason reason;
	unsigned matched;
} questions[] = {
    {.what = "expired is passed over, no other rule",
	.as = "x",
	.reason = OE_POLICY_NO_RULE},
    {.what = "reject beats accept",
	.as = "x",
	.tag = "stolen",
	.rule = "bad",
	.reason = OE_POLICY_REJECTED,
	.matched = OE_POLICY_TAG},
    {.what = "the first that matches",
	.as = "root",
	.tag = "stolen",
	.group = "admins",
	.rule = "bad",
	.reason = OE_POLICY_REJECTED,
	.matched = OE_POLICY_TAG},
    {.what = "root by name",
	.as = "root",
	.group = "admins",
	.rule = "admins",
	.local = "root",
	.matched = OE_POLICY_GROUP},
    {.what = "another name for root",
	.as = "ops",
	.group = "admins",
	.rule = "admins",
	.local = "root",
	.matched = OE_POLICY_GROUP},
    {.what = "same name",
	.as = "adm",
	.group = "admins",
	.rule = "admins",
	.local = "adm",
	.matched = OE_POLICY_GROUP},
    {.what = "a group is compared exactly",
	.as = "root",
	.group = "Admins",
	.reason = OE_POLICY_NO_RULE},
    {.what = "one field of several",
	.as = "deploy",
	.source = "10.1.2.3",
	.rule = "or",
	.local = "www",
	.matched = OE_POLICY_CIDR},
    {.what = "mapped IPv4",
	.as = "deploy",
	.source = "::ffff:10.1.2.3",
	.rule = "or",
	.local = "www",
	.matched = OE_POLICY_CIDR},
    {.what = "another network",
	.as = "deploy",
	.source = "10.2.2.3",
	.reason = OE_POLICY_NO_RULE},
    {.what = "all that match are told",
	.as = "deploy",
	.source = "10.1.2.3",
	.key = FP1,
	.node = "dev_1",
	.rule = "or",
	.local = "www",
	.matched = OE_POLICY_CIDR | OE_POLICY_FINGERPRINT | OE_POLICY_NODE_ID},
    {.what = "part before the @",
	.as = "whoever",
	.email = "ann@example.org",
	.rule = "mail",
	.local = "ann",
	.matched = OE_POLICY_USER_EMAIL},
    {.what = "an exact user before '*'",
	.as = "guest",
	.email = "ann@example.org",
	.rule = "mail",
	.local = "guest",
	.matched = OE_POLICY_USER_EMAIL},
    {.what = "not another domain",
	.as = "x",
	.email = "ann@example.org.evil",
	.reason = OE_POLICY_NO_RULE},
    {.what = "letters count",
	.as = "x",
	.email = "ann@Example.org",
	.reason = OE_POLICY_NO_RULE},
    {.what = "an empty part before the @",
	.as = "x",
	.email = "@example.org",
	.rule = "mail",
	.reason = OE_POLICY_NO_USER,
	.matched = OE_POLICY_USER_EMAIL},
    {.what = "localpart is never root",
	.as = "x",
	.email = "root@example.org",
	.rule = "mail",
	.reason = OE_POLICY_ROOT,
	.matched = OE_POLICY_USER_EMAIL},
    {.what = "localpart without an address",
	.as = "x",
	.cert = "eve",
	.rule = "mail",
	.reason = OE_POLICY_NO_USER,
	.matched = OE_POLICY_CERT_PRINCIPAL},
    {.what = "neither accepts nor rejects",
	.as = "x",
	.network = "vnw_1",
	.rule = "silent",
	.reason = OE_POLICY_SILENT,
	.matched = OE_POLICY_NETWORK_ID},
    {.what = "nobody to ask",
	.as = "x",
	.node_ip = "100.64.0.9",
	.rule = "held",
	.reason = OE_POLICY_HELD,
	.matched = OE_POLICY_NODE_IP},
    {.what = "the source is not the node",
	.as = "x",
	.source = "100.64.0.9",
	.reason = OE_POLICY_NO_RULE},
    {.what = "another day",
	.as = "x",
	.tag = "hours",
	.rule = "hours",
	.reason = OE_POLICY_CLOSED,
	.matched = OE_POLICY_TAG},
    {.what = "anybody",
	.as = "anyone",
	.rule = "all",
	.local = "nobody",
	.matched = OE_POLICY_ANY},
    {.what = "nobody asked", .as = NULL, .reason = OE_POLICY_NO_RULE},
    {.what = "an empty name", .as = "", .reason = OE_POLICY_NO_RULE},
};

static void
test_decide(void **state)
{
	struct oe_policy *p = policy_of(decisions);
	struct oe_policy_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(questions); i++) {
		struct oe_strs tags = {NULL, 0}, groups = {NULL, 0};
		struct oe_strs certs = {NULL, 0};
		struct oe_addr source, node;
		struct oe_policy_subject s = {
		    .requested_user = questions[i].as,
		    .node_id = questions[i].node,
		    .network_id = questions[i].network,
		    .user_email = questions[i].email,
		    .fingerprint = questions[i].key,
		    .tags = &tags,
		    .groups = &groups,
		    .cert_principals = &certs,
		    .now_s = NOW,
		};

		if (questions[i].tag)
			oe_strs_add(&tags, questions[i].tag);
		if (questions[i].group)
			oe_strs_add(&groups, questions[i].group);
		if (questions[i].cert)
			oe_strs_add(&certs, questions[i].cert);
		if (questions[i].source &&
		    oe_addr_parse(questions[i].source, &source, NULL) == 0)
			s.source = &source;
		if (questions[i].node_ip &&
		    oe_addr_parse(questions[i].node_ip, &node, NULL) == 0)
			s.node_ip = &node;
		oe_policy_decide(p, &s, &v);
		if (v.reason != questions[i].reason)
			fail_msg("%s: %s", questions[i].what,
			    oe_policy_reason_text(v.reason));
		assert_int_equal(v.outcome,
		    questions[i].reason == OE_POLICY_OK ? OE_POLICY_ACCEPT
		    : questions[i].rule                 ? OE_POLICY_REJECT
							: OE_POLICY_NO_MATCH);
		assert_int_equal(v.matched, questions[i].matched);
		if (questions[i].rule)
			assert_string_equal(v.rule_id, questions[i].rule);
		else
			assert_null(v.rule_id);
		assert_string_equal(
		    v.local_user, questions[i].local ? questions[i].local : "");
		oe_strs_done(&tags);
		oe_strs_done(&groups);
		oe_strs_done(&certs);
	}
	oe_policy_free(&p);
}

static void
test_literal(void **state)
{
	struct oe_policy *p = policy_of(decisions);
	struct oe_policy_subject s = {.requested_user = "anyone", .now_s = NOW};
	struct oe_policy_verdict v;

	(void)state;
	oe_policy_decide(p, &s, &v);
	assert_true(v.literal);
	assert_true(v.until_s == NOW + 3600);
	s.requested_user = "same";
	oe_policy_decide(p, &s, &v);
	assert_string_equal(v.local_user, "same");
	assert_false(v.literal);
	s.now_s = NOW + 3600;
	oe_policy_decide(p, &s, &v);
	assert_int_equal(v.outcome, OE_POLICY_NO_MATCH);
	oe_policy_free(&p);
}

static void
test_hours(void **state)
{
	static const struct {
		const char *restrictions, *now;
		bool open;
		const char *until; /* NULL: not asked */
	} cases[] = {
#define H(s, e) "\"allowed_hours\":{\"start\":\"" s "\",\"end\":\"" e "\"}"
	    {H("09:00", "17:00"), "2026-03-02T08:59:59Z", false, NULL},
	    {H("09:00", "17:00"), "2026-03-02T09:00:00Z", true,
		"2026-03-02T17:01:00Z"},
	    {H("09:00", "17:00"), "2026-03-02T17:00:59Z", true,
		"2026-03-02T17:01:00Z"},
	    {H("09:00", "17:00"), "2026-03-02T17:01:00Z", false, NULL},
	    {H("22:00", "05:59"), "2026-03-02T23:30:00Z", true,
		"2026-03-03T06:00:00Z"},
	    {H("22:00", "05:59"), "2026-03-02T12:00:00Z", false, NULL},
	    /* the day is the one on which the hours began */
	    {H("22:00", "05:59") ",\"allowed_days\":[\"Monday\"]",
		"2026-03-02T03:00:00Z", false, NULL},
	    {H("22:00", "05:59") ",\"allowed_days\":[\"Monday\"]",
		"2026-03-03T03:00:00Z", true, "2026-03-03T06:00:00Z"},
	    {"\"allowed_days\":[\"Monday\",\"Tuesday\"]",
		"2026-03-02T00:00:00Z", true, "2026-03-04T00:00:00Z"},
	    {"\"allowed_days\":[\"Monday\"]", "2026-03-01T23:59:59Z", false,
		NULL},
	    {"\"allowed_days\":[\"Monday\"],\"timezone\":\"Asia/Tokyo\"",
		"2026-03-01T15:00:00Z", true, "2026-03-02T15:00:00Z"},
	    {H("09:00", "17:00") ",\"timezone\":\"Europe/Berlin\"",
		"2026-03-02T08:00:00Z", true, "2026-03-02T16:01:00Z"},
	    {H("09:00", "17:00") ",\"timezone\":\"Europe/Berlin\"",
		"2026-07-02T07:00:00Z", true, "2026-07-02T15:01:00Z"},
	    /* the hour from two to three is not there that night */
	    {H("00:00", "02:29") ",\"timezone\":\"Europe/Berlin\"",
		"2026-03-29T00:30:00Z", true, "2026-03-29T01:00:00Z"},
	    {H("00:00", "23:59"), "2026-03-02T23:59:59Z", true, NULL},
	};
	struct oe_policy_subject s = {.requested_user = "x"};
	struct oe_policy_verdict v;
	struct oe_policy *p;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		char *action =
		    oe_mem_printf("\"accept\":true,\"time_restrictions\":{%s}",
			cases[i].restrictions);
		char *text = with_action(action);

		p = policy_of(text);
		assert_int_equal(oe_time_parse(cases[i].now, &ms), 0);
		s.now_s = ms / 1000;
		oe_policy_decide(p, &s, &v);
		if ((v.outcome == OE_POLICY_ACCEPT) != cases[i].open)
			fail_msg(
			    "%s at %s", cases[i].restrictions, cases[i].now);
		if (cases[i].until) {
			assert_int_equal(oe_time_parse(cases[i].until, &ms), 0);
			assert_int_equal(v.until_s, ms / 1000);
		}
		oe_policy_free(&p);
		free(text);
		free(action);
	}
}

/* --- the index against a walk from top to bottom --- */

struct plain_rule {
	int kind, key, user;
};

static uint32_t
pick(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static void
test_index(void **state)
{
	static const char *const fields[] = {
	    "tag", "group", "node_id", "cert_principal"};
	struct plain_rule rules[300];
	struct oe_policy_verdict v;
	struct oe_policy *p;
	uint32_t seed = 7, round, i;
	char *text = oe_mem_zalloc(300 * 200), *to = text;

	(void)state;
	to += sprintf(to, "{\"rules\":[");
	for (i = 0; i < OE_ARRAY_LEN(rules); i++) {
		rules[i] = (struct plain_rule){(int)pick(&seed, 4),
		    (int)pick(&seed, 40), (int)pick(&seed, 12)};
		to += sprintf(to,
		    "%s{\"id\":\"%u\",\"principals\":[{\"%s\":\"k%d\"}],"
		    "\"ssh_users\":{\"%s%d\":\"l\"},"
		    "\"action\":{\"accept\":true}}",
		    i ? "," : "", i, fields[rules[i].kind], rules[i].key,
		    rules[i].user ? "u" : "nobody", rules[i].user);
	}
	sprintf(to, "]}");
	p = policy_of(text);
	for (round = 0; round < 2000; round++) {
		struct oe_strs lists[4] = {{NULL, 0}};
		char names[4][8], user[8];
		int keys[4], asked = (int)pick(&seed, 13);
		struct oe_policy_subject s = {.requested_user = user};
		size_t want = (size_t)-1;

		snprintf(user, sizeof user, "u%d", asked);
		for (i = 0; i < 4; i++) {
			keys[i] = (int)pick(&seed, 60);
			snprintf(names[i], sizeof names[i], "k%d", keys[i]);
			oe_strs_add(&lists[i], names[i]);
		}
		s.tags = &lists[0];
		s.groups = &lists[1];
		s.node_id = names[2];
		s.cert_principals = &lists[3];
		for (i = 0; i < OE_ARRAY_LEN(rules); i++)
			if (rules[i].key == keys[rules[i].kind] &&
			    rules[i].user && rules[i].user == asked)
				break;
		if (i < OE_ARRAY_LEN(rules))
			want = i;
		oe_policy_decide(p, &s, &v);
		assert_int_equal(v.rule_index, want);
		for (i = 0; i < 4; i++)
			oe_strs_done(&lists[i]);
	}
	oe_policy_free(&p);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decide),
	    cmocka_unit_test(test_literal),
	    cmocka_unit_test(test_hours),
	    cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
