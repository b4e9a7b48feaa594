/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/width.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/compiler.h"

struct range {
	uint32_t low, high;
};

/* Marks that stand on the character before them. */
static const struct range none[] = {
    {0x0300, 0x036f},
    {0x0483, 0x0489},
    {0x0591, 0x05bd},
    {0x0610, 0x061a},
    {0x064b, 0x065f},
    {0x0e34, 0x0e3a},
    {0x0e47, 0x0e4e},
    {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},
    {0x200b, 0x200d},
    {0x20d0, 0x20ff},
    {0x302a, 0x302d},
    {0x3099, 0x309a},
    {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},
};

/* Characters of two columns. */
static const struct range two[] = {
    {0x1100, 0x115f},
    {0x2e80, 0x303e},
    {0x3041, 0x4dbf},
    {0x4e00, 0xa4cf},
    {0xa960, 0xa97f},
    {0xac00, 0xd7a3},
    {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},
    {0xff00, 0xff60},
    {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff},
    {0x1f900, 0x1faff},
    {0x20000, 0x3fffd},
};

static int
is_in(const struct range *all, size_t n, uint32_t c)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (all[i].low <= c && c <= all[i].high)
			return 1;
	return 0;
}

/* The bytes of the character at @s, and its columns. */
static size_t
one(const char *s, size_t *columns)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2, i;
	uint32_t c = n == 1 ? *p : *p & (0x7fu >> n);

	for (i = 1; i < n && (p[i] & 0xc0) == 0x80; i++)
		c = c << 6 | (p[i] & 0x3f);
	*columns = is_in(none, OE_ARRAY_LEN(none), c) ? 0
		   : is_in(two, OE_ARRAY_LEN(two), c) ? 2
						      : 1;
	return i;
}

size_t
oe_width(const char *s)
{
	size_t all = 0, columns;

	while (*s) {
		s += one(s, &columns);
		all += columns;
	}
	return all;
}

void
oe_width_fit(const char *s, size_t columns, char *ret, size_t size)
{
	const char *dots = "";
	size_t width = oe_width(s), least = columns, w;

	if (width > columns) {
		dots = columns > 3 ? "..." : "";
		least = columns - strlen(dots);
	}
	while (width > least) {
		s += one(s, &w);
		width -= w;
	}
	/* marks of what was cut off */
	while (*dots && *s) {
		size_t n = one(s, &w);

		if (w)
			break;
		s += n;
	}
	width += strlen(dots);
	snprintf(ret, size, "%s%s%*s", dots, s, (int)(columns - width), "");
}
