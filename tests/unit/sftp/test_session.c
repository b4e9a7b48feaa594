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
#include "sftp/session.h"

#define SENT_MAX (4u * 1024 * 1024)

/* A session over memory. */
struct rig {
	struct oe_loop *loop;
	struct oe_sftp_session *s;
	struct oe_sftp_fs *fs;
	struct oe_buf sent; /* by the session */
	size_t room;
	bool dead; /* write() fails */
	bool bytewise;
	int ready_status, ready_calls, failed_calls, writable_calls;
	struct oe_err err;
	bool free_in_done;
};

/* One request and what it was told. */
struct asked {
	struct oe_sftp_op op;
	struct rig *rig;
	int done;
	struct oe_buf data; /* of data(), or names joined by newlines */
	unsigned n_extents;
	uint64_t next;
	char text[64];
};

static size_t
rig_room(void *arg)
{
	struct rig *r = arg;

	return r->room;
}

static int
rig_write(void *arg, const void *p, size_t n)
{
	struct rig *r = arg;

	assert_true(n <= r->room);
	r->room -= n;
	if (r->dead)
		return OE_ECLOSED;
	assert_int_equal(oe_buf_put(&r->sent, p, n), 0);
	return 0;
}

static void
rig_ready(void *arg, int status, const struct oe_err *err)
{
	struct rig *r = arg;

	r->ready_calls++;
	r->ready_status = status;
	if (err)
		r->err = *err;
}

static void
rig_failed(void *arg, const struct oe_err *err)
{
	struct rig *r = arg;

	r->failed_calls++;
	r->err = *err;
}

static void
rig_writable(void *arg)
{
	struct rig *r = arg;

	r->writable_calls++;
}

static void
rig_open(struct rig *r, int64_t answer_ms, size_t data_max)
{
	struct oe_sftp_session_plan plan = {.stream = {rig_room, rig_write, r},
	    .host = "robot7",
	    .data_max = data_max,
	    .answer_ms = answer_ms,
	    .ready = rig_ready,
	    .failed = rig_failed,
	    .arg = r};

	memset(r, 0, sizeof *r);
	r->loop = plan.loop = oe_loop_new();
	oe_buf_init(&r->sent, SENT_MAX);
	r->room = SENT_MAX;
	r->s = oe_sftp_session_new(&plan);
	r->fs = oe_sftp_session_fs(r->s);
	r->fs->writable = rig_writable;
	r->fs->writable_arg = r;
	assert_int_equal(r->ready_calls, 0);
}

static void
rig_close(struct rig *r)
{
	oe_sftp_fs_free(&r->fs);
	oe_buf_done(&r->sent);
	oe_loop_free(&r->loop);
}

static void
rig_turn(struct rig *r)
{
	assert_int_equal(oe_loop_once(r->loop, 0), 0);
}

static void
rig_input(struct rig *r, const void *p, size_t n)
{
	uint8_t *copy;
	size_t i;

	if (!r->bytewise) {
		/* of its own, so that reading past it is noticed */
		copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, p, n);
		oe_sftp_session_input(r->s, copy, n);
		free(copy);
		return;
	}
	for (i = 0; i < n; i++)
		oe_sftp_session_input(r->s, (const char *)p + i, 1);
}

