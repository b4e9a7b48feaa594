/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says to the client's SFTP session.  First byte: how many
 * bytes are told at a time (0: all).  Second: a count; so many bytes each
 * choose a request that is out when the rest, the server's bytes, comes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/net/loop.h"
#include "sftp/session.h"
#include "sftp/session_internal.h"

#define OPS_MAX 32

static size_t
sink_room(void *arg)
{
	(void)arg;
	return 1 << 20;
}

static int
sink_write(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 0;
}

static void
on_ready(void *arg, int status, const struct oe_err *err)
{
	(void)arg;
	if ((status == 0) != (err == NULL))
		abort();
}

static void
on_done(struct oe_sftp_op *op)
{
	size_t *open = op->arg;

	--*open;
	free(op->file);
	op->file = NULL;
	if (memchr(op->message, 0, sizeof op->message) == NULL)
		abort();
}

/* Reads all it was given. */
static void
look(const uint8_t *p, size_t n)
{
	static volatile uint8_t sum;

	while (n--)
		sum = (uint8_t)(sum + p[n]);
}

static void
on_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	(void)offset;
	if (op->finished)
		abort();
	look(p, n);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	if (op->finished)
		abort();
	look((const uint8_t *)e->name, strlen(e->name));
	look((const uint8_t *)e->longname, strlen(e->longname));
}

static void
on_extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	if (op->finished || x->length == 0)
		abort();
}

static void
ask_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *f,
    unsigned what)
{
	switch (what % 6) {
	case 0:
		fs->ops->read(fs, op, f, 0, what);
		break;
	case 1:
		fs->ops->readdir(fs, op, f);
		break;
	case 2:
		fs->ops->fstat(fs, op, f);
		break;
	case 3:
		fs->ops->hash(fs, op, f, "sha256", 0, 0, 0);
		break;
	case 4:
		fs->ops->extents(fs, op, f, 100);
		break;
	case 5:
		fs->ops->write(fs, op, f, 0, "x", 1);
		break;
	}
}

static void
ask(struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *f,
    unsigned what)
{
	static const uint32_t ids[] = {1, 2};

	switch (what % 8) {
	case 0:
		fs->ops->mkdir(fs, op, "d", 0755);
		break;
	case 1:
		fs->ops->open(fs, op, "p", OE_FXF_READ, NULL);
		break;
	case 2:
		fs->ops->realpath(fs, op, ".");
		break;
	case 3:
		fs->ops->statvfs(fs, op, ".");
		break;
	case 4:
		fs->ops->get_file(fs, op, "p", what, true);
		break;
	case 5:
		fs->ops->users(fs, op, ids, 2, ids, 1);
		break;
	default:
		ask_file(fs, op, f, what / 8);
		break;
	}
}

static const char *const extensions[] = {"statvfs@openssh.com", "2",
    "users-groups-by-id@openssh.com", "1", "check-file", "sha256",
    "get-file@omniedge.io", "1", "put-file@omniedge.io", "1",
    "extents@omniedge.io", "1"};

/* VERSION, so that requests may be made. */
static void
say_version(struct oe_sftp_session *s)
{
	struct oe_buf b;
	size_t i;

	oe_buf_init(&b, 1024);
	(void)oe_buf_put(&b, "\0\0\0\0\2\0\0\0\3", 9);
	for (i = 0; i < OE_ARRAY_LEN(extensions); i++)
		(void)oe_buf_put_cstring(&b, extensions[i]);
	b.data[3] = (uint8_t)(b.len - 4);
	oe_sftp_session_input(s, b.data, b.len);
	oe_buf_done(&b);
}

/* From memory of its own, so that reading past it is noticed. */
static void
say(struct oe_sftp_session *s, const uint8_t *p, size_t n, size_t step)
{
	uint8_t *part;
	size_t k;

	while (n) {
		k = step && step < n ? step : n;
		part = malloc(k);
		if (!part)
			abort();
		memcpy(part, p, k);
		oe_sftp_session_input(s, part, k);
		free(part);
		p += k;
		n -= k;
	}
}

static struct oe_sftp_fs *
session(struct oe_loop *loop, struct oe_sftp_session **ret)
{
	struct oe_sftp_session_plan plan = {.loop = loop,
	    .stream = {sink_room, sink_write, NULL},
	    .host = "host",
	    .ready = on_ready};

	*ret = oe_sftp_session_new(&plan);
	return oe_sftp_session_fs(*ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct oe_sftp_file file = {.len = 0};
	struct oe_sftp_op ops[OPS_MAX];
	struct oe_loop *loop;
	struct oe_sftp_session *s;
	struct oe_sftp_fs *fs;
	size_t step, count, open, i;

	if (n < 2)
		return 0;
	step = p[0];
	count = p[1] % OPS_MAX;
	if (n < 2 + count)
		return 0;
	loop = oe_loop_new();
	fs = session(loop, &s);
	memset(ops, 0, sizeof ops);
	open = count;
	/* none: the server's first words are looked at, too */
	if (count)
		say_version(s);
	for (i = 0; i < count; i++) {
		ops[i].arg = &open;
		ops[i].done = on_done;
		ops[i].data = on_data;
		ops[i].entry = on_entry;
		ops[i].extent = on_extent;
		ask(fs, &ops[i], &file, p[2 + i]);
	}
	say(s, p + 2 + count, n - 2 - count, step);
	oe_sftp_fs_free(&fs);
	/* each ended, once */
	if (open)
		abort();
	oe_loop_free(&loop);
	return 0;
}
