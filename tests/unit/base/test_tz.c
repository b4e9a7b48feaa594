/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/time.h"
#include "core/base/tz.h"
#include "core/base/tz_rule.h"

static const char *const zones[] = {"Europe/Berlin", "America/New_York",
    "Asia/Tokyo", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca",
    "America/St_Johns", "Pacific/Apia", "Europe/Dublin", "Antarctica/Troll",
    "America/Nuuk", "Asia/Gaza", "Etc/GMT+5", "Etc/UTC"};

/* The C library is asked for the same moments. */
static void
test_against_the_library(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_tz *tz = NULL;
	struct tm tm;
	int64_t s;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(zones); i++) {
		if (oe_tz_load(zones[i], &tz, &err) < 0)
			fail_msg("%s", oe_err_text(&err));
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		/* 1970 to 2100, at uneven steps of about nine hours */
		for (s = 3; s < INT64_C(4102444800); s += 32771) {
			time_t t = (time_t)s;

			localtime_r(&t, &tm);
			if (oe_tz_offset(tz, s) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", zones[i],
				    (long long)s, oe_tz_offset(tz, s),
				    tm.tm_gmtoff);
		}
		oe_tz_free(&tz);
	}
	unsetenv("TZ");
	tzset();
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int r;
	} cases[] = {
	    {"UTC", 0},
	    {"", OE_EINVAL},
	    {"/etc/localtime", OE_EINVAL},
	    {"../../../etc/passwd", OE_EINVAL},
	    {"Europe/../Europe/Berlin", OE_EINVAL},
	    {"Europe//Berlin", OE_EINVAL},
	    {"Europe/", OE_EINVAL},
	    {"Europe", OE_ENOENT},
	    {"-x", OE_EINVAL},
	    {"zone1970.tab", OE_EINVAL},
	    {"Europe/Atlantis", OE_ENOENT},
	};
	struct oe_tz *tz = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    oe_tz_load(cases[i].name, &tz, NULL), cases[i].r);
		if (tz)
			assert_int_equal(oe_tz_offset(tz, 0), 0);
		oe_tz_free(&tz);
	}
}

static void
test_rules(void **state)
{
	static const struct {
		const char *text, *at;
		int r;
		int32_t offset;
	} cases[] = {
	    {"UTC0", "2030-01-01T00:00:00Z", 0, 0},
	    {"<+0545>-5:45", "2030-01-01T00:00:00Z", 0, 20700},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-03-31T00:59:59Z", 0, 3600},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-03-31T01:00:00Z", 0, 7200},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-10-27T00:59:59Z", 0, 7200},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-10-27T01:00:00Z", 0, 3600},
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2030-01-01T00:00:00Z", 0, 39600},
	    {"AAA3BBB,J60/0,300/-2", "2032-03-01T02:59:59Z", 0, -10800},
	    {"AAA3BBB,J60/0,300/-2", "2032-03-01T03:00:00Z", 0, -7200},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T00:59:59Z", 0,
		-7200},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T01:00:00Z", 0,
		-3600},
	    {"", NULL, OE_EINVAL, 0},
	    {"CE-1", NULL, OE_EINVAL, 0},
	    {"CET", NULL, OE_EINVAL, 0},
	    {"CET-25", NULL, OE_EINVAL, 0},
	    {"CET-1CEST", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,M3.5.0", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,M13.5.0,M10.5.0", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,M3.6.0,M10.5.0", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,M3.5.7,M10.5.0", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,J0,J5", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,M3.5.0,M10.5.0/168", NULL, OE_EINVAL, 0},
	    {"CET-1CEST,M3.5.0,M10.5.0 ", NULL, OE_EINVAL, 0},
	    {"<+1-1", NULL, OE_EINVAL, 0},
	};
	struct oe_tz_rule rule;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		if (oe_tz_rule_parse(cases[i].text, &rule) != cases[i].r)
			fail_msg("%s", cases[i].text);
		if (cases[i].r)
			continue;
		assert_int_equal(oe_time_parse(cases[i].at, &ms), 0);
		if (oe_tz_rule_offset(&rule, ms / 1000) != cases[i].offset)
			fail_msg("%s at %s", cases[i].text, cases[i].at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_against_the_library),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
