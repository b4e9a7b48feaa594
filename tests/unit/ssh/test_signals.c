/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after what it needs */
#include <cmocka.h>

static void
numbers(void **state)
{
	(void)state;
	assert_int_equal(oe_ssh_signal_number("TERM"), SIGTERM);
	assert_int_equal(oe_ssh_signal_number("KILL"), SIGKILL);
	assert_int_equal(oe_ssh_signal_number("BUS"), SIGBUS);
	/* without "SIG", in capitals, and nothing that means "no signal" */
	assert_int_equal(oe_ssh_signal_number("SIGTERM"), 0);
	assert_int_equal(oe_ssh_signal_number("term"), 0);
	assert_int_equal(oe_ssh_signal_number("STOP"), 0);
	assert_int_equal(oe_ssh_signal_number(""), 0);
	assert_int_equal(oe_ssh_signal_number(NULL), 0);
}

static void
names(void **state)
{
	static const int all[] = {SIGABRT, SIGBUS, SIGSEGV, SIGTERM, SIGXCPU};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof all / sizeof *all; i++)
		assert_int_equal(
		    oe_ssh_signal_number(oe_ssh_signal_name(all[i])), all[i]);
	assert_string_equal(oe_ssh_signal_name(0), "KILL");
	assert_string_equal(oe_ssh_signal_name(SIGRTMIN), "KILL");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
