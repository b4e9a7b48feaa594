/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"

/* 2026-03-02T12:00:00Z, a Monday */
#define NOW INT64_C(1772452800)

#define FP1 "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct told {
	char pointer[128], text[256];
	unsigned line, mistakes, warnings;
};

static void
tell(void *arg, const struct oe_policy_fault *f)
{
	struct told *t = arg;

	t->warnings += f->warning;
	if (f->warning || t->mistakes++)
		return;
	snprintf(t->pointer, sizeof t->pointer, "%s", f->pointer);
	snprintf(t->text, sizeof t->text, "%s", f->text);
	t->line = f->line;
}

static int
parse(const char *text, struct told *t, struct oe_policy **ret,
    struct oe_err *err)
{
	struct oe_policy_faults faults = {tell, t};

	memset(t, 0, sizeof *t);
	return oe_policy_parse(text, strlen(text), &faults, ret, err);
}

/* A document of one rule with these members of its action. */
static char *
with_action(const char *members)
{
	return oe_mem_printf("{\"rules\":[{\"id\":\"r\",\"principals\":["
			     "{\"any\":true}],\"ssh_users\":{\"*\":\"=\"},"
			     "\"action\":{%s}}]}",
	    members);
}

static struct oe_policy *
policy_of(const char *text)
{
	struct oe_policy *p = NULL;
	struct oe_err err = OE_ERR_INIT;

	if (oe_policy_parse(text, strlen(text), NULL, &p, &err) < 0)
		fail_msg("%s", oe_err_text(&err));
	return p;
}

static void
test_mistakes_of_actions(void **state)
{
	static const struct {
		const char *members, *pointer;
	} cases[] = {
	    {"\"acept\":true", "/rules/0/action/acept"},
	    {"\"accept\":1", "/rules/0/action/accept"},
	    {"\"message\":7", "/rules/0/action/message"},
	    {"\"message\":\"\\u001b[2J\"", "/rules/0/action/message"},
	    {"\"allowed_commands\":\"ls\"", "/rules/0/action/allowed_commands"},
	    {"\"allowed_commands\":[\"(\"]",
		"/rules/0/action/allowed_commands/0"},
	    {"\"allowed_commands\":[\"^ls$\",\"\\\\d+\"]",
		"/rules/0/action/allowed_commands/1"},
	    {"\"blocked_commands\":[\"(?i)rm\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"(a)\\\\1\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"((a{100}){100}){100}\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"a{1,99999}\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"a{\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"[[:alpha]\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"[\\\\s]\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"x\\\\\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"blocked_commands\":[\"\"]",
		"/rules/0/action/blocked_commands/0"},
	    {"\"permit_open\":[\"*\"]", "/rules/0/action/permit_open/0"},
	    {"\"permit_open\":[\"h:80\",\"h:0\"]",
		"/rules/0/action/permit_open/1"},
	    {"\"permit_open\":[\"::1:80\"]", "/rules/0/action/permit_open/0"},
	    {"\"permit_open\":[\"10.0.0.1/8:80\"]",
		"/rules/0/action/permit_open/0"},
	    {"\"permit_listen\":[\"8080\"]", "/rules/0/action/permit_listen/0"},
	    {"\"permit_listen\":[\"h:90-80\"]",
		"/rules/0/action/permit_listen/0"},
	    {"\"session_duration\":0", "/rules/0/action/session_duration"},
	    {"\"session_duration\":\"1h\"", "/rules/0/action/session_duration"},
	    {"\"idle_timeout\":-1", "/rules/0/action/idle_timeout"},
	    {"\"idle_timeout\":1.5", "/rules/0/action/idle_timeout"},
	    {"\"max_sessions\":0", "/rules/0/action/max_sessions"},
	    {"\"record\":\"all\"", "/rules/0/action/record"},
	    {"\"record\":\"off\",\"record_session\":true", "/rules/0/action"},
	    {"\"recorders\":[\"ftp://x\"]", "/rules/0/action/recorders/0"},
	    {"\"hold_and_delegate\":\"x\"",
		"/rules/0/action/hold_and_delegate"},
	    {"\"on_recording_failure\":{\"x\":1}",
		"/rules/0/action/on_recording_failure/x"},
	    {"\"sftp\":{\"mode\":\"rw\"}", "/rules/0/action/sftp/mode"},
	    {"\"sftp\":{\"roots\":[\"data\"]}", "/rules/0/action/sftp/roots/0"},
	    {"\"sftp\":{\"roots\":[\"/a/../b\"]}",
		"/rules/0/action/sftp/roots/0"},
	    {"\"allowed_paths\":[\"/a//b\"]",
		"/rules/0/action/allowed_paths/0"},
	    {"\"read_only\":true,\"sftp\":{\"mode\":\"write\"}",
		"/rules/0/action"},
	    {"\"time_restrictions\":{\"timezone\":\"Mars/Olympus\"}",
		"/rules/0/action/time_restrictions/timezone"},
	    {"\"time_restrictions\":{\"timezone\":\"../../etc/passwd\"}",
		"/rules/0/action/time_restrictions/timezone"},
	    {"\"time_restrictions\":{\"allowed_days\":[\"Mon\"]}",
		"/rules/0/action/time_restrictions/allowed_days/0"},
	    {"\"time_restrictions\":{\"allowed_hours\":{\"start\":\"24:00\","
	     "\"end\":\"01:00\"}}",
		"/rules/0/action/time_restrictions/allowed_hours/start"},
	    {"\"time_restrictions\":{\"allowed_hours\":{\"start\":\"1:00\","
	     "\"end\":\"01:00\"}}",
		"/rules/0/action/time_restrictions/allowed_hours/start"},
	    {"\"time_restrictions\":{\"allowed_hours\":{\"start\":\"01:00\"}}",
		"/rules/0/action/time_restrictions/allowed_hours"},
	};
	struct oe_policy *p = NULL;
	struct told t;
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		text = with_action(cases[i].members);
		if (parse(text, &t, &p, NULL) != OE_EINVAL)
			fail_msg("accepted: %s", cases[i].members);
		assert_string_equal(t.pointer, cases[i].pointer);
		assert_int_equal(t.line, 1);
		assert_null(p);
		free(text);
	}
}

