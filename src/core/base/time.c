/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"

#include <ctype.h>
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
oe_time_mono_us(void)
{
	struct timespec ts;

	if (time_fake_ms >= 0)
		return time_fake_ms * 1000;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
oe_time_boot_ms(void)
{
	return time_read(CLOCK_BOOTTIME);
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

/* @n digits and then @after, if that is not 0. */
static bool
time_digits(const char **p, int n, char after, int *ret)
{
	int i;

	*ret = 0;
	for (i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		*ret = *ret * 10 + (**p - '0');
	}
	return !after || *(*p)++ == after;
}

static bool
time_fraction(const char **p, int *ret_ms)
{
	int scale = 100;

	*ret_ms = 0;
	if (**p != '.')
		return true;
	if (!isdigit((unsigned char)*++*p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
		*ret_ms += (**p - '0') * scale;
	return true;
}

static bool
time_zone(const char *p, int *ret_s)
{
	int sign, h, m;

	*ret_s = 0;
	if ((*p == 'Z' || *p == 'z') && !p[1])
		return true;
	sign = *p == '-' ? -1 : 1;
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!time_digits(&p, 2, ':', &h) || !time_digits(&p, 2, 0, &m) || *p ||
	    h > 23 || m > 59)
		return false;
	*ret_s = sign * (h * 3600 + m * 60);
	return true;
}

int
oe_time_parse(const char *text, int64_t *ret_wall_ms)
{
	const char *p = text;
	struct tm tm = {0}, again;
	int ms, zone;
	time_t s;

	if (!time_digits(&p, 4, '-', &tm.tm_year) ||
	    !time_digits(&p, 2, '-', &tm.tm_mon) ||
	    !time_digits(&p, 2, 0, &tm.tm_mday) || !strchr("Tt ", *p) || !*p++)
		return OE_EINVAL;
	if (!time_digits(&p, 2, ':', &tm.tm_hour) ||
	    !time_digits(&p, 2, ':', &tm.tm_min) ||
	    !time_digits(&p, 2, 0, &tm.tm_sec) || !time_fraction(&p, &ms) ||
	    !time_zone(p, &zone) || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1)
		return OE_EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	again = tm;
	again.tm_hour = again.tm_min = again.tm_sec = 0;
	/* a day that the month does not have comes back as another */
	s = timegm(&again);
	if (again.tm_mday != tm.tm_mday)
		return OE_EINVAL;
	s += tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec - zone;
	*ret_wall_ms = (int64_t)s * 1000 + ms;
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
