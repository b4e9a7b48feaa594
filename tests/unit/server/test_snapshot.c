/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "server/snapshot.h"

static void
assert_got(struct oe_srv_snapshot *s, const char *want)
{
	struct oe_buf b;

	assert_int_equal(oe_srv_snapshot_get(s, &b, NULL), 0);
	assert_int_equal(oe_buf_left(&b), strlen(want));
	assert_memory_equal(oe_buf_head(&b), want, strlen(want));
	oe_buf_done(&b);
	assert_int_equal(oe_srv_snapshot_get(s, &b, NULL), OE_EAGAIN);
}

static void
test_put_and_get(void **state)
{
	struct oe_srv_snapshot writer, reader, later;
	struct oe_buf b;

	(void)state;
	assert_int_equal(oe_srv_snapshot_open(&writer, NULL), 0);
	reader = writer;
	assert_int_equal(oe_srv_snapshot_get(&reader, &b, NULL), OE_EAGAIN);
	assert_int_equal(oe_srv_snapshot_put(&writer, "one", 3, NULL), 0);
	assert_got(&reader, "one");
	/* forked now: knows what is there */
	later = writer;
	assert_int_equal(oe_srv_snapshot_get(&later, &b, NULL), OE_EAGAIN);
	/* shorter than before, and empty; a reader may miss some */
	assert_int_equal(oe_srv_snapshot_put(&writer, "2", 1, NULL), 0);
	assert_int_equal(oe_srv_snapshot_put(&writer, "", 0, NULL), 0);
	assert_got(&reader, "");
	assert_int_equal(oe_srv_snapshot_put(&writer, "fourth", 6, NULL), 0);
	assert_got(&reader, "fourth");
	assert_got(&later, "fourth");
	/* numbers go on in the program that comes after */
	oe_srv_snapshot_adopt(&later, writer.fd);
	assert_int_equal(later.number, 4);
	assert_int_equal(oe_srv_snapshot_put(&later, "five", 4, NULL), 0);
	assert_got(&reader, "five");
	oe_srv_snapshot_close(&writer);
}

/* In the middle of a write there is nothing, and no half of something. */
static void
test_torn(void **state)
{
	struct oe_srv_snapshot writer, reader;
	struct oe_buf b;
	uint64_t huge = UINT64_MAX;

	(void)state;
	assert_int_equal(oe_srv_snapshot_open(&writer, NULL), 0);
	reader = writer;
	assert_int_equal(oe_srv_snapshot_put(&writer, "policy", 6, NULL), 0);
	/* the bytes begin behind number, length and hash */
	assert_int_equal(pwrite(writer.fd, "X", 1, 48), 1);
	assert_int_equal(oe_srv_snapshot_get(&reader, &b, NULL), OE_EAGAIN);
	assert_int_equal(pwrite(writer.fd, "p", 1, 48), 1);
	assert_got(&reader, "policy");
	reader.number = 0;
	assert_int_equal(ftruncate(writer.fd, 50), 0);
	assert_int_equal(oe_srv_snapshot_get(&reader, &b, NULL), OE_EAGAIN);
	assert_int_equal(pwrite(writer.fd, &huge, sizeof huge, 8), sizeof huge);
	assert_int_equal(oe_srv_snapshot_get(&reader, &b, NULL), OE_ESYS);
	oe_srv_snapshot_close(&writer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put_and_get),
	    cmocka_unit_test(test_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
