/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "sftp/path.h"

static void
words(void **state)
{
	static const struct {
		const char *in;
		const char *out[4]; /* as patterns */
	} cases[] = {
	    {"", {0}},
	    {"  \t ", {0}},
	    {"# get x", {0}},
	    {"ls", {"ls"}},
	    {" get  a\tb ", {"get", "a", "b"}},
	    {"get a # b", {"get", "a"}},
	    {"get a#b", {"get", "a#b"}},
	    {"get 'a b' c", {"get", "a b", "c"}},
	    {"get \"a b\"c", {"get", "a bc"}},
	    {"get a\\ b", {"get", "a b"}},
	    {"get \"\" x", {"get", "", "x"}},
	    {"get *.c", {"get", "*.c"}},
	    {"get '*.c'", {"get", "\\*.c"}},
	    {"get \\*.c", {"get", "\\*.c"}},
	    {"get \"a\\\"b\"", {"get", "a\"b"}},
	    {"get 'a\"b'", {"get", "a\"b"}},
	    {"get 'a\\'b'", {"get", "a'b"}},
	    {"get 'a\\nb'", {"get", "a\\\\nb"}},
	    {"get a\\\\b", {"get", "a\\\\b"}},
	    {"get a\\", {"get", "a\\\\"}},
	    {"get [ab]? '[x]'", {"get", "[ab]?", "\\[x]"}},
	    {"rm \xc3\xa4\\ \xff", {"rm", "\xc3\xa4 \xff"}},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_sftp_line l;

		assert_int_equal(oe_sftp_line_parse(cases[i].in, &l, NULL), 0);
		for (k = 0; k < 4 && cases[i].out[k]; k++) {
			assert_true(k < l.words.n);
			assert_string_equal(l.words.v[k], cases[i].out[k]);
		}
		assert_int_equal(l.words.n, k);
		oe_sftp_line_done(&l);
	}
}

static void
prefixes(void **state)
{
	struct oe_sftp_line l;

	(void)state;
	assert_int_equal(oe_sftp_line_parse(" -@ rm  'a b' c", &l, NULL), 0);
	assert_true(l.ignore_errors && l.no_echo);
	assert_int_equal(l.command, 4);
	assert_int_equal(l.rest, 8);
	assert_int_equal(l.words.n, 3);
	oe_sftp_line_done(&l);
	assert_int_equal(oe_sftp_line_parse("ls -l", &l, NULL), 0);
	assert_false(l.ignore_errors || l.no_echo);
	assert_string_equal(l.words.v[1], "-l");
	oe_sftp_line_done(&l);
}

/* What completion wants to know of the last word. */
static void
last_word(void **state)
{
	static const struct {
		const char *in, *word;
		size_t last;
		char quote;
		bool unclosed, touches;
	} cases[] = {
	    {"get ", NULL, 4, 0, false, false},
	    {"get ab", "ab", 4, 0, false, true},
	    {"get 'a b", "a b", 4, '\'', true, true},
	    {"get \"a b\"", "a b", 4, '"', false, true},
	    {"get \"a b\" ", NULL, 10, 0, false, false},
	    {"get x a\\ b", "a b", 6, 0, false, true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_sftp_line l;
		int r = oe_sftp_line_parse(cases[i].in, &l, NULL);

		assert_int_equal(r, cases[i].unclosed ? OE_EINVAL : 0);
		assert_int_equal(l.last, cases[i].last);
		assert_int_equal(l.touches, cases[i].touches);
		assert_int_equal(l.unclosed, cases[i].unclosed);
		if (cases[i].word) {
			assert_string_equal(
			    l.words.v[l.words.n - 1], cases[i].word);
			assert_int_equal(l.quote, cases[i].quote);
		}
		oe_sftp_line_done(&l);
	}
}

static void
too_long(void **state)
{
	char *s = oe_mem_zalloc(OE_SFTP_LINE_MAX + 2);
	struct oe_sftp_line l;

	(void)state;
	memset(s, '*', OE_SFTP_LINE_MAX + 1);
	assert_int_equal(oe_sftp_line_parse(s, &l, NULL), OE_ETOOBIG);
	oe_sftp_line_done(&l);
	memset(s, '\\', OE_SFTP_LINE_MAX);
	s[OE_SFTP_LINE_MAX] = 0;
	assert_int_equal(oe_sftp_line_parse(s, &l, NULL), 0);
	oe_sftp_line_done(&l);
	free(s);
}

/* Any name, quoted in any way, is read back as it was. */
static void
quoting(void **state)
{
	static const char *const names[] = {"a", "a b", "it's", "say \"x\"",
	    "back\\slash", "*.c", "[a]?", "#x", "tab\there", "a\\ b\\",
	    "\xc3\xa4\xff", "-x"};
	static const char quotes[] = {0, '\'', '"'};
	size_t i, q;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(names); i++)
		for (q = 0; q < OE_ARRAY_LEN(quotes); q++) {
			char *word = oe_sftp_word_quote(names[i], quotes[q]);
			char *line = quotes[q] ? oe_mem_printf("get %s%c", word,
						     quotes[q])
					       : oe_mem_printf("get %s", word);
			struct oe_sftp_line l;
			char *plain;

			assert_int_equal(oe_sftp_line_parse(line, &l, NULL), 0);
			assert_int_equal(l.words.n, 2);
			plain = oe_sftp_glob_plain(l.words.v[1]);
			assert_string_equal(plain, names[i]);
			assert_false(oe_sftp_glob_is(l.words.v[1]));
			free(plain);
			free(line);
			free(word);
			oe_sftp_line_done(&l);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),
	    cmocka_unit_test(prefixes),
	    cmocka_unit_test(last_word),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests_name("sftp_parse", tests, NULL, NULL);
}
