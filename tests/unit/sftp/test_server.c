/* SPDX-License-Identifier: Apache-2.0 */
/* A session of requests, in a directory of its own. */
#include "sftp/server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/str.h"
#include "sftp/proto.h"
#include "sftp/server_audit.h"

static char dir[64];
static struct oe_sftp_server *s;
static struct oe_buf req; /* the packet under construction */
static struct oe_strs roots;
static struct oe_sftp_server_rules rules;

static void
begin(uint8_t type)
{
	oe_buf_reset(&req);
	oe_buf_put_u8(&req, type);
	oe_buf_put_u32(&req, 77);
}

static void
begin_ext(const char *name)
{
	begin(OE_FXP_EXTENDED);
	oe_buf_put_cstring(&req, name);
}

static void
put_path(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	oe_buf_put_cstring(&req, path);
}

static void
put_mode(uint32_t mode)
{
	const struct oe_sftp_attrs a = {
	    .flags = OE_ATTR_PERMISSIONS, .mode = mode};

	oe_sftp_put_attrs(&req, &a);
}

/* The next answer: its type, and the rest behind the id. */
static uint8_t
answer(struct oe_buf *ret)
{
	uint32_t id;
	uint8_t type;

	assert_int_equal(oe_buf_get_string(oe_sftp_server_output(s), ret), 0);
	assert_int_equal(oe_buf_get_u8(ret, &type), 0);
	assert_int_equal(oe_buf_get_u32(ret, &id), 0);
	assert_int_equal(id, type == OE_FXP_VERSION ? 3 : 77);
	return type;
}

static void
send_req(void)
{
	assert_int_equal(oe_sftp_server_handle(
			     s, oe_buf_head(&req), oe_buf_left(&req), NULL),
	    0);
}

static uint8_t
ask(struct oe_buf *ret)
{
	send_req();
	oe_sftp_server_idle(s);
	return answer(ret);
}

/* The code of a STATUS. */
static uint32_t
code(void)
{
	struct oe_buf b;
	uint32_t fx;

	assert_int_equal(ask(&b), OE_FXP_STATUS);
	assert_int_equal(oe_buf_get_u32(&b, &fx), 0);
	return fx;
}

