/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/daemon.h - what commands that serve until a signal ends them have
 * in common: some options, the form of their messages, signals, and what the
 * event log and the service manager hear of their life.
 *
 * How they wait is their own: ssh-server on a loop, control-server on signals
 * beside its threads.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "core/app/command.h"
#include "core/app/param.h"

struct oe_err;
struct oe_event;
struct oe_eventlog;

/* Last rows of a table of options; @heading: their section. */
#define OE_DAEMON_PARAMS(heading)                                              \
	{.name = "quiet",                                                      \
	    .type = OE_PARAM_FLAG,                                             \
	    .help = "write no event log to standard output",                   \
	    .section = heading},                                               \
	    {.name = "log-format",                                             \
		.type = OE_PARAM_CHOICE,                                       \
		.metavar = "FORMAT",                                           \
		.help = "form of the messages on standard error",              \
		.fallback = "text",                                            \
		.choices = oe_daemon_log_formats,                              \
		.section = heading},                                           \
	    {.name = "verbose",                                                \
		.letter = 'v',                                                 \
		.type = OE_PARAM_COUNT,                                        \
		.help = "say more; up to three times",                         \
		.fallback = "0",                                               \
		.max = 3,                                                      \
		.section = heading},                                           \
	    {.name = "config",                                                 \
		.type = OE_PARAM_PATH,                                         \
		.metavar = "FILE",                                             \
		.help = "read this file in place of the usual ones",           \
		.flags = OE_PARAM_CLI_ONLY,                                    \
		.section = heading},                                           \
	{                                                                      \
		.name = "check-config", .type = OE_PARAM_FLAG,                 \
		.help = "print the effective configuration and exit",          \
		.flags = OE_PARAM_CLI_ONLY, .section = heading                 \
	}

extern const char *const oe_daemon_log_formats[];

/**
 * oe_daemon_log() - level and form of messages, out of the options above.
 * Return: how often --verbose was given, 0 to 3.
 */
int oe_daemon_log(const struct oe_values *v);
/**
 * oe_daemon_check() - with --check-config: print what is in force.
 * Return: true when that was all that is wanted.
 */
bool oe_daemon_check(const struct oe_values *v);
/**
 * oe_daemon_signals() - block SIGHUP, SIGTERM, SIGINT and those that @set has
 * already, to be waited for; ignore SIGPIPE.  Before any thread is made.
 * @set: sigemptyset() it; has all of them then.
 */
void oe_daemon_signals(sigset_t *set);
/**
 * oe_daemon_started() - begin the event @name with version and pid; add the
 * rest and oe_event_end() it.
 */
void oe_daemon_started(
    struct oe_event *e, const struct oe_eventlog *log, const char *name);
/** oe_daemon_ended() - the event @name, which has nothing to say. */
void oe_daemon_ended(const struct oe_eventlog *log, const char *name);
/**
 * oe_daemon_reload() - SIGHUP: settle the values anew and hand them to
 * @apply, which takes all of them or leaves all as it is; the service manager,
 * the log and the event @name tell of it.
 * @log: looked at when @apply has returned, which may change it.
 */
void oe_daemon_reload(const struct oe_ctx *ctx, const struct oe_eventlog *log,
    const char *name,
    int (*apply)(void *arg, const struct oe_values *v, struct oe_err *err),
    void *arg);
