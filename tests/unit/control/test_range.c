/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "control/range.h"
#include "core/base/err.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t first;
		unsigned prefix;
	} cases[] = {
	    {"100.100.0.0/24", 0, 0x64640000, 24},
	    {"10.0.0.0/12", 0, 0x0a000000, 12},
	    {"192.168.255.252/30", 0, 0xc0a8fffc, 30},
	    {"172.16.0.0/12", 0, 0xac100000, 12},
	    {"100.64.0.0/12", 0, 0x64400000, 12},
	    {"172.32.0.0/16", OE_EINVAL, 0, 0},
	    {"100.128.0.0/16", OE_EINVAL, 0, 0},
	    {"10.0.0.0/11", OE_EINVAL, 0, 0},
	    {"10.0.0.0/31", OE_EINVAL, 0, 0},
	    {"10.0.0.1/24", OE_EINVAL, 0, 0},
	    {"8.8.8.0/24", OE_EINVAL, 0, 0},
	    {"10.0.0.0", OE_EINVAL, 0, 0},
	    {"10.0.0.0/", OE_EINVAL, 0, 0},
	    {"10.0.0.0/24x", OE_EINVAL, 0, 0},
	    {"10.0.0/24", OE_EINVAL, 0, 0},
	    {"fd00::/64", OE_EINVAL, 0, 0},
	    {"1111111111111111111111/24", OE_EINVAL, 0, 0},
	    {"", OE_EINVAL, 0, 0},
	};
	struct oe_ctl_range r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		r.first = r.prefix = 0;
		assert_int_equal(
		    oe_ctl_range_parse(cases[i].text, &r, NULL), cases[i].rc);
		assert_int_equal(r.first, cases[i].first);
		assert_int_equal(r.prefix, cases[i].prefix);
	}
}

static uint32_t
lowest(uint32_t upper)
{
	(void)upper;
	return 0;
}

static uint32_t
highest(uint32_t upper)
{
	return upper - 1;
}

#define NET 0x0a000000u

static void
test_pick(void **state)
{
	static const struct {
		uint32_t used[8];
		size_t n;
		uint32_t low, high;
	} cases[] = {
	    {{0}, 0, 2, 6},
	    {{NET + 2}, 1, 3, 6},
	    {{NET + 6}, 1, 2, 5},
	    {{NET + 3, NET + 4}, 2, 2, 6},
	    {{NET + 2, NET + 3, NET + 5, NET + 6}, 4, 4, 4},
	    /* what is not given out may be in use all the same */
	    {{NET, NET + 1, NET + 2, NET + 7}, 4, 3, 6},
	    {{NET + 2, NET + 3, NET + 4, NET + 5, NET + 6}, 5, 0, 0},
	};
	const struct oe_ctl_range r = {NET, 29};
	uint32_t low, high;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		low = oe_ctl_range_pick(&r, cases[i].used, cases[i].n, lowest);
		high =
		    oe_ctl_range_pick(&r, cases[i].used, cases[i].n, highest);
		assert_int_equal(low, cases[i].low ? NET + cases[i].low : 0);
		assert_int_equal(high, cases[i].high ? NET + cases[i].high : 0);
	}
}

static void
test_text(void **state)
{
	const struct oe_ctl_range r = {NET, 20};
	char text[16];
	uint32_t a;

	(void)state;
	oe_ctl_range_mask(&r, text);
	assert_string_equal(text, "255.255.240.0");
	oe_ctl_address_text(0xfffefdfc, text);
	assert_string_equal(text, "255.254.253.252");
	assert_true(oe_ctl_address_parse(text, &a));
	assert_int_equal(a, 0xfffefdfc);
	assert_false(oe_ctl_address_parse("::1", &a));
	assert_false(oe_ctl_range_has(&r, NET + 4096));
	assert_true(oe_ctl_range_has(&r, NET + 4095));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_pick),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