#define RULE(members)                                                          \
	"{\"rules\":[\n{\"id\":\"a\",\"principals\":[],\"ssh_users\":{},"      \
	"\"action\":{}},\n{" members "}]}"
#define REST ",\"ssh_users\":{\"a\":\"b\"},\"action\":{}"

static void
test_mistakes_of_rules(void **state)
{
	static const struct {
		const char *text, *pointer;
		unsigned line;
	} cases[] = {
	    {"[]", "", 1},
	    {"{}", "", 1},
	    {"{\"rules\":{}}", "/rules", 1},
	    {"{\n\n\"rulez\":[],\"rules\":[]}", "/rulez", 3},
	    {"{\"version\":\"1\",\"rules\":[]}", "/version", 1},
	    {"{\"updated_at\":\"today\",\"rules\":[]}", "/updated_at", 1},
	    {RULE("\"id\":\"a\",\"principals\":[]" REST), "/rules/1", 3},
	    {RULE("\"principals\":[]" REST), "/rules/1", 3},
	    {RULE("\"id\":\"\",\"principals\":[]" REST), "/rules/1/id", 3},
	    {RULE("\"id\":\"b\"" REST), "/rules/1", 3},
	    {RULE("\"id\":\"b\",\"principals\":[{\"any\":true},\n{\"tga\":"
		  "\"x\"}]" REST),
		"/rules/1/principals/1/tga", 4},
	    {RULE("\"id\":\"b\",\"principals\":[{\"cidr\":\"10.0.0.1/"
		  "8\"}]" REST),
		"/rules/1/principals/0/cidr", 3},
	    {RULE(
		 "\"id\":\"b\",\"principals\":[{\"node_ip\":\"10.0.0\"}]" REST),
		"/rules/1/principals/0/node_ip", 3},
	    {RULE("\"id\":\"b\",\"principals\":[{\"fingerprint\":\"MD5:aa\"}"
		  "]" REST),
		"/rules/1/principals/0/fingerprint", 3},
	    {RULE("\"id\":\"b\",\"principals\":[{\"user_email\":\"a*@b\"}"
		  "]" REST),
		"/rules/1/principals/0/user_email", 3},
	    {RULE("\"id\":\"b\",\"principals\":[\"any\"]" REST),
		"/rules/1/principals/0", 3},
	    {RULE("\"id\":\"b\",\"principals\":[]" REST
		  ",\"expires\":\"2026-02-30T00:00:00Z\""),
		"/rules/1/expires", 3},
	    {RULE("\"id\":\"b\",\"principals\":[]" REST
		  ",\"accept_env\":[\"LC_*\",\"A=B\"]"),
		"/rules/1/accept_env/1", 3},
	    {RULE("\"id\":\"b\",\"principals\":[],\"action\":{},"
		  "\"ssh_users\":{\"*\":\"root\"}"),
		"/rules/1/ssh_users/*", 3},
	    {RULE("\"id\":\"b\",\"principals\":[],\"action\":{},"
		  "\"ssh_users\":{\"a/b~c\":\"x y\"}"),
		"/rules/1/ssh_users/a~1b~0c", 3},
	    {RULE("\"id\":\"b\",\"principals\":[],\"action\":{},"
		  "\"ssh_users\":{\"a\":\"*\"}"),
		"/rules/1/ssh_users/a", 3},
	};
	struct oe_policy *p = NULL;
	struct oe_err err;
	struct told t;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		err = (struct oe_err)OE_ERR_INIT;
		if (parse(cases[i].text, &t, &p, &err) != OE_EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		assert_int_equal(err.code, OE_EINVAL);
		assert_string_equal(t.pointer, cases[i].pointer);
		assert_int_equal(t.line, cases[i].line);
		if (!strstr(err.msg, cases[i].pointer))
			fail_msg("%s: %s", cases[i].pointer, err.msg);
	}
	assert_int_equal(parse("{\"rules\":", &t, &p, &err), OE_EPROTO);
	assert_int_equal(
	    parse("{\"rules\":[],\"rules\":[]}", &t, &p, &err), OE_EPROTO);
}

