/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it well?  For the service manager, load balancers and Prometheus.
 */
#include <string.h>

#include "control/health.h"
#include "control/server.h"
#include "control/store.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"

#define METRICS_MAX 65536

/* As the real service answers; what it tells of its build is left empty. */
static int
get_health(struct oe_ctl_call *call)
{
	struct oe_jval *v = oe_jval_object();
	char started[40];

	oe_time_format(call->server->started_ms, started, sizeof started);
	oe_jval_set_text(v, "status", "ok");
	oe_jval_set_text(v, "logLevel", "info");
	oe_jval_set_text(v, "gitSha", "");
	oe_jval_set_text(v, "gitTag", PACKAGE_VERSION);
	oe_jval_set_text(v, "buildTime", "");
	oe_jval_set_text(v, "startTime", started);
	oe_jval_set_text(v, "host", call->server->host);
	return oe_ctl_data(call, v);
}

static int
text(struct oe_ctl_call *call, int status, const char *what)
{
	char *s = oe_mem_strdup(what);

	return oe_ctl_raw(
	    call, status, "text/plain; charset=utf-8", s, strlen(s));
}

/* The process turns; nothing else is asked. */
static int
get_healthz(struct oe_ctl_call *call)
{
	return text(call, 200, "ok\n");
}

/* Requests can be served: the store answers. */
static int
get_readyz(struct oe_ctl_call *call)
{
	if (oe_ctl_store_check(call->store, &call->err) < 0) {
		oe_log_error(NULL, "store: %s", oe_err_text(&call->err));
		return text(call, 503, "store\n");
	}
	return text(call, 200, "ok\n");
}

static int
get_metrics(struct oe_ctl_call *call)
{
	struct oe_buf b;
	char *s;

	oe_buf_init(&b, METRICS_MAX);
	oe_ctl_metrics_print(
	    &call->server->metrics, call->server->started_ms, &b);
	s = oe_mem_strndup((const char *)oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return oe_ctl_raw(call, 200, "text/plain; version=0.0.4; charset=utf-8",
	    s, strlen(s));
}

const struct oe_ctl_route oe_ctl_routes_health[] = {
    {.method = "GET",
	.pattern = "/health",
	.fn = get_health,
	.what = "say that it is alive, as the real service does"},
    {.method = "GET",
	.pattern = "/healthz",
	.fn = get_healthz,
	.what = "say that the process turns"},
    {.method = "GET",
	.pattern = "/readyz",
	.fn = get_readyz,
	.what = "say whether the store answers"},
    {.method = "GET",
	.pattern = "/metrics",
	.fn = get_metrics,
	.what = "show counters to Prometheus"},
    {.method = NULL},
};
