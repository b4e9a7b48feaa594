/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/meter.h"

#include <stdio.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/width.h"

/* What the rate is smoothed over. */
#define RATE_MS  3000
#define STALL_MS 5000
/* Below it the label is more use than the numbers. */
#define LABEL_MIN 8

void
oe_meter_size(uint64_t bytes, char ret[OE_METER_WORD])
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
	double n = (double)bytes;
	size_t i = 0;

	/* 999.6KB would be shown as 1000KB */
	while (n >= 999.5 && i + 1 < OE_ARRAY_LEN(units)) {
		n /= 1024;
		i++;
	}
	snprintf(ret, OE_METER_WORD, i && n < 9.95 ? "%.1f%s" : "%.0f%s", n,
	    units[i]);
}

void
oe_meter_time(int64_t seconds, char ret[OE_METER_WORD])
{
	long long s = seconds;

	if (s < 0 || s > 99LL * 24 * 3600)
		snprintf(ret, OE_METER_WORD, "--:--");
	else if (s >= 3600)
		snprintf(ret, OE_METER_WORD, "%lld:%02lld:%02lld", s / 3600,
		    s / 60 % 60, s % 60);
	else
		snprintf(ret, OE_METER_WORD, "%02lld:%02lld", s / 60, s % 60);
}

int
oe_meter_percent(uint64_t done, uint64_t all)
{
	int p;

	if (done >= all)
		return 100;
	p = (int)((double)done * 100 / (double)all);
	return p > 99 ? 99 : p;
}

void
oe_meter_look(struct oe_meter_rate *r, int64_t now_ms, uint64_t bytes)
{
	int64_t ms = now_ms - r->at_ms;
	double now;

	if (!r->at_ms) {
		r->at_ms = now_ms;
		r->bytes = bytes;
		return;
	}
	if (ms <= 0)
		return;
	if (bytes != r->bytes)
		r->still_ms = 0;
	else if (!r->still_ms)
		r->still_ms = r->at_ms;
	/* what has gone back was begun anew: it did not move */
	now = bytes > r->bytes ? (double)(bytes - r->bytes) * 1000 / (double)ms
			       : 0;
	if (r->per_s > 0)
		r->per_s +=
		    (now - r->per_s) * (double)ms / (RATE_MS + (double)ms);
	else
		r->per_s = now;
	r->at_ms = now_ms;
	r->bytes = bytes;
}

bool
oe_meter_stalled(const struct oe_meter_rate *r)
{
	return r->still_ms && r->at_ms - r->still_ms >= STALL_MS;
}

void
oe_meter_format(
    const struct oe_meter *m, size_t columns, char ret[OE_METER_MAX])
{
	char size[OE_METER_WORD], rate[OE_METER_WORD], when[OE_METER_WORD];
	char percent[OE_METER_WORD] = "", numbers[128];
	size_t n, left;

	if (columns > OE_METER_COLUMNS)
		columns = OE_METER_COLUMNS;
	if (m->percent >= 0)
		snprintf(percent, sizeof percent, "%d%%", m->percent);
	oe_meter_size(m->bytes, size);
	oe_meter_size(m->per_s > 0 ? (uint64_t)m->per_s : 0, rate);
	oe_meter_time(m->seconds, when);
	snprintf(numbers, sizeof numbers, " %4s %6s %6s/s %8s %3s", percent,
	    size, rate, m->stalled ? "stalled" : when,
	    m->left && !m->stalled ? "ETA" : "");
	n = strlen(numbers);
	left = columns > n + LABEL_MIN ? columns - n : columns;
	oe_width_fit(m->label, left, ret, OE_METER_MAX - sizeof numbers);
	if (left < columns)
		memcpy(ret + strlen(ret), numbers, n + 1);
}
