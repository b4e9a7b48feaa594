/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "core/base/event_internal.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define OE_EVENT_STR_MAX 1024
/* Texts that are no longer stay in a line that is too long. */
#define OE_EVENT_STR_KEPT 64
/* What nearly all events need. */
#define OE_EVENT_ROOM 1024

static const char too_long[] = "(too long)";

/* Make room for @n bytes more, and show where they go. */
static char *
event_room(struct oe_event *e, size_t n)
{
	size_t size = e->size ? e->size : OE_EVENT_ROOM;

	while (size - e->n < n)
		size *= 2;
	if (size != e->size)
		e->text = oe_mem_realloc_array(e->text, size, 1);
	e->size = size;
	return e->text + e->n;
}

void
oe_event__put(struct oe_event *e, const char *p, size_t n)
{
	memcpy(event_room(e, n), p, n);
	e->n += n;
}

static void
event_key(struct oe_event *e, const char *key)
{
	size_t n = strlen(key);
	char *to = event_room(e, n + 4);

	if (e->text[e->n - 1] != '{') {
		*to++ = ',';
		e->n++;
	}
	*to++ = '"';
	memcpy(to, key, n);
	memcpy(to + n, "\":", 2);
	e->n += n + 3;
}

void
oe_event_str(struct oe_event *e, const char *key, const char *value)
{
	char safe[OE_EVENT_STR_MAX], *to;
	const unsigned char *p = (const unsigned char *)safe;
	static const char digits[] = "0123456789ABCDEF";

	if (!e->text || !value)
		return;
	oe_str_escape(value, strlen(value), safe, sizeof safe);
	event_key(e, key);
	/* a byte takes at most five */
	to = event_room(e, 5 * strlen(safe) + 2);
	*to++ = '"';
	while (*p) {
		if (*p >= 0x80) {
			memcpy(to, "\\\\x", 3);
			to[3] = digits[*p >> 4];
			to[4] = digits[*p++ & 15];
			to += 5;
			continue;
		}
		if (*p == '"' || *p == '\\')
			*to++ = '\\';
		*to++ = (char)*p++;
	}
	*to++ = '"';
	e->n = (size_t)(to - e->text);
}

void
oe_event_int(struct oe_event *e, const char *key, int64_t value)
{
	char text[24];

	if (!e->text)
		return;
	event_key(e, key);
	snprintf(text, sizeof text, "%" PRId64, value);
	oe_event__put(e, text, strlen(text));
}

void
oe_event_bool(struct oe_event *e, const char *key, bool value)
{
	if (!e->text)
		return;
	event_key(e, key);
	if (value)
		oe_event__put(e, "true", 4);
	else
		oe_event__put(e, "false", 5);
}

bool
oe_event_foreign(
    struct oe_event *e, const char *key, const char *text, size_t n)
{
	size_t before = e->n, taken;

	if (!e->text)
		return true;
	event_key(e, key);
	taken = oe_event__foreign(text, n, event_room(e, n));
	e->n = taken ? e->n + taken : before;
	return taken > 0;
}

void
oe_event__open(
    struct oe_event *e, const char *ts, const char *name, const char *node)
{
	e->n = 0;
	oe_event__put(e, "{", 1);
	oe_event_int(e, "v", OE_EVENT_VERSION);
	oe_event_str(e, "ts", ts);
	oe_event_str(e, "event", name);
	e->named = e->n;
	oe_event_str(e, "node", node);
}

bool
oe_event_wanted(const struct oe_eventlog *log)
{
	return log->fd >= 0 || (log->also && log->also->fd >= 0);
}

void
oe_event_begin(
    struct oe_event *e, const struct oe_eventlog *log, const char *name)
{
	char ts[40];

	memset(e, 0, sizeof *e);
	if (!oe_event_wanted(log))
		return;
	oe_time_format(oe_time_wall_ms(), ts, sizeof ts);
	oe_event__open(e, ts, name, log->node);
}

void
oe_event_drop(struct oe_event *e)
{
	free(e->text);
	memset(e, 0, sizeof *e);
}

/* Bytes of UTF-8 that the character at @p of our JSON stands for. */
static size_t
event_bytes(const char *p, size_t *ret_taken)
{
	unsigned c;

	*ret_taken = *p != '\\' ? 1 : p[1] != 'u' ? 2 : 6;
	if (*ret_taken < 6)
		return 1;
	c = (unsigned)strtoul((char[5]){p[2], p[3], p[4], p[5]}, NULL, 16);
	/* a surrogate is half a character of four */
	return c < 0x800 || (c >= 0xd800 && c < 0xe000) ? 2 : 3;
}

/* Drop the longest text, so that what remains fits a line. */
static bool
event_shorten(struct oe_event *e)
{
	size_t i = 0, start, bytes, k, at = 0, n = 0, most = OE_EVENT_STR_KEPT;

	while (i < e->n) {
		if (e->text[i++] != '"')
			continue;
		start = i;
		for (bytes = 0; e->text[i] != '"'; i += k)
			bytes += event_bytes(e->text + i, &k);
		/* names are short: what is longer is a value */
		if (bytes > most) {
			most = bytes;
			at = start;
			n = i - start;
		}
		i++;
	}
	if (!n)
		return false;
	memcpy(e->text + at, too_long, sizeof too_long - 1);
	memmove(e->text + at + sizeof too_long - 1, e->text + at + n,
	    e->n - at - n);
	e->n -= n - (sizeof too_long - 1);
	return true;
}

bool
oe_event__close(struct oe_event *e)
{
	oe_event__put(e, "}", 1);
	while (e->n >= OE_EVENT_LINE_MAX)
		if (!event_shorten(e))
			return false;
	oe_event__put(e, "\n", 1);
	return true;
}

static void
event_append(int fd, struct oe_event *e)
{
	struct iovec v[2] = {
	    {.iov_base = "\n", .iov_len = 1},
	    {.iov_base = e->text, .iov_len = e->n},
	};
	ssize_t n;

	do
		n = writev(fd, v, 2);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)e->n + 1)
		oe_log_error(NULL, "an event was LOST: %s: %.*s",
		    n < 0 ? strerror(errno) : "no room", (int)e->n - 1,
		    e->text);
}

void
oe_event_end(struct oe_event *e, const struct oe_eventlog *log)
{
	if (e->text && oe_event__close(e)) {
		if (log->fd >= 0)
			(void)oe_fd_write_all(log->fd, e->text, e->n);
		if (log->also && log->also->fd >= 0)
			event_append(log->also->fd, e);
	}
	oe_event_drop(e);
}
