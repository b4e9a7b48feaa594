/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/copy.h"

#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "sftp/copy_internal.h"

void
oe_copy__done(struct oe_sftp_op *op)
{
	struct oe_copy_job *j = op->arg;

	j->pending--;
	if (j->c->orphan) {
		oe_copy__op_orphan(j, op);
		oe_copy__out_end(j->c);
		return;
	}
	oe_copy__out_end(j->c);
	if (!j->pending && !j->stepping && !j->parked)
		oe_copy__ready(j);
}

struct oe_sftp_op *
oe_copy__op(struct oe_copy_job *j, unsigned i)
{
	struct oe_sftp_op *op = &j->op[i];

	memset(op, 0, sizeof *op);
	op->done = oe_copy__done;
	op->arg = j;
	j->used |= 1u << i;
	j->pending++;
	j->c->outs++;
	return op;
}

void
oe_copy__ready(struct oe_copy_job *j)
{
	struct oe_sftp_copy *c = j->c;

	j->parked = false;
	if (j->ready || j->stepping)
		return;
	j->ready = true;
	j->next = NULL;
	*c->ready_last = j;
	c->ready_last = &j->next;
	oe_copy__kick(c);
}

void
oe_copy__kick(struct oe_sftp_copy *c)
{
	if (c->kicked || c->in_pump)
		return;
	c->kicked = true;
	oe_timer_set(c->timer, 0);
}

static void
timer_fired(void *arg)
{
	struct oe_sftp_copy *c = arg;

	/* the idle function runs before the next wait */
	c->kicked = false;
}

static void
writable(void *arg)
{
	oe_copy__kick(arg);
}

struct oe_copy_job *
oe_copy__job(struct oe_sftp_copy *c, oe_copy_step *step)
{
	struct oe_copy_job *j = c->free_jobs;

	if (j)
		c->free_jobs = j->next;
	else
		j = oe_mem_zalloc(sizeof *j);
	j->c = c;
	j->step = step;
	j->next_active = c->active;
	if (c->active)
		c->active->prev_active = j;
	c->active = j;
	c->n_jobs++;
	return j;
}

/* Every field but the requests, which oe_copy__op() empties. */
static void
job_reset(struct oe_copy_job *j)
{
	memset(j, 0, offsetof(struct oe_copy_job, op));
	memset((char *)j + offsetof(struct oe_copy_job, op) + sizeof j->op, 0,
	    sizeof *j - offsetof(struct oe_copy_job, op) - sizeof j->op);
}

void
oe_copy__job_done(struct oe_copy_job *j)
{
	struct oe_sftp_copy *c = j->c;

	oe_copy__large_free(j);
	if (j->from)
		j->from->jobs--;
	if (j->to)
		j->to->jobs--;
	if (j->prev_active)
		j->prev_active->next_active = j->next_active;
	else
		c->active = j->next_active;
	if (j->next_active)
		j->next_active->prev_active = j->prev_active;
	if (j->is_file)
		c->n_file_jobs--;
	else
		c->n_dir_jobs--;
	c->n_jobs--;
	c->job_bytes -= j->weight;
	free(j->part);
	free(j->buf);
	free(j->err);
	job_reset(j);
	j->ended = true;
	j->next = c->free_jobs;
	c->free_jobs = j;
}

void
oe_copy__run(struct oe_copy_job *j)
{
	j->ended = false;
	j->stepping = true;
	do
		j->step(j);
	while (!j->ended && !j->pending && !j->parked);
	j->stepping = false;
	if (j->yields) {
		j->yields = false;
		oe_copy__ready(j);
	}
}

void
oe_copy__yield(struct oe_copy_job *j)
{
	j->yields = j->parked = true;
}

static bool
run_ready(struct oe_sftp_copy *c, int64_t until_us)
{
	struct oe_copy_job *j;
	unsigned n = 0;

	while ((j = c->ready)) {
		if (n++ && oe_copy__now_us() > until_us)
			break;
		c->ready = j->next;
		if (!c->ready)
			c->ready_last = &c->ready;
		j->ready = false;
		oe_copy__run(j);
	}
	return n;
}

