/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/time.h - clocks, and a fake one for tests.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** oe_time_mono_ms() - monotonic milliseconds; never goes back. */
int64_t oe_time_mono_ms(void);
/** oe_time_mono_us() - the same clock in microseconds. */
int64_t oe_time_mono_us(void);
/**
 * oe_time_boot_ms() - the same since the machine started: it goes on while the
 * machine sleeps.
 */
int64_t oe_time_boot_ms(void);
/** oe_time_wall_ms() - milliseconds since 1970 UTC. */
int64_t oe_time_wall_ms(void);
/** oe_time_fake() - tests only: both clocks answer @ms until -1 is set. */
void oe_time_fake(int64_t ms);
/** oe_time_format() - wall time as RFC 3339 UTC with milliseconds. */
void oe_time_format(int64_t wall_ms, char *ret, size_t size);
/**
 * oe_time_parse() - RFC 3339 with "Z" or an offset, any number of digits of a
 * second ("2021-12-25T22:48:35.641+08:00"); a leap second is the next one.
 * Return: 0 or OE_EINVAL.
 */
int oe_time_parse(const char *text, int64_t *ret_wall_ms);
/**
 * oe_time_parse_duration() - "90", "90s", "15m", "2h", "1d", "1h30m".
 * @ret_s: seconds.
 * Return: 0 or OE_EINVAL (empty, negative, unknown unit, past 10 years).
 */
int oe_time_parse_duration(const char *text, int64_t *ret_s);
