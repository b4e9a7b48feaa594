/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"

static void
test_messages(void **state)
{
	struct oe_err err = OE_ERR_INIT;

	(void)state;
	assert_string_equal(oe_err_text(&err), "success");
	assert_int_equal(
	    oe_err_set(&err, OE_EINVAL, "port %d", 70000), OE_EINVAL);
	assert_string_equal(err.msg, "port 70000");
	assert_int_equal(
	    oe_err_wrap(&err, OE_ECONF, "%s:%d", "x.conf", 3), OE_ECONF);
	assert_string_equal(oe_err_text(&err), "x.conf:3: port 70000");
	assert_int_equal(err.code, OE_ECONF);

	errno = ENOENT;
	assert_int_equal(oe_err_sys(&err, "open '%s'", "/k"), OE_ESYS);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_string_equal(err.msg, "open '/k': No such file or directory");

	oe_err_set(&err, OE_ETIMEOUT, "%s", "");
	assert_string_equal(oe_err_text(&err), "timed out");
	oe_err_wrap(&err, OE_ETIMEOUT, "connect");
	assert_string_equal(oe_err_text(&err), "connect: timed out");
}

static void
test_nobody_asks(void **state)
{
	(void)state;
	assert_int_equal(oe_err_set(NULL, OE_EPERM, "x"), OE_EPERM);
	assert_int_equal(oe_err_sys(NULL, "x"), OE_ESYS);
	assert_int_equal(oe_err_wrap(NULL, OE_EPERM, "x"), OE_EPERM);
}

static void
test_long_message_is_cut(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	char big[2 * OE_ERR_MSG_MAX];
	int i;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	oe_err_set(&err, OE_EINVAL, "%s", big);
	for (i = 0; i < 3; i++)
		oe_err_wrap(&err, OE_EINVAL, "%s", big);
	errno = EIO;
	oe_err_sys(&err, "%s", big);
	assert_int_equal(strlen(err.msg), OE_ERR_MSG_MAX - 1);
}

static void
test_every_code_has_a_name(void **state)
{
	int code;

	(void)state;
	for (code = OE_OK; code >= OE_EABSENT; code--)
		assert_string_not_equal(oe_status_text(code), "unknown error");
	assert_string_equal(oe_status_text(1), "unknown error");
	assert_string_equal(oe_status_text(OE_EABSENT - 1), "unknown error");
	assert_string_equal(oe_status_text(INT32_MIN), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_nobody_asks),
	    cmocka_unit_test(test_long_message_is_cut),
	    cmocka_unit_test(test_every_code_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