static void
test_warnings(void **state)
{
	static const char *const cases[] = {
	    "\"accept\":true,\"reject\":true",
	    "\"permit_open\":[]",
	    "\"accept\":true,\"permit_open\":[\"*:80\"]",
	    "\"accept\":true,\"permit_listen\":[\"*:8000-8010\"]",
	    "\"accept\":true,\"sftp\":{\"mode\":\"read\"}",
	    "\"accept\":true,\"sftp\":{},\"allow_sftp\":false",
	    "\"accept\":true,\"force_command\":\"x\",\"allowed_commands\":[]",
	    "\"accept\":true,\"time_restrictions\":{}",
	};
	struct oe_policy *p = NULL;
	struct oe_err err = OE_ERR_INIT;
	struct told t;
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		text = with_action(cases[i]);
		if (parse(text, &t, &p, &err) < 0)
			fail_msg("%s: %s", cases[i], oe_err_text(&err));
		if (!t.warnings)
			fail_msg("no warning: %s", cases[i]);
		oe_policy_free(&p);
		free(text);
	}
}

static void
test_every_field(void **state)
{
	char *text = with_action(
	    "\"accept\":true,\"reject\":false,\"message\":\"hello\\nyou\","
	    "\"allow_agent_forwarding\":true,"
	    "\"allow_local_port_forwarding\":true,"
	    "\"allow_remote_port_forwarding\":true,"
	    "\"permit_open\":[\"db:5432\",\"[fd00::/8]:*\",\"10.0.0.0/8:1-9\"],"
	    "\"permit_listen\":[\"*:8080\"],\"allow_sftp\":true,"
	    "\"sftp\":{\"mode\":\"read\",\"roots\":[\"/srv/\",\"/\"]},"
	    "\"session_duration\":3600,\"idle_timeout\":60,\"max_sessions\":3,"
	    "\"record\":\"full\",\"record_session\":true,"
	    "\"recorders\":[\"https://x/\"],\"on_recording_failure\":"
	    "{\"reject_session_with_message\":\"a\","
	    "\"terminate_session_with_message\":\"b\"},"
	    "\"hold_and_delegate\":null,\"allowed_commands\":[\"^ls\"],"
	    "\"blocked_commands\":[\"rm\"],\"allowed_paths\":[\"/srv/a\"],"
	    "\"read_only\":true,\"force_command\":null,"
	    "\"time_restrictions\":{\"allowed_hours\":{\"start\":\"08:00\","
	    "\"end\":\"17:00\"},\"allowed_days\":[\"Monday\",\"friday\"],"
	    "\"timezone\":\"UTC\",\"override_with_approval\":true}");
	struct oe_policy *p = policy_of(text);
	struct oe_policy_subject s = {.requested_user = "x", .now_s = NOW};
	const struct oe_policy_action *a;
	struct oe_policy_verdict v;
	struct oe_strs roots = {NULL, 0};

	(void)state;
	oe_policy_decide(p, &s, &v);
	a = v.action;
	assert_int_equal(v.outcome, OE_POLICY_ACCEPT);
	assert_true(v.until_s == NOW + 5 * 3600 + 60);
	assert_string_equal(a->message, "hello\nyou");
	assert_true(a->allow_agent_forwarding && a->allow_sftp &&
		    a->allow_local_port_forwarding &&
		    a->allow_remote_port_forwarding && a->read_only);
	assert_true(a->open_listed && a->permit_open.n == 3);
	assert_true(a->listen_listed && a->permit_listen.n == 1);
	assert_int_equal(a->sftp_mode, OE_POLICY_SFTP_READ);
	assert_true(a->session_duration_s == 3600 && a->idle_timeout_s == 60);
	assert_int_equal(a->max_sessions, 3);
	assert_int_equal(a->record, OE_POLICY_RECORD_FULL);
	assert_string_equal(a->record_reject_message, "a");
	assert_string_equal(a->record_terminate_message, "b");
	assert_int_equal(a->recorders.n, 1);
	assert_true(oe_policy_confines(a));
	assert_true(oe_policy_roots(a, &roots));
	assert_int_equal(roots.n, 1);
	assert_string_equal(roots.v[0], "/srv/a");
	oe_strs_done(&roots);
	oe_policy_free(&p);
	free(text);
}

