/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/metrics.h - counters of the process, as Prometheus reads them (text
 * format 0.0.4).
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Upper bounds of the histogram, in microseconds; the last is infinite. */
#define OE_CTL_BUCKETS 10

struct oe_ctl_metrics {
	_Atomic uint64_t by_class[6]; /* replies by status / 100 */
	_Atomic uint64_t buckets[OE_CTL_BUCKETS + 1];
	_Atomic uint64_t micros; /* sum of all durations */
	_Atomic uint64_t connections_total, refused_total;
	_Atomic int64_t connections, waiting;
	_Atomic int64_t certificate_until_s; /* 0: no TLS */
	_Atomic uint64_t logins_good, logins_bad, logins_limited;
	_Atomic uint64_t refresh_reused, tokens_cached;
};

/** oe_ctl_metrics_note() - a reply of @status went out after @micros. */
void oe_ctl_metrics_note(struct oe_ctl_metrics *m, int status, uint64_t micros);
/** oe_ctl_metrics_print() - all of them. */
void oe_ctl_metrics_print(
    struct oe_ctl_metrics *m, int64_t started_ms, struct oe_buf *to);
