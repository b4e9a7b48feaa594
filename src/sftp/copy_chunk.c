/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/copy_internal.h"

/* Further sessions take part in files with so much to go. */
#define LANES_MIN (16u * 1024 * 1024)
/* Chunks between two looks at the clock. */
#define CHUNKS_PER_LOOK 8
/* The rate must grow by a part of this much for a larger window. */
#define GROWTH_PART 8
#define CHANGED     "it changed while it was copied"

static void chunk_done(struct oe_sftp_op *op);
static void write_done(struct oe_sftp_op *op);

static bool
is_local(const struct oe_sftp_fs *fs)
{
	return fs->features & OE_FS_LOCAL;
}

/* --- memory, order --- */

static struct oe_copy_chunk *
chunk_new(struct oe_copy_large *l, size_t len)
{
	struct oe_sftp_copy *c = l->j->c;
	struct oe_copy_chunk *ch = c->free_chunks;

	if (ch)
		c->free_chunks = ch->link;
	else
		ch = oe_mem_zalloc(sizeof *ch);
	ch->link = NULL;
	ch->l = l;
	ch->from = ch->to = NULL;
	ch->offset = l->next_at;
	ch->len = len;
	ch->got = ch->zeros = 0;
	ch->probe = false;
	ch->next = NULL;
	ch->prev = l->last;
	if (l->last)
		l->last->next = ch;
	else
		l->first = ch;
	l->last = ch;
	return ch;
}

void
oe_copy__chunk_free(struct oe_copy_chunk *ch)
{
	struct oe_copy_large *l = ch->l;

	if (ch->prev)
		ch->prev->next = ch->next;
	else
		l->first = ch->next;
	if (ch->next)
		ch->next->prev = ch->prev;
	else
		l->last = ch->prev;
	ch->link = l->j->c->free_chunks;
	l->j->c->free_chunks = ch;
}

static void
push(struct oe_copy_chunk **list, struct oe_copy_chunk *ch)
{
	while (*list)
		list = &(*list)->link;
	ch->link = NULL;
	*list = ch;
}

static struct oe_copy_chunk *
pop(struct oe_copy_chunk **list)
{
	struct oe_copy_chunk *ch = *list;

	if (ch) {
		*list = ch->link;
		ch->link = NULL;
	}
	return ch;
}

/* --- how much in flight --- */

/*
 * An epoch ends when a window's worth has arrived: about a round trip.  While
 * the rate still grows with the window, the window doubles; when it has not
 * for a while, what the way holds is in flight.
 */
static void
window_got(struct oe_copy_lane *lane, uint64_t n)
{
	int64_t now;
	uint64_t rate;

	lane->epoch_bytes += n;
	if (lane->epoch_bytes < lane->window)
		return;
	now = oe_copy__now_us();
	rate = lane->epoch_bytes * 1000000 /
	       (uint64_t)(now > lane->epoch_us ? now - lane->epoch_us : 1);
	if (lane->epoch_us &&
	    rate > lane->best_rate + lane->best_rate / GROWTH_PART) {
		lane->best_rate = rate;
		if (lane->window < OE_COPY_AHEAD)
			lane->window *= 2;
	}
	lane->epoch_us = now;
	lane->epoch_bytes = 0;
}

static bool
requests_left(const struct oe_sftp_copy *c, const struct oe_copy_lane *lane)
{
	return !c->plan.inflight || lane->requests < c->plan.inflight;
}

/* --- failures --- */

static void
large_failed(struct oe_copy_large *l, const struct oe_sftp_op *op, bool target)
{
	struct oe_copy_job *j = l->j;

	if (l->failed)
		return;
	l->failed = true;
	/* a full disk, a lost connection: what is there can be gone on with */
	if (target && j->moved)
		j->keep = true;
	oe_copy__fail(j, op, target ? oe_copy__to(j) : oe_copy__from(j));
	oe_copy__ready(j);
}

/* One request less is in flight; cleanup() may wait for the last. */
static void
out_end(struct oe_copy_large *l)
{
	l->out--;
	if (l->failed)
		oe_copy__ready(l->j);
	else
		oe_copy__kick(l->j->c);
}

static bool
any_open(const struct oe_copy_side *side, struct oe_sftp_file *const *v)
{
	unsigned i;

	for (i = 0; i < side->n; i++)
		if (v[i] && !side->lane[i].fs->failed)
			return true;
	return false;
}

/* A chunk whose session is gone goes again on another, if there is one. */
static void
chunk_failed(struct oe_copy_chunk *ch, struct oe_sftp_op *op, bool target)
{
	struct oe_copy_large *l = ch->l;
	struct oe_sftp_copy *c = l->j->c;

	if (op->status == OE_ECLOSED && any_open(&c->from, l->from) &&
	    any_open(&c->to, l->to)) {
		ch->got = ch->zeros = 0;
		push(&l->retry, ch);
		return;
	}
	large_failed(l, op, target);
}