/* A packet from the server. */
static void
rig_answer(struct rig *r, uint8_t type, uint32_t id, const void *body, size_t n)
{
	struct oe_buf b;

	oe_buf_init(&b, n + 64);
	assert_int_equal(oe_buf_put_u32(&b, (uint32_t)n + 5), 0);
	assert_int_equal(oe_buf_put_u8(&b, type), 0);
	assert_int_equal(oe_buf_put_u32(&b, id), 0);
	assert_int_equal(oe_buf_put(&b, body, n), 0);
	rig_input(r, oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
}

/* The next packet that the session sent: its type, id and fields. */
static uint8_t
rig_sent(struct rig *r, uint32_t *id, struct oe_buf *fields)
{
	struct oe_buf packet;
	uint8_t type = 0;

	rig_turn(r);
	assert_int_equal(oe_buf_get_string(&r->sent, &packet), 0);
	assert_int_equal(oe_buf_get_u8(&packet, &type), 0);
	assert_int_equal(oe_buf_get_u32(&packet, id), 0);
	if (fields)
		*fields = packet;
	return type;
}

static const char *const all_ext[] = {"posix-rename@openssh.com", "1",
    "statvfs@openssh.com", "2", "hardlink@openssh.com", "1",
    "fsync@openssh.com", "1", "lsetstat@openssh.com", "1", "limits@openssh.com",
    "1", "expand-path@openssh.com", "1", "copy-data", "1",
    "users-groups-by-id@openssh.com", "1", "check-file", "md5,sha256",
    "get-file@omniedge.io", "1", "put-file@omniedge.io", "1",
    "extents@omniedge.io", "1", "other@example.com", "7", NULL};

static void
rig_version(struct rig *r, const char *const *ext)
{
	struct oe_buf b;
	uint32_t version;

	assert_int_equal(rig_sent(r, &version, NULL), OE_FXP_INIT);
	assert_int_equal(version, 3);
	oe_buf_init(&b, 4096);
	for (; ext && *ext; ext++)
		assert_int_equal(oe_buf_put_cstring(&b, *ext), 0);
	rig_answer(r, OE_FXP_VERSION, 3, oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
}

static void
rig_limits(struct rig *r, uint64_t packet, uint64_t most)
{
	struct oe_buf b;
	uint32_t id;

	assert_int_equal(rig_sent(r, &id, NULL), OE_FXP_EXTENDED);
	oe_buf_init(&b, 64);
	assert_int_equal(oe_buf_put_u64(&b, packet), 0);
	assert_int_equal(oe_buf_put_u64(&b, most), 0);
	assert_int_equal(oe_buf_put_u64(&b, most), 0);
	assert_int_equal(oe_buf_put_u64(&b, 0), 0);
	rig_answer(
	    r, OE_FXP_EXTENDED_REPLY, id, oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
}

/* Ready, with all extensions. */
static void
rig_up(struct rig *r, bool bytewise)
{
	rig_open(r, 0, 0);
	r->bytewise = bytewise;
	rig_version(r, all_ext);
	rig_limits(r, OE_SFTP_PACKET_MAX, OE_SFTP_DATA_MAX);
	assert_int_equal(r->ready_calls, 1);
	assert_int_equal(r->ready_status, 0);
}

/* --- requests --- */

static void
on_done(struct oe_sftp_op *op)
{
	struct asked *a = op->arg;

	a->done++;
	if (op->text)
		snprintf(a->text, sizeof a->text, "%s", op->text);
	if (op->hash)
		assert_int_equal(
		    oe_buf_put(&a->data, op->hash, op->hash_len), 0);
	if (a->rig->free_in_done)
		oe_sftp_fs_free(&a->rig->fs);
}

static void
on_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct asked *a = op->arg;

	assert_true(n > 0);
	assert_int_equal(offset, a->next);
	a->next += n;
	assert_int_equal(oe_buf_put(&a->data, p, n), 0);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct asked *a = op->arg;

	assert_int_equal(oe_buf_printf(&a->data, "%s\n", e->name), 0);
}

static void
on_extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	struct asked *a = op->arg;

	assert_true(x->length > 0);
	a->n_extents++;
}

static void
asked_init(struct asked *a, struct rig *r)
{
	memset(a, 0, sizeof *a);
	a->rig = r;
	a->op.arg = a;
	a->op.done = on_done;
	a->op.data = on_data;
	a->op.entry = on_entry;
	a->op.extent = on_extent;
	oe_buf_init(&a->data, 1024 * 1024);
}

static void
asked_done(struct asked *a)
{
	oe_buf_done(&a->data);
	free(a->op.file);
}

/* A file that the server opened. */
static struct oe_sftp_file *
some_file(struct rig *r)
{
	struct asked a;
	struct oe_sftp_file *f;
	uint32_t id;

	asked_init(&a, r);
	r->fs->ops->open(r->fs, &a.op, "f", OE_FXF_READ, NULL);
	assert_int_equal(rig_sent(r, &id, NULL), OE_FXP_OPEN);
	rig_answer(r, OE_FXP_HANDLE, id, "\0\0\0\2hh", 6);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.op.status, 0);
	f = a.op.file;
	a.op.file = NULL;
	assert_non_null(f);
	asked_done(&a);
	return f;
}

