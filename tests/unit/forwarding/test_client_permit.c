/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_permit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/str.h"

static void
decides(void **state)
{
	static const struct {
		const char *list; /* items between blanks */
		const char *host;
		int port;
		bool permitted;
	} cases[] = {
	    {"any", "h", 1, true},
	    {"ANY", "::1", 65535, true},
	    {"none", "h", 1, false},
	    {"h:80", "h", 80, true},
	    {"h:80", "h", 81, false},
	    {"h:80", "hh", 80, false},
	    {"h:80", "", 80, false},
	    {"H.Example:80", "h.eXample", 80, true},
	    {"h:*", "h", 65535, true},
	    {"h:*", "g", 65535, false},
	    {"*:443", "anything", 443, true},
	    {"*:443", "::1", 443, true},
	    {"*:443", "anything", 80, false},
	    {"*:*", "h", 7, true},
	    {"**:1", "h", 1, false},
	    {"[::1]:22", "::1", 22, true},
	    {"[::1]:22", "0:0:0:0:0:0:0:1", 22, false},
	    {"[::1]:*", "::1", 9, true},
	    {"127.0.0.1:1", "localhost", 1, false},
	    {"a:1 b:2", "b", 2, true},
	    {"a:1 b:2", "b", 1, false},
	    {"a:1 b:2", "a", 2, false},
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_strs list;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		list = (struct oe_strs){NULL, 0};
		oe_strs_split(&list, cases[i].list, ' ');
		if (oe_fwd_permit_check(&list, &err) < 0)
			fail_msg("%s: %s", cases[i].list, oe_err_text(&err));
		if (oe_fwd_permit(&list, cases[i].host, cases[i].port) !=
		    cases[i].permitted)
			fail_msg("%s: %s port %d", cases[i].list, cases[i].host,
			    cases[i].port);
		oe_strs_done(&list);
	}
}

static void
refuses(void **state)
{
	static const char *const cases[] = {
	    "h",
	    ":80",
	    "h:",
	    "h:0",
	    "h:65536",
	    "h:x",
	    "h:080",
	    "::1:80",
	    "[::1:80",
	    "[::1]80",
	    "[]:80",
	    "[:80",
	    "]:80 [",
	    "any none",
	    "any h:80",
	    "h:80 none",
	};
	struct oe_strs list;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		list = (struct oe_strs){NULL, 0};
		oe_strs_split(&list, cases[i], ' ');
		if (oe_fwd_permit_check(&list, NULL) != OE_EINVAL)
			fail_msg("%s", cases[i]);
		/* read or not, it permits nothing */
		assert_false(oe_fwd_permit(&list, "zzz", 1));
		oe_strs_done(&list);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decides),
	    cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
