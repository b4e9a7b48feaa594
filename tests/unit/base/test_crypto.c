/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"

#define LETTERS 62
#define EACH    10000

/* All letters, one as often as the other: ten deviations off is no chance. */
static void
test_random_text(void **state)
{
	static const char from[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz";
	const size_t n = (size_t)LETTERS * EACH;
	char *text = oe_mem_zalloc(n + 2);
	unsigned count[256] = {0};
	size_t i;

	(void)state;
	text[n + 1] = '#';
	oe_random_text(text, n);
	assert_int_equal(strlen(text), n);
	assert_int_equal(text[n + 1], '#');
	for (i = 0; i < n; i++)
		count[(unsigned char)text[i]]++;
	for (i = 0; i < LETTERS; i++)
		assert_in_range(count[(unsigned char)from[i]], EACH - EACH / 10,
		    EACH + EACH / 10);
	free(text);
}

static void
test_random_sizes(void **state)
{
	char a[80], b[80];
	size_t n;

	(void)state;
	for (n = 0; n < sizeof a - 1; n++) {
		memset(a, '#', sizeof a);
		oe_random_text(a, n);
		assert_int_equal(strlen(a), n);
		oe_random_text(b, n);
		if (n >= 16)
			assert_string_not_equal(a, b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_text),
	    cmocka_unit_test(test_random_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
