/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/window.h"

/* Less than this says nothing about the way; typing never comes here. */
#define WINDOW_LEAST (OE_SSH_WINDOW_MIN / 8)
/* Time to measure over, for the clock and the scheduler are coarse. */
#define WINDOW_SAMPLE_MS 10
/*
 * What a stream to somebody far away is expected to reach, bytes in a
 * microsecond.  A window that grows from measured steps alone comes too late:
 * a congestion control that models the path (BBR) takes each step for the
 * path's end, and probes for more but slowly.
 */
#define WINDOW_HOPE 200
/* A stream with a pause in it is limited by its sender. */
#define WINDOW_STALE_MS 2000

void
oe_ssh__window_init(struct oe_ssh__window *w)
{
	w->size = OE_SSH_WINDOW_MIN;
	w->used = w->bytes = 0;
	w->since_ms = 0;
}

void
oe_ssh__window_got(struct oe_ssh__window *w, size_t n)
{
	w->used += n;
	w->bytes += n;
}

bool
oe_ssh__window_wants(struct oe_ssh__window *w, int64_t now_ms)
{
	if (!w->bytes)
		return false;
	if (!w->since_ms || now_ms - w->since_ms > WINDOW_STALE_MS) {
		w->since_ms = now_ms;
		w->bytes = 1;
		return false;
	}
	return w->bytes > WINDOW_LEAST &&
	       now_ms - w->since_ms >= WINDOW_SAMPLE_MS;
}

void
oe_ssh__window_judge(
    struct oe_ssh__window *w, int64_t now_ms, uint64_t rtt_us, size_t max)
{
	uint64_t took_us = (uint64_t)(now_ms - w->since_ms) * 1000, each, size;

	if (!rtt_us || took_us < rtt_us)
		return;
	/* bytes of one round trip */
	each = (uint64_t)w->bytes * rtt_us / took_us;
	w->bytes = 1;
	w->since_ms = now_ms;
	/*
	 * libssh grants again when half of the window is used, so that half
	 * a window in a round trip is what a limited peer reaches.
	 */
	size = each < w->size / 3 ? w->size : w->size * 2;
	if (size < rtt_us * WINDOW_HOPE)
		size = rtt_us * WINDOW_HOPE;
	if (size > max)
		size = max;
	if (size <= w->size)
		return;
	w->size = (size_t)size;
	/* at once, not after what was granted last */
	w->used = w->size;
}

bool
oe_ssh__window_due(const struct oe_ssh__window *w)
{
	return w->size > OE_SSH_WINDOW_MIN && w->used >= w->size / 4;
}

void
oe_ssh__window_granted(struct oe_ssh__window *w)
{
	w->used = 0;
}
