/* SPDX-License-Identifier: Apache-2.0 */
#include "session_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/net/loop.h"

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

void
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

void
rig_close(struct rig *r)
{
	oe_sftp_fs_free(&r->fs);
	oe_buf_done(&r->sent);
	oe_loop_free(&r->loop);
}

void
rig_turn(struct rig *r)
{
	assert_int_equal(oe_loop_once(r->loop, 0), 0);
}

void
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
void
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
uint8_t
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

const char *const all_ext[] = {"posix-rename@openssh.com", "1",
    "statvfs@openssh.com", "2", "hardlink@openssh.com", "1",
    "fsync@openssh.com", "1", "lsetstat@openssh.com", "1", "limits@openssh.com",
    "1", "expand-path@openssh.com", "1", "copy-data", "1",
    "users-groups-by-id@openssh.com", "1", "check-file", "md5,sha256",
    "get-file@omniedge.io", "1", "put-file@omniedge.io", "1",
    "extents@omniedge.io", "1", "other@example.com", "7", NULL};

void
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

void
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
void
rig_up(struct rig *r, bool bytewise)
{
	rig_open(r, 0, 0);
	r->bytewise = bytewise;
	/* its limits are known by what it announces */
	rig_version(r, all_ext);
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

void
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

void
asked_done(struct asked *a)
{
	oe_buf_done(&a->data);
	free(a->op.file);
}

/* A file that the server opened. */
struct oe_sftp_file *
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

void
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

const char *
told(struct asked *a)
{
	if (a->text[0])
		return a->text;
	assert_int_equal(oe_buf_put_u8(&a->data, 0), 0);
	return (const char *)oe_buf_head(&a->data);
}
