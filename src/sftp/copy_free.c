/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/net/loop.h"
#include "sftp/copy_internal.h"

/* A CLOSE nobody waits for. */
struct closing {
	struct oe_sftp_op op;
};

static void
closed(struct oe_sftp_op *op)
{
	free(op->arg);
}

void
oe_copy__close(struct oe_sftp_fs *fs, struct oe_sftp_file **file)
{
	struct closing *x = oe_mem_zalloc(sizeof *x);
	struct oe_sftp_file *f = *file;

	*file = NULL;
	x->op.done = closed;
	x->op.arg = x;
	fs->ops->close(fs, &x->op, f);
}

struct oe_sftp_file *
oe_copy__take(struct oe_sftp_op *op)
{
	struct oe_sftp_file *file = op->file;

	op->file = NULL;
	return file;
}

void
oe_copy__op_orphan(struct oe_copy_job *j, struct oe_sftp_op *op)
{
	if (op->status < 0 || !op->file)
		return;
	if (op == &j->op[OE_COPY_OP_OPEN_FROM])
		oe_copy__close(j->from->fs, &op->file);
	else if (op == &j->op[OE_COPY_OP_OPEN_TO])
		oe_copy__close(j->to->fs, &op->file);
}

static void
large_drop(struct oe_copy_large *l)
{
	struct oe_copy_chunk *ch;

	while ((ch = l->first)) {
		l->first = ch->next;
		free(ch->buf);
		free(ch);
	}
	free(l->x);
	free(l->same);
	oe_copy__verify_free(l->verify);
	free(l);
}

static void
jobs_drop(struct oe_sftp_copy *c)
{
	struct oe_copy_job *j;
	struct oe_copy_dir *d;

	while ((j = c->active)) {
		if (j->dir)
			oe_copy__dir_unref(c, j->dir);
		if (j->name && j->name->dir)
			oe_copy__dir_unref(c, j->name->dir);
		if (j->large)
			large_drop(j->large);
		free(j->name);
		/* what oe_copy__job_done() counts is of no use any more */
		c->active = j->next_active;
		free(j->part);
		free(j->buf);
		free(j->err);
		free(j);
	}
	while ((j = c->free_jobs)) {
		c->free_jobs = j->next;
		free(j);
	}
	while ((d = c->ends)) {
		c->ends = d->next;
		if (d->parent)
			oe_copy__dir_unref(c, d->parent);
		oe_copy__dir_free(c, d);
	}
}

static void
destroy(struct oe_sftp_copy *c)
{
	struct oe_copy_chunk *ch;

	oe_copy__walk_drop(c);
	jobs_drop(c);
	while ((ch = c->free_chunks)) {
		c->free_chunks = ch->link;
		free(ch->buf);
		free(ch);
	}
	oe_mem_unmap(c->scratch, OE_SFTP_WHOLE_MAX);
	oe_mem_unmap(c->zeros, OE_COPY_HOLE_MIN);
	free(c->cwd);
	free(c);
}

void
oe_copy__out_end(struct oe_sftp_copy *c)
{
	if (--c->outs == 0 && c->orphan)
		destroy(c);
}

static void
close_handles(struct oe_copy_job *j)
{
	struct oe_sftp_op *from = &j->op[OE_COPY_OP_OPEN_FROM];
	struct oe_sftp_op *to = &j->op[OE_COPY_OP_OPEN_TO];
	struct oe_copy_large *l = j->large;
	struct oe_sftp_copy *c = j->c;
	unsigned i;

	/* answered, but its step did not run yet */
	if (from->finished && from->file)
		oe_copy__close(j->from->fs, &from->file);
	if (to->finished && to->file)
		oe_copy__close(j->to->fs, &to->file);
	if (j->ff)
		oe_copy__close(j->from->fs, &j->ff);
	if (j->tf)
		oe_copy__close(j->to->fs, &j->tf);
	for (i = 0; l && i < OE_COPY_LANES_MAX; i++) {
		if (l->from[i])
			oe_copy__close(c->from.lane[i].fs, &l->from[i]);
		if (l->to[i])
			oe_copy__close(c->to.lane[i].fs, &l->to[i]);
	}
}

static void
lanes_leave(struct oe_sftp_copy *c, struct oe_copy_side *side)
{
	unsigned i;

	for (i = 0; i < side->n; i++) {
		struct oe_sftp_fs *fs = side->lane[i].fs;

		if (fs->writable_arg != c)
			continue;
		fs->writable = NULL;
		fs->writable_arg = NULL;
	}
}

void
oe_sftp_copy_free(struct oe_sftp_copy **copy)
{
	struct oe_sftp_copy *c = *copy;
	struct oe_copy_job *j;

	*copy = NULL;
	if (!c)
		return;
	oe_sftp_local_flush(c->to.lane[0].fs);
	/* one more, so that what ends at once does not free it here */
	c->outs++;
	c->ended = c->orphan = true;
	lanes_leave(c, &c->from);
	lanes_leave(c, &c->to);
	oe_idle_free(c->plan.loop, &c->idle);
	oe_timer_free(&c->timer);
	oe_timer_free(&c->rate_timer);
	for (j = c->active; j; j = j->next_active)
		close_handles(j);
	oe_copy__out_end(c);
}
