/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/forwarding.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* Bytes with their NULs, as a string literal has them. */
#define BYTES(s) (s), sizeof(s) - 1

static void
open_packet(struct oe_buf *packed, struct oe_buf *body)
{
	assert_int_equal(oe_buf_get_string(packed, body), 0);
	assert_int_equal(oe_buf_left(packed), 0);
}

static void
known_bytes(void **state)
{
	static const char alive[] = "\0\0\0\x08\x10\0\0\x04\0\0\0\x07";
	struct oe_mux_request q = {.type = OE_MUX_C_ALIVE_CHECK, .id = 7};
	struct oe_buf b;

	(void)state;
	oe_buf_init(&b, 100);
	assert_int_equal(oe_mux_put_request(&b, &q), 0);
	assert_int_equal(oe_buf_left(&b), sizeof alive - 1);
	assert_memory_equal(oe_buf_head(&b), alive, sizeof alive - 1);
	oe_buf_done(&b);
}

static void
session(void **state)
{
	struct oe_mux_request q = {.type = OE_MUX_C_NEW_SESSION,
	    .id = 3,
	    .tty = true,
	    .subsystem = true,
	    .escape = OE_MUX_NO_ESCAPE};
	struct oe_mux_request got;
	struct oe_buf b, body;

	(void)state;
	q.term = oe_mem_strdup("xterm");
	q.command = oe_mem_strdup("sftp");
	oe_strs_add(&q.env, "LANG=C");
	oe_strs_add(&q.env, "EMPTY=");
	oe_buf_init(&b, OE_MUX_PACKET_MAX);
	assert_int_equal(oe_mux_put_request(&b, &q), 0);
	open_packet(&b, &body);
	assert_int_equal(oe_mux_request_parse(&body, &got, NULL), 0);
	assert_int_equal(got.id, 3);
	assert_true(got.tty && got.subsystem && !got.x11 && !got.agent);
	assert_int_equal(got.escape, OE_MUX_NO_ESCAPE);
	assert_string_equal(got.term, "xterm");
	assert_string_equal(got.command, "sftp");
	assert_int_equal(got.env.n, 2);
	assert_string_equal(got.env.v[1], "EMPTY=");
	assert_int_equal(oe_mux_request_fds(&got), 3);
	oe_mux_request_done(&q);
	oe_mux_request_done(&got);
	oe_buf_done(&b);
}

static void
forwards(void **state)
{
	static const struct oe_cli_forward all[] = {
	    {'L', NULL, NULL, 8080, "h", NULL, 80},
	    {'L', "", NULL, 8080, "::1", NULL, 80},
	    {'L', "127.0.0.1", NULL, 1, NULL, "/run/db", 0},
	    {'L', NULL, "/tmp/here", 0, "h", NULL, 65535},
	    {'R', NULL, NULL, 0, "h", NULL, 80},
	    {'R', "", NULL, 9, NULL, NULL, 0},
	    {'D', NULL, NULL, 1080, NULL, NULL, 0},
	};
	struct oe_cli_forward got;
	struct oe_mux_request q;
	struct oe_buf b, body;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_buf_init(&b, OE_MUX_PACKET_MAX);
		assert_int_equal(
		    oe_mux_put_forward(&b, OE_MUX_C_OPEN_FWD, 1, &all[i]), 0);
		open_packet(&b, &body);
		assert_int_equal(oe_mux_request_parse(&body, &q, NULL), 0);
		assert_int_equal(oe_mux_request_forward(&q, &got, NULL), 0);
		assert_int_equal(got.kind, all[i].kind);
		assert_int_equal(got.listen_port, all[i].listen_port);
		assert_int_equal(got.port, all[i].port);
		assert_true(oe_str_eq(got.listen_host, all[i].listen_host));
		assert_true(oe_str_eq(got.listen_path, all[i].listen_path));
		assert_true(oe_str_eq(got.host, all[i].host));
		assert_true(oe_str_eq(got.path, all[i].path));
		oe_mux_request_done(&q);
		oe_buf_done(&b);
	}
}