static void
test_roots(void **state)
{
	static const struct {
		const char *members;
		bool some;
		const char *roots;
	} cases[] = {
	    {"\"accept\":true", true, ""},
	    {"\"sftp\":{\"roots\":[\"/a\",\"/b\"]}", true, "/a /b "},
	    {"\"allowed_paths\":[\"/a\"]", true, "/a "},
	    {"\"allowed_paths\":[]", false, ""},
	    {"\"allowed_paths\":[\"/a\"],\"sftp\":{\"roots\":[\"/b\"]}", false,
		""},
	    {"\"allowed_paths\":[\"/a\"],\"sftp\":{\"roots\":[\"/ab\"]}", false,
		""},
	    {"\"allowed_paths\":[\"/a/b\",\"/c\"],\"sftp\":{\"roots\":[\"/a\","
	     "\"/c/d\"]}",
		true, "/a/b /c/d "},
	};
	struct oe_policy_subject s = {.requested_user = "x", .now_s = NOW};
	struct oe_policy_verdict v;
	struct oe_policy *p;
	size_t i, k;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		char *text = with_action(cases[i].members), shown[100] = "";
		struct oe_strs roots = {NULL, 0};

		p = policy_of(text);
		oe_policy_decide(p, &s, &v);
		assert_int_equal(
		    oe_policy_roots(v.action, &roots), cases[i].some);
		for (k = 0; k < roots.n; k++) {
			strcat(shown, roots.v[k]);
			strcat(shown, " ");
		}
		assert_string_equal(shown, cases[i].roots);
		oe_strs_done(&roots);
		oe_policy_free(&p);
		free(text);
	}
}

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

