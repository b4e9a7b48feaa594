/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/daemon.h"

#include <stddef.h>
#include <unistd.h>

#include "core/app/notify.h"
#include "core/base/err.h"
#include "core/base/event.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/time.h"

const char *const oe_daemon_log_formats[] = {"text", "json", NULL};

int
oe_daemon_log(const struct oe_values *v)
{
	static const enum oe_log_level levels[] = {
	    OE_LOG_INFO, OE_LOG_DEBUG, OE_LOG_DEBUG2, OE_LOG_DEBUG3};
	int verbose = (int)oe_values_int(v, "verbose");

	oe_log_setup(levels[verbose],
	    oe_str_eq(oe_values_str(v, "log-format"), "json") ? OE_LOG_JSON
							      : OE_LOG_TEXT,
	    -1, oe_notify_under_journal());
	return verbose;
}

bool
oe_daemon_check(const struct oe_values *v)
{
	bool wanted = oe_values_flag(v, "check-config");

	if (wanted)
		oe_values_print(v);
	return wanted;
}

void
oe_daemon_signals(sigset_t *set)
{
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

void
oe_daemon_started(
    struct oe_event *e, const struct oe_eventlog *log, const char *name)
{
	oe_event_begin(e, log, name);
	oe_event_str(e, "version", PACKAGE_VERSION);
	oe_event_int(e, "pid", getpid());
}

void
oe_daemon_ended(const struct oe_eventlog *log, const char *name)
{
	struct oe_event e;

	oe_event_begin(&e, log, name);
	oe_event_end(&e, log);
}

void
oe_daemon_reload(const struct oe_ctx *ctx, const struct oe_eventlog *log,
    const char *name,
    int (*apply)(void *arg, const struct oe_values *v, struct oe_err *err),
    void *arg)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v = NULL;
	struct oe_event e;
	int r;

	oe_notify(
	    "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)oe_time_mono_us());
	r = ctx->reload(ctx, &v, &err);
	if (r == 0)
		r = apply(arg, v, &err);
	oe_values_free(&v);
	if (r < 0)
		oe_log_error(NULL,
		    "reload: %s: the old configuration stays in force",
		    oe_err_text(&err));
	else
		oe_log_info(NULL, "configuration re-read");
	oe_event_begin(&e, log, name);
	oe_event_bool(&e, "success", r == 0);
	if (r < 0)
		oe_event_str(&e, "why", oe_err_text(&err));
	oe_event_end(&e, log);
	oe_notify("READY=1");
}
