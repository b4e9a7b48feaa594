/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/str.h"

static void
test_lists(void **state)
{
	struct oe_strs s = {NULL, 0};

	(void)state;
	oe_strs_split(&s, " a, ,b b ,,c", ',');
	assert_int_equal(s.n, 3);
	assert_string_equal(s.v[1], "b b");
	assert_null(s.v[3]);
	assert_true(oe_strs_has(&s, "c"));
	assert_false(oe_strs_has(&s, "b"));
	oe_strs_add(&s, "d");
	assert_int_equal(s.n, 4);
	oe_strs_done(&s);
	oe_strs_split(&s, "", ',');
	assert_int_equal(s.n, 0);
	oe_strs_done(&s);
}

static void
test_compare_and_copy(void **state)
{
	char four[4];

	(void)state;
	assert_true(oe_str_eq(NULL, NULL));
	assert_false(oe_str_eq(NULL, ""));
	assert_true(oe_str_eq_nocase("Robot", "rOBOT"));
	assert_true(oe_str_starts("abc", ""));
	assert_false(oe_str_starts("ab", "abc"));
	assert_true(oe_str_copy(four, sizeof four, "abc"));
	assert_false(oe_str_copy(four, sizeof four, "abcd"));
	assert_string_equal(four, "abc");
	assert_false(oe_str_copy(four, 0, ""));
}

static void
test_parse_int(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t want;
	} cases[] = {
	    {"0", 0, 0},
	    {"42", 0, 42},
	    {"-42", 0, -42},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"-9223372036854775808", 0, INT64_MIN},
	    {"9223372036854775808", OE_ETOOBIG, 0},
	    {"-9223372036854775809", OE_ETOOBIG, 0},
	    {"99999999999999999999999", OE_ETOOBIG, 0},
	    {"", OE_EINVAL, 0},
	    {"-", OE_EINVAL, 0},
	    {"-0", OE_EINVAL, 0},
	    {"+1", OE_EINVAL, 0},
	    {"01", OE_EINVAL, 0},
	    {" 1", OE_EINVAL, 0},
	    {"1 ", OE_EINVAL, 0},
	    {"0x1", OE_EINVAL, 0},
	    {"1e3", OE_EINVAL, 0},
	};
	int64_t n = 7;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		n = 7;
		assert_int_equal(
		    oe_str_parse_int(cases[i].text, INT64_MIN, INT64_MAX, &n),
		    cases[i].r);
		assert_true(n == (cases[i].r ? 7 : cases[i].want));
	}
	assert_int_equal(oe_str_parse_int("0", 1, 65535, &n), OE_ETOOBIG);
	assert_int_equal(oe_str_parse_int("65535", 1, 65535, &n), 0);
	assert_int_equal(oe_str_parse_int("65536", 1, 65535, &n), OE_ETOOBIG);
	assert_int_equal(oe_str_parse_int("-5", -4, 4, &n), OE_ETOOBIG);
	assert_int_equal(oe_str_parse_int("-5", 1, 4, &n), OE_ETOOBIG);
}

static void
test_match(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} cases[] = {
	    {"", "", true},
	    {"*", "", true},
	    {"?", "", false},
	    {"a*c", "abbc", true},
	    {"a*c", "abbd", false},
	    {"*.x", "a.x.x", true},
	    {"**a**", "a", true},
	    {"a?c", "abc", true},
	    {"A", "a", false},
	    {"*a*b*", "xaxb", true},
	    {"a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		assert_int_equal(oe_str_match(cases[i].pattern, cases[i].text),
		    cases[i].want);
	assert_int_equal(oe_str_match_list("a*, b", "abc"), 1);
	assert_int_equal(oe_str_match_list("a*,!abc", "abc"), -1);
	assert_int_equal(oe_str_match_list("!abc,a*", "abd"), 1);
	assert_int_equal(oe_str_match_list("!x", "y"), 0);
	assert_int_equal(oe_str_match_list("", "y"), 0);
}

static void
test_escape(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} cases[] = {
	    {"plain", 5, "plain"},
	    {"a\nb\t\r", 5, "a\\nb\\t\\r"},
	    {"\\", 1, "\\\\"},
	    {"\0\x1b[2J\x7f", 6, "\\x00\\x1b[2J\\x7f"},
	    {"\xc3\xa9\xe2\x82\xac", 5, "\xc3\xa9\xe2\x82\xac"},
	    {"\xc3", 1, "\\xc3"},
	    {"\xc0\xaf", 2, "\\xc0\\xaf"},
	    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
	    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
	    {"\xc2\x9b", 2, "\\xc2\\x9b"},
	    {"\xe2\x80\xae", 3, "\\xe2\\x80\\xae"},
	};
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_str_escape(cases[i].in, cases[i].n, out, sizeof out);
		assert_string_equal(out, cases[i].out);
	}
	for (i = 0; i < sizeof out; i++) {
		memset(out, '!', sizeof out);
		oe_str_escape("\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 14, out, i);
		if (i)
			assert_in_range(strnlen(out, i), 0, i - 1);
		assert_int_equal(out[i], '!');
	}
}

static void
test_base64(void **state)
{
	static const char *const bad[] = {
	    "YQ", "YQ=", "YQ== ", " YQ==", "Y Q=", "YQ==YQ==", "Y*==", "="};
	uint8_t *p = NULL;
	char *s;
	size_t n, i;

	(void)state;
	s = oe_str_base64("a", 1, true);
	assert_string_equal(s, "YQ==");
	free(s);
	s = oe_str_base64("\xff\xfe", 2, false);
	assert_string_equal(s, "//4");
	free(s);
	assert_int_equal(oe_str_unbase64("//79/A==", 8, &p, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(p, "\xff\xfe\xfd\xfc", 4);
	free(p);
	assert_int_equal(oe_str_unbase64("", 0, &p, &n), 0);
	assert_int_equal(n, 0);
	free(p);
	p = NULL;
	for (i = 0; i < OE_ARRAY_LEN(bad); i++) {
		assert_int_equal(
		    oe_str_unbase64(bad[i], strlen(bad[i]), &p, &n), OE_EINVAL);
		assert_null(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_compare_and_copy),
	    cmocka_unit_test(test_parse_int),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
