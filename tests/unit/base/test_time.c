/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/time.h"

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t seconds;
	} cases[] = {
	    {"0", 0, 0},
	    {"90", 0, 90},
	    {"90s", 0, 90},
	    {"15m", 0, 900},
	    {"1h30m", 0, 5400},
	    {"1D", 0, 86400},
	    {"2w", 0, 1209600},
	    {"3660d", 0, 316224000},
	    {"3661d", OE_EINVAL, 0},
	    {"3660d1s", OE_EINVAL, 0},
	    {"", OE_EINVAL, 0},
	    {"-1", OE_EINVAL, 0},
	    {"m", OE_EINVAL, 0},
	    {"1x", OE_EINVAL, 0},
	    {"1 m", OE_EINVAL, 0},
	    {"99999999999999999999", OE_EINVAL, 0},
	};
	int64_t s;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		s = 7;
		assert_int_equal(
		    oe_time_parse_duration(cases[i].text, &s), cases[i].r);
		assert_true(s == (cases[i].r ? 7 : cases[i].seconds));
	}
}

static void
test_moments(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t ms;
	} cases[] = {
	    {"1970-01-01T00:00:00Z", 0, 0},
	    {"2021-12-25T22:48:35.641+08:00", 0, INT64_C(1640443715641)},
	    {"2024-02-29t23:59:60z", 0, INT64_C(1709251200000)},
	    {"2024-01-01 00:00:00.1-01:30", 0, INT64_C(1704072600100)},
	    {"1969-12-31T23:59:59Z", 0, -1000},
	    {"2023-02-29T00:00:00Z", OE_EINVAL, 0},
	    {"2024-13-01T00:00:00Z", OE_EINVAL, 0},
	    {"2024-00-01T00:00:00Z", OE_EINVAL, 0},
	    {"2024-01-01T24:00:00Z", OE_EINVAL, 0},
	    {"2024-01-01T00:00:00", OE_EINVAL, 0},
	    {"2024-01-01T00:00:00.Z", OE_EINVAL, 0},
	    {"2024-01-01T00:00:00+0100", OE_EINVAL, 0},
	    {"2024-01-01T00:00:00Zx", OE_EINVAL, 0},
	    {"2024-01-01", OE_EINVAL, 0},
	    {"20240101T000000Z", OE_EINVAL, 0},
	    {"", OE_EINVAL, 0},
	};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		ms = 7;
		if (oe_time_parse(cases[i].text, &ms) != cases[i].r)
			fail_msg("%s", cases[i].text);
		if (ms != (cases[i].r ? 7 : cases[i].ms))
			fail_msg("%s: %lld", cases[i].text, (long long)ms);
	}
}

static void
test_clocks(void **state)
{
	int64_t a, b;
	char text[40];

	(void)state;
	a = oe_time_mono_ms();
	b = oe_time_mono_ms();
	assert_true(b >= a);
	oe_time_fake(1700000000123);
	assert_true(oe_time_mono_ms() == 1700000000123);
	oe_time_format(oe_time_wall_ms(), text, sizeof text);
	assert_string_equal(text, "2023-11-14T22:13:20.123Z");
	oe_time_format(0, text, sizeof text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	oe_time_fake(-1);
	assert_true(oe_time_mono_ms() >= a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_durations),
	    cmocka_unit_test(test_moments),
	    cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
