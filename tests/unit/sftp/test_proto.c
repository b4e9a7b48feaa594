/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/proto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after what it needs */
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define ALL                                                                    \
	(OE_ATTR_SIZE | OE_ATTR_UIDGID | OE_ATTR_PERMISSIONS |                 \
	    OE_ATTR_ACMODTIME)

static const struct oe_sftp_attrs sample = {.flags = ALL,
    .size = 0x1122334455667788,
    .uid = 1000,
    .gid = 1001,
    .mode = 0100644,
    .atime = 0xfffffffe,
    .mtime = 7};

/* Each set of fields comes back as it went, and no cut one is taken. */
static void
test_attrs(void **state)
{
	struct oe_sftp_attrs a, got;
	struct oe_buf b, part;
	uint32_t flags;
	size_t n;

	(void)state;
	for (flags = 0; flags < 16; flags++) {
		oe_buf_init(&b, 100);
		a = sample;
		a.flags = flags;
		assert_int_equal(oe_sftp_put_attrs(&b, &a), 0);
		for (n = 0; n < oe_buf_left(&b); n++) {
			oe_buf_view(&part, oe_buf_head(&b), n);
			assert_int_equal(
			    oe_sftp_get_attrs(&part, &got), OE_ESHORT);
		}
		assert_int_equal(oe_sftp_get_attrs(&b, &got), 0);
		assert_int_equal(oe_buf_left(&b), 0);
		assert_int_equal(got.flags, flags);
		if (flags & OE_ATTR_SIZE)
			assert_int_equal(got.size, a.size);
		assert_int_equal(got.gid, flags & OE_ATTR_UIDGID ? a.gid : 0);
		assert_int_equal(
		    got.mode, flags & OE_ATTR_PERMISSIONS ? a.mode : 0);
		assert_int_equal(
		    got.mtime, flags & OE_ATTR_ACMODTIME ? a.mtime : 0);
		oe_buf_done(&b);
	}
}

static int
with_pairs(uint32_t count, uint32_t there)
{
	struct oe_sftp_attrs got;
	struct oe_buf b;
	int r;

	oe_buf_init(&b, 4096);
	oe_buf_put_u32(&b, OE_ATTR_EXTENDED);
	oe_buf_put_u32(&b, count);
	for (; there; there--) {
		oe_buf_put_cstring(&b, "name");
		oe_buf_put_cstring(&b, "value");
	}
	r = oe_sftp_get_attrs(&b, &got);
	oe_buf_done(&b);
	return r;
}

static void
test_pairs(void **state)
{
	(void)state;
	assert_int_equal(with_pairs(0, 0), 0);
	assert_int_equal(with_pairs(3, 3), 0);
	assert_int_equal(with_pairs(3, 2), OE_ESHORT);
	assert_int_equal(with_pairs(OE_SFTP_PAIRS_MAX, OE_SFTP_PAIRS_MAX), 0);
	assert_int_equal(with_pairs(OE_SFTP_PAIRS_MAX + 1, 70), OE_ETOOBIG);
	assert_int_equal(with_pairs(UINT32_MAX, 0), OE_ETOOBIG);
}

static void
test_too_small(void **state)
{
	struct oe_buf b;

	(void)state;
	oe_buf_init(&b, 10);
	assert_int_equal(oe_sftp_put_attrs(&b, &sample), OE_ETOOBIG);
	oe_buf_done(&b);
}

static void
test_vfs(void **state)
{
	const struct oe_sftp_vfs v = {
	    1, 2, 3, 4, 5, 6, 7, 8, 9, OE_VFS_NOSUID, 255};
	struct oe_sftp_vfs got;
	struct oe_buf b, part;

	(void)state;
	oe_buf_init(&b, 88);
	assert_int_equal(oe_sftp_put_vfs(&b, &v), 0);
	oe_buf_view(&part, oe_buf_head(&b), 87);
	assert_int_equal(oe_sftp_get_vfs(&part, &got), OE_ESHORT);
	assert_int_equal(oe_sftp_get_vfs(&b, &got), 0);
	assert_memory_equal(&v, &got, sizeof v);
	oe_buf_done(&b);
}

static void
test_times(void **state)
{
	struct sftp_time {
		int64_t here;
		uint32_t wire;
	} cases[] = {{0, 0}, {-1, 0}, {5, 5}, {0xffffffff, 0xffffffff},
	    {0x100000000, 0xffffffff}};
	struct oe_sftp_attrs a;
	struct stat st;
	size_t i;

	(void)state;
	memset(&st, 0, sizeof st);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		st.st_mtim.tv_sec = cases[i].here;
		oe_sftp_attrs_of(&st, &a);
		assert_int_equal(a.flags, ALL);
		assert_int_equal(a.mtime, cases[i].wire);
	}
}

static void
test_codes(void **state)
{
	static const struct {
		int sys_errno;
		enum oe_sftp_fx fx;
		int status;
	} cases[] = {
	    {0, OE_FX_OK, 0},
	    {ENOENT, OE_FX_NO_SUCH_FILE, OE_ENOENT},
	    {EACCES, OE_FX_PERMISSION_DENIED, OE_EPERM},
	    {ENOSPC, OE_FX_FAILURE, OE_ESYS},
	    {ENAMETOOLONG, OE_FX_BAD_MESSAGE, OE_EINVAL},
	    {EOPNOTSUPP, OE_FX_OP_UNSUPPORTED, OE_EINVAL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    oe_sftp_fx_of(cases[i].sys_errno), cases[i].fx);
		assert_int_equal(
		    oe_sftp_fx_status(cases[i].fx), cases[i].status);
	}
	assert_int_equal(oe_sftp_fx_status(OE_FX_EOF), OE_ESHORT);
	assert_int_equal(oe_sftp_fx_status(4711), OE_ESYS);
	assert_string_equal(oe_sftp_fx_text(4711), "Unknown status");
	assert_string_equal(oe_sftp_fx_text(OE_FX_EOF), "End of file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attrs),
	    cmocka_unit_test(test_pairs),
	    cmocka_unit_test(test_too_small),
	    cmocka_unit_test(test_vfs),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_codes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