void
oe_copy__failed(struct oe_sftp_copy *c, int status, const struct oe_err *err)
{
	if (!c->status) {
		c->status = status;
		if (err)
			c->err = *err;
		else
			oe_err_set(
			    &c->err, status, "%s", oe_status_text(status));
	}
	if (c->plan.stop_at_error || status == OE_ECANCEL)
		c->stopping = true;
}

void
oe_copy__warn(struct oe_sftp_copy *c, const char *text)
{
	if (c->plan.ui.warn)
		c->plan.ui.warn(c->plan.ui.arg, text);
}

struct oe_copy_lane *
oe_copy__lane(struct oe_copy_side *side)
{
	struct oe_copy_lane *best = NULL;
	unsigned i;

	for (i = 0; i < side->n; i++)
		if (!side->lane[i].fs->failed &&
		    (!best || side->lane[i].jobs < best->jobs))
			best = &side->lane[i];
	return best;
}

bool
oe_copy__lost(const struct oe_sftp_copy *c)
{
	struct oe_sftp_copy *m = (struct oe_sftp_copy *)c;

	return !oe_copy__lane(&m->from) || !oe_copy__lane(&m->to);
}

int64_t
oe_copy__now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- rate --- */

bool
oe_copy__tokens(struct oe_sftp_copy *c)
{
	int64_t now, rate = (int64_t)c->plan.bytes_per_s, burst;

	if (!rate)
		return true;
	now = oe_time_mono_ms();
	burst = rate / 10 + 1;
	if (now > c->tokens_ms) {
		/* a long pause earns a burst, no more */
		int64_t ms = now - c->tokens_ms;

		ms = ms > 60000 ? 60000 : ms;
		c->tokens += rate / 1000 * ms + rate % 1000 * ms / 1000;
		c->tokens_ms = now;
	}
	if (c->tokens > burst)
		c->tokens = burst;
	if (c->tokens > 0)
		return true;
	oe_timer_set(c->rate_timer, -c->tokens * 1000 / rate + 1);
	return false;
}

void
oe_copy__spend(struct oe_sftp_copy *c, uint64_t n)
{
	if (c->plan.bytes_per_s)
		c->tokens -= (int64_t)n;
}

size_t
oe_copy__chunk_max(const struct oe_sftp_copy *c, uint64_t n)
{
	uint64_t tenth = c->plan.bytes_per_s / 10;

	if (!c->plan.bytes_per_s)
		return (size_t)n;
	if (tenth < 1024)
		tenth = 1024;
	return (size_t)(n < tenth ? n : tenth);
}

/* --- the pump --- */

/* What waits is not begun: the sessions are gone, or somebody said stop. */
static void
drop_waiting(struct oe_sftp_copy *c)
{
	if (!c->stopping && oe_copy__lost(c)) {
		struct oe_err err = OE_ERR_INIT;

		oe_err_set(&err, OE_ECLOSED, "the connection was lost");
		oe_copy__failed(c, OE_ECLOSED, &err);
		c->stopping = true;
	}
	if (c->stopping)
		oe_copy__walk_drop(c);
}

static bool
idle_left(const struct oe_sftp_copy *c)
{
	return !c->n_jobs && !c->names && !c->dirs && !c->ends;
}

/* All that is under way waits for the others to be told to the disk. */
static bool
flush(struct oe_sftp_copy *c)
{
	if (!c->n_held || c->n_held != c->n_jobs)
		return false;
	oe_sftp_local_flush(c->to.lane[0].fs);
	return true;
}

static bool
work(struct oe_sftp_copy *c)
{
	int64_t until = oe_copy__now_us() + OE_COPY_SLICE_US;
	bool more;

	do {
		drop_waiting(c);
		more = run_ready(c, until);
		more |= oe_copy__walk(c);
		more |= oe_copy__names(c);
		more |= oe_copy__chunks(c);
		if (!more)
			more = flush(c);
	} while (more && oe_copy__now_us() < until);
	return more;
}

static bool
pump(void *arg)
{
	struct oe_sftp_copy *c = arg;
	bool more;

	if (c->ended)
		return false;
	c->in_pump = true;
	more = work(c);
	c->in_pump = false;
	c->totals.all_found = c->last && !c->dirs && !c->n_dir_jobs;
	if (c->last && idle_left(c)) {
		c->ended = true;
		if (c->plan.done)
			c->plan.done(
			    c->plan.arg, c->status, c->status ? &c->err : NULL);
		/* who runs the loop for it need not wait any more */
		return true;
	}
	return more;
}

