/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"

static void
parses(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int want;
		size_t keys;
	} cases[] = {
	    {"", 0, OE_EPROTO, 0},
	    {"\005", 1, OE_EPROTO, 0},
	    {"\014\0\0\0\0", 5, 0, 0},
	    {"\014\0\0\0\1\0\0\0\2ab\0\0\0\1c", 16, 0, 1},
	    {"\014\0\0\0\1\0\0\0\2ab\0\0\0\2c", 16, OE_EPROTO, 0},
	    {"\014\0\0\0\2\0\0\0\2ab\0\0\0\1c", 16, OE_EPROTO, 0},
	    {"\014\377\377\377\377", 5, OE_EPROTO, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_agent_keys keys = {NULL, 0};
		struct oe_buf b;

		oe_buf_view(&b, cases[i].bytes, cases[i].len);
		assert_int_equal(
		    oe_agent_parse(&b, &keys, NULL), cases[i].want);
		assert_int_equal(keys.n, cases[i].keys);
		if (keys.n)
			assert_string_equal(keys.v[0].comment, "c");
		oe_agent_keys_done(&keys);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
