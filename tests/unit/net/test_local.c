/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/net/cidr.h"
#include "core/net/local.h"

static void
test_known(void **state)
{
	static const struct {
		const char *address;
		bool want;
	} t[] = {
	    {"127.0.0.1", true},
	    {"127.3.2.1", true},
	    /* documentation networks: RFC 5737, RFC 3849 */
	    {"198.51.100.77", false},
	    {"2001:db8:77::1", false},
	    {"8.8.8.8", false},
	};
	struct oe_addr a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(oe_addr_parse(t[i].address, &a, NULL), 0);
		if (oe_addr_is_local(&a) != t[i].want)
			fail_msg("%s", t[i].address);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