/* OPEN_FWD as bytes behind type and id: kind, listen end, target end. */
static void
bad_forwards(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int parse, forward;
	} all[] = {
	    /* kind 9 */
	    {BYTES("\0\0\0\x09\0\0\0\0\0\0\0\x01\0\0\0\x01h\0\0\0\x01"), 0,
		OE_EINVAL},
	    /* listen port 65536 */
	    {BYTES("\0\0\0\x01\0\0\0\0\0\x01\0\0\0\0\0\x01h\0\0\0\x01"),
		OE_EPROTO, 0},
	    /* no target */
	    {BYTES("\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01"), 0,
		OE_EINVAL},
	    /* target port 0 */
	    {BYTES("\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01h\0\0\0\0"), 0,
		OE_EINVAL},
	    /* SOCKS on an (empty) path */
	    {BYTES("\0\0\0\x03\0\0\0\0\xff\xff\xff\xfe\0\0\0\0\0\0\0\0"), 0,
		OE_EINVAL},
	    /* a NUL in a name */
	    {BYTES("\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\0\x01"),
		OE_EPROTO, 0},
	    /* cut off, and too long */
	    {BYTES("\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x09h"), OE_EPROTO, 0},
	    {BYTES("\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01h\0\0\0\x01\0"),
		OE_EPROTO, 0},
	};
	struct oe_cli_forward f;
	struct oe_mux_request q;
	struct oe_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_buf_init(&b, 1000);
		oe_buf_put_u32(&b, OE_MUX_C_OPEN_FWD);
		oe_buf_put_u32(&b, 1);
		oe_buf_put(&b, all[i].bytes, all[i].n);
		assert_int_equal(
		    oe_mux_request_parse(&b, &q, NULL), all[i].parse);
		if (all[i].parse == 0)
			assert_int_equal(oe_mux_request_forward(&q, &f, NULL),
			    all[i].forward);
		oe_mux_request_done(&q);
		oe_buf_done(&b);
	}
}

static void
replies(void **state)
{
	static const struct oe_mux_reply all[] = {
	    {.type = OE_MUX_S_OK, .id = 1},
	    {.type = OE_MUX_S_ALIVE, .id = 2, .value = 1234},
	    {.type = OE_MUX_S_EXIT_MESSAGE, .id = 3, .value = 255},
	    {.type = OE_MUX_S_TTY_ALLOC_FAIL, .id = 4},
	    {.type = OE_MUX_S_SESSION_OPENED, .id = 5, .value = 9},
	    {.type = OE_MUX_S_REMOTE_PORT, .id = 6, .value = 40000},
	};
	struct oe_mux_reply got, no = {.type = OE_MUX_S_FAILURE, .id = 7};
	struct oe_buf b, body;
	size_t i;

	(void)state;
	oe_buf_init(&b, OE_MUX_PACKET_MAX);
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		assert_int_equal(oe_mux_put_reply(&b, &all[i]), 0);
		open_packet(&b, &body);
		assert_int_equal(oe_mux_reply_parse(&body, &got, NULL), 0);
		assert_int_equal(got.type, all[i].type);
		assert_int_equal(got.id, all[i].id);
		assert_int_equal(got.value, all[i].value);
		oe_mux_reply_done(&got);
	}
	no.reason = oe_mem_strdup("no more");
	assert_int_equal(oe_mux_put_reply(&b, &no), 0);
	open_packet(&b, &body);
	assert_int_equal(oe_mux_reply_parse(&body, &got, NULL), 0);
	assert_string_equal(got.reason, "no more");
	oe_mux_reply_done(&got);
	oe_mux_reply_done(&no);
	/* a request is no answer */
	assert_int_equal(
	    oe_mux_put_request(
		&b, &(struct oe_mux_request){.type = OE_MUX_C_ALIVE_CHECK}),
	    0);
	open_packet(&b, &body);
	assert_int_equal(oe_mux_reply_parse(&body, &got, NULL), OE_EPROTO);
	oe_mux_reply_done(&got);
	oe_buf_done(&b);
}

static void
hello(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int r;
		bool ours;
	} all[] = {
	    {BYTES("\0\0\0\x01\0\0\0\x04"), 0, false},
	    {BYTES("\0\0\0\x01\0\0\0\x04\0\0\0\x01x\0\0\0\x02yy"), 0, false},
	    {BYTES("\0\0\0\x01\0\0\0\x04\0\0\0\x0dpeer@omniedge\0\0\0\0"), 0,
		true},
	    {BYTES("\0\0\0\x01\0\0\0\x04\0\0\0\x01x"), OE_EPROTO, false},
	    {BYTES("\0\0\0\x01\0\0"), OE_EPROTO, false},
	    {BYTES(""), OE_EPROTO, false},
	};
	struct oe_mux_request q;
	struct oe_mux_reply a;
	struct oe_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_buf_view(&b, all[i].bytes, all[i].n);
		assert_int_equal(oe_mux_request_parse(&b, &q, NULL), all[i].r);
		assert_true(all[i].r < 0 || q.ours == all[i].ours);
		oe_mux_request_done(&q);
		oe_buf_view(&b, all[i].bytes, all[i].n);
		assert_int_equal(oe_mux_reply_parse(&b, &a, NULL), all[i].r);
		assert_true(all[i].r < 0 || a.ours == all[i].ours);
		oe_mux_reply_done(&a);
	}
	oe_buf_init(&b, 100);
	assert_int_equal(oe_mux_put_hello(&b), 0);
	oe_buf_skip(&b, 4);
	assert_int_equal(oe_mux_request_parse(&b, &q, NULL), 0);
	assert_true(q.ours && q.version == OE_MUX_VERSION);
	oe_mux_request_done(&q);
	oe_buf_done(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_bytes),
	    cmocka_unit_test(session),
	    cmocka_unit_test(forwards),
	    cmocka_unit_test(bad_forwards),
	    cmocka_unit_test(replies),
	    cmocka_unit_test(hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
