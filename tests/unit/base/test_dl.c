/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "core/base/dl.h"
#include "core/base/err.h"

#define LIBC     "libc.so.6"
#define CALLS(X) X(getpid) X(strlen)

struct calls {
	CALLS(OE_DL_MEMBER)
};

#define SYMBOL(f) OE_DL_SYMBOL(struct calls, f)

static const struct oe_dl_symbol symbols[] = {CALLS(SYMBOL) OE_DL_END};

static void
test_found(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct calls c;

	(void)state;
	assert_int_equal(oe_dl_load(LIBC, symbols, &c, &err), 0);
	assert_int_equal(c.getpid(), getpid());
	assert_int_equal(c.strlen("three"), 5);
}

static void
test_absent(void **state)
{
	static const struct oe_dl_symbol unknown[] = {
	    CALLS(SYMBOL){"oe_no_such_function", 0}, OE_DL_END};
	struct oe_err err = OE_ERR_INIT;
	struct calls c;

	(void)state;
	assert_int_equal(
	    oe_dl_load("liboe-no-such.so.1", symbols, &c, &err), OE_EABSENT);
	assert_non_null(strstr(oe_err_text(&err), "liboe-no-such.so.1"));
	assert_int_equal(oe_dl_load(LIBC, unknown, &c, &err), OE_EABSENT);
	assert_non_null(strstr(oe_err_text(&err), "oe_no_such_function"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