enum what {
	MKDIR,
	OPEN,
	READ8, /* 8 bytes from 100 */
	WRITE,
	LSTAT,
	READDIR,
	READLINK,
	STATVFS,
	HASH,
	EXTENTS, /* from 100 */
	GET8,    /* at most 8 bytes */
	PUT,
	USERS, /* two users, one group */
	CLOSE,
};

static void
ask(struct rig *r, struct asked *a, enum what what, struct oe_sftp_file *f)
{
	static const uint32_t uids[] = {7, 8}, gids[] = {9};
	const struct oe_sftp_fs_ops *o = r->fs->ops;

	asked_init(a, r);
	switch (what) {
	case MKDIR:
		o->mkdir(r->fs, &a->op, "d", 0755);
		break;
	case OPEN:
		o->open(r->fs, &a->op, "p", OE_FXF_READ, NULL);
		break;
	case READ8:
		a->next = 100;
		o->read(r->fs, &a->op, f, 100, 8);
		break;
	case WRITE:
		o->write(r->fs, &a->op, f, 0, "abc", 3);
		break;
	case LSTAT:
		o->stat(r->fs, &a->op, "p", false);
		break;
	case READDIR:
		o->readdir(r->fs, &a->op, f);
		break;
	case READLINK:
		o->readlink(r->fs, &a->op, "p");
		break;
	case STATVFS:
		o->statvfs(r->fs, &a->op, "p");
		break;
	case HASH:
		o->hash(r->fs, &a->op, f, "sha256", 0, 0, 0);
		break;
	case EXTENTS:
		o->extents(r->fs, &a->op, f, 100);
		break;
	case GET8:
		o->get_file(r->fs, &a->op, "p", 8, true);
		break;
	case PUT:
		o->put_file(r->fs, &a->op, "p", 0, NULL, "abc", 3);
		break;
	case USERS:
		o->users(r->fs, &a->op, uids, 2, gids, 1);
		break;
	case CLOSE:
		f = some_file(r);
		o->close(r->fs, &a->op, f);
		break;
	}
}

/* --- tables of answers --- */

#define B(text)     text, sizeof text - 1
#define NO_ATTRS    "\0\0\0\0"
#define SIZE(n)     "\0\0\0\1\0\0\0\0\0\0\0" n
#define U64(n)      "\0\0\0\0\0\0\0" n
#define U64_MAX     "\xff\xff\xff\xff\xff\xff\xff\xff"
#define ENTRY(n, t) "\0\0\0" n t "\0\0\0\2-l" NO_ATTRS

