/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "session_rig.h"
#include "sftp/session.h"
#define NO_ATTRS    "\0\0\0\0"
#define ENTRY(n, t) "\0\0\0" n t "\0\0\0\2-l" NO_ATTRS

/* --- framing --- */

static void
test_packet_lengths(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {{B("\0\0\0\0")}, {B("\0\0\0\4")}, {B("\xff\xff\xff\xff")},
	    {B("\0\4\0\1")}};
	struct asked a;
	struct rig r;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(bad); i++) {
		rig_up(&r, false);
		ask(&r, &a, MKDIR, NULL);
		rig_turn(&r);
		rig_input(&r, bad[i].bytes, bad[i].n);
		assert_int_equal(a.done, 1);
		assert_int_equal(a.op.status, OE_EPROTO);
		assert_int_equal(r.failed_calls, 1);
		/* and whatever is asked after that */
		asked_done(&a);
		ask(&r, &a, MKDIR, NULL);
		assert_int_equal(a.done, 1);
		assert_int_equal(a.op.status, OE_ECLOSED);
		assert_non_null(strstr(a.op.message, "robot7"));
		asked_done(&a);
		rig_close(&r);
	}
}

static void
test_ids(void **state)
{
	struct asked a, b;
	struct rig r;
	uint32_t ida, idb, idc;

	(void)state;
	rig_up(&r, false);
	ask(&r, &a, MKDIR, NULL);
	ask(&r, &b, READLINK, NULL);
	assert_int_equal(rig_sent(&r, &ida, NULL), OE_FXP_MKDIR);
	assert_int_equal(rig_sent(&r, &idb, NULL), OE_FXP_READLINK);
	assert_int_not_equal(ida, idb);
	/* in any order */
	rig_answer(&r, OE_FXP_NAME, idb, B("\0\0\0\1" ENTRY("\1", "x")));
	rig_answer(&r, OE_FXP_STATUS, ida, B("\0\0\0\0"));
	assert_int_equal(a.done + b.done, 2);
	asked_done(&b);
	/* an answer that comes again is not that of the next request */
	ask(&r, &b, MKDIR, NULL);
	assert_int_equal(rig_sent(&r, &idc, NULL), OE_FXP_MKDIR);
	assert_int_not_equal(idc, ida);
	rig_answer(&r, OE_FXP_STATUS, ida, B("\0\0\0\0"));
	assert_int_equal(b.done, 1);
	assert_int_equal(b.op.status, OE_EPROTO);
	assert_int_equal(r.failed_calls, 1);
	asked_done(&a);
	asked_done(&b);
	rig_close(&r);
}

static void
test_data_in_pieces(void **state)
{
	struct oe_sftp_file *f;
	struct asked a;
	struct rig r;
	uint8_t head[13] = {0, 0, 0, 17, OE_FXP_DATA, 0, 0, 0, 0, 0, 0, 0, 8};
	uint32_t id;

	(void)state;
	rig_up(&r, false);
	f = some_file(&r);
	ask(&r, &a, READ8, f);
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_READ);
	head[5] = (uint8_t)(id >> 24);
	head[6] = (uint8_t)(id >> 16);
	head[7] = (uint8_t)(id >> 8);
	head[8] = (uint8_t)id;
	rig_input(&r, head, sizeof head);
	rig_input(&r, "abc", 3);
	/* told before the packet is whole */
	assert_int_equal(oe_buf_left(&a.data), 3);
	assert_int_equal(a.done, 0);
	rig_input(&r, "defgh", 5);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.op.n, 8);
	assert_memory_equal(oe_buf_head(&a.data), "abcdefgh", 8);
	asked_done(&a);

	/* freed amid it */
	ask(&r, &a, READ8, f);
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_READ);
	head[5] = (uint8_t)(id >> 24);
	head[6] = (uint8_t)(id >> 16);
	head[7] = (uint8_t)(id >> 8);
	head[8] = (uint8_t)id;
	rig_input(&r, head, sizeof head);
	rig_input(&r, "abc", 3);
	free(f);
	rig_close(&r);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.op.status, OE_ECLOSED);
	asked_done(&a);
}

/* --- hello --- */

