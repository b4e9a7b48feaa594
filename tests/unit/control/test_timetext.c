/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/resource.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} cases[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2031-05-06T07:08:09.123Z", 1935817689123},
	    {"2031-05-06t07:08:09.123456789z", 1935817689123},
	    {"2031-05-06T15:08:09.123+08:00", 1935817689123},
	    {"2031-05-05T23:38:09.1-07:30", 1935817689100},
	    {"2028-02-29T00:00:00Z", 1835395200000},
	    {"2031-12-31T23:59:60Z", 1956528000000},
	    {"2031-02-29T00:00:00Z", -1},
	    {"2031-04-31T00:00:00Z", -1},
	    {"2031-13-01T00:00:00Z", -1},
	    {"2031-00-01T00:00:00Z", -1},
	    {"1969-12-31T23:59:59Z", -1},
	    {"1970-01-01T00:00:00+00:01", -1},
	    {"2031-05-06T24:00:00Z", -1},
	    {"2031-05-06T07:60:09Z", -1},
	    {"2031-05-06T07:08:09", -1},
	    {"2031-05-06T07:08:09.Z", -1},
	    {"2031-05-06T07:08:09.1234567890Z", -1},
	    {"2031-05-06T07:08:09+0800", -1},
	    {"2031-05-06T07:08:09+24:00", -1},
	    {"2031-05-06T07:08:09Z ", -1},
	    {"2031-05-06 07:08:09Z", -1},
	    {"31-05-06T07:08:09Z", -1},
	    {"", -1},
	    {NULL, -1},
	};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ms = -1;
		assert_int_equal(
		    oe_ctl_time_parse(cases[i].text, &ms), cases[i].ms >= 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