static const struct answer {
	const char *what;
	enum what ask;
	uint8_t type;
	const char *body;
	size_t len;
	int status;       /* of the op; OE_EPROTO: the session fails */
	const char *told; /* what callbacks heard, or op->message */
} answers[] = {
    {"done", MKDIR, 101, B("\0\0\0\0"), 0, ""},
    {"done, with words", MKDIR, 101, B("\0\0\0\0\0\0\0\2ok\0\0\0\0"), 0, ""},
    {"no words", MKDIR, 101, B("\0\0\0\2"), OE_ENOENT, ""},
    {"words", MKDIR, 101, B("\0\0\0\4\0\0\0\5x\33[2J\0\0\0\0"), OE_ESYS,
	"x\\x1b[2J"},
    {"no language", MKDIR, 101, B("\0\0\0\3\0\0\0\1x"), OE_EPERM, "x"},
    {"exists", MKDIR, 101, B("\0\0\0\4\0\0\0\13File exists"), OE_EEXIST,
	"File exists"},
    {"end, of what has none", MKDIR, 101, B("\0\0\0\1"), OE_ESYS, ""},
    {"unsupported", MKDIR, 101, B("\0\0\0\10"), OE_EINVAL, ""},
    {"connection lost", MKDIR, 101, B("\0\0\0\7"), OE_ECLOSED, ""},
    {"code unheard of", MKDIR, 101, B("\xff\xff\xff\xff"), OE_ESYS, ""},
    {"words end early", MKDIR, 101, B("\0\0\0\4\0\0\0\5abcd"), OE_EPROTO, ""},
    {"words of 4 GB", MKDIR, 101, B("\0\0\0\4\xff\xff\xff\xff"), OE_EPROTO, ""},
    {"no code", MKDIR, 101, B("\0\0\0"), OE_EPROTO, ""},
    {"nothing", MKDIR, 101, B(""), OE_EPROTO, ""},
    {"handle for mkdir", MKDIR, 102, B("\0\0\0\1h"), OE_EPROTO, ""},
    {"type 0", MKDIR, 0, B(""), OE_EPROTO, ""},
    {"type 255", MKDIR, 255, B(""), OE_EPROTO, ""},
    {"a request", MKDIR, 3, B("\0\0\0\1h"), OE_EPROTO, ""},
    {"closed", CLOSE, 101, B("\0\0\0\0"), 0, ""},

    {"handle", OPEN, 102, B("\0\0\0\4abcd"), 0, ""},
    {"empty handle", OPEN, 102, B("\0\0\0\0"), 0, ""},
    {"handle ends early", OPEN, 102, B("\0\0\0\4abc"), OE_EPROTO, ""},
    {"no handle", OPEN, 102, B(""), OE_EPROTO, ""},
    {"opened without a handle", OPEN, 101, B("\0\0\0\0"), OE_EPROTO, ""},
    {"not opened", OPEN, 101, B("\0\0\0\3"), OE_EPERM, ""},
    {"data for open", OPEN, 103, B("\0\0\0\1x"), OE_EPROTO, ""},

    {"data", READ8, 103, B("\0\0\0\10abcdefgh"), 0, "abcdefgh"},
    {"less data", READ8, 103, B("\0\0\0\3abc"), 0, "abc"},
    {"no data", READ8, 103, B("\0\0\0\0"), OE_ESHORT, ""},
    {"end", READ8, 101, B("\0\0\0\1"), OE_ESHORT, ""},
    {"read done?", READ8, 101, B("\0\0\0\0"), OE_EPROTO, ""},
    {"too much data", READ8, 103, B("\0\0\0\11abcdefghi"), OE_EPROTO, ""},
    {"data of 4 GB", READ8, 103, B("\xff\xff\xff\xff\1"), OE_EPROTO, ""},
    {"data ends early", READ8, 103, B("\0\0\0\4abc"), OE_EPROTO, ""},
    {"data with more", READ8, 103, B("\0\0\0\3abcd"), OE_EPROTO, ""},
    {"data, no length", READ8, 103, B("\0\0\0"), OE_EPROTO, ""},
    {"data, nothing", READ8, 103, B(""), OE_EPROTO, ""},
    {"attrs for read", READ8, 105, B(NO_ATTRS), OE_EPROTO, ""},

    {"written", WRITE, 101, B("\0\0\0\0"), 0, ""},
    {"disk full", WRITE, 101, B("\0\0\0\4\0\0\0\4full"), OE_ESYS, "full"},
    {"data for write", WRITE, 103, B("\0\0\0\1a"), OE_EPROTO, ""},

    {"attrs", LSTAT, 105, B(SIZE("\5")), 0, ""},
    {"no attrs", LSTAT, 105, B(NO_ATTRS), 0, ""},
    {"attrs end early", LSTAT, 105, B("\0\0\0\1\0\0"), OE_EPROTO, ""},
    {"too many pairs", LSTAT, 105, B("\x80\0\0\0\xff\xff\xff\xff"), OE_EPROTO,
	""},

    {"names", READDIR, 104,
	B("\0\0\0\4" ENTRY("\1", ".") ENTRY("\2", "..") ENTRY("\1", "a")
		ENTRY("\3", "b/c")),
	0, "a\nb/c\n"},
    {"no names", READDIR, 104, B("\0\0\0\0"), OE_ESHORT, ""},
    {"end of names", READDIR, 101, B("\0\0\0\1"), OE_ESHORT, ""},
    {"fewer names", READDIR, 104, B("\0\0\0\2" ENTRY("\1", "a")), OE_EPROTO,
	"a\n"},
    {"names without end", READDIR, 104, B("\xff\xff\xff\xff"), OE_EPROTO, ""},
    {"name with NUL", READDIR, 104, B("\0\0\0\1" ENTRY("\3", "a\0b")),
	OE_EPROTO, ""},
    {"name of 4 GB", READDIR, 104, B("\0\0\0\1\xff\xff\xff\xff"), OE_EPROTO,
	""},

    {"link", READLINK, 104, B("\0\0\0\1" ENTRY("\2", "to")), 0, "to"},
    {"link, name only", READLINK, 104, B("\0\0\0\1\0\0\0\2to"), 0, "to"},
    {"no link", READLINK, 104, B("\0\0\0\0"), OE_EPROTO, ""},
    {"two links", READLINK, 104,
	B("\0\0\0\2" ENTRY("\1", "a") ENTRY("\1", "b")), OE_EPROTO, ""},
    {"link with NUL", READLINK, 104, B("\0\0\0\1" ENTRY("\2", "a\0")),
	OE_EPROTO, ""},

    {"vfs, short", STATVFS, 201, B("\0\0\0\0\0\0\0\1"), OE_EPROTO, ""},
    {"hash", HASH, 201, B("\0\0\0\12check-file\0\0\0\6sha256abcd"), 0, "abcd"},
    {"hash, short", HASH, 201, B("\0\0\0\12check-file\0\0\0\6sha25"), OE_EPROTO,
	""},

    {"extents, last", EXTENTS, 201,
	B("\1\0\0\0\2" U64("\144") U64("\1") U64("\146") U64("\1")), 0, ""},
    {"no extents", EXTENTS, 201, B("\1\0\0\0\0"), 0, ""},
    {"no extents, not last", EXTENTS, 201, B("\0\0\0\0\0"), OE_EPROTO, ""},
    {"backwards", EXTENTS, 201, B("\1\0\0\0\1" U64("\143") U64("\1")),
	OE_EPROTO, ""},
    {"overlapping", EXTENTS, 201,
	B("\1\0\0\0\2" U64("\144") U64("\5") U64("\146") U64("\1")), OE_EPROTO,
	""},
    {"empty extent", EXTENTS, 201, B("\1\0\0\0\1" U64("\144") U64("\0")),
	OE_EPROTO, ""},
    {"endless extent", EXTENTS, 201, B("\1\0\0\0\1" U64("\144") U64_MAX),
	OE_EPROTO, ""},
    {"extents end early", EXTENTS, 201, B("\1\0\0\0\1" U64("\144")), OE_EPROTO,
	""},
    {"too many extents", EXTENTS, 201, B("\1\0\0\4\1"), OE_EPROTO, ""},

    {"file", GET8, 201, B(SIZE("\3") "\0\0\0\3abc"), 0, "abc"},
    {"empty file", GET8, 201, B(SIZE("\0") "\0\0\0\0"), 0, ""},
    {"larger", GET8, 201, B(SIZE("\11") "\0\0\0\0"), OE_ETOOBIG, ""},
    {"larger, yet there", GET8, 201, B(SIZE("\11") "\0\0\0\11abcdefghi"),
	OE_EPROTO, ""},
    {"other size", GET8, 201, B(SIZE("\3") "\0\0\0\4abcd"), OE_EPROTO, ""},
    {"no size", GET8, 201, B(NO_ATTRS "\0\0\0\1a"), OE_EPROTO, ""},
    {"file ends early", GET8, 201, B(SIZE("\3") "\0\0\0\3ab"), OE_EPROTO, ""},
    {"got", GET8, 101, B("\0\0\0\0"), OE_EPROTO, ""},
    {"put", PUT, 101, B("\0\0\0\0"), 0, ""},
    {"put, refused", PUT, 101, B("\0\0\0\3"), OE_EPERM, ""},

    {"users", USERS, 201, B("\0\0\0\11\0\0\0\1a\0\0\0\0\0\0\0\5\0\0\0\1g"), 0,
	"a\n\ng\n"},
    {"fewer users", USERS, 201, B("\0\0\0\5\0\0\0\1a\0\0\0\5\0\0\0\1g"),
	OE_EPROTO, "a\n"},
};

