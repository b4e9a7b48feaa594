/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"

/* @piece so often, between @head and @tail. */
static char *
repeated(const char *head, const char *piece, size_t times, const char *tail)
{
	size_t n = strlen(piece), i;
	char *s = oe_mem_zalloc(strlen(head) + n * times + strlen(tail) + 1),
	     *to = s;

	to += sprintf(to, "%s", head);
	for (i = 0; i < times; i++, to += n)
		memcpy(to, piece, n);
	sprintf(to, "%s", tail);
	return s;
}

static void
test_shapes(void **state)
{
	static const struct {
		const char *head, *piece, *tail;
		size_t times;
		int want;
	} cases[] = {
	    {"[", "", "]", 0, 0},
	    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "",
		"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 0, 0}, /* 32 */
	    {"", "[", "", 33, OE_ETOOBIG},
	    {"", "[", "", 5000000, OE_ETOOBIG},
	    {"", "{\"a\":", "", 100, OE_ETOOBIG},
	    {"[1", ",1", "]", 3900000, 0},
	    {"[1", ",1", "]", 4000000, OE_ETOOBIG},
	    {"[{}", ",{}", "]", 700000, OE_ETOOBIG},
	    {"[{}", ",{}", "]", 600000, 0},
	    /* within a text they are nothing */
	    {"\"", "[", "\"", 100, 0},
	    {"[\"\\\"", "[{", "\"]", 100, 0},
	    {"\"\\\\\"", "[", "", 40, OE_ETOOBIG},
	    {"\"", ",", "\"", 5000000, 0},
	    /* what has no end is no JSON, and not read beyond */
	    {"\"", "[", "", 100, OE_EPROTO},
	    {"\"", "\\", "", 1, OE_EPROTO},
	    {"", "]", "", 100, OE_EPROTO},
	    {"", "", "", 0, OE_EPROTO},
	};
	struct oe_jval *v = NULL;
	char *text, *exact;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		text = repeated(cases[i].head, cases[i].piece, cases[i].times,
		    cases[i].tail);
		n = strlen(text);
		exact = oe_mem_zalloc(n + !n);
		memcpy(exact, text, n);
		free(text);
		r = oe_jval_parse(exact, n, &v, NULL);
		if (r != cases[i].want)
			print_error("case %zu\n", i);
		assert_int_equal(r, cases[i].want);
		oe_jval_free(&v);
		free(exact);
	}
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {
	    "{\"a\":1,\"a\":2}",
	    "NaN",
	    "[Infinity]",
	    "1e999",
	    "-1e999",
	    "123456789012345678901234567890",
	    "\"\xff\"",
	    "\"\xc0\x80\"",
	    "\"\xed\xa0\x80\"",
	    "\"\\ud800\"",
	    "\"\\u0000\"",
	    "{} {}",
	    "[1,]",
	    "{\"a\"}",
	    "\"\n\"",
	    "\xef\xbb\xbf{}",
	    "'a'",
	    "01",
	};
	struct oe_jval *v = NULL;
	struct oe_err err;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(texts); i++) {
		assert_int_equal(
		    oe_jval_parse(texts[i], strlen(texts[i]), &v, &err),
		    OE_EPROTO);
		assert_null(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