static void
test_decide(void **state)
{
	static const struct {
		const char *what, *as, *tag, *group, *email, *cert;
		const char *source, *node_ip, *node, *network, *key;
		const char *rule, *local;
		enum oe_policy_reason reason;
		unsigned matched;
	} cases[] = {
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
		.matched =
		    OE_POLICY_CIDR | OE_POLICY_FINGERPRINT | OE_POLICY_NODE_ID},
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
	struct oe_policy *p = policy_of(decisions);
	struct oe_policy_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_strs tags = {NULL, 0}, groups = {NULL, 0};
		struct oe_strs certs = {NULL, 0};
		struct oe_addr source, node;
		struct oe_policy_subject s = {
		    .requested_user = cases[i].as,
		    .node_id = cases[i].node,
		    .network_id = cases[i].network,
		    .user_email = cases[i].email,
		    .fingerprint = cases[i].key,
		    .tags = &tags,
		    .groups = &groups,
		    .cert_principals = &certs,
		    .now_s = NOW,
		};

		if (cases[i].tag)
			oe_strs_add(&tags, cases[i].tag);
		if (cases[i].group)
			oe_strs_add(&groups, cases[i].group);
		if (cases[i].cert)
			oe_strs_add(&certs, cases[i].cert);
		if (cases[i].source &&
		    oe_addr_parse(cases[i].source, &source, NULL) == 0)
			s.source = &source;
		if (cases[i].node_ip &&
		    oe_addr_parse(cases[i].node_ip, &node, NULL) == 0)
			s.node_ip = &node;
		oe_policy_decide(p, &s, &v);
		if (v.reason != cases[i].reason)
			fail_msg("%s: %s", cases[i].what,
			    oe_policy_reason_text(v.reason));
		assert_int_equal(v.outcome,
		    cases[i].reason == OE_POLICY_OK ? OE_POLICY_ACCEPT
		    : cases[i].rule                 ? OE_POLICY_REJECT
						    : OE_POLICY_NO_MATCH);
		assert_int_equal(v.matched, cases[i].matched);
		if (cases[i].rule)
			assert_string_equal(v.rule_id, cases[i].rule);
		else
			assert_null(v.rule_id);
		assert_string_equal(
		    v.local_user, cases[i].local ? cases[i].local : "");
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
test_commands(void **state)
{
	static const struct {
		const char *lists, *command;
		enum oe_policy_command expect;
	} cases[] = {
	    {"\"accept\":true", "rm -rf /", OE_POLICY_COMMAND_OK},
	    {"\"allowed_commands\":[]", "ls", OE_POLICY_COMMAND_UNLISTED},
	    {"\"allowed_commands\":[\"^ls\"]", "ls -l", OE_POLICY_COMMAND_OK},
	    {"\"allowed_commands\":[\"^ls\"]", "ls; rm x",
		OE_POLICY_COMMAND_OK},
	    {"\"allowed_commands\":[\"^ls$\"]", "ls\nrm x",
		OE_POLICY_COMMAND_UNLISTED},
	    {"\"allowed_commands\":[\"ls\"]", "/bin/ls", OE_POLICY_COMMAND_OK},
	    {"\"allowed_commands\":[\"ls\"]", "LS", OE_POLICY_COMMAND_UNLISTED},
	    {"\"blocked_commands\":[\"rm\"]", "ls; /bin/rm x",
		OE_POLICY_COMMAND_BLOCKED},
	    {"\"blocked_commands\":[\"\\\\brm\\\\b\"]", "perform",
		OE_POLICY_COMMAND_OK},
	    {"\"blocked_commands\":[\"\\\\brm\\\\b\"]", "a; rm b",
		OE_POLICY_COMMAND_BLOCKED},
	    {"\"allowed_commands\":[\".\"],\"blocked_commands\":[\"rm\"]", "rm",
		OE_POLICY_COMMAND_BLOCKED},
	    {"\"allowed_commands\":[\"^(a|b){2,3}$\"]", "aba",
		OE_POLICY_COMMAND_OK},
	    {"\"allowed_commands\":[\"^[][:space:]]+$\"]", "] ]",
		OE_POLICY_COMMAND_OK},
	};
	struct oe_policy_subject s = {.requested_user = "x", .now_s = NOW};
	struct oe_policy_verdict v;
	struct oe_policy *p;
	char *text, *large;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		text = with_action(cases[i].lists);
		p = policy_of(text);
		oe_policy_decide(p, &s, &v);
		if (oe_policy_command(v.action, cases[i].command) !=
		    cases[i].expect)
			fail_msg("%s: %s", cases[i].lists, cases[i].command);
		oe_policy_free(&p);
		free(text);
	}
	text = with_action("\"blocked_commands\":[\"x\"]");
	large = oe_mem_zalloc(OE_POLICY_COMMAND_MAX + 2);
	memset(large, 'a', OE_POLICY_COMMAND_MAX + 1);
	p = policy_of(text);
	oe_policy_decide(p, &s, &v);
	assert_int_equal(
	    oe_policy_command(v.action, large), OE_POLICY_COMMAND_LONG);
	large[OE_POLICY_COMMAND_MAX] = 0;
	assert_int_equal(
	    oe_policy_command(v.action, large), OE_POLICY_COMMAND_OK);
	oe_policy_free(&p);
	free(large);
	free(text);
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
	    cmocka_unit_test(test_mistakes_of_actions),
	    cmocka_unit_test(test_mistakes_of_rules),
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_every_field),
	    cmocka_unit_test(test_roots),
	    cmocka_unit_test(test_decide),
	    cmocka_unit_test(test_literal),
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_hours),
	    cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
