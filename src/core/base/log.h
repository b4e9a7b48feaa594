/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/log.h - diagnostics for people: one line each, on stderr.
 *
 * A struct oe_logctx carries one field and points at its parent, so that a
 * line can be followed (conn=, peer=, user=) without being written twice.
 * Whatever a peer said is escaped here; callers pass it as it came.
 * Floors below a command log at debug only and return errors instead.
 */
#pragma once

#include <stdbool.h>

#include "core/base/compiler.h"

enum oe_log_level {
	OE_LOG_ERROR,
	OE_LOG_WARN,
	OE_LOG_INFO,
	OE_LOG_DEBUG,
	OE_LOG_DEBUG2,
	OE_LOG_DEBUG3,
};

enum oe_log_format {
	OE_LOG_TEXT, /* "omniedge: message key=value" */
	OE_LOG_JSON, /* {"v":1,"ts":...,"level":...,"msg":...,...} */
};

struct oe_logctx {
	const struct oe_logctx *parent; /* may be NULL */
	const char *key;
	const char *value; /* escaped when written */
};

/**
 * oe_log_setup() - level, form and place of all lines of this process.
 * @fd: where to write; -1 keeps the present one (stderr at start).
 * @journal: put "<N>" priorities before text lines (sd-daemon(3)).
 */
void oe_log_setup(
    enum oe_log_level level, enum oe_log_format format, int fd, bool journal);
/**
 * oe_log_syslog() - lines go to syslog from now on, as @ident (kept, not
 * copied) with a LOG_ facility of syslog(3).
 */
void oe_log_syslog(const char *ident, int facility);
/** oe_log_fd() - where lines go. */
int oe_log_fd(void);
/** oe_log_wants() - would a line of @level be written? */
bool oe_log_wants(enum oe_log_level level);
/** oe_log_prefix() - word before text lines; kept, not copied. */
void oe_log_prefix(const char *word);

/**
 * oe_log_raw() - the terminal behind standard error is raw: lines there end
 * with CR LF.  Safe in a signal handler.
 */
void oe_log_raw(bool on);

/** oe_log() - one line; @lc may be NULL.  Newlines are escaped. */
void oe_log(enum oe_log_level level, const struct oe_logctx *lc,
    const char *fmt, ...) OE_PRINTF(3, 4);

#define oe_log_error(lc, ...) oe_log(OE_LOG_ERROR, lc, __VA_ARGS__)
#define oe_log_warn(lc, ...)  oe_log(OE_LOG_WARN, lc, __VA_ARGS__)
#define oe_log_info(lc, ...)  oe_log(OE_LOG_INFO, lc, __VA_ARGS__)
#define oe_log_debug(lc, ...) oe_log(OE_LOG_DEBUG, lc, __VA_ARGS__)
