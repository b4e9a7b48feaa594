/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/knownhosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"

static void
names(void **state)
{
	static const struct {
		const char *host;
		int port;
		const char *want;
	} cases[] = {
	    {"Host", 22, "host"},
	    {"host", 2222, "[host]:2222"},
	    {"::1", 22, "::1"},
	    {"::1", 23, "[::1]:23"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		char *s = oe_knownhosts_name(cases[i].host, cases[i].port);

		assert_string_equal(s, cases[i].want);
		free(s);
	}
}

static void
line_matches(void **state)
{
	static const struct {
		const char *names, *name;
		bool want;
	} cases[] = {
	    {"a,b", "b", true},
	    {"a,b", "c", false},
	    {"*.lan", "x.lan", true},
	    {"*.lan,!x.lan", "x.lan", false},
	    {"!x.lan,*.lan", "x.lan", false},
	    {"[a]:22", "a", true},
	    {"[a]:23", "a", false},
	    {"[a]:23", "[a]:23", true},
	    {"a", "[a]:23", false},
	    /* written by ssh-keygen -H for "example" */
	    {"|1|bBGZ/XOt/SLpA2b1wyIh7K5yJrA=|2/"
	     "q9uqd6uNb+bUZHDyPn8XI1oAs=",
		"example", true},
	    {"|1|bBGZ/XOt/SLpA2b1wyIh7K5yJrA=|2/"
	     "q9uqd6uNb+bUZHDyPn8XI1oAs=",
		"examples", false},
	    {"|1|", "a", false},
	    {"|1|x|y", "a", false},
	    {"|1||", "a", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		if (oe_knownhosts_line_matches(cases[i].names, cases[i].name) !=
		    cases[i].want)
			fail_msg("case %zu", i);
}

static char *
temp_file(const char *text)
{
	char *path = oe_mem_strdup("/tmp/oe-knownhosts-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(oe_fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
	return path;
}

static void
verdicts(void **state)
{
	static const struct {
		const char *text;
		enum oe_knownhosts_verdict want;
		int line; /* of where; 0: none */
	} cases[] = {
	    {"", OE_KNOWNHOSTS_UNKNOWN, 0},
	    {"h ssh-ed25519 KEY\n", OE_KNOWNHOSTS_MATCH, 1},
	    {"# c\n\nx ssh-ed25519 OLD\nh ssh-ed25519 KEY c\n",
		OE_KNOWNHOSTS_MATCH, 4},
	    {"h ssh-ed25519 OLD", OE_KNOWNHOSTS_CHANGED, 1},
	    {"h ssh-ed25519 OLD\nh ssh-ed25519 KEY", OE_KNOWNHOSTS_MATCH, 2},
	    {"h ssh-rsa RSA\n", OE_KNOWNHOSTS_OTHER, 1},
	    {"h ssh-rsa RSA\nh ssh-ed25519 OLD\n", OE_KNOWNHOSTS_CHANGED, 2},
	    {"@revoked * ssh-ed25519 KEY\nh ssh-ed25519 KEY\n",
		OE_KNOWNHOSTS_REVOKED, 1},
	    {"h ssh-ed25519 KEY\n@revoked h ssh-ed25519 KEY\n",
		OE_KNOWNHOSTS_REVOKED, 2},
	    {"@revoked h ssh-ed25519 OLD\n", OE_KNOWNHOSTS_UNKNOWN, 0},
	    {"@cert-authority h ssh-ed25519 KEY\n", OE_KNOWNHOSTS_UNKNOWN, 0},
	    {"h\nh ssh-ed25519\n@revoked\n", OE_KNOWNHOSTS_UNKNOWN, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_strs files = {NULL, 0};
		struct oe_knownhosts_found found;
		char where[100] = "";
		char *path = temp_file(cases[i].text);

		oe_strs_add(&files, "/nonexistent/known_hosts");
		oe_strs_add(&files, path);
		oe_knownhosts_check(&files, "h", "ssh-ed25519", "KEY", &found);
		if (cases[i].line)
			snprintf(
			    where, sizeof where, "%s:%d", path, cases[i].line);
		if (found.verdict != cases[i].want ||
		    strcmp(found.where, where) != 0)
			fail_msg("case %zu: %d %s", i, (int)found.verdict,
			    found.where);
		unlink(path);
		free(path);
		oe_strs_done(&files);
	}
}

static void
adds(void **state)
{
	char dir[] = "/tmp/oe-knownhosts-XXXXXX";
	struct oe_strs files = {NULL, 0}, types = {NULL, 0};
	struct oe_knownhosts_found found;
	struct stat st;
	char *path;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = oe_mem_printf("%s/ssh/known_hosts", dir);
	oe_strs_add(&files, path);
	assert_int_equal(
	    oe_knownhosts_add(path, "[h]:23", true, "ssh-ed25519", "KEY", NULL),
	    0);
	assert_int_equal(
	    oe_knownhosts_add(path, "h2", false, "ssh-rsa", "RSA", NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	oe_knownhosts_check(&files, "[h]:23", "ssh-ed25519", "KEY", &found);
	assert_int_equal(found.verdict, OE_KNOWNHOSTS_MATCH);
	oe_knownhosts_check(&files, "h", "ssh-ed25519", "KEY", &found);
	assert_int_equal(found.verdict, OE_KNOWNHOSTS_UNKNOWN);
	oe_knownhosts_types(&files, "h2", &types);
	assert_int_equal(types.n, 1);
	assert_string_equal(types.v[0], "ssh-rsa");
	oe_strs_done(&types);
	oe_strs_done(&files);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(dir);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(line_matches),
	    cmocka_unit_test(verdicts),
	    cmocka_unit_test(adds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
