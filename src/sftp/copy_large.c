/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "sftp/copy_internal.h"

static oe_copy_step opened, data_done;

/* Holes may be made: what is not written reads as zeros. */
static bool
may_have_holes(const struct oe_copy_job *j)
{
	return !(j->c->plan.flags & OE_COPY_NO_SPARSE) &&
	       !(j->in_place && j->target.flags & OE_ATTR_PERMISSIONS &&
		   !S_ISREG(j->target.mode));
}

void
oe_copy__large(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;

	if (!l) {
		l = oe_mem_zalloc(sizeof *l);
		l->j = j;
		j->large = l;
		j->c->n_large++;
	}
	j->c->job_bytes -= j->weight;
	j->weight = 0;
	oe_copy__begin(j);
	l->size = j->name->attrs.size;
	if (j->c->plan.flags & (OE_COPY_RESUME | OE_COPY_APPEND) &&
	    !(j->name->dir && j->name->dir->fresh)) {
		j->step = oe_copy__resume;
		return;
	}
	j->step = opened;
	oe_copy__open_target(j);
	j->from->fs->ops->open(j->from->fs,
	    oe_copy__op(j, OE_COPY_OP_OPEN_FROM), oe_copy__from(j), OE_FXF_READ,
	    NULL);
}

static void
opened(struct oe_copy_job *j)
{
	struct oe_sftp_op *from = &j->op[OE_COPY_OP_OPEN_FROM];
	struct oe_sftp_op *to = &j->op[OE_COPY_OP_OPEN_TO];

	if (j->used & 1u << OE_COPY_OP_OPEN_FROM) {
		if (from->status < 0) {
			j->tf = oe_copy__take(to);
			j->made = to->status == 0;
			oe_copy__fail(j, from, oe_copy__from(j));
			return;
		}
		j->ff = oe_copy__take(from);
		j->used &= ~(1u << OE_COPY_OP_OPEN_FROM);
	}
	if (oe_copy__opened(j) == 0)
		j->step = oe_copy__data;
}

void
oe_copy__data(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	struct oe_sftp_copy *c = j->c;

	l->from[j->from->index] = j->ff;
	l->from_asked[j->from->index] = true;
	l->to[j->to->index] = j->tf;
	l->to_asked[j->to->index] = true;
	j->ff = NULL;
	j->tf = NULL;
	l->sparse = may_have_holes(j) && l->size > OE_COPY_SPARSE_MIN &&
		    j->from->fs->features & OE_FS_EXTENTS;
	l->active = true;
	l->next = NULL;
	*c->large_last = l;
	c->large_last = &l->next;
	j->step = data_done;
	j->parked = true;
}

/* One handle of @v stays, the others are closed. */
static struct oe_sftp_file *
keep_one(struct oe_copy_side *side, struct oe_sftp_file **v, unsigned *ret_lane)
{
	struct oe_sftp_file *kept = NULL;
	unsigned i;

	for (i = 0; i < side->n; i++) {
		if (!v[i])
			continue;
		if (!kept && !side->lane[i].fs->failed) {
			kept = v[i];
			v[i] = NULL;
			*ret_lane = i;
		} else {
			oe_copy__close(side->lane[i].fs, &v[i]);
		}
	}
	return kept;
}

static void
move_lane(struct oe_copy_lane **at, struct oe_copy_lane *to)
{
	(*at)->jobs--;
	*at = to;
	to->jobs++;
}

static void
data_done(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	struct oe_sftp_copy *c = j->c;
	unsigned lane = 0;

	j->used = 0;
	j->ff = keep_one(&c->from, l->from, &lane);
	if (j->ff)
		move_lane(&j->from, &c->from.lane[lane]);
	j->tf = keep_one(&c->to, l->to, &lane);
	if (!j->ff || !j->tf) {
		oe_copy__fail_text(
		    j, OE_ECLOSED, oe_copy__to(j), "the connection was lost");
		return;
	}
	move_lane(&j->to, &c->to.lane[lane]);
	if (c->plan.flags & OE_COPY_VERIFY)
		j->step = oe_copy__verify;
	else
		oe_copy__finish(j);
}

bool
oe_copy__large_busy(const struct oe_copy_job *j)
{
	return j->large->out > 0;
}

static void
leave_list(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;
	struct oe_copy_large **at = &c->large;

	if (!l->active)
		return;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	if (c->large_last == &l->next)
		c->large_last = at;
	l->active = false;
}

void
oe_copy__large_free(struct oe_copy_job *j)
{
	struct oe_copy_large *l = j->large;
	struct oe_sftp_copy *c = j->c;
	unsigned i;

	if (!l)
		return;
	leave_list(l);
	for (i = 0; i < OE_COPY_LANES_MAX; i++) {
		if (l->from[i])
			oe_copy__close(c->from.lane[i].fs, &l->from[i]);
		if (l->to[i])
			oe_copy__close(c->to.lane[i].fs, &l->to[i]);
	}
	while (l->first)
		oe_copy__chunk_free(l->first);
	free(l->x);
	free(l->same);
	oe_copy__verify_free(l->verify);
	oe_mem_free(&j->large);
	c->n_large--;
}
