/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/tz.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/tz_rule.h"

#define TZ_FOLDER "/usr/share/zoneinfo/"
/* RFC 8536 3.2: what a local time may be away from UTC, and then some. */
#define TZ_OFFSET_MAX (26 * 3600)
#define TZ_HEADER     44
#define TZ_TYPES_MAX  256
/* Ends of years that nobody will see keep the arithmetic safe. */
#define TZ_MOMENT_MAX (INT64_C(1) << 40)

struct oe_tz {
	size_t n; /* transitions */
	int64_t *at;
	uint8_t *type; /* from at on */
	size_t n_types;
	int32_t offset[TZ_TYPES_MAX];
	bool has_rule; /* behind the last transition */
	struct oe_tz_rule rule;
};

struct header {
	char version;
	uint32_t isut, isstd, leap, time, type, chars;
};

static int
tz_broken(struct oe_err *err, const char *what)
{
	return oe_err_set(err, OE_EPROTO, "the time zone's file: %s", what);
}

static int
tz_header(struct oe_buf *b, struct header *ret)
{
	uint32_t *count[] = {&ret->isut, &ret->isstd, &ret->leap, &ret->time,
	    &ret->type, &ret->chars};
	size_t i;

	if (oe_buf_left(b) < TZ_HEADER || memcmp(oe_buf_head(b), "TZif", 4))
		return OE_EPROTO;
	ret->version = (char)oe_buf_head(b)[4];
	oe_buf_skip(b, 20);
	for (i = 0; i < OE_ARRAY_LEN(count); i++)
		if (oe_buf_get_u32(b, count[i]) < 0 ||
		    *count[i] > OE_TZ_FILE_MAX)
			return OE_EPROTO;
	return ret->type && ret->type <= TZ_TYPES_MAX ? 0 : OE_EPROTO;
}

/* Bytes of a data block whose moments have @size bytes. */
static size_t
tz_block(const struct header *h, size_t size)
{
	return (size_t)h->time * (size + 1) + (size_t)h->type * 6 + h->chars +
	       (size_t)h->leap * (size + 4) + h->isstd + h->isut;
}

static int
tz_moments(
    struct oe_tz *tz, const struct header *h, bool wide, struct oe_buf *b)
{
	uint64_t v64 = 0;
	uint32_t v32 = 0, i;

	tz->n = h->time;
	tz->at = oe_mem_realloc_array(NULL, h->time + 1, sizeof *tz->at);
	tz->type = oe_mem_zalloc(h->time + 1);
	for (i = 0; i < h->time; i++) {
		if ((wide ? oe_buf_get_u64(b, &v64) : oe_buf_get_u32(b, &v32)) <
		    0)
			return OE_EPROTO;
		tz->at[i] = wide ? (int64_t)v64 : (int32_t)v32;
		if (i && tz->at[i] <= tz->at[i - 1])
			return OE_EPROTO;
	}
	for (i = 0; i < h->time; i++)
		if (oe_buf_get_u8(b, &tz->type[i]) < 0 ||
		    tz->type[i] >= h->type)
			return OE_EPROTO;
	return 0;
}

static int
tz_types(struct oe_tz *tz, const struct header *h, struct oe_buf *b)
{
	uint32_t i, v = 0;

	tz->n_types = h->type;
	for (i = 0; i < h->type; i++) {
		if (oe_buf_get_u32(b, &v) < 0 || oe_buf_left(b) < 2)
			return OE_EPROTO;
		oe_buf_skip(b, 2); /* is it summer time, its short name */
		tz->offset[i] = (int32_t)v;
		if (tz->offset[i] < -TZ_OFFSET_MAX ||
		    tz->offset[i] > TZ_OFFSET_MAX)
			return OE_EPROTO;
	}
	return 0;
}

static int
tz_footer(struct oe_tz *tz, struct oe_buf *b)
{
	const char *p = (const char *)oe_buf_head(b);
	size_t n = oe_buf_left(b);
	const char *end;
	char *text;
	int r = 0;

	if (n < 2 || *p != '\n' || !(end = memchr(p + 1, '\n', n - 1)))
		return OE_EPROTO;
	if (end == p + 1)
		return 0;
	text = oe_mem_strndup(p + 1, (size_t)(end - p - 1));
	r = oe_tz_rule_parse(text, &tz->rule);
	tz->has_rule = r == 0;
	free(text);
	return r;
}

