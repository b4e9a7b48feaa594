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
#include "core/mesh/policy.h"
#include "policies.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mistakes_of_actions),
	    cmocka_unit_test(test_mistakes_of_rules),
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_every_field),
	    cmocka_unit_test(test_roots),
	    cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