static void
test_hello(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t n;
		int status;
	} cases[] = {
	    {"plain", B("\0\0\0\5\2\0\0\0\3"), 0},
	    {"extension", B("\0\0\0\17\2\0\0\0\3\0\0\0\1x\0\0\0\1y"), 0},
	    {"version 2", B("\0\0\0\5\2\0\0\0\2"), OE_EPROTO},
	    {"version 6", B("\0\0\0\5\2\0\0\0\6"), OE_EPROTO},
	    {"no version", B("\0\0\0\1\2"), OE_EPROTO},
	    {"status", B("\0\0\0\11\145\0\0\0\0\0\0\0\0"), OE_EPROTO},
	    {"name only", B("\0\0\0\12\2\0\0\0\3\0\0\0\1x"), OE_EPROTO},
	    {"pair ends early", B("\0\0\0\16\2\0\0\0\3\0\0\0\1x\0\0\0\2y"),
		OE_EPROTO},
	    {"text", B("Welcome to the machine\r\n"), OE_EPROTO},
	};
	struct rig r;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		rig_open(&r, 0, 0);
		r.bytewise = i & 1;
		rig_input(&r, cases[i].bytes, cases[i].n);
		if (r.ready_calls != 1 || r.ready_status != cases[i].status)
			fail_msg("%s: %d calls, %d", cases[i].what,
			    r.ready_calls, r.ready_status);
		assert_int_equal(r.failed_calls, 0);
		if (strcmp(cases[i].what, "text") == 0)
			assert_non_null(strstr(r.err.msg, "login script"));
		rig_close(&r);
	}
}

static void
test_too_many_extensions(void **state)
{
	const char *ext[2 * OE_SFTP_PAIRS_MAX + 3] = {NULL};
	struct rig r;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * OE_SFTP_PAIRS_MAX + 2; i++)
		ext[i] = "x";
	rig_open(&r, 0, 0);
	rig_version(&r, ext);
	assert_int_equal(r.ready_status, OE_EPROTO);
	rig_close(&r);
	ext[2 * OE_SFTP_PAIRS_MAX] = NULL;
	rig_open(&r, 0, 0);
	rig_version(&r, ext);
	assert_int_equal(r.ready_status, 0);
	assert_int_equal(r.fs->features, 0);
	rig_close(&r);
}

/* A server that is not ours, and so is asked for its limits. */
static const char *const other_ext[] = {"posix-rename@openssh.com", "1",
    "fsync@openssh.com", "1", "limits@openssh.com", "1", NULL};

static void
test_limits(void **state)
{
	static const struct {
		uint64_t packet, most;
		size_t data_max;
		uint64_t got;
	} cases[] = {
	    {OE_SFTP_PACKET_MAX, OE_SFTP_DATA_MAX, 0, OE_SFTP_DATA_MAX},
	    {OE_SFTP_PACKET_MAX, OE_SFTP_DATA_MAX, 1000, 1000},
	    {0, 0, 0, OE_SFTP_DATA_MAX},
	    {34000, 0, 0, 34000 - 1024},
	    {UINT64_MAX, UINT64_MAX, 0, OE_SFTP_DATA_MAX},
	    {34000, 32768, 0, 32768},
	    {1, 1, 0, 1024},
	};
	struct asked a;
	struct rig r;
	uint32_t id;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		rig_open(&r, 0, cases[i].data_max);
		rig_version(&r, other_ext);
		/* not open for use */
		assert_int_equal(r.fs->room(r.fs), 0);
		ask(&r, &a, MKDIR, NULL);
		assert_int_equal(a.op.status, OE_ECLOSED);
		asked_done(&a);
		rig_limits(&r, cases[i].packet, cases[i].most);
		assert_int_equal(r.ready_status, 0);
		assert_int_equal(r.fs->limits.read, cases[i].got);
		assert_int_equal(r.fs->limits.write, cases[i].got);
		assert_int_equal(
		    r.fs->features, OE_FS_RENAME_OVER | OE_FS_FSYNC);
		assert_true(r.fs->rtt_us > 0);
		assert_int_equal(r.writable_calls, 1);
		rig_close(&r);
	}
	/* a refusal is no end */
	rig_open(&r, 0, 0);
	rig_version(&r, other_ext);
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_EXTENDED);
	rig_answer(&r, OE_FXP_STATUS, id, B("\0\0\0\10"));
	assert_int_equal(r.ready_status, 0);
	assert_int_equal(r.fs->limits.read, OE_SFTP_DATA_SAFE);
	rig_close(&r);
	/* one of ours is not asked */
	rig_open(&r, 0, 0);
	rig_version(&r, all_ext);
	assert_int_equal(r.ready_calls, 1);
	assert_int_equal(r.fs->limits.read, OE_SFTP_DATA_MAX);
	assert_int_equal(r.fs->features, 0x7ff);
	rig_close(&r);
}

