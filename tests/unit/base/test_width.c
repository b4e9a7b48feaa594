/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/width.h"

static void
test_width(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
	} all[] = {
	    {"", 0},
	    {"abc", 3},
	    {"\xc3\xa4", 1},
	    {"a\xcc\x88", 1},
	    {"\xe6\x97\xa5\xe6\x9c\xac", 4},
	    {"\xf0\x9f\x98\x80", 2},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		assert_int_equal(oe_width(all[i].text), all[i].columns);
}

static void
test_fit(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *want;
	} all[] = {
	    {"abc", 5, "abc  "},
	    {"abcde", 5, "abcde"},
	    {"abcdefgh", 6, "...fgh"},
	    {"abc", 2, "bc"},
	    {"abc", 0, ""},
	    {"", 2, "  "},
	    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, "...\xe8\xaa\x9e"},
	    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, "... "},
	    {"aaaae\xcc\x88xyz", 6, "...xyz"},
	};
	char got[64];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_width_fit(all[i].text, all[i].columns, got, sizeof got);
		assert_string_equal(got, all[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_width),
	    cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
