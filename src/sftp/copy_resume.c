/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "sftp/copy_internal.h"

/* Blocks compared by one pair of requests: this machine hashes them while
 * nothing else is looked at. */
#define BLOCKS 4
#define DIGEST 32

static oe_copy_step part_known, appended, opened, compare, compared, trusted;

static bool
is_regular(const struct oe_sftp_attrs *a)
{
	return a->flags & OE_ATTR_PERMISSIONS && S_ISREG(a->mode) &&
	       a->flags & OE_ATTR_SIZE;
}

static bool
can_hash(const struct oe_copy_job *j)
{
	return j->from->fs->features & j->to->fs->features & OE_FS_HASH;
}

static void
skip(struct oe_copy_job *j)
{
	if (j->ff)
		oe_copy__close(j->from->fs, &j->ff);
	if (j->tf)
		oe_copy__close(j->to->fs, &j->tf);
	j->skipped = true;
	oe_copy__progress(j, j->large->size, false);
	oe_copy__large_free(j);
	oe_copy__end(j);
}

static void
open_source(struct oe_copy_job *j)
{
	j->from->fs->ops->open(j->from->fs,
	    oe_copy__op(j, OE_COPY_OP_OPEN_FROM), oe_copy__from(j), OE_FXF_READ,
	    NULL);
}

/* Both ends; @have bytes are at the target already. */
static void
open_both(struct oe_copy_job *j, uint64_t have, oe_copy_step *next)
{
	j->large->old = have;
	j->resume = have > 0;
	j->step = next;
	oe_copy__open_target(j);
	open_source(j);
}

/* What differs at the target is left alone until all is there. */
static void
open_to_compare(struct oe_copy_job *j)
{
	j->comparing = true;
	j->large->old = j->target.size;
	j->used = 0;
	j->step = opened;
	j->to->fs->ops->open(j->to->fs, oe_copy__op(j, OE_COPY_OP_OPEN_TO),
	    oe_copy__to(j), OE_FXF_READ | OE_FXF_NOFOLLOW, NULL);
	open_source(j);
}

static void
append(struct oe_copy_job *j)
{
	uint64_t have = is_regular(&j->target) ? j->target.size : 0;

	if (have > j->large->size)
		oe_copy__fail_text(j, OE_EEXIST, oe_copy__to(j),
		    "is larger than what is to be copied");
	else if (have && have == j->large->size)
		skip(j);
	else
		open_both(j, have, appended);
}

void
oe_copy__resume(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to->fs;

	j->used = 0;
	if (j->c->plan.flags & OE_COPY_APPEND) {
		append(j);
	} else if (j->in_place) {
		open_both(
		    j, is_regular(&j->target) ? j->target.size : 0, opened);
	} else {
		j->step = part_known;
		fs->ops->stat(fs, oe_copy__op(j, 0), oe_copy__place(j), false);
	}
}

static void
part_known(struct oe_copy_job *j)
{
	const struct oe_sftp_op *op = &j->op[0];
	bool there = op->status == 0 && is_regular(&op->attrs);

	if (op->status == OE_ECLOSED)
		oe_copy__fail(j, op, oe_copy__place(j));
	else if (there)
		open_both(j, op->attrs.size, opened);
	else if (is_regular(&j->target) && j->target.size == j->large->size &&
		 can_hash(j))
		open_to_compare(j);
	else
		open_both(j, 0, opened);
}

/* 0: both are open. */
static int
both_open(struct oe_copy_job *j)
{
	struct oe_sftp_op *from = &j->op[OE_COPY_OP_OPEN_FROM];
	struct oe_sftp_op *to = &j->op[OE_COPY_OP_OPEN_TO];

	if (j->used & 1u << OE_COPY_OP_OPEN_FROM) {
		if (from->status < 0) {
			j->tf = oe_copy__take(to);
			/* what was there before stays */
			j->made =
			    to->status == 0 && !j->resume && !j->comparing;
			oe_copy__fail(j, from, oe_copy__from(j));
			return from->status;
		}
		j->ff = oe_copy__take(from);
		j->used &= ~(1u << OE_COPY_OP_OPEN_FROM);
	}
	if (!j->comparing)
		return oe_copy__opened(j);
	j->tf = oe_copy__take(to);
	return to->status;
}

static void
appended(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;

	if (both_open(j) < 0)
		return;
	l->next_at = l->written = l->old;
	if (l->old)
		oe_copy__progress(j, l->old, false);
	j->step = oe_copy__data;
}

/* The target differs: it is copied as if nothing had been looked at. */
static void
begin_anew(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;

	if (j->ff)
		oe_copy__close(j->from->fs, &j->ff);
	if (j->tf)
		oe_copy__close(j->to->fs, &j->tf);
	j->comparing = false;
	oe_mem_free(&l->same);
	l->same_blocks = l->compared = 0;
	open_both(j, 0, opened);
}

