/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be asked counts as shared; an interface without link addresses
 * takes root to make, and is in tests/integration/93-mesh-wireguard.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/net/link.h"

static void
test_shared(void **state)
{
	static const char *const names[] = {
	    "lo",
	    "",
	    "no-such-link",
	    "a-name-that-is-longer-than-any-interface-may-have",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (!oe_link_is_shared(names[i]))
			fail_msg("%s", names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
