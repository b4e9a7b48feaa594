/* SPDX-License-Identifier: Apache-2.0 */
#include "control/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"

static const uint64_t bounds[OE_CTL_BUCKETS] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 500000, 2500000};

void
oe_ctl_metrics_note(struct oe_ctl_metrics *m, int status, uint64_t micros)
{
	size_t i = 0;

	if (status >= 100 && status < 600)
		m->by_class[status / 100]++;
	while (i < OE_CTL_BUCKETS && micros > bounds[i])
		i++;
	m->buckets[i]++;
	m->micros += micros;
}

static void
head(struct oe_buf *to, const char *name, const char *type, const char *help)
{
	(void)oe_buf_printf(
	    to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
counter(struct oe_buf *to, const char *name, const char *help, uint64_t n)
{
	head(to, name, "counter", help);
	(void)oe_buf_printf(to, "%s %" PRIu64 "\n", name, n);
}

static void
gauge(struct oe_buf *to, const char *name, const char *help, int64_t n)
{
	head(to, name, "gauge", help);
	(void)oe_buf_printf(to, "%s %" PRId64 "\n", name, n);
}

static void
print_durations(struct oe_ctl_metrics *m, struct oe_buf *to)
{
	static const char name[] = "omniedge_control_request_duration_seconds";
	uint64_t n = 0;
	size_t i;

	head(to, name, "histogram", "Time from a whole request to its reply.");
	for (i = 0; i < OE_CTL_BUCKETS; i++) {
		n += m->buckets[i];
		(void)oe_buf_printf(to, "%s_bucket{le=\"%g\"} %" PRIu64 "\n",
		    name, (double)bounds[i] / 1e6, n);
	}
	n += m->buckets[i];
	(void)oe_buf_printf(
	    to, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
	(void)oe_buf_printf(to, "%s_sum %.6f\n", name, (double)m->micros / 1e6);
	(void)oe_buf_printf(to, "%s_count %" PRIu64 "\n", name, n);
}

static void
print_replies(struct oe_ctl_metrics *m, struct oe_buf *to)
{
	static const char name[] = "omniedge_control_replies_total";
	int i;

	head(to, name, "counter", "Replies by class of status.");
	for (i = 1; i < 6; i++)
		(void)oe_buf_printf(to, "%s{class=\"%dxx\"} %" PRIu64 "\n",
		    name, i, (uint64_t)m->by_class[i]);
}

static void
print_logins(struct oe_ctl_metrics *m, struct oe_buf *to)
{
	static const char name[] = "omniedge_control_logins_total";

	head(to, name, "counter", "Attempts to log in by outcome.");
	(void)oe_buf_printf(to,
	    "%s{outcome=\"good\"} %" PRIu64 "\n"
	    "%s{outcome=\"bad\"} %" PRIu64 "\n"
	    "%s{outcome=\"limited\"} %" PRIu64 "\n",
	    name, (uint64_t)m->logins_good, name, (uint64_t)m->logins_bad, name,
	    (uint64_t)m->logins_limited);
}

void
oe_ctl_metrics_print(
    struct oe_ctl_metrics *m, int64_t started_ms, struct oe_buf *to)
{
	head(to, "omniedge_build_info", "gauge", "The program that answers.");
	(void)oe_buf_printf(
	    to, "omniedge_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	head(to, "omniedge_control_start_time_seconds", "gauge",
	    "Unix time when the process started.");
	(void)oe_buf_printf(to, "omniedge_control_start_time_seconds %.3f\n",
	    (double)started_ms / 1e3);
	gauge(to, "omniedge_control_connections", "Open connections.",
	    m->connections);
	counter(to, "omniedge_control_connections_total",
	    "Connections that were accepted.", m->connections_total);
	counter(to, "omniedge_control_connections_refused_total",
	    "Connections over a limit.", m->refused_total);
	gauge(to, "omniedge_control_requests_waiting",
	    "Requests that no worker has taken yet.", m->waiting);
	if (m->certificate_until_s)
		gauge(to, "omniedge_control_certificate_end_time_seconds",
		    "Unix time when the certificate ends.",
		    m->certificate_until_s);
	print_replies(m, to);
	print_durations(m, to);
	print_logins(m, to);
	counter(to, "omniedge_control_refresh_reused_total",
	    "Refresh tokens that came a second time.", m->refresh_reused);
	counter(to, "omniedge_control_token_cache_hits_total",
	    "Access tokens that were found without asking the store.",
	    m->tokens_cached);
}
