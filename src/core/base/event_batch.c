/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/event_batch.h"

#include <limits.h>
#include <string.h>

#include "core/base/event_internal.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"

/* Others may write to the same pipe: only then do lines stay whole. */
_Static_assert(OE_EVENT_LINE_MAX <= PIPE_BUF, "lines go out in one piece");

void
oe_event_batch_init(struct oe_event_batch *b, const struct oe_eventlog *log,
    struct oe_event *common)
{
	memset(b, 0, sizeof *b);
	b->log = log;
	b->second = -1;
	if (common->text) {
		b->common_n = common->n - common->named;
		b->common = oe_mem_zalloc(b->common_n + 1);
		memcpy(b->common, common->text + common->named, b->common_n);
	}
	oe_event_drop(common);
}

/* Most events have the second of the one before. */
static const char *
batch_time(struct oe_event_batch *b, int64_t now)
{
	unsigned ms = (unsigned)(now % 1000);
	char *to;

	if (now / 1000 != b->second) {
		oe_time_format(now, b->ts, sizeof b->ts);
		b->second = now / 1000;
		return b->ts;
	}
	to = strchr(b->ts, '.');
	to[1] = (char)('0' + ms / 100);
	to[2] = (char)('0' + ms / 10 % 10);
	to[3] = (char)('0' + ms % 10);
	return b->ts;
}

struct oe_event *
oe_event_batch_begin(struct oe_event_batch *b, const char *name)
{
	if (b->log->fd < 0 || !b->common) {
		oe_event_drop(&b->event);
		return &b->event;
	}
	oe_event__open(&b->event, batch_time(b, oe_time_wall_ms()), name, NULL);
	oe_event__put(&b->event, b->common, b->common_n);
	return &b->event;
}

void
oe_event_batch_end(struct oe_event_batch *b)
{
	struct oe_event *e = &b->event;
	int64_t now;

	if (!e->text || !oe_event__close(e))
		return;
	if (e->n > sizeof b->lines - b->n)
		oe_event_batch_flush(b);
	now = oe_time_mono_ms();
	if (b->n == 0)
		b->first_ms = now;
	memcpy(b->lines + b->n, e->text, e->n);
	b->n += e->n;
	if (now - b->first_ms >= OE_EVENT_BATCH_MS)
		oe_event_batch_flush(b);
	e->n = 0;
}

void
oe_event_batch_drop(struct oe_event_batch *b)
{
	b->event.n = 0;
}

void
oe_event_batch_flush(struct oe_event_batch *b)
{
	if (b->n && b->log->fd >= 0)
		(void)oe_fd_write_all(b->log->fd, b->lines, b->n);
	b->n = 0;
}

void
oe_event_batch_done(struct oe_event_batch *b)
{
	if (b->n)
		oe_event_batch_flush(b);
	oe_event_drop(&b->event);
	oe_mem_free(&b->common);
}
