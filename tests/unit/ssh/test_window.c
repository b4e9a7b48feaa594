/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/ssh/window.h"

#define MB  1000000u
#define MAX (16u * 1024 * 1024)

/* What one measured stretch makes of the window. */
static void
test_judge(void **state)
{
	static const struct {
		const char *what;
		size_t size, bytes;
		int64_t took_ms;
		uint64_t rtt_us;
		size_t max, expected;
	} cases[] = {
	    {"loopback at 1 GB/s", OE_SSH_WINDOW_MIN, 10 * MB, 10, 30, MAX,
		OE_SSH_WINDOW_MIN},
	    {"10 Gbit/s next door", OE_SSH_WINDOW_MIN, 12 * MB, 10, 300, MAX,
		OE_SSH_WINDOW_MIN},
	    {"10 Gbit/s in town", OE_SSH_WINDOW_MIN, 12 * MB, 10, 1000, MAX,
		2 * OE_SSH_WINDOW_MIN},
	    {"again", 2 * OE_SSH_WINDOW_MIN, 12 * MB, 10, 1000, MAX,
		4 * OE_SSH_WINDOW_MIN},
	    {"enough", 4 * OE_SSH_WINDOW_MIN, 12 * MB, 10, 1000, MAX,
		4 * OE_SSH_WINDOW_MIN},
	    {"far", OE_SSH_WINDOW_MIN, 200000, 50, 50000, MAX, 10 * MB},
	    {"far and fast", 10 * MB, 5 * MB, 50, 50000, MAX, MAX},
	    {"very far", OE_SSH_WINDOW_MIN, 200000, 300, 300000, MAX, MAX},
	    {"far, others have it", OE_SSH_WINDOW_MIN, 200000, 50, 50000,
		2 * MB, 2 * MB},
	    {"never smaller", 10 * MB, 9 * MB, 50, 50000, 2 * MB, 10 * MB},
	    {"no round trip known", OE_SSH_WINDOW_MIN, 100 * MB, 100, 0, MAX,
		OE_SSH_WINDOW_MIN},
	    {"less than a round trip", OE_SSH_WINDOW_MIN, MB, 20, 50000, MAX,
		OE_SSH_WINDOW_MIN},
	};
	struct oe_ssh__window w;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_ssh__window_init(&w);
		w.size = cases[i].size;
		w.bytes = cases[i].bytes;
		w.since_ms = 1000;
		oe_ssh__window_judge(
		    &w, 1000 + cases[i].took_ms, cases[i].rtt_us, cases[i].max);
		if (w.size != cases[i].expected)
			print_error("%s: %zu\n", cases[i].what, w.size);
		assert_int_equal(w.size, cases[i].expected);
	}
}

/* Typing and pauses are not measured. */
static void
test_wants(void **state)
{
	struct oe_ssh__window w;

	(void)state;
	oe_ssh__window_init(&w);
	assert_false(oe_ssh__window_wants(&w, 1000));
	oe_ssh__window_got(&w, 100);
	assert_false(oe_ssh__window_wants(&w, 1000)); /* it begins */
	oe_ssh__window_got(&w, 100);
	assert_false(oe_ssh__window_wants(&w, 1500)); /* too little */
	oe_ssh__window_got(&w, MB);
	assert_true(oe_ssh__window_wants(&w, 1500));
	assert_false(oe_ssh__window_wants(&w, 9000)); /* too long ago */
	oe_ssh__window_got(&w, MB);
	assert_false(oe_ssh__window_wants(&w, 9001)); /* too soon */
	assert_true(oe_ssh__window_wants(&w, 9020));
}

/* libssh's own window needs no help; a larger one is kept up. */
static void
test_due(void **state)
{
	struct oe_ssh__window w;

	(void)state;
	oe_ssh__window_init(&w);
	oe_ssh__window_got(&w, 10 * MB);
	assert_false(oe_ssh__window_due(&w));
	w.since_ms = 1000;
	oe_ssh__window_judge(&w, 1050, 50000, MAX);
	assert_true(oe_ssh__window_due(&w));
	oe_ssh__window_granted(&w);
	assert_false(oe_ssh__window_due(&w));
	oe_ssh__window_got(&w, w.size / 4);
	assert_true(oe_ssh__window_due(&w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_judge),
	    cmocka_unit_test(test_wants),
	    cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
