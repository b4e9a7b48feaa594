/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as callers write them: RFC 3339, and ISO 8601 as the real service has
 * it, "2031-05-06T07:08:09.123+08:00".
 */
#include <string.h>
#include <time.h>

#include "control/resource.h"

/* Digits at *@p as a number; they are @n. */
static bool
digits(const char **p, int n, int *ret)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return true;
}

static bool
sign(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".123456": milliseconds, the rest is dropped. */
static bool
fraction(const char **p, int *ret_ms)
{
	int scale = 100, n = 0;

	*ret_ms = 0;
	if (**p != '.')
		return true;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, n++) {
		*ret_ms += (**p - '0') * scale;
		scale /= 10;
	}
	return n > 0 && n <= 9;
}

/* "Z" or "+08:00", as minutes. */
static bool
offset(const char **p, int *ret_min)
{
	int h, m, by;

	*ret_min = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return true;
	}
	by = **p == '-' ? -1 : 1;
	if (**p != '+' && **p != '-')
		return false;
	(*p)++;
	if (!digits(p, 2, &h) || !sign(p, ':') || !digits(p, 2, &m) || h > 23 ||
	    m > 59)
		return false;
	*ret_min = by * (h * 60 + m);
	return true;
}

static bool
day(const char **p, struct tm *tm)
{
	if (!digits(p, 4, &tm->tm_year) || !sign(p, '-') ||
	    !digits(p, 2, &tm->tm_mon) || !sign(p, '-') ||
	    !digits(p, 2, &tm->tm_mday) || (**p != 'T' && **p != 't'))
		return false;
	(*p)++;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
	       tm->tm_mday >= 1;
}

static bool
clock_time(const char **p, struct tm *tm)
{
	return digits(p, 2, &tm->tm_hour) && sign(p, ':') &&
	       digits(p, 2, &tm->tm_min) && sign(p, ':') &&
	       digits(p, 2, &tm->tm_sec) && tm->tm_hour < 24 &&
	       tm->tm_min < 60 && tm->tm_sec < 61;
}

bool
oe_ctl_time_parse(const char *text, int64_t *ret_ms)
{
	struct tm tm = {0}, back;
	int64_t all_ms;
	int ms, minutes, mday;
	time_t t;

	if (text == NULL || !day(&text, &tm) || !clock_time(&text, &tm) ||
	    !fraction(&text, &ms) || !offset(&text, &minutes) || *text != '\0')
		return false;
	/* the 31st of a month that has none would become another day */
	mday = tm.tm_mday;
	back = tm;
	t = timegm(&back);
	if (back.tm_mday != mday && tm.tm_sec < 60)
		return false;
	all_ms = ((int64_t)t - (int64_t)minutes * 60) * 1000 + ms;
	if (all_ms < 0)
		return false;
	*ret_ms = all_ms;
	return true;
}
