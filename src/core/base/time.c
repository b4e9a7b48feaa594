/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"

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
