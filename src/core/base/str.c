/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/mem.h"

void
oe_strs_add_take(struct oe_strs *s, char *item)
{
	s->v = oe_mem_realloc_array(s->v, s->n + 2, sizeof *s->v);
	s->v[s->n++] = item;
	s->v[s->n] = NULL;
}

void
oe_strs_add(struct oe_strs *s, const char *item)
{
	oe_strs_add_take(s, oe_mem_strdup(item));
}

bool
oe_strs_has(const struct oe_strs *s, const char *item)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->v[i], item))
			return true;
	return false;
}

void
oe_strs_done(struct oe_strs *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	s->v = NULL;
	s->n = 0;
}

void
oe_strs_split(struct oe_strs *s, const char *text, char sep)
{
	const char *end, *a, *z;

	for (;; text = end + 1) {
		end = strchr(text, sep);
		a = text;
		z = end ? end : text + strlen(text);
		while (a < z && isspace((unsigned char)*a))
			a++;
		while (z > a && isspace((unsigned char)z[-1]))
			z--;
		if (z > a)
			oe_strs_add_take(s, oe_mem_strndup(a, (size_t)(z - a)));
		if (!end)
			return;
	}
}

bool
oe_str_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool
oe_str_eq_nocase(const char *a, const char *b)
{
	return a && b ? !strcasecmp(a, b) : a == b;
}

bool
oe_str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

void
oe_str_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

bool
oe_str_copy(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);
	bool fits = n < size;

	if (!size)
		return false;
	if (!fits)
		n = size - 1;
	memcpy(to, from, n);
	to[n] = 0;
	return fits;
}

int
oe_str_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool neg = *s == '-';
	const char *p = s + neg;
	uint64_t n = 0, limit;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1]) || (neg && *p == '0'))
		return OE_EINVAL;
	limit = neg ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t d = (uint64_t)(*p - '0');

		if (n > (limit - d) / 10)
			return OE_ETOOBIG;
		n = n * 10 + d;
	}
	if (*p)
		return OE_EINVAL;
	if (neg ? (int64_t)(0 - n) < min : (int64_t)n > max)
		return OE_ETOOBIG;
	if (neg ? (int64_t)(0 - n) > max : (int64_t)n < min)
		return OE_ETOOBIG;
	*ret = neg ? (int64_t)(0 - n) : (int64_t)n;
	return 0;
}

bool
oe_str_match(const char *pattern, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			back = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

int
oe_str_match_list(const char *list, const char *text)
{
	struct oe_strs parts = {NULL, 0};
	int found = 0;
	size_t i;

	oe_strs_split(&parts, list, ',');
	for (i = 0; i < parts.n && found >= 0; i++) {
		const char *p = parts.v[i];

		if (*p == '!' && oe_str_match(p + 1, text))
			found = -1;
		else if (*p != '!' && oe_str_match(p, text))
			found = 1;
	}
	oe_strs_done(&parts);
	return found;
}

/* Length of the valid UTF-8 sequence at @s, 0 when there is none. */
static size_t
str_utf8(const unsigned char *s, size_t len, uint32_t *ret)
{
	size_t n, i;
	uint32_t c;

	*ret = s[0];
	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	/* surrogates */
	if (c >= 0xd800 && c <= 0xdfff)
		return 0;
	*ret = c;
	return n;
}

/* C1 controls and bidi overrides act on terminals. */
static bool
str_acts(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The character of @n bytes at @p as it may be shown; returns its bytes. */
static size_t
str_show(const unsigned char *p, size_t n, char ret[8])
{
	static const char hex[] = "0123456789abcdef";
	static const char named[] = "\nn\tt\rr\\\\";
	const char *name;

	if (n && *p >= 0x20 && *p != 0x7f && *p != '\\') {
		memcpy(ret, p, n);
		return n;
	}
	ret[0] = '\\';
	for (name = named; *name; name += 2) {
		if (*p == (unsigned char)name[0]) {
			ret[1] = name[1];
			return 2;
		}
	}
	ret[1] = 'x';
	ret[2] = hex[*p >> 4];
	ret[3] = hex[*p & 15];
	return 4;
}

bool
oe_str_is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len = strlen(s), n;
	uint32_t c;

	for (; len > 0; p += n, len -= n) {
		n = str_utf8(p, len, &c);
		if (n == 0)
			return false;
	}
	return true;
}

void
oe_str_escape(const char *s, size_t len, char *ret, size_t size)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t out = 0, n, shown;
	char one[8];
	uint32_t c;

	if (!size)
		return;
	while (len) {
		n = str_utf8(p, len, &c);
		if (n && str_acts(c))
			n = 0;
		shown = str_show(p, n, one);
		if (!n)
			n = 1;
		if (out + shown + 4 > size) {
			snprintf(ret + out, size - out, "...");
			return;
		}
		memcpy(ret + out, one, shown);
		out += shown;
		p += n;
		len -= n;
	}
	ret[out] = 0;
}

char *
oe_str_base64(const void *p, size_t n, bool padding)
{
	int v = padding ? sodium_base64_VARIANT_ORIGINAL
			: sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	size_t size = sodium_base64_encoded_len(n, v);
	char *s = oe_mem_zalloc(size);

	sodium_bin2base64(s, size, p, n, v);
	return s;
}

int
oe_str_unbase64(const char *s, size_t len, uint8_t **ret, size_t *ret_len)
{
	uint8_t *p = oe_mem_zalloc(len / 4 * 3 + 4);
	const char *end;
	size_t n;

	if (sodium_base642bin(p, len / 4 * 3 + 4, s, len, NULL, &n, &end,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != s + len) {
		free(p);
		return OE_EINVAL;
	}
	*ret = p;
	*ret_len = n;
	return 0;
}