/* --- public --- */

static void
lane_add(
    struct oe_sftp_copy *c, struct oe_copy_side *side, struct oe_sftp_fs *fs)
{
	struct oe_copy_lane *l;

	if (side->n == OE_COPY_LANES_MAX)
		return;
	l = &side->lane[side->n];
	l->fs = fs;
	l->index = side->n++;
	l->window = OE_COPY_WINDOW_MIN;
	if (!(fs->features & OE_FS_LOCAL)) {
		fs->writable = writable;
		fs->writable_arg = c;
	}
}

struct oe_sftp_copy *
oe_sftp_copy_new(const struct oe_copy_plan *plan)
{
	struct oe_sftp_copy *c = oe_mem_zalloc(sizeof *c);
	char cwd[OE_SFTP_PATH_MAX];

	c->plan = *plan;
	c->names_last = &c->names;
	c->ready_last = &c->ready;
	c->large_last = &c->large;
	c->seed = (uint64_t)oe_mem_random(0) << 32 | oe_mem_random(0);
	c->scratch = oe_mem_map(OE_SFTP_WHOLE_MAX);
	c->zeros = oe_mem_map(OE_COPY_HOLE_MIN);
	c->tokens_ms = oe_time_mono_ms();
	if (plan->from->features & OE_FS_LOCAL && getcwd(cwd, sizeof cwd))
		c->cwd = oe_mem_strdup(cwd);
	c->timer = oe_loop_timer(plan->loop, -1, timer_fired, c);
	c->rate_timer = oe_loop_timer(plan->loop, -1, timer_fired, c);
	c->idle = oe_loop_idle(plan->loop, pump, c);
	lane_add(c, &c->from, plan->from);
	lane_add(c, &c->to, plan->to);
	return c;
}

void
oe_sftp_copy_add(struct oe_sftp_copy *c, const char *from, const char *to)
{
	struct oe_sftp_attrs none = {0};
	char *both = oe_mem_printf("%s%c%s", from, '/', to);

	/* room for both is there now; the NUL goes between them */
	both[strlen(from)] = '\0';
	oe_copy__name_add(c, NULL, both, &none);
	free(both);
	oe_copy__kick(c);
}

void
oe_sftp_copy_last(struct oe_sftp_copy *c)
{
	c->last = true;
	oe_copy__kick(c);
}

void
oe_sftp_copy_lane(struct oe_sftp_copy *c, bool is_target, struct oe_sftp_fs *fs)
{
	lane_add(c, is_target ? &c->to : &c->from, fs);
	oe_copy__kick(c);
}

unsigned
oe_sftp_copy_sessions(uint64_t bytes, uint64_t files, uint64_t rtt_us)
{
	if (rtt_us < 5000)
		return 1;
	if (bytes > 64u * 1024 * 1024 || files > 2000)
		return 4;
	return bytes > 16u * 1024 * 1024 || files > 500 ? 2 : 1;
}

unsigned
oe_sftp_copy_wants(const struct oe_sftp_copy *c, uint64_t rtt_us)
{
	const struct oe_copy_totals *t = &c->totals;
	uint64_t bytes =
	    t->bytes > t->bytes_done ? t->bytes - t->bytes_done : 0;
	uint64_t ended = t->files_done + t->files_failed;
	uint64_t files = t->files > ended ? t->files - ended : 0;

	return oe_sftp_copy_sessions(bytes, files, rtt_us);
}

void
oe_sftp_copy_totals(const struct oe_sftp_copy *c, struct oe_copy_totals *ret)
{
	*ret = c->totals;
}

int
oe_sftp_copy_run(
    struct oe_sftp_copy *c, const volatile int *stop, struct oe_err *err)
{
	int r = 0;

	oe_sftp_copy_last(c);
	while (!c->ended && !(stop && *stop) && r == 0)
		r = oe_loop_once(c->plan.loop, 250);
	if (r < 0)
		return oe_err_sys(err, "wait for the transfer");
	if (!c->ended) {
		oe_sftp_local_flush(c->to.lane[0].fs);
		return oe_err_set(err, OE_ECANCEL, "interrupted");
	}
	if (c->status && err)
		*err = c->err;
	return c->status;
}
