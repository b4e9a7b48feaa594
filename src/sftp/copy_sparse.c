/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "sftp/copy_internal.h"

/* Extents of one answer that are kept. */
#define EXTENTS_MAX 1024

bool
oe_copy__zeros(const uint8_t *p, size_t n)
{
	/* each byte is as the one before it, and the first is zero */
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static void
extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	struct oe_copy_large *l = op->arg;
	uint64_t end;

	if (l->j->c->orphan || l->x_n == EXTENTS_MAX ||
	    __builtin_add_overflow(x->offset, x->length, &end) ||
	    x->offset < l->x_known)
		return;
	if (l->x_n == l->x_cap) {
		l->x_cap = l->x_cap ? l->x_cap * 2 : 8;
		l->x = oe_mem_realloc_array(l->x, l->x_cap, sizeof *l->x);
	}
	l->x[l->x_n++] = *x;
	l->x_known = end;
}

static void
extents_done(struct oe_sftp_op *op)
{
	struct oe_copy_large *l = op->arg;
	struct oe_sftp_copy *c = l->j->c;

	if (!c->orphan) {
		l->out--;
		l->x_asked = false;
		if (op->status < 0 || (!op->last && !l->x_n))
			l->sparse = false;
		else if (op->last)
			l->x_last = true;
		if (l->failed)
			oe_copy__ready(l->j);
		else
			oe_copy__kick(c);
	}
	oe_copy__out_end(c);
}

static void
ask(struct oe_copy_large *l)
{
	struct oe_copy_job *j = l->j;
	struct oe_copy_lane *from = NULL;
	unsigned i;

	for (i = 0; i < j->c->from.n && !from; i++)
		if (l->from[i])
			from = &j->c->from.lane[i];
	if (!from) {
		l->sparse = false;
		return;
	}
	memset(&l->x_op, 0, sizeof l->x_op);
	l->x_op.done = extents_done;
	l->x_op.extent = extent;
	l->x_op.arg = l;
	l->x_asked = true;
	l->x_n = l->x_at = 0;
	l->out++;
	j->c->outs++;
	from->fs->ops->extents(
	    from->fs, &l->x_op, l->from[from->index], l->x_known);
}

static void
pass_hole(struct oe_copy_large *l, uint64_t to)
{
	if (to > l->size)
		to = l->size;
	if (to > l->next_at)
		oe_copy__placed(l->j, to - l->next_at);
	l->next_at = to > l->next_at ? to : l->next_at;
}

/*
 * Bytes from l->next_at on that may hold data; 0: wait for an answer.  Before
 * the first answer the beginning goes as it is, for the time it takes.
 */
static uint64_t
data_here(struct oe_copy_large *l)
{
	bool first = !l->x_known && !l->x_last;

	while (l->sparse && l->next_at < l->size) {
		while (
		    l->x_at < l->x_n &&
		    l->x[l->x_at].offset + l->x[l->x_at].length <= l->next_at)
			l->x_at++;
		if (l->x_asked)
			return first && l->next_at < OE_COPY_WINDOW_MIN
				   ? OE_COPY_WINDOW_MIN - l->next_at
				   : 0;
		if (l->x_at < l->x_n) {
			const struct oe_sftp_extent *x = &l->x[l->x_at];

			pass_hole(l, x->offset);
			return x->offset + x->length - l->next_at;
		}
		if (l->x_last)
			pass_hole(l, l->size);
		else
			ask(l);
	}
	return l->size - l->next_at;
}

static bool
is_same(const struct oe_copy_large *l, uint64_t block)
{
	return block < l->same_blocks && l->same[block / 8] & 1u << (block % 8);
}

size_t
oe_copy__range(struct oe_copy_large *l, size_t max, bool *ret_probe)
{
	uint64_t n, block;

	*ret_probe = false;
	while (l->next_at < l->size) {
		block = l->next_at / OE_COPY_BLOCK;
		if (is_same(l, block)) {
			uint64_t end = (block + 1) * OE_COPY_BLOCK;

			end = end < l->size ? end : l->size;
			oe_copy__progress(l->j, end - l->next_at, false);
			l->next_at = end;
			if (l->written < end)
				l->written = end;
			continue;
		}
		n = l->size - l->next_at;
		if (l->next_at >= l->old) {
			n = data_here(l);
			if (l->next_at >= l->size)
				break;
			if (is_same(l, l->next_at / OE_COPY_BLOCK))
				continue;
		} else if (n > l->old - l->next_at) {
			n = l->old - l->next_at;
		}
		block = (l->next_at / OE_COPY_BLOCK + 1) * OE_COPY_BLOCK -
			l->next_at;
		if (l->same && n > block)
			n = block;
		return n < max ? (size_t)n : max;
	}
	if (l->probed || l->eof)
		return 0;
	*ret_probe = true;
	return max;
}
