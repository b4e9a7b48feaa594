/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/event_batch.h - events of one origin, for who has thousands.
 *
 * What all of them say of their origin is made once, and as many lines as fit
 * PIPE_BUF go out in one write().  A line waits for others: flush whenever
 * its log may be looked at, and before other events of the same process.
 */
#pragma once

#include "core/base/event.h"

/* Longer than this the first of the lines never waits for one that ends. */
#define OE_EVENT_BATCH_MS 100

struct oe_event_batch {
	const struct oe_eventlog *log; /* borrowed */
	struct oe_event event;         /* under construction */
	char *common;                  /* fields that each begins with */
	size_t common_n;
	int64_t second; /* since 1970, the one that ts is of */
	char ts[40];
	int64_t first_ms; /* when the first of the lines was put there */
	size_t n;
	char lines[OE_EVENT_LINE_MAX];
};

/**
 * oe_event_batch_init() - no lines yet.
 * @common: an event that was begun; each of the batch gets its fields behind
 * the name.  It is freed.
 */
void oe_event_batch_init(struct oe_event_batch *b,
    const struct oe_eventlog *log, struct oe_event *common);
/**
 * oe_event_batch_begin() - the event that oe_event_batch_end() or
 * oe_event_batch_drop() will take, to be given more fields.
 */
struct oe_event *
oe_event_batch_begin(struct oe_event_batch *b, const char *name);
void oe_event_batch_end(struct oe_event_batch *b);
void oe_event_batch_drop(struct oe_event_batch *b);
/** oe_event_batch_flush() - write what waits. */
void oe_event_batch_flush(struct oe_event_batch *b);
/** oe_event_batch_done() - flush, and free. */
void oe_event_batch_done(struct oe_event_batch *b);
