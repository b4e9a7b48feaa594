/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "sftp/meter.h"

static void
test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} all[] = {
	    {0, "0B"},
	    {999, "999B"},
	    {1000, "1.0KB"},
	    {1536, "1.5KB"},
	    {10 * 1024, "10KB"},
	    {1023 * 1024, "1.0MB"},
	    {5ull << 30, "5.0GB"},
	    {UINT64_MAX, "16384PB"},
	};
	char got[OE_METER_WORD];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_meter_size(all[i].bytes, got);
		assert_string_equal(got, all[i].want);
	}
}

static void
test_time(void **state)
{
	static const struct {
		int64_t s;
		const char *want;
	} all[] = {
	    {0, "00:00"},
	    {754, "12:34"},
	    {3723, "1:02:03"},
	    {-1, "--:--"},
	    {INT64_MAX, "--:--"},
	};
	char got[OE_METER_WORD];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_meter_time(all[i].s, got);
		assert_string_equal(got, all[i].want);
	}
}

static void
test_percent(void **state)
{
	(void)state;
	assert_int_equal(oe_meter_percent(0, 0), 100);
	assert_int_equal(oe_meter_percent(0, 10), 0);
	assert_int_equal(oe_meter_percent(9999, 10000), 99);
	assert_int_equal(oe_meter_percent(20, 10), 100);
	assert_int_equal(oe_meter_percent(UINT64_MAX / 2, UINT64_MAX), 50);
}

static void
test_rate(void **state)
{
	struct oe_meter_rate r = {0, 0, 0, 0};
	int64_t at;

	(void)state;
	oe_meter_look(&r, 1000, 0);
	oe_meter_look(&r, 1200, 200);
	assert_int_equal((int)r.per_s, 1000);
	/* half as fast: it follows, but not at once */
	oe_meter_look(&r, 1400, 300);
	assert_true(r.per_s < 1000 && r.per_s > 900);
	/* the clock stands: nothing to be learnt */
	oe_meter_look(&r, 1400, 9000);
	assert_true(r.per_s < 1000);
	for (at = 1600; at < 6200; at += 200)
		oe_meter_look(&r, at, 300);
	assert_false(oe_meter_stalled(&r));
	oe_meter_look(&r, 6600, 300);
	assert_true(oe_meter_stalled(&r));
	oe_meter_look(&r, 6800, 301);
	assert_false(oe_meter_stalled(&r));
	/* begun anew: back to nothing */
	oe_meter_look(&r, 7000, 0);
	assert_true(r.per_s >= 0);
}

static void
test_line(void **state)
{
	struct oe_meter m = {.label = "name",
	    .percent = 45,
	    .bytes = 5 << 20,
	    .per_s = 1.5 * (1 << 20),
	    .seconds = 4,
	    .left = true};
	char got[OE_METER_MAX];

	(void)state;
	oe_meter_format(&m, 50, got);
	assert_string_equal(
	    got, "name              45%  5.0MB  1.5MB/s    00:04 ETA");
	assert_int_equal(strlen(got), 50);
	m.stalled = true;
	oe_meter_format(&m, 50, got);
	assert_string_equal(
	    got, "name              45%  5.0MB  1.5MB/s  stalled    ");
	m.percent = -1;
	m.label = "a/very/long/path/to/some.file";
	oe_meter_format(&m, 50, got);
	assert_string_equal(
	    got, ".../to/some.file       5.0MB  1.5MB/s  stalled    ");
	/* too narrow for numbers */
	oe_meter_format(&m, 20, got);
	assert_int_equal(strlen(got), 20);
	oe_meter_format(&m, 100000, got);
	assert_int_equal(strlen(got), OE_METER_COLUMNS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_time),
	    cmocka_unit_test(test_percent),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
