/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hours and days.  Minutes count whole: "17:00" as the end includes the
 * minute that begins then, so that 00:00 to 23:59 is the whole day.  Hours
 * that pass midnight belong to the day on which they began.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/tz.h"
#include "core/mesh/policy_internal.h"

#define DAY_S    86400
#define DAY_MIN  1440
#define ALL_DAYS 0x7fu
/* An open window is looked through so far; then it is decided anew. */
#define AHEAD_MIN (8 * DAY_MIN)
#define LEAP_MIN  30

static const char *const day_names[] = {"Sunday", "Monday", "Tuesday",
    "Wednesday", "Thursday", "Friday", "Saturday"};

static void
day_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_jval_text(v);
	unsigned i;

	for (i = 0; s && i < OE_ARRAY_LEN(day_names); i++) {
		if (oe_str_eq_nocase(s, day_names[i])) {
			*(unsigned *)to |= 1u << i;
			return;
		}
	}
	oe_policy__fault(r, "it is no day of the week in English");
}

static void
days_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	*(unsigned *)to = 0;
	oe_policy__each(r, v, OE_ARRAY_LEN(day_names), day_read, to);
	if (!*(unsigned *)to)
		oe_policy__warn(r, "on no day at all");
}

static bool
clock_digits(const char *s)
{
	size_t i;

	for (i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return false;
	return !s[5];
}

static void
clock_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_jval_text(v);
	int h = 24, m = 0;

	if (s && clock_digits(s)) {
		h = (s[0] - '0') * 10 + s[1] - '0';
		m = (s[3] - '0') * 10 + s[4] - '0';
	}
	if (h > 23 || m > 59)
		oe_policy__fault(r, "it is no time from 00:00 to 23:59");
	else
		*(int *)to = h * 60 + m;
}

static const struct oe_policy__field hours_fields[] = {
    {"start", clock_read, offsetof(struct oe_policy_times, start_min), true, 0},
    {"end", clock_read, offsetof(struct oe_policy_times, end_min), true, 0},
    {NULL, NULL, 0, false, 0},
};

static void
hours_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__object(r, v, hours_fields, to);
}

static void
zone_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_TZ_NAME_MAX, false);
	struct oe_err err = OE_ERR_INIT;

	if (s && oe_tz_load(s, to, &err) < 0)
		oe_policy__fault(r, "%s", oe_err_text(&err));
}

static const struct oe_policy__field times_fields[] = {
    {"allowed_hours", hours_read, 0, false,
	offsetof(struct oe_policy_times, has_hours) + 1},
    {"allowed_days", days_read, offsetof(struct oe_policy_times, days), false,
	0},
    {"timezone", zone_read, offsetof(struct oe_policy_times, tz), false, 0},
    {"override_with_approval", oe_policy__read_bool,
	offsetof(struct oe_policy_times, override_with_approval), false, 0},
    {NULL, NULL, 0, false, 0},
};

void
oe_policy__read_times(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	struct oe_policy_times *t = oe_mem_zalloc(sizeof *t);

	*(struct oe_policy_times **)to = t;
	t->days = ALL_DAYS;
	oe_policy__object(r, v, times_fields, t);
	if (!t->tz && oe_tz_load("UTC", &t->tz, NULL) < 0)
		abort();
	if (!t->has_hours && t->days == ALL_DAYS)
		oe_policy__warn(r, "it restricts nothing");
}

void
oe_policy__times_free(struct oe_policy_times **t)
{
	if (*t)
		oe_tz_free(&(*t)->tz);
	oe_mem_free(t);
}

bool
oe_policy__times_open(const struct oe_policy_times *t, int64_t now_s)
{
	int64_t local, day;
	int minute;
	bool early;

	if (!t)
		return true;
	local = now_s + oe_tz_offset(t->tz, now_s);
	day = local / DAY_S - (local % DAY_S < 0);
	minute = (int)((local - day * DAY_S) / 60);
	early =
	    t->has_hours && t->start_min > t->end_min && minute <= t->end_min;
	if (t->has_hours && !early &&
	    (minute < t->start_min ||
		(t->start_min <= t->end_min && minute > t->end_min)))
		return false;
	/* the first of January 1970 was a Thursday */
	day = (day - early + 4) % 7;
	return t->days >> (day < 0 ? day + 7 : day) & 1;
}

/*
 * Minutes until something may change: the window's ends and midnight; no more
 * than LEAP_MIN, because clocks are changed as well.
 */
static int
times_leap(const struct oe_policy_times *t, int64_t at_s)
{
	int64_t local = at_s + oe_tz_offset(t->tz, at_s);
	int minute = (int)(((local % DAY_S) + DAY_S) % DAY_S / 60);
	int edges[] = {t->start_min, t->end_min + 1, DAY_MIN};
	int leap = LEAP_MIN, i;

	for (i = 0; i < 3; i++)
		if (edges[i] > minute && edges[i] - minute < leap)
			leap = edges[i] - minute;
	return leap;
}

int64_t
oe_policy__times_until(const struct oe_policy_times *t, int64_t now_s)
{
	int64_t at = now_s - now_s % 60, last, end = at + AHEAD_MIN * 60;

	if (!t || (!t->has_hours && t->days == ALL_DAYS))
		return INT64_MAX;
	for (last = at; at < end; at += times_leap(t, at) * 60) {
		if (!oe_policy__times_open(t, at))
			break;
		last = at;
	}
	/* between the last look and this one, to the minute */
	for (at = last + 60; at < end; at += 60)
		if (!oe_policy__times_open(t, at))
			break;
	return at;
}
