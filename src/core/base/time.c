/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"

#define OE_TIME_DURATION_MAX (INT64_C(10) * 366 * 86400)

/* Set by unit tests only; -1 means that the real clocks answer. */
static int64_t time_fake_ms = -1;

static int64_t
time_read(clockid_t id)
{
	struct timespec ts;

	if (time_fake_ms >= 0)
		return time_fake_ms;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
oe_time_mono_ms(void)
{
	return time_read(CLOCK_MONOTONIC);
}

int64_t
oe_time_wall_ms(void)
{
	return time_read(CLOCK_REALTIME);
}

void
oe_time_fake(int64_t ms)
{
	time_fake_ms = ms;
}

void
oe_time_format(int64_t wall_ms, char *ret, size_t size)
{
	time_t s = (time_t)(wall_ms / 1000);
	char day[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret, size, "%s.%03dZ", day, (int)(wall_ms % 1000));
}

/* @n digits at *@p as a number within [0, max]; moves on behind them. */
static int
time_digits(const char **p, int n, int max)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v <= max ? v : -1;
}

/* One of @set, passed over. */
static bool
time_mark(const char **p, const char *set)
{
	if (!**p || !strchr(set, **p))
		return false;
	(*p)++;
	return true;
}

/* ".123456": the first three digits count; behind it the offset. */
static int
time_tail(const char *p, int *ret_ms, int *ret_offset_min)
{
	int ms = 0, unit = 100, sign, h, m;

	if (time_mark(&p, ".,")) {
		if (*p < '0' || *p > '9')
			return OE_EINVAL;
		for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ms += unit * (*p - '0');
	}
	*ret_ms = ms;
	*ret_offset_min = 0;
	if (time_mark(&p, "Zz"))
		return *p ? OE_EINVAL : 0;
	if (*p != '+' && *p != '-')
		return OE_EINVAL;
	sign = *p++ == '-' ? -1 : 1;
	h = time_digits(&p, 2, 23);
	(void)time_mark(&p, ":");
	m = time_digits(&p, 2, 59);
	if (h < 0 || m < 0 || *p)
		return OE_EINVAL;
	*ret_offset_min = sign * (h * 60 + m);
	return 0;
}

int
oe_time_parse(const char *text, int64_t *ret_ms)
{
	const char *p = text;
	struct tm tm = {0}, again;
	int ms, offset, s;
	time_t t;

	tm.tm_year = time_digits(&p, 4, 9999) - 1900;
	if (tm.tm_year < 70 || !time_mark(&p, "-"))
		return OE_EINVAL;
	tm.tm_mon = time_digits(&p, 2, 12) - 1;
	if (tm.tm_mon < 0 || !time_mark(&p, "-"))
		return OE_EINVAL;
	tm.tm_mday = time_digits(&p, 2, 31);
	if (tm.tm_mday < 1 || !time_mark(&p, "Tt "))
		return OE_EINVAL;
	tm.tm_hour = time_digits(&p, 2, 23);
	if (tm.tm_hour < 0 || !time_mark(&p, ":"))
		return OE_EINVAL;
	tm.tm_min = time_digits(&p, 2, 59);
	if (tm.tm_min < 0 || !time_mark(&p, ":"))
		return OE_EINVAL;
	s = time_digits(&p, 2, 60);
	if (s < 0 || time_tail(p, &ms, &offset) < 0)
		return OE_EINVAL;
	tm.tm_sec = s == 60 ? 59 : s;
	again = tm;
	t = timegm(&again);
	/* 30 February would have become March */
	if (again.tm_mday != tm.tm_mday || t / 60 < offset)
		return OE_EINVAL;
	*ret_ms = ((int64_t)t - (int64_t)offset * 60) * 1000 + ms;
	return 0;
}

static int64_t
time_unit(char c)
{
	switch (c) {
	case 's':
	case 'S':
		return 1;
	case 'm':
	case 'M':
		return 60;
	case 'h':
	case 'H':
		return 3600;
	case 'd':
	case 'D':
		return 86400;
	case 'w':
	case 'W':
		return 604800;
	}
	return 0;
}

int
oe_time_parse_duration(const char *text, int64_t *ret_s)
{
	const char *p = text;
	int64_t total = 0, n, unit;

	if (!*p)
		return OE_EINVAL;
	while (*p) {
		if (*p < '0' || *p > '9')
			return OE_EINVAL;
		for (n = 0; *p >= '0' && *p <= '9'; p++) {
			n = n * 10 + (*p - '0');
			if (n > OE_TIME_DURATION_MAX)
				return OE_EINVAL;
		}
		unit = *p ? time_unit(*p++) : 1;
		if (!unit || n > OE_TIME_DURATION_MAX / unit)
			return OE_EINVAL;
		total += n * unit;
		if (total > OE_TIME_DURATION_MAX)
			return OE_EINVAL;
	}
	*ret_s = total;
	return 0;
}
