/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that people go by.  One name must not look like another in every font
 * there is, nor steer the terminal that shows it: no control characters, and
 * nothing that cannot be seen or turns the direction of what can.
 */
#include <stdint.h>

#include "control/resource.h"

/* Code points that are refused, from and to, ascending. */
static const struct {
	uint32_t from, to;
} hidden[] = {
    {0x0000, 0x001f},   /* controls */
    {0x007f, 0x00a0},   /* more, and the blank that does not break */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x034f, 0x034f},   /* joins graphemes */
    {0x061c, 0x061c},   /* direction */
    {0x115f, 0x1160},   /* fillers of Hangul */
    {0x1680, 0x1680},   /* blank of Ogham */
    {0x17b4, 0x17b5},   /* vowels of Khmer that are not shown */
    {0x180b, 0x180f},   /* variations of Mongolian */
    {0x2000, 0x200f},   /* blanks, joiners, direction */
    {0x2028, 0x202f},   /* separators of lines, direction, a blank */
    {0x205f, 0x206f},   /* a blank, invisible operators, direction */
    {0x2800, 0x2800},   /* no dots of Braille */
    {0x3000, 0x3000},   /* wide blank */
    {0x3164, 0x3164},   /* filler of Hangul */
    {0xfe00, 0xfe0f},   /* variations */
    {0xfeff, 0xfeff},   /* mark of byte order */
    {0xffa0, 0xffa0},   /* filler of Hangul */
    {0xfff0, 0xfffb},   /* annotations */
    {0xfffe, 0xffff},   /* none */
    {0x1bca0, 0x1bca3}, /* shorthand */
    {0x1d173, 0x1d17a}, /* musical */
    {0xe0000, 0xe0fff}, /* tags, variations */
};

/* The code point at *@p, which is UTF-8 as JSON's reader left it. */
static uint32_t
next_point(const unsigned char **p)
{
	const unsigned char *s = *p;
	unsigned n = *s < 0x80 ? 0 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;
	uint32_t c = n == 0 ? *s : *s & (0x3fu >> n);

	for (s++; n > 0 && (*s & 0xc0) == 0x80; n--, s++)
		c = c << 6 | (*s & 0x3fu);
	*p = s;
	return c;
}

bool
oe_ctl_name_is_plain(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;
	size_t i;

	while (*p) {
		c = next_point(&p);
		for (i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
			if (c >= hidden[i].from && c <= hidden[i].to)
				return false;
	}
	return true;
}