/* --- writing --- */

/* To this machine: now. */
static void
put_now(struct oe_copy_chunk *ch, uint64_t offset, const uint8_t *p, size_t n)
{
	struct oe_copy_large *l = ch->l;
	struct oe_copy_lane *to = &l->j->c->to.lane[0];
	struct oe_sftp_op w;

	if (l->failed || !n)
		return;
	memset(&w, 0, sizeof w);
	w.done = oe_sftp_op_noop;
	to->fs->ops->write(to->fs, &w, l->to[0], offset, p, n);
	if (w.status < 0)
		large_failed(l, &w, true);
	else if (l->written < offset + n)
		l->written = offset + n;
}

/* Zeros that were held back: written when they are too few for a hole. */
static void
put_zeros(struct oe_copy_chunk *ch)
{
	size_t n = ch->zeros;

	ch->zeros = 0;
	if (n < OE_COPY_HOLE_MIN)
		put_now(ch, ch->offset + ch->got - n, ch->l->j->c->zeros, n);
}

static bool
may_skip(const struct oe_copy_chunk *ch)
{
	const struct oe_copy_large *l = ch->l;

	return !(l->j->c->plan.flags & OE_COPY_NO_SPARSE) && !l->j->in_place &&
	       ch->offset >= l->old;
}

static void
put_local(struct oe_copy_chunk *ch, const uint8_t *p, size_t n)
{
	if (may_skip(ch) && oe_copy__zeros(p, n)) {
		ch->zeros += n;
		return;
	}
	if (ch->zeros)
		put_zeros(ch);
	put_now(ch, ch->offset + ch->got, p, n);
}

/* What has come of @ch is at its place. */
static void
chunk_placed(struct oe_copy_chunk *ch)
{
	struct oe_copy_large *l = ch->l;

	oe_copy__progress(l->j, ch->got, true);
	ch->offset += ch->got;
	ch->len -= ch->got;
	ch->got = 0;
	if (ch->probe)
		ch->len = 0;
	if (ch->len && ch->offset < l->size)
		push(&l->retry, ch);
	else
		oe_copy__chunk_free(ch);
}

static void
write_done(struct oe_sftp_op *op)
{
	struct oe_copy_chunk *ch = op->arg;
	struct oe_copy_large *l = ch->l;
	struct oe_sftp_copy *c = l->j->c;

	if (!c->orphan) {
		ch->to->requests--;
		if (op->status < 0)
			chunk_failed(ch, op, true);
		else {
			if (l->written < ch->offset + ch->got)
				l->written = ch->offset + ch->got;
			chunk_placed(ch);
		}
		out_end(l);
	}
	oe_copy__out_end(c);
}

static struct oe_copy_lane *
lane_to(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;
	struct oe_copy_lane *best = NULL;
	uint64_t room, most = 0;
	unsigned i;

	for (i = 0; i < c->to.n; i++) {
		struct oe_copy_lane *t = &c->to.lane[i];

		if (!l->to[i] || t->fs->failed || !requests_left(c, t))
			continue;
		room = t->fs->room(t->fs);
		if (room > most) {
			most = room;
			best = t;
		}
	}
	return best;
}

static void
put_remote(struct oe_copy_chunk *ch, const uint8_t *p, size_t headroom)
{
	struct oe_copy_large *l = ch->l;

	memset(&ch->op, 0, sizeof ch->op);
	ch->op.done = write_done;
	ch->op.arg = ch;
	ch->op.headroom = headroom;
	ch->to->requests++;
	l->out++;
	l->j->c->outs++;
	ch->to->fs->ops->write(
	    ch->to->fs, &ch->op, l->to[ch->to->index], ch->offset, p, ch->got);
}

/* --- the end of the source --- */

static void
give_up(struct oe_copy_large *l, int status, const char *words)
{
	struct oe_sftp_op op;

	memset(&op, 0, sizeof op);
	op.status = status;
	oe_str_copy(op.message, sizeof op.message, words);
	large_failed(l, &op, false);
}

static void
seen_end(struct oe_copy_large *l, uint64_t at)
{
	l->eof = true;
	if (at < l->got_to) {
		give_up(l, OE_ESYS, CHANGED);
		return;
	}
	if (at < l->size)
		l->size = at;
	if (l->next_at > l->size)
		l->next_at = l->size;
}

/* What is behind the end that was known: the source grew. */
static void
grew(struct oe_copy_chunk *ch)
{
	struct oe_copy_large *l = ch->l;

	l->size = ch->offset + ch->got;
	l->next_at = l->size;
	l->probed = false;
	/* what was not there when it was asked is no hole */
	l->sparse = false;
}