static const char *
told(struct asked *a)
{
	if (a->text[0])
		return a->text;
	assert_int_equal(oe_buf_put_u8(&a->data, 0), 0);
	return (const char *)oe_buf_head(&a->data);
}

static void
check_answer(const struct answer *t, bool bytewise)
{
	struct oe_sftp_file *f;
	struct asked a;
	struct rig r;
	uint32_t id;
	bool fatal = t->status == OE_EPROTO;

	rig_up(&r, bytewise);
	f = some_file(&r);
	ask(&r, &a, t->ask, f);
	(void)rig_sent(&r, &id, NULL);
	rig_answer(&r, t->type, id, t->body, t->len);
	if (a.done != 1 || a.op.status != t->status ||
	    r.failed_calls != fatal ||
	    (strcmp(told(&a), t->told) != 0 &&
		strcmp(a.op.message, t->told) != 0))
		fail_msg("%s: done %d, status %d, failed %d, told '%s', '%s'",
		    t->what, a.done, a.op.status, r.failed_calls, told(&a),
		    a.op.message);
	assert_int_equal(r.fs->failed, fatal);
	assert_int_equal(r.fs->outstanding, 0);
	if (fatal)
		assert_memory_equal(r.err.msg, "robot7: ", 8);
	asked_done(&a);
	/* what comes after the end is not looked at */
	if (fatal)
		rig_answer(&r, t->type, id, t->body, t->len);
	free(f);
	rig_close(&r);
}

