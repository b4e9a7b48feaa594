/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/tz_rule.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "core/base/err.h"

#define DAY_S INT64_C(86400)

/* --- text --- */

static bool
rule_number(const char **p, int max, int *ret)
{
	int n = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++) {
		n = n * 10 + (**p - '0');
		if (n > max)
			return false;
	}
	*ret = n;
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool
rule_time(const char **p, int max_hours, int32_t *ret)
{
	int sign = 1, h, part[2] = {0, 0}, i;

	if (**p == '-' || **p == '+')
		sign = *(*p)++ == '-' ? -1 : 1;
	if (!rule_number(p, max_hours, &h))
		return false;
	for (i = 0; i < 2 && **p == ':'; i++) {
		(*p)++;
		if (!rule_number(p, 59, &part[i]))
			return false;
	}
	*ret = sign * (h * 3600 + part[0] * 60 + part[1]);
	return true;
}

static bool
rule_name(const char **p)
{
	const char *start = *p;

	if (**p == '<') {
		*p += strcspn(*p, ">");
		if (!**p)
			return false;
		(*p)++;
		return *p - start >= 5;
	}
	while (isalpha((unsigned char)**p))
		(*p)++;
	return *p - start >= 3;
}

static bool
rule_month(const char **p, struct oe_tz_change *ret)
{
	if (!rule_number(p, 12, &ret->month) || ret->month < 1 ||
	    *(*p)++ != '.')
		return false;
	if (!rule_number(p, 5, &ret->week) || ret->week < 1 || *(*p)++ != '.')
		return false;
	return rule_number(p, 6, &ret->day);
}

static bool
rule_change(const char **p, struct oe_tz_change *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->at_s = 2 * 3600;
	ret->kind = '0';
	if (*(*p)++ != ',')
		return false;
	if (**p == 'J' || **p == 'M')
		ret->kind = *(*p)++;
	if (ret->kind == 'M') {
		if (!rule_month(p, ret))
			return false;
	} else if (!rule_number(p, 365, &ret->day) ||
		   (ret->kind == 'J' && !ret->day)) {
		return false;
	}
	if (**p != '/')
		return true;
	(*p)++;
	return rule_time(p, 167, &ret->at_s);
}

int
oe_tz_rule_parse(const char *text, struct oe_tz_rule *ret)
{
	struct oe_tz_rule r = {0};
	const char *p = text;
	int32_t west;

	if (!rule_name(&p) || !rule_time(&p, 24, &west))
		return OE_EINVAL;
	r.standard = -west;
	if (*p) {
		r.has_summer = true;
		r.summer = r.standard + 3600;
		if (!rule_name(&p))
			return OE_EINVAL;
		if (*p != ',') {
			if (!rule_time(&p, 24, &west))
				return OE_EINVAL;
			r.summer = -west;
		}
		if (!rule_change(&p, &r.begin) || !rule_change(&p, &r.end) ||
		    *p)
			return OE_EINVAL;
	}
	*ret = r;
	return 0;
}

/* --- calendar --- */

static bool
year_is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days from 1970 to the first of January of @y. */
static int64_t
year_start(int64_t y)
{
	int64_t p = y - 1;

	return 365 * (y - 1970) + (p / 4 - 492) - (p / 100 - 19) +
	       (p / 400 - 4);
}

static int64_t
year_of(int64_t day)
{
	int64_t y = 1970 + day / 366;

	while (year_start(y + 1) <= day)
		y++;
	while (year_start(y) > day)
		y--;
	return y;
}

static int
month_days(int64_t y, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && year_is_leap(y));
}

/* The day of the change, counted from 1970. */
static int64_t
change_day(const struct oe_tz_change *c, int64_t y)
{
	int64_t day = year_start(y), first;
	int m;

	if (c->kind == '0')
		return day + c->day;
	if (c->kind == 'J')
		return day + c->day - 1 + (c->day > 59 && year_is_leap(y));
	for (m = 1; m < c->month; m++)
		day += month_days(y, m);
	/* 1970 began on a Thursday */
	first = ((c->day - (day + 4)) % 7 + 7) % 7;
	first += 7 * (c->week - 1);
	while (first >= month_days(y, c->month))
		first -= 7;
	return day + first;
}

/* When summer time begins or ends in year @y, in UTC. */
static int64_t
change_moment(const struct oe_tz_change *c, int64_t y, int32_t before)
{
	return change_day(c, y) * DAY_S + c->at_s - before;
}

int32_t
oe_tz_rule_offset(const struct oe_tz_rule *r, int64_t utc_s)
{
	int64_t local, latest = INT64_MIN, at, y;
	int32_t offset = r->standard;
	int i;

	/* nobody decides about the time before 1970 */
	if (!r->has_summer || utc_s < 0)
		return r->standard;
	local = utc_s + r->standard;
	y = year_of(local / DAY_S - (local % DAY_S < 0));
	/* the last change that was; hours may carry one into another year */
	for (i = -1; i <= 1; i++) {
		at = change_moment(&r->begin, y + i, r->standard);
		if (at <= utc_s && at >= latest) {
			latest = at;
			offset = r->summer;
		}
		at = change_moment(&r->end, y + i, r->summer);
		/* an end at the moment of a beginning: summer all the year */
		if (at <= utc_s && at > latest) {
			latest = at;
			offset = r->standard;
		}
	}
	return offset;
}
