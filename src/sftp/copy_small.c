/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "sftp/copy_internal.h"

/* WRITEs of one file in one piece: requests 0 to 3. */
#define WRITES_MAX 4

static oe_copy_step got, put_done, target_opened, source_opened, source_read;

static bool
local(const struct oe_copy_lane *l)
{
	return l->fs->features & OE_FS_LOCAL;
}

/* One request makes the whole file at the target. */
static bool
whole_put(const struct oe_copy_job *j)
{
	return j->to->fs->features & OE_FS_WHOLE && !j->in_place;
}

bool
oe_copy__is_small(const struct oe_copy_job *j)
{
	const struct oe_sftp_fs *from = j->from->fs, *to = j->to->fs;
	const struct oe_sftp_attrs *a = &j->name->attrs;

	if (j->chunks || !(a->flags & OE_ATTR_SIZE) ||
	    a->size > OE_SFTP_WHOLE_MAX ||
	    j->c->plan.flags & (OE_COPY_VERIFY | OE_COPY_APPEND))
		return false;
	if (!(from->features & OE_FS_WHOLE) && a->size >= from->limits.read)
		return false;
	return whole_put(j) || a->size <= WRITES_MAX * to->limits.write;
}

/* --- reading --- */

static void
take(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct oe_copy_job *j = op->arg;

	/* more than was asked for, or not in order: the fs is at fault */
	if (j->c->orphan || offset != j->buf_len ||
	    n > OE_SFTP_WHOLE_MAX + 1 - j->buf_len)
		return;
	if (j->buf_len + n > j->buf_cap) {
		j->buf_cap = j->buf_len + n;
		if (j->buf_cap < j->name->attrs.size + 1)
			j->buf_cap = (size_t)j->name->attrs.size + 1;
		j->buf = oe_mem_realloc_array(j->buf, j->buf_cap, 1);
	}
	memcpy(j->buf + j->buf_len, p, n);
	j->buf_len += n;
}

/* This machine's files go through one buffer: nothing waits in between. */
static void
take_scratch(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct oe_copy_job *j = op->arg;

	if (offset != j->buf_len || n > OE_SFTP_WHOLE_MAX - j->buf_len)
		return;
	memcpy(j->c->scratch + offset, p, n);
	j->buf_len += n;
}

static bool
follow(const struct oe_copy_job *j)
{
	return !(j->c->plan.flags & OE_COPY_LINKS);
}

/* Into scratch; false: j goes on elsewhere. */
static bool
read_local(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = oe_copy__op(j, 7);

	j->buf_len = 0;
	op->data = take_scratch;
	j->from->fs->ops->get_file(
	    j->from->fs, op, oe_copy__from(j), OE_SFTP_WHOLE_MAX, follow(j));
	if (op->status == 0)
		return true;
	if (op->status == OE_ETOOBIG) {
		j->chunks = true;
		oe_copy__close(j->to->fs, &j->tf);
		j->step = oe_copy__large;
	} else {
		oe_copy__fail(j, op, oe_copy__from(j));
	}
	return false;
}

static void
source_opened(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = &j->op[OE_COPY_OP_OPEN_FROM];
	struct oe_sftp_fs *fs = j->from->fs;

	if (op->status < 0) {
		oe_copy__fail(j, op, oe_copy__from(j));
		return;
	}
	j->step = source_read;
	j->ff = oe_copy__take(op);
	op = oe_copy__op(j, 0);
	op->data = take;
	/* one byte more tells that this is all of it */
	fs->ops->read(fs, op, j->ff, 0, (size_t)j->name->attrs.size + 1);
	oe_copy__close(fs, &j->ff);
}

static void
source_read(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = &j->op[0];

	if (op->status == OE_ESHORT)
		op->status = 0;
	if (op->status == 0 && j->buf_len != j->name->attrs.size) {
		/* it changed, or the answer was short: ask piece by piece */
		j->chunks = true;
		j->step = oe_copy__large;
		return;
	}
	got(j);
}

/* --- writing --- */

