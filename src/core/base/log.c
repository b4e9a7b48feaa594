/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define OE_LOG_LINE_MAX 4096

/* One process writes to one place; set once at start of a command. */
static struct {
	enum oe_log_level level;
	enum oe_log_format format;
	int fd;
	bool journal;
	bool syslog;
	volatile sig_atomic_t raw; /* standard error is a raw terminal */
	const char *prefix;
} log_sink = {
    OE_LOG_INFO, OE_LOG_TEXT, STDERR_FILENO, false, false, 0, "omniedge"};

void
oe_log_setup(
    enum oe_log_level level, enum oe_log_format format, int fd, bool journal)
{
	log_sink.level = level;
	log_sink.format = format;
	if (fd >= 0)
		log_sink.fd = fd;
	log_sink.journal = journal;
}

void
oe_log_syslog(const char *ident, int facility)
{
	openlog(ident, LOG_PID, facility);
	log_sink.syslog = true;
	log_sink.journal = false;
}

int
oe_log_fd(void)
{
	return log_sink.fd;
}

bool
oe_log_wants(enum oe_log_level level)
{
	return level <= log_sink.level;
}

void
oe_log_prefix(const char *word)
{
	log_sink.prefix = word;
}

static const char *
log_level_name(enum oe_log_level level)
{
	switch (level) {
	case OE_LOG_ERROR:
		return "error";
	case OE_LOG_WARN:
		return "warning";
	case OE_LOG_INFO:
		return "info";
	case OE_LOG_DEBUG:
	case OE_LOG_DEBUG2:
	case OE_LOG_DEBUG3:
		break;
	}
	return "debug";
}

static int
log_priority(enum oe_log_level level)
{
	switch (level) {
	case OE_LOG_ERROR:
		return 3;
	case OE_LOG_WARN:
		return 4;
	case OE_LOG_INFO:
		return 6;
	case OE_LOG_DEBUG:
	case OE_LOG_DEBUG2:
	case OE_LOG_DEBUG3:
		break;
	}
	return 7;
}

static size_t
log_text(enum oe_log_level level, const struct oe_logctx *lc, const char *msg,
    char *line, size_t size)
{
	char safe[512];
	int n = 0;
	size_t at;

	if (log_sink.journal)
		n = snprintf(line, size, "<%d>", log_priority(level));
	at = (size_t)n;
	n = snprintf(line + at, size - at, "%s: %s%s", log_sink.prefix,
	    level == OE_LOG_WARN  ? "warning: "
	    : level > OE_LOG_INFO ? "debug: "
				  : "",
	    msg);
	at += (size_t)n < size - at ? (size_t)n : size - at - 1;
	for (; lc; lc = lc->parent) {
		if (!lc->value || !lc->key)
			continue;
		oe_str_escape(lc->value, strlen(lc->value), safe, sizeof safe);
		n = snprintf(line + at, size - at, " %s=%s", lc->key, safe);
		at += (size_t)n < size - at ? (size_t)n : size - at - 1;
	}
	return at;
}

/* A copy of valid UTF-8, cut between characters. */
static json_t *
log_json_cut(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n > max) {
		n = max;
		while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	return json_stringn(s, n);
}

/* @max: longest message and longest field in bytes, before JSON's escapes. */
static size_t
log_json_try(enum oe_log_level level, const struct oe_logctx *lc,
    const char *msg, size_t max, char *line, size_t size)
{
	json_t *o = json_object();
	char ts[40], safe[512];
	size_t n;

	oe_time_format(oe_time_wall_ms(), ts, sizeof ts);
	json_object_set_new(o, "v", json_integer(1));
	json_object_set_new(o, "ts", json_string(ts));
	json_object_set_new(o, "level", json_string(log_level_name(level)));
	json_object_set_new(o, "msg", log_json_cut(msg, max));
	for (; lc; lc = lc->parent) {
		if (!lc->value || !lc->key)
			continue;
		oe_str_escape(lc->value, strlen(lc->value), safe, sizeof safe);
		json_object_set_new(o, lc->key, log_json_cut(safe, max));
	}
	n = json_dumpb(o, line, size, JSON_COMPACT);
	json_decref(o);
	return n;
}

/* Words of a peer may make a line shorter, but never make it vanish. */
static size_t
log_json(enum oe_log_level level, const struct oe_logctx *lc, const char *msg,
    char *line, size_t size)
{
	size_t max = size, n;

	do {
		n = log_json_try(level, lc, msg, max, line, size);
		max /= 2;
	} while (n > size && max);
	return n > size ? 0 : n;
}

void
oe_log_raw(bool on)
{
	log_sink.raw = on;
}

void
oe_log(
    enum oe_log_level level, const struct oe_logctx *lc, const char *fmt, ...)
{
	char raw[2048], msg[2048], line[OE_LOG_LINE_MAX + 2];
	int saved = errno;
	size_t n, skip;
	va_list ap;

	if (!oe_log_wants(level))
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	oe_str_escape(raw, strlen(raw), msg, sizeof msg);
	n = log_sink.format == OE_LOG_JSON
		? log_json(level, lc, msg, line, OE_LOG_LINE_MAX)
		: log_text(level, lc, msg, line, OE_LOG_LINE_MAX);
	if (log_sink.syslog) {
		/* its ident says what the prefix does */
		skip = log_sink.format == OE_LOG_TEXT
			   ? strlen(log_sink.prefix) + 2
			   : 0;
		syslog(
		    log_priority(level), "%.*s", (int)(n - skip), line + skip);
		errno = saved;
		return;
	}
	if (log_sink.raw && log_sink.fd == STDERR_FILENO)
		line[n++] = '\r';
	line[n++] = '\n';
	/* one write per line: several processes share the descriptor */
	(void)oe_fd_write_all(log_sink.fd, line, n);
	errno = saved;
}
