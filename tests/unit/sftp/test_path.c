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
#include "sftp/path.h"

static void
test_names(void **state)
{
	static const char *const good[] = {
	    "a", "...", ".a", "a b", "-x", "\xff", "a\nb", "~", "*"};
	static const char *const bad[] = {
	    "", ".", "..", "/", "a/b", "/a", "a/"};
	char longest[257];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(good); i++)
		assert_true(oe_sftp_name_ok(good[i]));
	for (i = 0; i < OE_ARRAY_LEN(bad); i++)
		assert_false(oe_sftp_name_ok(bad[i]));
	memset(longest, 'x', sizeof longest);
	longest[256] = 0;
	assert_false(oe_sftp_name_ok(longest));
	longest[255] = 0;
	assert_true(oe_sftp_name_ok(longest));
}

static void
same(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void
test_parts(void **state)
{
	static const struct {
		const char *path, *dir, *base;
	} all[] = {
	    {"a", ".", "a"},
	    {"a/b", "a", "b"},
	    {"/a", "/", "a"},
	    {"//a", "/", "a"},
	    {"a/b/", "a", "b"},
	    {"a//b//", "a", "b"},
	    {"/a/b c", "/a", "b c"},
	    {"/", "/", "."},
	    {"//", "/", "."},
	    {"", ".", "."},
	    {".", ".", "."},
	    {"..", "..", "."},
	    {"a/..", "a/..", "."},
	    {"a/../", "a/..", "."},
	    {"a/...", "a", "..."},
	    {"./a", ".", "a"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		same(oe_sftp_path_dir(all[i].path), all[i].dir);
		same(oe_sftp_path_base(all[i].path), all[i].base);
	}
	same(oe_sftp_path_join("", "a"), "a");
	same(oe_sftp_path_join("a", "b"), "a/b");
	same(oe_sftp_path_join("a/", "b"), "a/b");
	same(oe_sftp_path_join("/", "b"), "/b");
}

static void
test_part_name(void **state)
{
	char path[300], *one, *other;
	size_t i;

	(void)state;
	one = oe_sftp_path_part("x/name", "ab", 2);
	assert_non_null(strstr(one, "x/.name."));
	assert_string_equal(one + strlen(one) - 5, ".part");
	assert_int_equal(strlen(one), strlen("x/.name.") + 12 + 5);
	same(oe_sftp_path_part("x/name", "ab", 2), one);
	other = oe_sftp_path_part("x/name", "ac", 2);
	assert_string_not_equal(one, other);
	free(one);
	free(other);
	one = oe_sftp_path_part("name", "", 0);
	assert_int_equal(strncmp(one, ".name.", 6), 0);
	free(one);
	/* a name of 254 bytes in two-byte characters: cut at a boundary */
	for (i = 0; i < 254; i += 2)
		memcpy(path + i, "\xc3\xa4", 2);
	path[254] = 0;
	one = oe_sftp_path_part(path, "ab", 2);
	assert_true(strlen(one) <= 255 && strlen(one) >= 254);
	assert_int_equal((strchr(one + 1, '.') - one - 1) % 2, 0);
	free(one);
	memset(path, 'x', 255);
	path[255] = 0;
	one = oe_sftp_path_part(path, "ab", 2);
	assert_int_equal(strlen(one), 255);
	free(one);
}

static void
test_match(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} all[] = {
	    {"a", "a", true},
	    {"a", "ab", false},
	    {"", "", true},
	    {"*", "", true},
	    {"*", "a b", true},
	    {"*", ".a", false},
	    {"?a", ".a", false},
	    {"[.]a", ".a", false},
	    {".*", ".a", true},
	    {"\\.*", ".a", true},
	    {"a*b*c", "aXbYc", true},
	    {"a*b*c", "aXbYcd", false},
	    {"*a", "aaaa", true},
	    {"*ab", "aab", true},
	    {"a?c", "abc", true},
	    {"a?c", "ac", false},
	    {"\\*", "*", true},
	    {"\\*", "a", false},
	    {"a\\", "a\\", true},
	    {"?", "\xc3\xa4", true},
	    {"??", "\xc3\xa4", false},
	    {"?", "\xff", true},
	    {"?", "\xf0\x9f\x98\x80", true},
	    {"*\xa4", "\xc3\xa4", false},
	    {"[abc]", "b", true},
	    {"[a-c]", "b", true},
	    {"[a-c]", "d", false},
	    {"[!a-c]", "d", true},
	    {"[^a-c]", "b", false},
	    {"[]]", "]", true},
	    {"[!]]", "a", true},
	    {"[a-]", "-", true},
	    {"[", "[", true},
	    {"a[b", "a[b", true},
	    {"a[b", "ab", false},
	    {"[\\]]", "]", true},
	    {"[\xc3\xa0-\xc3\xbc]", "\xc3\xa4", true},
	    {"[[:digit:]]x", "7x", true},
	    {"[[:alpha:]_]", "_", true},
	    {"[![:digit:]]", "7", false},
	    {"[[:nosuch:]]", "a", false},
	    {"*.tar.gz", "a.tar.tar.gz", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (oe_sftp_glob_match(all[i].pattern, all[i].name) !=
		    all[i].matches)
			fail_msg("'%s' and '%s'", all[i].pattern, all[i].name);
}

/* A pattern that takes others exponential time. */
static void
test_match_is_quick(void **state)
{
	char pattern[101], name[256];
	size_t i;

	(void)state;
	for (i = 0; i < 100; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[99] = 'b';
	pattern[100] = 0;
	memset(name, 'a', 255);
	name[255] = 0;
	assert_false(oe_sftp_glob_match(pattern, name));
}

static void
test_quote(void **state)
{
	(void)state;
	assert_true(oe_sftp_glob_is("a*"));
	assert_true(oe_sftp_glob_is("a[b]"));
	assert_true(oe_sftp_glob_is("\\a?"));
	assert_false(oe_sftp_glob_is("a\\*b\\"));
	assert_false(oe_sftp_glob_is(""));
	same(oe_sftp_glob_plain("a\\*\\\\b\\"), "a*\\b\\");
	same(oe_sftp_glob_quote("a*\\b[?"), "a\\*\\\\b\\[\\?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_part_name),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_match_is_quick),
	    cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