static void
start(void)
{
	struct oe_buf b;

	assert_int_equal(oe_sftp_server_new(&rules, &s, NULL), 0);
	oe_buf_reset(&req);
	oe_buf_put_u8(&req, OE_FXP_INIT);
	oe_buf_put_u32(&req, 6);
	assert_int_equal(ask(&b), OE_FXP_VERSION);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/oe-server-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	memset(&rules, 0, sizeof rules);
	rules.handles_max = 64;
	oe_buf_init(&req, OE_SFTP_PACKET_MAX);
	start();
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	oe_sftp_server_free(&s);
	oe_buf_done(&req);
	oe_strs_done(&roots);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static void
restart(void)
{
	oe_sftp_server_free(&s);
	start();
}

static void
opened(const char *name, uint32_t pflags, uint8_t ret[8])
{
	struct oe_buf b, h;

	begin(OE_FXP_OPEN);
	put_path(name);
	oe_buf_put_u32(&req, pflags);
	oe_buf_put_u32(&req, 0);
	assert_int_equal(ask(&b), OE_FXP_HANDLE);
	assert_int_equal(oe_buf_get_string(&b, &h), 0);
	assert_int_equal(oe_buf_left(&h), 8);
	memcpy(ret, oe_buf_head(&h), 8);
}

static uint32_t
closed(const uint8_t h[8])
{
	begin(OE_FXP_CLOSE);
	oe_buf_put_string(&req, h, 8);
	return code();
}

static uint32_t
put_file(const char *name, uint32_t flags, const char *content)
{
	begin_ext(OE_SFTP_EXT_PUT);
	put_path(name);
	oe_buf_put_u32(&req, flags);
	put_mode(0640);
	oe_buf_put_cstring(&req, content);
	return code();
}

static void
holds(const char *name, const char *content)
{
	struct oe_sftp_attrs a;
	struct oe_buf b, data;

	begin_ext(OE_SFTP_EXT_GET);
	put_path(name);
	oe_buf_put_u32(&req, 1000);
	oe_buf_put_u32(&req, 1);
	assert_int_equal(ask(&b), OE_FXP_EXTENDED_REPLY);
	assert_int_equal(oe_sftp_get_attrs(&b, &a), 0);
	assert_int_equal(oe_buf_get_string(&b, &data), 0);
	assert_int_equal(a.size, strlen(content));
	assert_int_equal(oe_buf_left(&data), strlen(content));
	assert_memory_equal(oe_buf_head(&data), content, strlen(content));
}

static int
raw(const void *p, size_t n)
{
	return oe_sftp_server_handle(s, p, n, NULL);
}

static void
test_framing(void **state)
{
	static const uint8_t init[] = {1, 0, 0, 0, 3}, old[] = {1, 0, 0, 0, 2};

	(void)state;
	assert_int_equal(raw("", 0), OE_EPROTO);
	assert_int_equal(raw(init, sizeof init), OE_EPROTO);
	assert_int_equal(raw("\x05\0\0\0", 4), OE_EPROTO);
	oe_sftp_server_free(&s);
	assert_int_equal(oe_sftp_server_new(&rules, &s, NULL), 0);
	assert_int_equal(raw("\x11\0\0\0\1\0\0\0\0", 9), OE_EPROTO);
	assert_int_equal(raw(old, sizeof old), OE_EPROTO);
	assert_int_equal(raw(init, 3), OE_EPROTO);
	assert_int_equal(raw(init, sizeof init), 0);
}

/* Each request without its fields is answered, and none does anything. */
static void
test_malformed(void **state)
{
	unsigned type;

	(void)state;
	for (type = 3; type < 256; type++) {
		begin((uint8_t)type);
		assert_int_equal(code(), type <= 20 || type == 200
					     ? OE_FX_BAD_MESSAGE
					     : OE_FX_OP_UNSUPPORTED);
	}
	begin_ext("unknown@example.org");
	assert_int_equal(code(), OE_FX_OP_UNSUPPORTED);
	begin(OE_FXP_STAT);
	oe_buf_put_string(&req, "a\0b", 3);
	assert_int_equal(code(), OE_FX_BAD_MESSAGE);
	begin(OE_FXP_READ);
	oe_buf_put_string(&req, "\0\0\0\0\0\0\0\0", 8);
	oe_buf_put_u64(&req, 0);
	oe_buf_put_u32(&req, 10);
	assert_int_equal(code(), OE_FX_NO_SUCH_FILE);
}

static void
test_file(void **state)
{
	struct oe_buf b, data;
	uint8_t h[8];

	(void)state;
	opened("f", OE_FXF_READ | OE_FXF_WRITE | OE_FXF_CREAT, h);
	begin(OE_FXP_WRITE);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, 3);
	oe_buf_put_cstring(&req, "hello");
	assert_int_equal(code(), OE_FX_OK);
	begin(OE_FXP_READ);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, 2);
	oe_buf_put_u32(&req, UINT32_MAX);
	assert_int_equal(ask(&b), OE_FXP_DATA);
	assert_int_equal(oe_buf_get_string(&b, &data), 0);
	assert_int_equal(oe_buf_left(&data), 6);
	assert_memory_equal(oe_buf_head(&data), "\0hello", 6);
	begin(OE_FXP_READ);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, 8);
	oe_buf_put_u32(&req, 1);
	assert_int_equal(code(), OE_FX_EOF);
	begin(OE_FXP_READ);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, UINT64_MAX);
	oe_buf_put_u32(&req, 1);
	assert_int_equal(code(), OE_FX_EOF);
	begin(OE_FXP_WRITE);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, UINT64_MAX);
	oe_buf_put_cstring(&req, "x");
	assert_int_equal(code(), OE_FX_FAILURE);
	assert_int_equal(closed(h), OE_FX_OK);
	assert_int_equal(closed(h), OE_FX_NO_SUCH_FILE);
}

static void
test_append(void **state)
{
	uint8_t h[8];

	(void)state;
	assert_int_equal(put_file("f", 0, "one"), OE_FX_OK);
	opened("f", OE_FXF_WRITE | OE_FXF_APPEND, h);
	begin(OE_FXP_WRITE);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, 0);
	oe_buf_put_cstring(&req, "two");
	assert_int_equal(code(), OE_FX_OK);
	assert_int_equal(closed(h), OE_FX_OK);
	holds("f", "onetwo");
}