/* --- reading --- */

static void
chunk_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct oe_copy_chunk *ch = op->arg;
	struct oe_copy_large *l = ch->l;
	struct oe_sftp_copy *c = l->j->c;

	if (c->orphan || l->failed || offset != ch->offset + ch->got ||
	    n > ch->len - ch->got)
		return;
	if (is_local(c->to.lane[0].fs)) {
		put_local(ch, p, n);
		ch->got += n;
		return;
	}
	if (ch->cap < ch->len) {
		ch->buf = oe_mem_realloc_array(ch->buf, ch->len, 1);
		ch->cap = ch->len;
	}
	memcpy(ch->buf + ch->got, p, n);
	ch->got += n;
}

static void
chunk_got(struct oe_copy_chunk *ch, struct oe_sftp_op *op)
{
	struct oe_copy_large *l = ch->l;
	uint64_t end;

	if (ch->zeros)
		put_zeros(ch);
	if (l->failed)
		return;
	if (op->status < 0 && op->status != OE_ESHORT) {
		chunk_failed(ch, op, false);
		return;
	}
	if (!ch->got) {
		seen_end(l, ch->offset);
		oe_copy__chunk_free(ch);
		return;
	}
	end = ch->offset + ch->got;
	if (l->eof && end > l->size) {
		give_up(l, OE_ESYS, CHANGED);
		return;
	}
	if (end > l->got_to)
		l->got_to = end;
	if (ch->probe)
		grew(ch);
	if (is_local(l->j->c->to.lane[0].fs))
		chunk_placed(ch);
	else
		push(&l->waiting, ch);
}

static void
chunk_done(struct oe_sftp_op *op)
{
	struct oe_copy_chunk *ch = op->arg;
	struct oe_copy_large *l = ch->l;
	struct oe_sftp_copy *c = l->j->c;

	if (!c->orphan) {
		ch->from->requests--;
		ch->from->out -= ch->len;
		window_got(ch->from, ch->got);
		chunk_got(ch, op);
		out_end(l);
	}
	oe_copy__out_end(c);
}

static struct oe_copy_lane *
lane_from(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;
	struct oe_copy_lane *best = NULL;
	unsigned i;

	for (i = 0; i < c->from.n; i++) {
		struct oe_copy_lane *f = &c->from.lane[i];

		if (!l->from[i] || f->fs->failed || f->out >= f->window ||
		    !requests_left(c, f))
			continue;
		if (!best || f->out < best->out)
			best = f;
	}
	return best;
}

static void
read_remote(struct oe_copy_chunk *ch)
{
	struct oe_copy_large *l = ch->l;
	struct oe_copy_lane *from = ch->from;

	memset(&ch->op, 0, sizeof ch->op);
	ch->op.done = chunk_done;
	ch->op.data = chunk_data;
	ch->op.arg = ch;
	from->requests++;
	from->out += ch->len;
	l->out++;
	l->j->c->outs++;
	oe_copy__spend(l->j->c, ch->len);
	from->fs->ops->read(
	    from->fs, &ch->op, l->from[from->index], ch->offset, ch->len);
}

/* From this machine: read and handed on in one go. */
static void
local_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct oe_copy_chunk *ch = op->arg;

	/* one call for one read: what more there may be is read again */
	if (ch->got || offset != ch->offset || n > ch->len)
		return;
	if (is_local(ch->to->fs)) {
		put_local(ch, p, n);
		ch->got = n;
		return;
	}
	ch->got = n;
	/* only grew() moves the end, and write_done() may free the chunk */
	if (ch->probe)
		grew(ch);
	put_remote(ch, p, op->headroom);
}

static void
read_local(struct oe_copy_chunk *ch)
{
	struct oe_copy_large *l = ch->l;
	struct oe_sftp_fs *fs = ch->from->fs;
	bool direct = !is_local(ch->to->fs);
	struct oe_sftp_op r;

	memset(&r, 0, sizeof r);
	r.done = oe_sftp_op_noop;
	r.data = local_data;
	r.arg = ch;
	oe_copy__spend(l->j->c, ch->len);
	fs->ops->read(fs, &r, l->from[ch->from->index], ch->offset, ch->len);
	/* the chunk is the WRITE's when there was any data */
	if (!direct || !r.n || r.status < 0)
		chunk_got(ch, &r);
}

/* --- what next --- */

static struct oe_copy_chunk *
next_chunk(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;
	const struct oe_copy_lane *from = l->j->from, *to = l->j->to;
	struct oe_copy_chunk *ch;
	uint64_t most = from->fs->limits.read;
	bool probe;
	size_t n;

	ch = pop(&l->retry);
	if (ch)
		return ch;
	if (to->fs->limits.write < most)
		most = to->fs->limits.write;
	n = oe_copy__range(l, oe_copy__chunk_max(c, most), &probe);
	if (!n ||
	    (l->first && l->next_at + n - l->first->offset > OE_COPY_AHEAD))
		return NULL;
	ch = chunk_new(l, n);
	ch->probe = probe;
	if (probe)
		l->probed = true;
	else
		l->next_at += n;
	return ch;
}

