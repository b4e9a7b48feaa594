/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/compiler.h"

static void
grows(void **state)
{
	static const struct {
		int64_t up_ms, whole;
	} cases[] = {
	    {0, 1000},
	    {0, 2000},
	    {100, 4000},
	    {59999, 8000},
	    {0, 16000},
	    {0, 32000},
	    {0, 60000},
	    {0, 60000},
	    {60000, 1000},
	    {0, 2000},
	};
	static const uint32_t chances[] = {0, 1, 499, 12345, UINT32_MAX};
	struct oe_fwd_backoff b;
	int64_t wait;
	size_t i, k;

	(void)state;
	for (k = 0; k < OE_ARRAY_LEN(chances); k++) {
		b.next_ms = 0;
		for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
			wait =
			    oe_fwd_backoff_next(&b, cases[i].up_ms, chances[k]);
			assert_in_range(
			    wait, cases[i].whole / 2, cases[i].whole);
		}
	}
	b.next_ms = 0;
	assert_int_equal(oe_fwd_backoff_next(&b, 0, 0), 500);
	assert_int_equal(oe_fwd_backoff_next(&b, 0, 1000), 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(grows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