static void
test_renames(void **state)
{
	(void)state;
	assert_int_equal(put_file("a", 0, "a"), OE_FX_OK);
	assert_int_equal(put_file("b", 0, "b"), OE_FX_OK);
	begin(OE_FXP_RENAME);
	put_path("a");
	put_path("b");
	assert_int_equal(code(), OE_FX_FAILURE);
	holds("b", "b");
	begin_ext("posix-rename@openssh.com");
	put_path("a");
	put_path("b");
	assert_int_equal(code(), OE_FX_OK);
	holds("b", "a");
	begin(OE_FXP_RENAME);
	put_path("b");
	put_path("c");
	assert_int_equal(code(), OE_FX_OK);
	holds("c", "a");
}

static void
test_put(void **state)
{
	struct oe_buf b;
	unsigned i, n = 0;
	char name[16];

	(void)state;
	assert_int_equal(put_file("f", 0, "old"), OE_FX_OK);
	assert_int_equal(put_file("f", 0, "new"), OE_FX_FAILURE);
	holds("f", "old");
	assert_int_equal(put_file("f", OE_PUT_REPLACE, "new"), OE_FX_OK);
	holds("f", "new");
	assert_int_equal(put_file("", 0, ""), OE_FX_FAILURE);
	assert_int_equal(put_file("..", 0, ""), OE_FX_FAILURE);
	assert_int_equal(put_file("no/f", 0, ""), OE_FX_NO_SUCH_FILE);
	/* a group: answered when it is full, or something else comes */
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "g%u", i % 150);
		begin_ext(OE_SFTP_EXT_PUT);
		put_path(name);
		oe_buf_put_u32(&req, OE_PUT_SYNC);
		put_mode(0600);
		oe_buf_put_cstring(&req, name);
		send_req();
	}
	assert_int_equal(oe_buf_left(oe_sftp_server_output(s)) > 0, 1);
	oe_sftp_server_idle(s);
	for (i = 0; i < 200; i++) {
		uint32_t fx;

		assert_int_equal(answer(&b), OE_FXP_STATUS);
		assert_int_equal(oe_buf_get_u32(&b, &fx), 0);
		assert_int_equal(fx, i < 150 ? OE_FX_OK : OE_FX_FAILURE);
	}
	holds("g149", "g149");
	/* nothing was left behind */
	begin(OE_FXP_OPENDIR);
	put_path("");
	assert_int_equal(ask(&b), OE_FXP_HANDLE);
	memmove(name, oe_buf_head(&b) + 4, 8);
	for (;;) {
		uint32_t count;

		begin(OE_FXP_READDIR);
		oe_buf_put_string(&req, name, 8);
		if (ask(&b) != OE_FXP_NAME)
			break;
		assert_int_equal(oe_buf_get_u32(&b, &count), 0);
		n += count;
	}
	assert_int_equal(n, 1 + 150 + 2);
}

static uint32_t
copied(const uint8_t *from, uint64_t at, uint64_t len, const uint8_t *to,
    uint64_t to_at)
{
	begin_ext("copy-data");
	oe_buf_put_string(&req, from, 8);
	oe_buf_put_u64(&req, at);
	oe_buf_put_u64(&req, len);
	oe_buf_put_string(&req, to, 8);
	oe_buf_put_u64(&req, to_at);
	return code();
}

static void
test_copy(void **state)
{
	uint8_t a[8], b[8], same[8];

	(void)state;
	assert_int_equal(put_file("a", 0, "0123456789"), OE_FX_OK);
	opened("a", OE_FXF_READ | OE_FXF_WRITE, a);
	opened("a", OE_FXF_WRITE, same);
	opened("b", OE_FXF_WRITE | OE_FXF_CREAT, b);
	assert_int_equal(copied(a, 2, 0, b, 0), OE_FX_OK);
	holds("b", "23456789");
	assert_int_equal(copied(a, 0, 2, b, 8), OE_FX_OK);
	holds("b", "2345678901");
	assert_int_equal(copied(a, 0, 5, a, 4), OE_FX_FAILURE);
	assert_int_equal(copied(a, 4, 5, same, 0), OE_FX_FAILURE);
	assert_int_equal(copied(a, 0, 0, same, 5), OE_FX_FAILURE);
	assert_int_equal(copied(a, 0, 5, same, 5), OE_FX_OK);
	holds("a", "0123401234");
	assert_int_equal(copied(a, 0, 0, same, 10), OE_FX_OK);
	holds("a", "01234012340123401234");
	assert_int_equal(copied(a, UINT64_MAX, 1, b, 0), OE_FX_FAILURE);
}