static void
test_answers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(answers); i++) {
		check_answer(&answers[i], false);
		check_answer(&answers[i], true);
	}
}

static void
test_long_names(void **state)
{
	static const size_t sizes[] = {
	    OE_SFTP_PATH_MAX, OE_SFTP_PATH_MAX + 1, 200000};
	struct asked a;
	struct oe_buf b;
	struct rig r;
	uint32_t id;
	char *name;
	size_t i;

	(void)state;
	name = malloc(sizes[2]);
	assert_non_null(name);
	memset(name, 'x', sizes[2]);
	for (i = 0; i < OE_ARRAY_LEN(sizes); i++) {
		rig_up(&r, false);
		ask(&r, &a, READLINK, NULL);
		(void)rig_sent(&r, &id, NULL);
		oe_buf_init(&b, 300000);
		assert_int_equal(oe_buf_put_u32(&b, 1), 0);
		assert_int_equal(oe_buf_put_string(&b, name, sizes[i]), 0);
		rig_answer(
		    &r, OE_FXP_NAME, id, oe_buf_head(&b), oe_buf_left(&b));
		assert_int_equal(a.op.status, i ? OE_EPROTO : 0);
		oe_buf_done(&b);
		asked_done(&a);
		rig_close(&r);
	}
	free(name);
}

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
		rig_version(&r, all_ext);
		/* not open for use */
		assert_int_equal(r.fs->room(r.fs), 0);
		ask(&r, &a, MKDIR, NULL);
		assert_int_equal(a.op.status, OE_ECLOSED);
		asked_done(&a);
		rig_limits(&r, cases[i].packet, cases[i].most);
		assert_int_equal(r.ready_status, 0);
		assert_int_equal(r.fs->limits.read, cases[i].got);
		assert_int_equal(r.fs->limits.write, cases[i].got);
		assert_int_equal(r.fs->features, 0x7ff);
		assert_true(r.fs->rtt_us > 0);
		assert_int_equal(r.writable_calls, 1);
		rig_close(&r);
	}
	/* a refusal is no end */
	rig_open(&r, 0, 0);
	rig_version(&r, all_ext);
	assert_int_equal(rig_sent(&r, &id, NULL), OE_FXP_EXTENDED);
	rig_answer(&r, OE_FXP_STATUS, id, B("\0\0\0\10"));
	assert_int_equal(r.ready_status, 0);
	assert_int_equal(r.fs->limits.read, OE_SFTP_DATA_SAFE);
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

/* --- OpenSSH's server --- */

struct pipe_end {
	struct oe_sftp_session *s;
	struct oe_watch *watch;
	int fd, ready;
};

