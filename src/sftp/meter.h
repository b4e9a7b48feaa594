/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/meter.h - the text of a progress line: numbers in, one line out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest line: OE_METER_COLUMNS characters of 4 bytes. */
#define OE_METER_COLUMNS 500
#define OE_METER_MAX     (4 * OE_METER_COLUMNS + 64)
#define OE_METER_WORD    24

/* How fast it goes, lately. */
struct oe_meter_rate {
	int64_t at_ms; /* of the last look; 0: none yet */
	uint64_t bytes;
	double per_s;
	int64_t still_ms; /* since when nothing moves; 0: it moves */
};

struct oe_meter {
	const char *label; /* safe for a terminal */
	int percent;       /* -1: not known */
	uint64_t bytes;
	double per_s;
	int64_t seconds; /* to go, or gone */
	bool left;       /* seconds are to go: "ETA" */
	bool stalled;    /* instead of seconds */
};

/** oe_meter_size() - "512B", "1.5KB", "23MB"; a K is 1024. */
void oe_meter_size(uint64_t bytes, char ret[OE_METER_WORD]);
/** oe_meter_time() - "00:07", "12:34", "1:02:03"; "--:--" above 99 days. */
void oe_meter_time(int64_t seconds, char ret[OE_METER_WORD]);
/** oe_meter_percent() - at most 99 until all of it is there. */
int oe_meter_percent(uint64_t done, uint64_t all);
/** oe_meter_look() - @bytes have moved by @now_ms. */
void oe_meter_look(struct oe_meter_rate *r, int64_t now_ms, uint64_t bytes);
/** oe_meter_stalled() - nothing has moved for five seconds. */
bool oe_meter_stalled(const struct oe_meter_rate *r);
/** oe_meter_format() - a line of @columns columns. */
void oe_meter_format(
    const struct oe_meter *m, size_t columns, char ret[OE_METER_MAX]);