static uint8_t
hashed(const char *name, const char *algorithms, uint64_t length,
    uint32_t block, struct oe_buf *ret)
{
	begin_ext("check-file-name");
	put_path(name);
	oe_buf_put_cstring(&req, algorithms);
	oe_buf_put_u64(&req, 0);
	oe_buf_put_u64(&req, length);
	oe_buf_put_u32(&req, block);
	return ask(ret);
}

static void
test_hash(void **state)
{
	struct oe_buf b, text;
	char big[600];

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(put_file("abc", 0, "abc"), OE_FX_OK);
	assert_int_equal(put_file("big", 0, big), OE_FX_OK);
	assert_int_equal(
	    hashed("abc", "none,md5,sha256", 0, 0, &b), OE_FXP_EXTENDED_REPLY);
	assert_int_equal(oe_buf_get_string(&b, &text), 0);
	assert_memory_equal(oe_buf_head(&text), "check-file", 10);
	assert_int_equal(oe_buf_get_string(&b, &text), 0);
	assert_int_equal(oe_buf_left(&text), 3);
	assert_int_equal(oe_buf_left(&b), 16);
	assert_memory_equal(oe_buf_head(&b), "\x90\x01\x50\x98", 4);
	/* 599 bytes in blocks of 256 are three */
	assert_int_equal(
	    hashed("big", "sha1", 0, 256, &b), OE_FXP_EXTENDED_REPLY);
	assert_int_equal(oe_buf_left(&b), 4 + 10 + 4 + 4 + 3 * 20);
	assert_int_equal(hashed("big", "sha1", 0, 255, &b), OE_FXP_STATUS);
	assert_int_equal(hashed("big", "none", 0, 0, &b), OE_FXP_STATUS);
	assert_int_equal(hashed("", "md5", 0, 0, &b), OE_FXP_STATUS);
}

static void
test_extents(void **state)
{
	struct oe_buf b;
	uint32_t count;
	uint8_t h[8], last;

	(void)state;
	assert_int_equal(put_file("f", 0, "data"), OE_FX_OK);
	opened("f", OE_FXF_READ, h);
	begin_ext(OE_SFTP_EXT_EXTENTS);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, 0);
	assert_int_equal(ask(&b), OE_FXP_EXTENDED_REPLY);
	assert_int_equal(oe_buf_get_u8(&b, &last), 0);
	assert_int_equal(oe_buf_get_u32(&b, &count), 0);
	assert_int_equal(last, 1);
	assert_int_equal(count, 1);
	assert_int_equal(oe_buf_left(&b), 16);
}

static void
test_read_only(void **state)
{
	uint8_t h[8];

	(void)state;
	assert_int_equal(put_file("f", 0, "x"), OE_FX_OK);
	rules.read_only = true;
	restart();
	opened("f", OE_FXF_READ, h);
	assert_int_equal(put_file("g", 0, "x"), OE_FX_PERMISSION_DENIED);
	begin(OE_FXP_OPEN);
	put_path("g");
	oe_buf_put_u32(&req, OE_FXF_READ | OE_FXF_CREAT);
	oe_buf_put_u32(&req, 0);
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	begin(OE_FXP_REMOVE);
	put_path("f");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	holds("f", "x");
}

static void
test_write_only(void **state)
{
	uint8_t h[8];

	(void)state;
	rules.write_only = true;
	restart();
	assert_int_equal(put_file("f", 0, "x"), OE_FX_OK);
	opened("g", OE_FXF_WRITE | OE_FXF_CREAT, h);
	begin(OE_FXP_OPEN);
	put_path("f");
	oe_buf_put_u32(&req, OE_FXF_READ);
	oe_buf_put_u32(&req, 0);
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	begin(OE_FXP_OPENDIR);
	put_path("");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	begin_ext(OE_SFTP_EXT_GET);
	put_path("f");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
}