/* --- what goes out --- */

static void
test_room(void **state)
{
	static uint8_t big[OE_SFTP_DATA_MAX];
	struct oe_sftp_file *f;
	struct asked a, b;
	struct oe_buf fields, h, data;
	struct rig r;
	uint64_t offset = 0;
	uint32_t ida, idb;

	(void)state;
	memset(big, 'z', sizeof big);
	rig_up(&r, false);
	f = some_file(&r);
	r.room = 5000;
	/* one whole WRITE though there is room for less */
	assert_int_equal(r.fs->room(r.fs), r.fs->limits.write);
	asked_init(&a, &r);
	r.fs->ops->write(r.fs, &a.op, f, 7, big, sizeof big);
	big[sizeof big - 1] = 'a'; /* taken already */
	assert_int_equal(r.room, 0);
	assert_int_equal(r.fs->room(r.fs), 0);
	ask(&r, &b, MKDIR, NULL);
	rig_turn(&r);
	assert_int_equal(oe_buf_left(&r.sent), 5000);
	r.room = 100000;
	oe_sftp_session_writable(r.s);
	assert_int_equal(r.room, 0);
	r.room = SENT_MAX;
	r.writable_calls = 0;
	oe_sftp_session_writable(r.s);
	assert_int_equal(r.writable_calls, 1);
	assert_int_equal(rig_sent(&r, &ida, &fields), OE_FXP_WRITE);
	assert_int_equal(oe_buf_get_string(&fields, &h), 0);
	assert_int_equal(oe_buf_get_u64(&fields, &offset), 0);
	assert_int_equal(offset, 7);
	assert_int_equal(oe_buf_get_string(&fields, &data), 0);
	assert_int_equal(oe_buf_left(&data), sizeof big);
	assert_int_equal(oe_buf_head(&data)[sizeof big - 1], 'z');
	assert_int_equal(oe_buf_left(&fields), 0);
	assert_int_equal(rig_sent(&r, &idb, NULL), OE_FXP_MKDIR);
	asked_done(&a);
	asked_done(&b);
	free(f);
	rig_close(&r);
}

static void
test_write_bound(void **state)
{
	struct oe_sftp_file *f;
	struct asked *a;
	struct rig r;
	uint32_t id;
	size_t i;

	(void)state;
	rig_up(&r, false);
	f = some_file(&r);
	a = calloc(OE_SESSION_WRITES_MAX, sizeof *a);
	assert_non_null(a);
	for (i = 0; i < OE_SESSION_WRITES_MAX; i++) {
		assert_true(r.fs->room(r.fs) > 0);
		ask(&r, &a[i], WRITE, f);
	}
	assert_int_equal(r.fs->room(r.fs), 0);
	r.writable_calls = 0;
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_WRITE);
	rig_answer(&r, OE_FXP_STATUS, id, B("\0\0\0\0"));
	assert_int_equal(r.writable_calls, 1);
	assert_true(r.fs->room(r.fs) > 0);
	assert_int_equal(r.fs->outstanding, OE_SESSION_WRITES_MAX - 1);
	oe_sftp_session_lost(r.s, NULL);
	for (i = 0; i < OE_SESSION_WRITES_MAX; i++) {
		assert_int_equal(a[i].done, 1);
		assert_int_equal(a[i].op.status, i ? OE_ECLOSED : 0);
	}
	free(a);
	free(f);
	rig_close(&r);
}

static void
test_too_long(void **state)
{
	struct asked a;
	struct rig r;
	char *path = malloc(300001);

	(void)state;
	assert_non_null(path);
	memset(path, 'p', 300000);
	path[300000] = 0;
	rig_up(&r, false);
	asked_init(&a, &r);
	r.fs->ops->rmdir(r.fs, &a.op, path);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.op.status, OE_EINVAL);
	asked_done(&a);
	/* nothing of it went out */
	ask(&r, &a, MKDIR, NULL);
	rig_turn(&r);
	assert_int_equal(oe_buf_left(&r.sent), 4 + 1 + 4 + 5 + 8);
	asked_done(&a);
	free(path);
	rig_close(&r);
}

static void
test_broken_stream(void **state)
{
	struct asked a;
	struct rig r;

	(void)state;
	rig_up(&r, false);
	r.dead = true;
	ask(&r, &a, MKDIR, NULL);
	assert_int_equal(a.done, 0);
	rig_turn(&r);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.op.status, OE_ECLOSED);
	assert_int_equal(r.failed_calls, 1);
	asked_done(&a);
	rig_close(&r);
}

