/* SPDX-License-Identifier: Apache-2.0 */
#include "control/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Milliseconds that the account has to wait after @tries at @now. */
static void
test_throttle(void **state)
{
	struct oe_ctl_throttle *t = oe_ctl_throttle_new();
	int64_t now = 1000, wait, before = 0;
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_int_equal(
		    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "a", now),
		    0);
	/* each failure doubles the pause, up to a minute */
	for (i = 0; i < 12; i++) {
		wait =
		    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "a", now);
		assert_true(wait > 0 && wait <= 60000);
		assert_true(wait >= before);
		before = wait;
		now += wait;
		assert_int_equal(
		    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "a", now),
		    0);
	}
	assert_int_equal(before, 60000);
	/* others are not concerned, nor is the address of that name */
	assert_int_equal(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "b", now), 0);
	assert_int_equal(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ADDRESS, "a", now), 0);
	/* success forgives, and so does an hour */
	oe_ctl_throttle_good(t, OE_CTL_THROTTLE_ACCOUNT, "a", now);
	assert_int_equal(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "a", now), 0);
	assert_int_equal(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "a", now), 0);
	oe_ctl_throttle_free(&t);
}

/* Threads do not come in the order in which they have looked at the clock. */
static void
test_order(void **state)
{
	struct oe_ctl_throttle *t = oe_ctl_throttle_new();
	int kind;

	(void)state;
	for (kind = 0; kind < OE_CTL_THROTTLE_KNOWN; kind++) {
		assert_int_equal(oe_ctl_throttle_try(t, kind, "a", 1000), 0);
		assert_int_equal(oe_ctl_throttle_try(t, kind, "a", 990), 0);
	}
	oe_ctl_throttle_free(&t);
}

static void
test_throttle_address(void **state)
{
	struct oe_ctl_throttle *t = oe_ctl_throttle_new();
	char key[32];
	int i;

	(void)state;
	/* right each time: never slowed */
	for (i = 0; i < 1000; i++) {
		assert_int_equal(oe_ctl_throttle_try(
				     t, OE_CTL_THROTTLE_ADDRESS, "10.0.0.1", 5),
		    0);
		oe_ctl_throttle_good(t, OE_CTL_THROTTLE_ADDRESS, "10.0.0.1", 5);
	}
	/* a table full of others still has room */
	for (i = 0; i < 50000; i++) {
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(
		    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ADDRESS, key, 5 + i),
		    0);
	}
	oe_ctl_throttle_free(&t);
}

/* Names that somebody makes up push out nothing that matters. */
static void
test_flood(void **state)
{
	struct oe_ctl_throttle *t = oe_ctl_throttle_new();
	char key[32];
	int i;

	(void)state;
	for (i = 0; i < 30; i++)
		(void)oe_ctl_throttle_try(
		    t, OE_CTL_THROTTLE_ADDRESS, "192.0.2.1", 1000);
	for (i = 0; i < 6; i++)
		(void)oe_ctl_throttle_try(
		    t, OE_CTL_THROTTLE_ACCOUNT, "ann", 1000);
	for (i = 0; i < 100000; i++) {
		snprintf(key, sizeof key, "a%d", i);
		(void)oe_ctl_throttle_try(
		    t, OE_CTL_THROTTLE_ACCOUNT, key, 1100);
		(void)oe_ctl_throttle_try(
		    t, OE_CTL_THROTTLE_ADDRESS, key, 1100);
	}
	assert_true(oe_ctl_throttle_try(
			t, OE_CTL_THROTTLE_ADDRESS, "192.0.2.1", 1200) > 0);
	assert_true(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "ann", 1200) > 0);
	oe_ctl_throttle_free(&t);
}

/* What the server had no time for is not held against anybody. */
static void
test_undo(void **state)
{
	struct oe_ctl_throttle *t = oe_ctl_throttle_new();
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_int_equal(oe_ctl_throttle_try(
				     t, OE_CTL_THROTTLE_ACCOUNT, "ann", 1000),
		    0);
		if (i >= 4)
			oe_ctl_throttle_undo(t, OE_CTL_THROTTLE_ACCOUNT, "ann");
	}
	/* the four that failed are */
	(void)oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "ann", 1000);
	assert_true(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_ACCOUNT, "ann", 1000) > 0);
	oe_ctl_throttle_undo(t, OE_CTL_THROTTLE_ACCOUNT, "nobody");
	oe_ctl_throttle_free(&t);
}

/* Who was right before is not kept out by others who guess. */
static void
test_known(void **state)
{
	struct oe_ctl_throttle *t = oe_ctl_throttle_new();
	int i;

	(void)state;
	assert_int_equal(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_KNOWN, "ann 1", 1000), -1);
	oe_ctl_throttle_good(t, OE_CTL_THROTTLE_KNOWN, "ann 1", 1000);
	for (i = 0; i < 5; i++)
		assert_int_equal(oe_ctl_throttle_try(t, OE_CTL_THROTTLE_KNOWN,
				     "ann 1", 1000 + 2 * 3600 * 1000),
		    0);
	assert_true(oe_ctl_throttle_try(t, OE_CTL_THROTTLE_KNOWN, "ann 1",
			1000 + 2 * 3600 * 1000) > 0);
	assert_int_equal(
	    oe_ctl_throttle_try(t, OE_CTL_THROTTLE_KNOWN, "ann 2", 1000), -1);
	oe_ctl_throttle_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_throttle),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_throttle_address),
	    cmocka_unit_test(test_flood),
	    cmocka_unit_test(test_undo),
	    cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