static size_t
pipe_room(void *arg)
{
	const struct pipe_end *e = arg;
	struct pollfd p = {.fd = e->fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT ? 4096 : 0;
}

static int
pipe_write(void *arg, const void *p, size_t n)
{
	const struct pipe_end *e = arg;

	return oe_fd_write_all(e->fd, p, n) < 0 ? OE_ECLOSED : 0;
}

static void
pipe_ready(void *arg, int status, const struct oe_err *err)
{
	struct pipe_end *e = arg;

	(void)err;
	e->ready = status == 0 ? 1 : status;
}

static void
pipe_in(void *arg, short revents)
{
	struct pipe_end *e = arg;
	static char buf[100000];
	ssize_t n;

	oe_sftp_session_writable(e->s);
	if (!(revents & POLLIN))
		return;
	n = read(e->fd, buf, sizeof buf);
	if (n > 0)
		oe_sftp_session_input(e->s, buf, (size_t)n);
	else
		oe_sftp_session_lost(e->s, NULL);
}

static pid_t
start_server(const char *program, int *ret_fd)
{
	int sv[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(sv[1], 0);
		dup2(sv[1], 1);
		oe_fd_close_from(3);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	*ret_fd = sv[0];
	return pid;
}

static void
check_real(struct oe_loop *loop, struct oe_sftp_fs *fs, const char *dir)
{
	static uint8_t big[100000];
	char path[256];
	struct asked a;
	struct rig r = {.fs = fs};
	struct oe_sftp_file *f;
	size_t i;

	for (i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 7);
	snprintf(path, sizeof path, "%s/f", dir);
	asked_init(&a, &r);
	fs->ops->open(fs, &a.op, path,
	    OE_FXF_READ | OE_FXF_WRITE | OE_FXF_CREAT | OE_FXF_TRUNC, NULL);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	f = a.op.file;
	asked_init(&a, &r);
	fs->ops->write(fs, &a.op, f, 0, big, sizeof big);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->read(fs, &a.op, f, 0, fs->limits.read);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	assert_int_equal(a.op.n, sizeof big);
	assert_memory_equal(oe_buf_head(&a.data), big, sizeof big);
	asked_done(&a);
	asked_init(&a, &r);
	fs->ops->close(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->opendir(fs, &a.op, dir);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	f = a.op.file;
	asked_init(&a, &r);
	fs->ops->readdir(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	assert_string_equal(told(&a), "f\n");
	asked_done(&a);
	asked_init(&a, &r);
	fs->ops->readdir(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), OE_ESHORT);
	asked_init(&a, &r);
	fs->ops->close(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->statvfs(fs, &a.op, dir);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	assert_true(a.op.vfs.bsize > 0);
	asked_init(&a, &r);
	fs->ops->remove(fs, &a.op, path);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->stat(fs, &a.op, path, false);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), OE_ENOENT);
}

static void
test_openssh(void **state)
{
	static const char program[] = "/usr/lib/openssh/sftp-server";
	struct oe_sftp_session_plan plan = {.host = "here"};
	struct oe_sftp_fs *fs;
	struct pipe_end e = {.fd = -1};
	char dir[] = "/tmp/oe-session-XXXXXX";
	int status;
	pid_t pid;

	(void)state;
	if (access(program, X_OK) < 0)
		skip();
	assert_non_null(mkdtemp(dir));
	pid = start_server(program, &e.fd);
	plan.loop = oe_loop_new();
	plan.stream = (struct oe_sftp_stream){pipe_room, pipe_write, &e};
	plan.ready = pipe_ready;
	plan.arg = &e;
	e.watch = oe_loop_watch(plan.loop, e.fd, POLLIN, pipe_in, &e);
	e.s = oe_sftp_session_new(&plan);
	fs = oe_sftp_session_fs(e.s);
	while (!e.ready)
		assert_int_equal(oe_loop_once(plan.loop, 5000), 0);
	assert_int_equal(e.ready, 1);
	oe_watch_set(e.watch, POLLIN | POLLOUT);
	check_real(plan.loop, fs, dir);
	oe_sftp_fs_free(&fs);
	oe_watch_free(&e.watch);
	close(e.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(dir), 0);
	oe_loop_free(&plan.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_long_names),
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
	    cmocka_unit_test(test_openssh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