static const uint8_t *
bytes(const struct oe_copy_job *j)
{
	if (local(j->from))
		return j->c->scratch;
	return j->buf ? j->buf : j->c->scratch;
}

static void
put_whole(struct oe_copy_job *j)
{
	unsigned flags = j->c->plan.flags;
	struct oe_sftp_attrs a = j->name->attrs;
	struct oe_sftp_op *op = oe_copy__op(j, 0);
	uint32_t put = 0;

	if (!(flags & OE_COPY_OVERWRITE_OFF))
		put |= OE_PUT_REPLACE;
	if (!(flags & OE_COPY_NO_SYNC))
		put |= OE_PUT_SYNC;
	if (flags & OE_COPY_PRESERVE)
		put |= OE_PUT_TIMES | OE_PUT_MODE;
	a.flags &= OE_ATTR_PERMISSIONS | OE_ATTR_ACMODTIME;
	a.mode &= 0777;
	j->step = put_done;
	oe_copy__spend(j->c, j->buf_len);
	j->to->fs->ops->put_file(
	    j->to->fs, op, oe_copy__to(j), put, &a, bytes(j), j->buf_len);
	if (local(j->to) && !op->finished) {
		j->held = true;
		j->c->n_held++;
	}
}

static void
put_done(struct oe_copy_job *j)
{
	if (j->held)
		j->c->n_held--;
	j->held = false;
	if (j->op[0].status < 0) {
		oe_copy__fail(j, &j->op[0], oe_copy__to(j));
		return;
	}
	oe_copy__progress(j, j->buf_len, true);
	oe_copy__end(j);
}

static void
write_pieces(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to->fs;
	size_t off = 0, n;
	unsigned i;

	for (i = 0; off < j->buf_len && i < WRITES_MAX; i++, off += n) {
		n = j->buf_len - off;
		if (n > fs->limits.write)
			n = (size_t)fs->limits.write;
		fs->ops->write(
		    fs, oe_copy__op(j, i), j->tf, off, bytes(j) + off, n);
	}
	oe_copy__spend(j->c, j->buf_len);
	oe_copy__progress(j, j->buf_len, true);
}

static void
target_opened(struct oe_copy_job *j)
{
	int r = oe_copy__opened(j);

	if (r < 0)
		return;
	j->used = 0;
	if (local(j->from) && !read_local(j))
		return;
	if (j->buf_len > WRITES_MAX * j->to->fs->limits.write) {
		j->chunks = true;
		oe_copy__close(j->to->fs, &j->tf);
		j->step = oe_copy__large;
		return;
	}
	write_pieces(j);
	oe_copy__finish(j);
}

/* --- both --- */

static void
deliver(struct oe_copy_job *j)
{
	if (whole_put(j)) {
		put_whole(j);
		return;
	}
	j->step = target_opened;
	oe_copy__open_target(j);
}

static void
got(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = &j->op[0];

	if (op->status == OE_ETOOBIG) {
		j->chunks = true;
		j->step = oe_copy__large;
	} else if (op->status < 0) {
		oe_copy__fail(j, op, oe_copy__from(j));
	} else {
		deliver(j);
	}
}

void
oe_copy__small(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->from->fs;
	struct oe_sftp_op *op;

	oe_copy__begin(j);
	j->buf_len = 0;
	j->used = 0;
	if (!j->weight) {
		j->weight = j->name->attrs.size;
		j->c->job_bytes += j->weight;
	}
	if (local(j->from)) {
		if (!whole_put(j) || read_local(j))
			deliver(j);
	} else if (fs->features & OE_FS_WHOLE) {
		j->step = got;
		op = oe_copy__op(j, 0);
		op->data = take;
		fs->ops->get_file(
		    fs, op, oe_copy__from(j), OE_SFTP_WHOLE_MAX, follow(j));
	} else {
		j->step = source_opened;
		fs->ops->open(fs, oe_copy__op(j, OE_COPY_OP_OPEN_FROM),
		    oe_copy__from(j), OE_FXF_READ, NULL);
	}
}
