/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/event.h - security facts as versioned JSON lines.
 *
 * Apart from diagnostics (log.h): never rate-limited, never translated.
 * Format: doc/protocol/events.md.  A line is whole in one write() of at most
 * PIPE_BUF bytes, so that several processes may share the descriptor.
 * Who has thousands of them: event_batch.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OE_EVENT_VERSION 1
/* Longest line; a longer event loses its longest strings, not its line. */
#define OE_EVENT_LINE_MAX 4096

/* Fields of an object that somebody else wrote. */
#define OE_EVENT_FOREIGN_MAX 24

/* Where events go. */
struct oe_eventlog {
	int fd;           /* -1: nowhere */
	const char *node; /* id of this device, borrowed */
	/*
	 * Where they go besides, borrowed, or NULL: a file opened with
	 * O_APPEND (core/mesh/spool.h).  Each line has an empty one before it
	 * there, so that one which was cut does not spoil the next.
	 */
	const struct oe_eventlog *also;
};

/** oe_event_wanted() - does an event go anywhere? */
bool oe_event_wanted(const struct oe_eventlog *log);

struct oe_event {
	char *text; /* the object so far; NULL: the log is off */
	size_t n, size;
	size_t named; /* what it has begun with, its name the last */
};

/** oe_event_begin() - start an event named like "session.start". */
void oe_event_begin(
    struct oe_event *e, const struct oe_eventlog *log, const char *name);
/**
 * oe_event_str() - add a text; NULL adds nothing; any bytes are safe.
 * @key: here and below, a name that @e does not have yet.
 */
void oe_event_str(struct oe_event *e, const char *key, const char *value);
void oe_event_int(struct oe_event *e, const char *key, int64_t value);
void oe_event_bool(struct oe_event *e, const char *key, bool value);
/**
 * oe_event_foreign() - add what somebody else says as an object of its own.
 * @text: an event line as this file writes them: one flat JSON object of at
 * most OE_EVENT_FOREIGN_MAX texts, integers and booleans, names of [a-z_.],
 * texts of printable ASCII that are already escaped.  What we know better (v,
 * ts, node, conn, src, src_port, user, local_user) is left out.
 * Return: false when it is none; @e is as before.
 */
bool oe_event_foreign(
    struct oe_event *e, const char *key, const char *text, size_t n);
/** oe_event_drop() - free @e without a line. */
void oe_event_drop(struct oe_event *e);
/**
 * oe_event_end() - write the line (unless @log is off) and free @e.  A line
 * that cannot be appended to @log's second file is told to the log.
 */
void oe_event_end(struct oe_event *e, const struct oe_eventlog *log);