static void
test_silence(void **state)
{
	struct asked a;
	struct rig r;

	(void)state;
	oe_time_fake(1000);
	rig_open(&r, 5000, 0);
	rig_version(&r, NULL);
	/* nobody waits for anything */
	oe_time_fake(100000);
	rig_turn(&r);
	assert_int_equal(r.failed_calls, 0);
	ask(&r, &a, MKDIR, NULL);
	rig_turn(&r);
	oe_time_fake(104000);
	rig_input(&r, "\0", 1);
	oe_time_fake(108999);
	rig_turn(&r);
	assert_int_equal(a.done, 0);
	oe_time_fake(109000);
	rig_turn(&r);
	/* we may have been stopped: one more look */
	assert_int_equal(a.done, 0);
	oe_time_fake(114000);
	rig_turn(&r);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.op.status, OE_ETIMEOUT);
	assert_string_equal(r.err.msg, "robot7: no answer for 5 s");
	oe_time_fake(-1);
	asked_done(&a);
	rig_close(&r);
}

static void
test_free_in_done(void **state)
{
	struct asked a, b;
	struct rig r;
	uint32_t id;

	(void)state;
	rig_up(&r, false);
	ask(&r, &a, MKDIR, NULL);
	ask(&r, &b, LSTAT, NULL);
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_MKDIR);
	r.free_in_done = true;
	rig_answer(&r, OE_FXP_STATUS, id, B("\0\0\0\0"));
	assert_null(r.fs);
	assert_int_equal(a.op.status, 0);
	assert_int_equal(b.op.status, OE_ECLOSED);
	asked_done(&a);
	asked_done(&b);
	rig_close(&r);
}

static void
test_features_missing(void **state)
{
	static const enum what needs[] = {
	    STATVFS, HASH, EXTENTS, GET8, PUT, USERS};
	struct oe_sftp_file *f;
	struct asked a;
	struct rig r;
	struct oe_err err = OE_ERR_INIT;
	uint32_t id;
	size_t i;

	(void)state;
	rig_open(&r, 0, 0);
	rig_version(&r, NULL);
	f = some_file(&r);
	for (i = 0; i < OE_ARRAY_LEN(needs); i++) {
		ask(&r, &a, needs[i], f);
		assert_int_equal(a.done, 1);
		assert_int_equal(
		    oe_sftp_op_error(&a.op, "x\n", &err), OE_EINVAL);
		assert_string_equal(
		    err.msg, "x\\n: the server does not support this");
		asked_done(&a);
	}
	/* home without being asked */
	asked_init(&a, &r);
	r.fs->ops->expand(r.fs, &a.op, "~/x");
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_REALPATH);
	asked_done(&a);
	free(f);
	rig_close(&r);
}

static void
test_words(void **state)
{
	static const struct {
		int status;
		uint32_t fx;
		const char *message, *path, *want;
	} cases[] = {
	    {OE_ENOENT, 2, "", "a", "a: No such file or directory"},
	    {OE_ENOENT, 2, "No such file", "a", "a: No such file or directory"},
	    {OE_ENOENT, 2, "Not a directory", "a", "a: Not a directory"},
	    {OE_EPERM, 3, "", "a\33", "a\\x1b: Permission denied"},
	    {OE_EPERM, 3, "read-only", "a", "a: read-only"},
	    {OE_ESYS, 4, "Failure", "a", "a: Failure"},
	    {OE_ESYS, 4, "", "a", "a: Failure"},
	    {OE_ESYS, 99, "", "a", "a: Unknown status"},
	    {OE_ECLOSED, 0, "robot7: gone", "a", "a: robot7: gone"},
	    {OE_ECLOSED, 0, "robot7: gone", "", "robot7: gone"},
	    {OE_ECLOSED, 0, "robot7: gone", NULL, "robot7: gone"},
	};
	struct oe_sftp_op op = {.status = 0};
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(oe_sftp_op_error(&op, "a", &err), 0);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		op.status = cases[i].status;
		op.fx = cases[i].fx;
		snprintf(op.message, sizeof op.message, "%s", cases[i].message);
		assert_int_equal(oe_sftp_op_error(&op, cases[i].path, &err),
		    cases[i].status);
		assert_string_equal(err.msg, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_packet_lengths),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_data_in_pieces),
	    cmocka_unit_test(test_hello),
	    cmocka_unit_test(test_too_many_extensions),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_write_bound),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_broken_stream),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_free_in_done),
	    cmocka_unit_test(test_features_missing),
	    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
