/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"

void
oe_buf_init(struct oe_buf *b, size_t max)
{
	memset(b, 0, sizeof *b);
	b->max = max;
}

void
oe_buf_view(struct oe_buf *b, const void *p, size_t n)
{
	union {
		const void *in;
		uint8_t *out;
	} u = {.in = p};

	memset(b, 0, sizeof *b);
	b->data = u.out;
	b->len = b->cap = b->max = n;
	b->view = true;
}

void
oe_buf_done(struct oe_buf *b)
{
	if (!b->view && b->data) {
		oe_mem_wipe(b->data, b->cap);
		free(b->data);
	}
	memset(b, 0, sizeof *b);
}

void
oe_buf_reset(struct oe_buf *b)
{
	b->off = b->len = 0;
}

size_t
oe_buf_left(const struct oe_buf *b)
{
	return b->len - b->off;
}

const uint8_t *
oe_buf_head(const struct oe_buf *b)
{
	static const uint8_t none = 0;

	return b->data ? b->data + b->off : &none;
}

size_t
oe_buf_room(const struct oe_buf *b)
{
	return b->view ? 0 : b->max - oe_buf_left(b);
}

static int
buf_reserve(struct oe_buf *b, size_t n)
{
	size_t cap;
	uint8_t *p;

	if (n > oe_buf_room(b))
		return OE_ETOOBIG;
	if (b->off && b->len + n > b->cap) {
		memmove(b->data, b->data + b->off, b->len - b->off);
		b->len -= b->off;
		b->off = 0;
	}
	if (b->len + n <= b->cap)
		return 0;
	cap = b->cap ? b->cap : 64;
	while (cap < b->len + n)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	/* a plain realloc could leave a secret behind in the old block */
	p = oe_mem_zalloc(cap);
	if (b->data) {
		memcpy(p, b->data, b->len);
		oe_mem_wipe(b->data, b->cap);
		free(b->data);
	}
	b->data = p;
	b->cap = cap;
	return 0;
}

int
oe_buf_put(struct oe_buf *b, const void *p, size_t n)
{
	int r = buf_reserve(b, n);

	if (r < 0)
		return r;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return 0;
}

int
oe_buf_put_u8(struct oe_buf *b, uint8_t v)
{
	return oe_buf_put(b, &v, 1);
}

int
oe_buf_put_u32(struct oe_buf *b, uint32_t v)
{
	uint8_t w[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
	    (uint8_t)(v >> 8), (uint8_t)v};

	return oe_buf_put(b, w, sizeof w);
}

int
oe_buf_put_u64(struct oe_buf *b, uint64_t v)
{
	uint8_t w[8];
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		w[i] = (uint8_t)v;
	return oe_buf_put(b, w, sizeof w);
}

int
oe_buf_put_string(struct oe_buf *b, const void *p, size_t n)
{
	int r;

	if (n > UINT32_MAX || n > oe_buf_room(b) || oe_buf_room(b) - n < 4)
		return OE_ETOOBIG;
	r = oe_buf_put_u32(b, (uint32_t)n);
	return r < 0 ? r : oe_buf_put(b, p, n);
}

int
oe_buf_put_cstring(struct oe_buf *b, const char *s)
{
	return oe_buf_put_string(b, s ? s : "", s ? strlen(s) : 0);
}

int
oe_buf_printf(struct oe_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return OE_EINVAL;
	r = buf_reserve(b, (size_t)n + 1);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int
oe_buf_get_u8(struct oe_buf *b, uint8_t *ret)
{
	if (oe_buf_left(b) < 1)
		return OE_ESHORT;
	*ret = b->data[b->off++];
	return 0;
}

int
oe_buf_get_u32(struct oe_buf *b, uint32_t *ret)
{
	const uint8_t *p;

	if (oe_buf_left(b) < 4)
		return OE_ESHORT;
	p = b->data + b->off;
	*ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
	b->off += 4;
	return 0;
}

int
oe_buf_get_u64(struct oe_buf *b, uint64_t *ret)
{
	uint32_t hi, lo;

	if (oe_buf_left(b) < 8)
		return OE_ESHORT;
	if (oe_buf_get_u32(b, &hi) < 0 || oe_buf_get_u32(b, &lo) < 0)
		return OE_ESHORT;
	*ret = (uint64_t)hi << 32 | lo;
	return 0;
}

int
oe_buf_get_string(struct oe_buf *b, struct oe_buf *ret)
{
	size_t start = b->off;
	uint32_t n;

	if (oe_buf_get_u32(b, &n) < 0)
		return OE_ESHORT;
	if (oe_buf_left(b) < n) {
		b->off = start;
		return OE_ESHORT;
	}
	oe_buf_view(ret, oe_buf_head(b), n);
	b->off += n;
	return 0;
}

int
oe_buf_get_cstring(struct oe_buf *b, size_t max, char **ret)
{
	size_t start = b->off;
	struct oe_buf s;

	if (oe_buf_get_string(b, &s) < 0)
		return OE_ESHORT;
	if (s.len > max) {
		b->off = start;
		return OE_ETOOBIG;
	}
	if (s.len && memchr(s.data, 0, s.len)) {
		b->off = start;
		return OE_EPROTO;
	}
	*ret = oe_mem_strndup((const char *)oe_buf_head(&s), s.len);
	return 0;
}

void
oe_buf_skip(struct oe_buf *b, size_t n)
{
	size_t left = oe_buf_left(b);

	b->off += n < left ? n : left;
	if (b->off == b->len && !b->view)
		b->off = b->len = 0;
}