static void
opened(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	int r = both_open(j);

	if (r < 0 && j->comparing && !j->err)
		begin_anew(j);
	if (r < 0)
		return;
	/* a part file that could not be opened was made anew */
	if (!j->resume && !j->comparing)
		l->old = 0;
	/* only what has gone there, so that a failure leaves it alone */
	if (l->old)
		j->keep = true;
	if (!l->old) {
		j->step = oe_copy__data;
		return;
	}
	l->same = oe_mem_zalloc((size_t)(l->old / OE_COPY_BLOCK / 8 + 1));
	j->step = compare;
	if (can_hash(j))
		return;
	j->step = trusted;
	if (j->to->fs->features & OE_FS_LOCAL)
		oe_copy__first_extent(j);
}

/* --- with hashes --- */

/* Whole blocks, and the last one where both end alike. */
static uint64_t
comparable(const struct oe_copy_large *l)
{
	if (l->old >= l->size)
		return l->size;
	return l->old / OE_COPY_BLOCK * OE_COPY_BLOCK;
}

static void
take_hash(struct oe_sftp_op *op)
{
	struct oe_copy_job *j = op->arg;
	size_t at = op == &j->op[0] ? 0 : BLOCKS * DIGEST;

	if (op->status == 0 && op->hash_len <= BLOCKS * DIGEST)
		memcpy(j->buf + at, op->hash, op->hash_len);
	else if (op->status == 0)
		op->status = OE_EPROTO;
	op->n = op->hash_len;
	oe_copy__done(op);
}

static void
compare(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	uint64_t n = comparable(l) - l->compared;
	struct oe_sftp_op *to, *from;

	if (!n) {
		if (j->comparing)
			skip(j);
		else
			j->step = oe_copy__data;
		return;
	}
	if (n > BLOCKS * (uint64_t)OE_COPY_BLOCK)
		n = BLOCKS * (uint64_t)OE_COPY_BLOCK;
	free(j->buf);
	j->buf = oe_mem_zalloc(2 * BLOCKS * DIGEST);
	j->step = compared;
	to = oe_copy__op(j, 0);
	from = oe_copy__op(j, 1);
	to->done = from->done = take_hash;
	/* the other machine has begun when this one does */
	if (j->to->fs->features & OE_FS_LOCAL) {
		j->from->fs->ops->hash(j->from->fs, from, j->ff, "sha256",
		    l->compared, n, OE_COPY_BLOCK);
		j->to->fs->ops->hash(j->to->fs, to, j->tf, "sha256",
		    l->compared, n, OE_COPY_BLOCK);
	} else {
		j->to->fs->ops->hash(j->to->fs, to, j->tf, "sha256",
		    l->compared, n, OE_COPY_BLOCK);
		j->from->fs->ops->hash(j->from->fs, from, j->ff, "sha256",
		    l->compared, n, OE_COPY_BLOCK);
	}
}

static void
compared(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	const struct oe_sftp_op *to = &j->op[0], *from = &j->op[1];
	uint64_t block = l->compared / OE_COPY_BLOCK;
	size_t i, n = to->n / DIGEST;

	if (to->status == OE_ECLOSED || from->status == OE_ECLOSED) {
		oe_copy__fail(j, to->status < 0 ? to : from, oe_copy__to(j));
		return;
	}
	if (to->status < 0 || from->status < 0 || !n || to->n != from->n) {
		/* one of them got shorter, or cannot: the rest goes again */
		n = 0;
		l->compared = comparable(l);
	}
	for (i = 0; i < n; i++, block++) {
		const uint8_t *a = j->buf + i * DIGEST;

		if (memcmp(a, a + BLOCKS * DIGEST, DIGEST) == 0)
			l->same[block / 8] |= (uint8_t)(1u << (block % 8));
		else if (j->comparing)
			n = 0;
	}
	if (!n && j->comparing) {
		begin_anew(j);
		return;
	}
	l->same_blocks = block;
	l->compared += n * (uint64_t)OE_COPY_BLOCK;
	if (l->compared > comparable(l))
		l->compared = comparable(l);
	j->step = compare;
	oe_copy__yield(j);
}

/* --- without --- */

static void
first_extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	struct oe_copy_job *j = op->arg;

	if (!op->n++ && !x->offset)
		j->large->compared = x->length;
}

void
oe_copy__first_extent(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = oe_copy__op(j, 0);

	op->extent = first_extent;
	j->to->fs->ops->extents(j->to->fs, op, j->tf, 0);
}

/*
 * Everything but the last OE_COPY_AHEAD bytes was written, whatever the order
 * of the answers was; on this machine a hole tells of what was not.
 */
static void
trusted(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	uint64_t good = l->old > l->size ? l->size : l->old, i;

	good = good > OE_COPY_AHEAD ? good - OE_COPY_AHEAD : 0;
	if (j->to->fs->features & OE_FS_LOCAL && good > l->compared)
		good = l->compared;
	l->same_blocks = good / OE_COPY_BLOCK;
	for (i = 0; i < l->same_blocks; i++)
		l->same[i / 8] |= (uint8_t)(1u << (i % 8));
	j->step = oe_copy__data;
}
