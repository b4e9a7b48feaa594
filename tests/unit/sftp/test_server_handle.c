/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

#include "sftp/server_internal.h"

#define MAX 20

static int
add(struct oe_sftp__handles *t, uint8_t *wire)
{
	char path[] = "x";
	struct oe_sftp__handle h = {.path = path};

	h.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(h.fd >= 0);
	if (oe_sftp__handle_new(t, &h, wire) == 0)
		return 0;
	close(h.fd);
	return -1;
}

static struct oe_sftp__handle *
get(struct oe_sftp__handles *t, const uint8_t *wire, size_t n)
{
	struct oe_buf b;

	oe_buf_view(&b, wire, n);
	return oe_sftp__handle_get(t, &b);
}

static void
test_bounds(void **state)
{
	uint8_t wire[MAX][OE_SFTP__HANDLE_LEN], more[OE_SFTP__HANDLE_LEN];
	struct oe_sftp__handles t = {.max = MAX};
	size_t i;

	(void)state;
	for (i = 0; i < MAX; i++)
		assert_int_equal(add(&t, wire[i]), 0);
	assert_int_equal(add(&t, more), -1);
	assert_int_equal(errno, EMFILE);
	for (i = 0; i < MAX; i++)
		assert_non_null(get(&t, wire[i], sizeof wire[i]));
	/* one is given back: its slot serves again, the old handle does not */
	assert_int_equal(
	    oe_sftp__handle_close(&t, get(&t, wire[7], sizeof wire[7])), 0);
	assert_null(get(&t, wire[7], sizeof wire[7]));
	assert_int_equal(add(&t, more), 0);
	assert_memory_equal(more, wire[7], 4);
	if (memcmp(more, wire[7], sizeof more) != 0)
		assert_null(get(&t, wire[7], sizeof wire[7]));
	assert_non_null(get(&t, more, sizeof more));
	oe_sftp__handles_done(&t);
}

static void
test_forged(void **state)
{
	uint8_t wire[OE_SFTP__HANDLE_LEN + 1] = {0}, bad[OE_SFTP__HANDLE_LEN];
	struct oe_sftp__handles t = {.max = MAX};
	size_t i;

	(void)state;
	assert_null(get(&t, wire, OE_SFTP__HANDLE_LEN));
	assert_int_equal(add(&t, wire), 0);
	for (i = 0; i < sizeof bad; i++) {
		memcpy(bad, wire, sizeof bad);
		bad[i] ^= 0x80;
		assert_null(get(&t, bad, sizeof bad));
	}
	assert_null(get(&t, wire, 0));
	assert_null(get(&t, wire, OE_SFTP__HANDLE_LEN - 1));
	assert_null(get(&t, wire, OE_SFTP__HANDLE_LEN + 1));
	assert_non_null(get(&t, wire, OE_SFTP__HANDLE_LEN));
	oe_sftp__handles_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_forged),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