/* One step for @l; false: nothing can be done now. */
static bool
issue(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;
	struct oe_copy_lane *to = lane_to(l), *from;
	struct oe_copy_chunk *ch;

	if (l->waiting) {
		if (!to)
			return false;
		ch = pop(&l->waiting);
		ch->to = to;
		put_remote(ch, ch->buf, 0);
		return true;
	}
	from = lane_from(l);
	if (!from || (!to && is_local(from->fs)) || !oe_copy__tokens(c))
		return false;
	ch = next_chunk(l);
	if (!ch)
		return false;
	ch->from = from;
	ch->to = to;
	if (is_local(from->fs))
		read_local(ch);
	else
		read_remote(ch);
	return true;
}

/* --- further sessions --- */

struct lane_open {
	struct oe_sftp_op op;
	struct oe_copy_large *l;
	struct oe_copy_lane *lane;
	bool target;
};

static void
lane_opened(struct oe_sftp_op *op)
{
	struct lane_open *o = op->arg;
	struct oe_copy_large *l = o->l;
	struct oe_sftp_copy *c = l->j->c;
	unsigned i = o->lane->index;

	/* a session that cannot open it takes no part: no failure */
	if (op->status == 0 && (c->orphan || l->failed || !l->active))
		oe_copy__close(o->lane->fs, &op->file);
	else if (op->status == 0 && o->target)
		l->to[i] = op->file;
	else if (op->status == 0)
		l->from[i] = op->file;
	if (!c->orphan)
		out_end(l);
	free(o);
	oe_copy__out_end(c);
}

static void
open_lane(struct oe_copy_large *l, struct oe_copy_lane *lane, bool target)
{
	struct oe_copy_job *j = l->j;
	struct lane_open *o = oe_mem_zalloc(sizeof *o);
	struct oe_sftp_fs *fs = lane->fs;

	o->op.done = lane_opened;
	o->op.arg = o;
	o->l = l;
	o->lane = lane;
	o->target = target;
	l->out++;
	j->c->outs++;
	fs->ops->open(fs, &o->op, target ? oe_copy__place(j) : oe_copy__from(j),
	    target ? oe_copy__pflags(j) : OE_FXF_READ, NULL);
}

static void
open_lanes(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;
	unsigned i;

	if (l->size - l->next_at < LANES_MIN || l->next_at > l->size)
		return;
	for (i = 0; i < c->from.n; i++) {
		if (l->from_asked[i] || c->from.lane[i].fs->failed)
			continue;
		l->from_asked[i] = true;
		open_lane(l, &c->from.lane[i], false);
	}
	for (i = 0; i < c->to.n; i++) {
		if (l->to_asked[i] || c->to.lane[i].fs->failed)
			continue;
		l->to_asked[i] = true;
		open_lane(l, &c->to.lane[i], true);
	}
}

/* --- all of them --- */

static bool
all_there(const struct oe_copy_large *l)
{
	return l->eof && !l->first && !l->out;
}

/* The last session went while nothing was in flight on it. */
static bool
lanes_lost(struct oe_copy_large *l)
{
	struct oe_sftp_copy *c = l->j->c;

	if (l->failed || l->out ||
	    (any_open(&c->from, l->from) && any_open(&c->to, l->to)))
		return false;
	l->failed = true;
	l->j->keep = true;
	oe_copy__fail_text(
	    l->j, OE_ECLOSED, oe_copy__to(l->j), "the connection was lost");
	oe_copy__ready(l->j);
	return true;
}

bool
oe_copy__chunks(struct oe_sftp_copy *c)
{
	struct oe_copy_large *l, *next, **at;
	unsigned n = 0;
	int64_t until = 0;

	for (l = c->large; l; l = next) {
		next = l->next;
		if (c->from.n > 1 || c->to.n > 1)
			open_lanes(l);
		if (lanes_lost(l)) {
			n++;
			continue;
		}
		while (!l->failed && issue(l)) {
			if (++n % CHUNKS_PER_LOOK)
				continue;
			if (!until)
				until =
				    oe_copy__now_us() + OE_COPY_SLICE_US / 2;
			else if (oe_copy__now_us() > until)
				return true;
		}
		if (l->failed || !all_there(l))
			continue;
		l->active = false;
		for (at = &c->large; *at != l; at = &(*at)->next)
			;
		*at = l->next;
		if (c->large_last == &l->next)
			c->large_last = at;
		oe_copy__ready(l->j);
		n++;
	}
	return n;
}