static void
test_roots(void **state)
{
	struct oe_buf b;

	(void)state;
	oe_strs_add(&roots, dir);
	rules.roots = &roots;
	restart();
	assert_int_equal(put_file("f", 0, "x"), OE_FX_OK);
	holds("f", "x");
	assert_int_equal(put_file("../oe-x", 0, "x"), OE_FX_PERMISSION_DENIED);
	begin(OE_FXP_STAT);
	put_path("f");
	assert_int_equal(ask(&b), OE_FXP_ATTRS);
	begin(OE_FXP_SETSTAT);
	put_path("f");
	put_mode(0600);
	assert_int_equal(code(), OE_FX_OK);
	begin(OE_FXP_SYMLINK);
	oe_buf_put_cstring(&req, "/etc/passwd");
	put_path("l");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	begin(OE_FXP_RMDIR);
	put_path("");
	assert_int_not_equal(code(), OE_FX_OK);
	begin(OE_FXP_STAT);
	oe_buf_put_cstring(&req, "/etc/passwd");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	begin_ext("hardlink@openssh.com");
	oe_buf_put_cstring(&req, "/etc/passwd");
	put_path("h");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
}

static void
count_item(void *arg, const struct oe_sftp_audit_item *item)
{
	uint64_t *sums = arg;

	sums[item->op] += item->op == OE_SFTP_AUDIT_REFUSED ? 1 : item->bytes;
	if (item->sys_errno)
		sums[31]++;
}

static void
test_audit(void **state)
{
	uint64_t sums[32] = {0};
	const struct oe_sftp_audit audit = {
	    .operation = count_item, .arg = sums};
	struct oe_strs denied = {NULL, 0};
	uint8_t h[8];

	(void)state;
	oe_strs_add(&denied, "remove");
	rules.denied = &denied;
	rules.audit = &audit;
	restart();
	assert_int_equal(put_file("f", OE_PUT_SYNC, "12345"), OE_FX_OK);
	assert_int_equal(put_file("f", 0, "12345"), OE_FX_FAILURE);
	holds("f", "12345");
	opened("f", OE_FXF_WRITE, h);
	begin(OE_FXP_WRITE);
	oe_buf_put_string(&req, h, 8);
	oe_buf_put_u64(&req, 0);
	oe_buf_put_cstring(&req, "xyz");
	assert_int_equal(code(), OE_FX_OK);
	begin(OE_FXP_REMOVE);
	put_path("f");
	assert_int_equal(code(), OE_FX_PERMISSION_DENIED);
	/* what is open at the end is told too */
	rules.audit = NULL;
	restart();
	assert_int_equal(sums[OE_SFTP_AUDIT_PUT_FILE], 10);
	assert_int_equal(sums[OE_SFTP_AUDIT_GET_FILE], 5);
	assert_int_equal(sums[OE_SFTP_AUDIT_UPLOAD], 3);
	assert_int_equal(sums[OE_SFTP_AUDIT_REFUSED], 1);
	assert_int_equal(sums[31], 1);
	oe_strs_done(&denied);
}

/* Bytes in, bytes out, and how it ends. */
static void
test_run(void **state)
{
	static const uint8_t good[] = {0, 0, 0, 5, 1, 0, 0, 0, 3, 0, 0, 0, 9,
	    16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0},
			     zero[] = {0, 0, 0, 0}, huge[] = {0, 4, 0, 1};
	static const struct {
		const uint8_t *p;
		size_t n;
		int want;
	} cases[] = {
	    {good, sizeof good, 0},
	    {good, 9, 0},
	    {good, 0, 0},
	    {zero, sizeof zero, OE_EPROTO},
	    {huge, sizeof huge, OE_EPROTO},
	};
	size_t i;
	int fds[2];

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_sftp_server_free(&s);
		assert_int_equal(oe_sftp_server_new(&rules, &s, NULL), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(
		    oe_fd_write_all(fds[0], cases[i].p, cases[i].n), 0);
		assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
		assert_int_equal(
		    oe_sftp_server_run(s, fds[1], fds[1], NULL), cases[i].want);
		close(fds[0]);
		close(fds[1]);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_framing),
	    T(test_malformed),
	    T(test_file),
	    T(test_append),
	    T(test_renames),
	    T(test_put),
	    T(test_copy),
	    T(test_hash),
	    T(test_extents),
	    T(test_read_only),
	    T(test_write_only),
	    T(test_roots),
	    T(test_audit),
	    T(test_run),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
