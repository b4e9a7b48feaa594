/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/prompt.h"
#include "client/session.h"
#include "core/base/err.h"
#include "core/base/str.h"

static void
terminal(void **state)
{
	static const struct {
		const char *request;
		bool command, tty, want, refused;
	} cases[] = {
	    {"auto", false, true, true, false},
	    {"auto", true, true, false, false},
	    {"auto", false, false, false, false},
	    {"yes", true, true, true, false},
	    {"yes", true, false, false, true},
	    {"force", true, false, true, false},
	    {"no", false, true, false, false},
	};
	bool refused;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(oe_session_want_tty(cases[i].request,
				     cases[i].command, cases[i].tty, &refused),
		    cases[i].want);
		assert_int_equal(refused, cases[i].refused);
	}
}

static int
no_file(
    void *arg, const char *path, bool checked, char **ret, struct oe_err *err)
{
	(void)arg;
	(void)path;
	(void)checked;
	(void)ret;
	(void)err;
	return OE_ENOENT;
}

static void
environment(void **state)
{
	static char home[] = "/h", user[] = "u", host[] = "b";
	static char a[] = "LC_ALL=C", b[] = "LANG=x", c[] = "SECRET=y",
		    d[] = "ODD", e[] = "LC_TIME=z";
	char *const all[] = {a, b, c, d, e, NULL};
	struct oe_sshconf_env env = {
	    home, user, host, no_file, NULL, NULL, NULL, NULL, NULL, NULL};
	struct oe_strs got = {NULL, 0};
	struct oe_sshconf *conf = oe_sshconf_new(&env);

	(void)state;
	assert_int_equal(
	    oe_sshconf_option(conf, "SendEnv=LANG LC_* -LC_TIME", NULL), 0);
	assert_int_equal(oe_sshconf_option(conf, "SetEnv=A=1", NULL), 0);
	assert_int_equal(oe_sshconf_resolve(conf, "h", "none", NULL), 0);
	oe_session_env(conf, all, &got);
	assert_int_equal(got.n, 3);
	assert_string_equal(got.v[0], "LC_ALL=C");
	assert_string_equal(got.v[1], "LANG=x");
	assert_string_equal(got.v[2], "A=1");
	oe_strs_done(&got);
	oe_sshconf_free(&conf);
}

static void
asking(void **state)
{
	static const struct {
		const char *require, *askpass;
		bool display, tty;
		enum oe_prompt_way want;
	} cases[] = {
	    {NULL, NULL, false, true, OE_PROMPT_TTY},
	    {NULL, "/a", true, true, OE_PROMPT_TTY},
	    {NULL, "/a", true, false, OE_PROMPT_ASKPASS},
	    {NULL, "/a", false, false, OE_PROMPT_NOBODY},
	    {NULL, NULL, true, false, OE_PROMPT_NOBODY},
	    {"never", "/a", true, false, OE_PROMPT_NOBODY},
	    {"never", "/a", true, true, OE_PROMPT_TTY},
	    {"prefer", "/a", true, true, OE_PROMPT_ASKPASS},
	    {"prefer", "/a", false, true, OE_PROMPT_TTY},
	    {"force", "/a", false, true, OE_PROMPT_ASKPASS},
	    {"force", NULL, false, false, OE_PROMPT_ASKPASS},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		assert_int_equal(
		    oe_prompt_way(cases[i].require, cases[i].askpass,
			cases[i].display, cases[i].tty),
		    cases[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(terminal),
	    cmocka_unit_test(environment),
	    cmocka_unit_test(asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