static int
tz_read(struct oe_tz *tz, struct oe_buf *b, struct oe_err *err)
{
	struct header h;
	bool wide = false;

	if (tz_header(b, &h) < 0)
		return tz_broken(err, "not TZif");
	if (h.version >= '2') {
		if (oe_buf_left(b) < tz_block(&h, 4))
			return tz_broken(err, "too short");
		oe_buf_skip(b, tz_block(&h, 4));
		if (tz_header(b, &h) < 0)
			return tz_broken(err, "its second header");
		wide = true;
	}
	if (oe_buf_left(b) < tz_block(&h, wide ? 8 : 4))
		return tz_broken(err, "too short");
	if (tz_moments(tz, &h, wide, b) < 0)
		return tz_broken(err, "its transitions");
	if (tz_types(tz, &h, b) < 0)
		return tz_broken(err, "its types");
	oe_buf_skip(
	    b, h.chars + (size_t)h.leap * (wide ? 12 : 8) + h.isstd + h.isut);
	if (wide && tz_footer(tz, b) < 0)
		return tz_broken(err, "its footer");
	return 0;
}

int
oe_tz_parse(const void *p, size_t n, struct oe_tz **ret, struct oe_err *err)
{
	struct oe_tz *tz = oe_mem_zalloc(sizeof *tz);
	struct oe_buf b;
	int r;

	oe_buf_view(&b, p, n);
	r = n > OE_TZ_FILE_MAX ? tz_broken(err, "too long")
			       : tz_read(tz, &b, err);
	if (r < 0)
		oe_tz_free(&tz);
	else
		*ret = tz;
	return r;
}

/* Names of the database: letters, digits, "_+-", parts between slashes. */
static bool
tz_name_ok(const char *s)
{
	size_t n = strlen(s);

	return n && n <= OE_TZ_NAME_MAX && *s != '/' && *s != '-' &&
	       s[n - 1] != '/' && !strstr(s, "//") &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789_+-/") == n;
}

int
oe_tz_load(const char *name, struct oe_tz **ret, struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	struct oe_buf text;
	char *path;
	int r;

	if (!strcmp(name, "UTC")) {
		*ret = oe_mem_zalloc(sizeof **ret);
		(*ret)->n_types = 1;
		return 0;
	}
	if (!tz_name_ok(name))
		return oe_err_set(err, OE_EINVAL,
		    "it is no name of a time zone, as Europe/Berlin is");
	path = oe_mem_printf(TZ_FOLDER "%s", name);
	r = oe_fd_read_file(path, OE_TZ_FILE_MAX, &text, &why);
	free(path);
	if (r < 0)
		return oe_err_set(err, OE_ENOENT,
		    "there is no time zone '%s' on this machine (%s)", name,
		    oe_err_text(&why));
	r = oe_tz_parse(oe_buf_head(&text), oe_buf_left(&text), ret, err);
	oe_buf_done(&text);
	return r;
}

void
oe_tz_free(struct oe_tz **tz)
{
	if (!*tz)
		return;
	free((*tz)->at);
	free((*tz)->type);
	oe_mem_free(tz);
}

int32_t
oe_tz_offset(const struct oe_tz *tz, int64_t utc_s)
{
	size_t low = 0, high = tz->n, mid;

	if (utc_s > TZ_MOMENT_MAX || utc_s < -TZ_MOMENT_MAX)
		return 0;
	if (tz->has_rule && (!tz->n || utc_s >= tz->at[tz->n - 1]))
		return oe_tz_rule_offset(&tz->rule, utc_s);
	/* the first transition that is later */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (tz->at[mid] <= utc_s)
			low = mid + 1;
		else
			high = mid;
	}
	/* RFC 8536 3.2: before the first transition type 0 holds */
	return tz->offset[low ? tz->type[low - 1] : 0];
}
