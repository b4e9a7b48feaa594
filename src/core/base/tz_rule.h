/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/tz_rule.h - "CET-1CEST,M3.5.0,M10.5.0/3": when clocks change,
 * year after year.
 *
 * The TZ variable of POSIX (XBD 8.3), with hours from -167 to 167 as RFC 8536
 * section 3.3.1 has them; without the form that begins with a colon.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_tz_change {
	char kind;            /* 'J': 1..365, no leap day; '0': 0..365; 'M' */
	int month, week, day; /* 'M'; else the day alone */
	int32_t at_s;         /* after midnight of local time */
};

struct oe_tz_rule {
	int32_t standard, summer; /* seconds ahead of UTC */
	bool has_summer;
	struct oe_tz_change begin, end; /* of summer time */
};

/** oe_tz_rule_parse() - 0 or OE_EINVAL; @ret is untouched then. */
int oe_tz_rule_parse(const char *text, struct oe_tz_rule *ret) OE_MUST_CHECK;
/** oe_tz_rule_offset() - seconds ahead of UTC at @utc_s. */
int32_t oe_tz_rule_offset(const struct oe_tz_rule *r, int64_t utc_s);
