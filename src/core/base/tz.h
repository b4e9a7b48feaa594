/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/tz.h - what time it is elsewhere.
 *
 * localtime(3) knows one zone, that of the process, and setenv("TZ") changes
 * it for everybody in the process, and for children; so the zone's file is
 * read here.  Format: RFC 8536 (TZif, versions 1 to 4), with the footer of
 * version 2 and later for moments behind the last transition.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_tz;

#define OE_TZ_NAME_MAX 64
#define OE_TZ_FILE_MAX (256 * 1024)

/**
 * oe_tz_load() - the zone called @name ("Europe/Berlin").
 * "UTC" needs no file.  Others are looked up in /usr/share/zoneinfo only.
 * @ret: oe_tz_free() it; untouched on failure.
 * Return: 0, OE_EINVAL (no name of a zone), OE_ENOENT, OE_EPROTO (the file
 * is broken), OE_ESYS.
 */
int oe_tz_load(
    const char *name, struct oe_tz **ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_tz_parse() - the same from a file's bytes; OE_EPROTO. */
int oe_tz_parse(const void *p, size_t n, struct oe_tz **ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_tz_free(struct oe_tz **tz);
/** oe_tz_offset() - seconds that local time is ahead of UTC at @utc_s. */
int32_t oe_tz_offset(const struct oe_tz *tz, int64_t utc_s);
