/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"

static void
test_wire_types(void **state)
{
	static const uint8_t wire[] = {7, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 0,
	    0, 0, 2, 'h', 'i', 0, 0, 0, 0};
	struct oe_buf b, s;
	uint64_t u64;
	uint32_t u32;
	uint8_t u8;
	char *text;

	(void)state;
	oe_buf_init(&b, 1024);
	assert_int_equal(oe_buf_put_u8(&b, 7), 0);
	assert_int_equal(oe_buf_put_u32(&b, 0x01020304), 0);
	assert_int_equal(oe_buf_put_u64(&b, 0x0102030405060708), 0);
	assert_int_equal(oe_buf_put_cstring(&b, "hi"), 0);
	assert_int_equal(oe_buf_put_cstring(&b, NULL), 0);
	assert_int_equal(oe_buf_left(&b), sizeof wire);
	assert_memory_equal(oe_buf_head(&b), wire, sizeof wire);

	assert_int_equal(oe_buf_get_u8(&b, &u8), 0);
	assert_int_equal(u8, 7);
	assert_int_equal(oe_buf_get_u32(&b, &u32), 0);
	assert_int_equal(u32, 0x01020304);
	assert_int_equal(oe_buf_get_u64(&b, &u64), 0);
	assert_true(u64 == 0x0102030405060708);
	assert_int_equal(oe_buf_get_cstring(&b, 10, &text), 0);
	assert_string_equal(text, "hi");
	free(text);
	assert_int_equal(oe_buf_get_string(&b, &s), 0);
	assert_int_equal(oe_buf_left(&s), 0);
	assert_int_equal(oe_buf_get_u8(&b, &u8), OE_ESHORT);
	oe_buf_done(&b);
}

static void
test_short_input_is_left_alone(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int r;
	} bad[] = {
	    {"", 0, OE_ESHORT},
	    {"\0\0\0", 3, OE_ESHORT},
	    {"\0\0\0\1", 4, OE_ESHORT},
	    {"\0\0\0\5abcd", 8, OE_ESHORT},
	    {"\xff\xff\xff\xff"
	     "abcd",
		8, OE_ESHORT},
	    {"\0\0\0\5abcde", 9, OE_ETOOBIG},
	    {"\0\0\0\3a\0b", 7, OE_EPROTO},
	};
	struct oe_buf b;
	uint64_t u64;
	char *text = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(bad); i++) {
		oe_buf_view(&b, bad[i].bytes, bad[i].n);
		assert_int_equal(oe_buf_get_cstring(&b, 4, &text), bad[i].r);
		assert_null(text);
		assert_int_equal(oe_buf_left(&b), bad[i].n);
	}
	oe_buf_view(&b, "1234567", 7);
	assert_int_equal(oe_buf_get_u64(&b, &u64), OE_ESHORT);
	assert_int_equal(oe_buf_left(&b), 7);
}

static void
test_bound(void **state)
{
	struct oe_buf b;
	uint8_t u8;
	int i;

	(void)state;
	oe_buf_init(&b, 10);
	assert_int_equal(oe_buf_put(&b, "0123456789", 10), 0);
	assert_int_equal(oe_buf_room(&b), 0);
	assert_int_equal(oe_buf_put_u8(&b, 0), OE_ETOOBIG);
	assert_int_equal(oe_buf_put(&b, "", 0), 0);
	/* what was read makes room again, as often as one likes */
	for (i = 0; i < 100; i++) {
		oe_buf_skip(&b, 4);
		assert_int_equal(oe_buf_room(&b), 4);
		assert_int_equal(oe_buf_put_string(&b, "x", 1), OE_ETOOBIG);
		assert_int_equal(oe_buf_put_string(&b, "", 0), 0);
	}
	assert_int_equal(oe_buf_left(&b), 10);
	oe_buf_skip(&b, 1000);
	assert_int_equal(oe_buf_left(&b), 0);
	assert_int_equal(oe_buf_printf(&b, "%d-%s", 42, "ab"), 0);
	assert_memory_equal(oe_buf_head(&b), "42-ab", 5);
	assert_int_equal(oe_buf_printf(&b, "%s", "too long"), OE_ETOOBIG);
	assert_int_equal(oe_buf_left(&b), 5);
	oe_buf_reset(&b);
	assert_int_equal(oe_buf_get_u8(&b, &u8), OE_ESHORT);
	oe_buf_done(&b);
}

static void
test_view_is_read_only(void **state)
{
	struct oe_buf b;

	(void)state;
	oe_buf_view(&b, "abc", 3);
	assert_int_equal(oe_buf_room(&b), 0);
	assert_int_equal(oe_buf_put_u8(&b, 1), OE_ETOOBIG);
	oe_buf_skip(&b, 3);
	assert_int_equal(oe_buf_left(&b), 0);
	oe_buf_done(&b);
	oe_buf_init(&b, 0);
	assert_non_null(oe_buf_head(&b));
	oe_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wire_types),
	    cmocka_unit_test(test_short_input_is_left_alone),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_view_is_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
