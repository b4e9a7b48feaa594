/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that come while files are written, but not at their place yet. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "sftp/proto.h"
#include "sftp/server.h"

static char path[64]; /* of the file that is put */
static volatile sig_atomic_t signals, was_placed;

static void
on_signal(int number)
{
	(void)number;
	signals++;
	was_placed += access(path, F_OK) == 0;
}

static void
put(struct oe_sftp_server *s)
{
	const struct oe_sftp_attrs a = {
	    .flags = OE_ATTR_PERMISSIONS, .mode = 0600};
	struct oe_buf b;

	oe_buf_init(&b, OE_SFTP_PACKET_MAX);
	oe_buf_put_u8(&b, OE_FXP_EXTENDED);
	oe_buf_put_u32(&b, 77);
	oe_buf_put_cstring(&b, OE_SFTP_EXT_PUT);
	oe_buf_put_cstring(&b, path);
	oe_buf_put_u32(&b, OE_PUT_SYNC);
	oe_sftp_put_attrs(&b, &a);
	oe_buf_put_cstring(&b, "content");
	assert_int_equal(
	    oe_sftp_server_handle(s, oe_buf_head(&b), oe_buf_left(&b), NULL),
	    0);
	oe_buf_done(&b);
}

static struct oe_sftp_server *
started(const struct oe_sftp_server_rules *rules)
{
	static const uint8_t init[] = {OE_FXP_INIT, 0, 0, 0, 3};
	struct oe_sftp_server *s = NULL;

	assert_int_equal(oe_sftp_server_new(rules, &s, NULL), 0);
	assert_int_equal(oe_sftp_server_handle(s, init, sizeof init, NULL), 0);
	return s;
}

/* What ends the process waits until no temporary name is left. */
static void
test_signals(void **state)
{
	static const int numbers[] = {SIGALRM, SIGINT, SIGTERM};
	const struct oe_sftp_server_rules rules = {.handles_max = 4};
	struct sigaction sa = {.sa_handler = on_signal}, old;
	struct oe_sftp_server *s = started(&rules);
	char dir[] = "/tmp/oe-put-XXXXXX";
	int i;

	(void)state;
	sigemptyset(&sa.sa_mask);
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < (int)OE_ARRAY_LEN(numbers); i++) {
		snprintf(path, sizeof path, "%s/%d", dir, i);
		sigaction(numbers[i], &sa, &old);
		put(s);
		assert_int_equal(raise(numbers[i]), 0);
		assert_int_equal(signals, i);
		oe_sftp_server_idle(s);
		assert_int_equal(signals, i + 1);
		assert_int_equal(was_placed, i + 1);
		sigaction(numbers[i], &old, NULL);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	oe_sftp_server_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
