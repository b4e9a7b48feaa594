/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/event.h - security facts as versioned JSON lines.
 *
 * Apart from diagnostics (log.h): never rate-limited, never translated.
 * Format: doc/protocol/events.md.  One write() per line, so that several
 * processes may share the descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OE_EVENT_VERSION 1
/* Longest line; a longer event loses its longest strings, not its line. */
#define OE_EVENT_LINE_MAX 4096

/* Where events go. */
struct oe_eventlog {
	int fd;           /* -1: nowhere */
	const char *node; /* id of this device, borrowed */
};

struct oe_event {
	void *fields; /* the JSON object under construction */
};

/** oe_event_begin() - start an event named like "session.start". */
void oe_event_begin(
    struct oe_event *e, const struct oe_eventlog *log, const char *name);
/** oe_event_str() - add a text; NULL adds nothing; any bytes are safe. */
void oe_event_str(struct oe_event *e, const char *key, const char *value);
void oe_event_int(struct oe_event *e, const char *key, int64_t value);
void oe_event_bool(struct oe_event *e, const char *key, bool value);
/** oe_event_end() - write the line (unless @log is off) and free @e. */
void oe_event_end(struct oe_event *e, const struct oe_eventlog *log);
