/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/path.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

bool
oe_sftp_glob_is(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		else if (strchr("*?[", *pattern))
			return true;
	}
	return false;
}

char *
oe_sftp_glob_plain(const char *pattern)
{
	char *all = oe_mem_strdup(pattern), *to = all;

	for (; *pattern; pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		*to++ = *pattern;
	}
	*to = 0;
	return all;
}

char *
oe_sftp_glob_quote(const char *name)
{
	char *all = oe_mem_zalloc(2 * strlen(name) + 1), *to = all;

	for (; *name; name++) {
		if (strchr("*?[\\", *name))
			*to++ = '\\';
		*to++ = *name;
	}
	return all;
}

/*
 * One character of UTF-8.  A byte that begins none counts as a character of
 * its own, unlike every real one.
 */
static size_t
take(const char *s, uint32_t *ret)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, i;
	uint32_t c = p[0] & (0x7fu >> n);

	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	*ret = 0x110000u + p[0];
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 1;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret = c;
	return n;
}

static bool
in_class(const char *name, size_t n, uint32_t c)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} all[] = {
	    {"alnum", isalnum},
	    {"alpha", isalpha},
	    {"digit", isdigit},
	    {"lower", islower},
	    {"punct", ispunct},
	    {"space", isspace},
	    {"upper", isupper},
	    {"xdigit", isxdigit},
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (strlen(all[i].name) == n && !strncmp(all[i].name, name, n))
			return c < 0x80 && all[i].is((int)c);
	return false;
}

/* "[:name:]" at @p: its length, or 0. */
static size_t
class_len(const char *p)
{
	const char *end;

	if (p[0] != '[' || p[1] != ':')
		return 0;
	end = strstr(p + 2, ":]");
	return end ? (size_t)(end - p) + 2 : 0;
}

/* One member of a bracket at @p, perhaps quoted. */
static const char *
member(const char *p, uint32_t *ret)
{
	if (*p == '\\' && p[1])
		p++;
	return p + take(p, ret);
}

/* The item of a bracket at @p: a class, a character or a range. */
static const char *
item(const char *p, uint32_t c, bool *found)
{
	size_t n = class_len(p);
	uint32_t low, high;

	if (n) {
		*found |= in_class(p + 2, n - 4, c);
		return p + n;
	}
	p = member(p, &low);
	high = low;
	if (p[0] == '-' && p[1] && p[1] != ']')
		p = member(p + 1, &high);
	*found |= low <= c && c <= high;
	return p;
}

/*
 * @p is behind a '['.
 * Return: what is behind the ']', or NULL: then the '[' is a character.
 */
static const char *
bracket(const char *p, uint32_t c, bool *ret_found)
{
	bool not = *p == '!' || *p == '^', found = false;
	const char *first;

	p += not ;
	for (first = p; *p && (*p != ']' || p == first);)
		p = item(p, c, &found);
	if (!*p)
		return NULL;
	*ret_found = found != not ;
	return p + 1;
}

/*
 * One element of the pattern other than '*' against the character @c.
 * Return: the rest of the pattern, or NULL.
 */
static const char *
element(const char *p, uint32_t c)
{
	const char *end;
	bool found = false;
	uint32_t want;

	if (*p == '?')
		return p + 1;
	if (*p == '[') {
		end = bracket(p + 1, c, &found);
		if (end)
			return found ? end : NULL;
	}
	if (*p == '\\' && p[1])
		p++;
	p += take(p, &want);
	return want == c ? p : NULL;
}

bool
oe_sftp_glob_match(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL, *next;
	uint32_t c = 0;
	size_t n;

	if (*name == '.' && *pattern != '.' && strncmp(pattern, "\\.", 2) != 0)
		return false;
	/* the last '*' alone is ever tried again: never more than m * n */
	while (*name) {
		n = take(name, &c);
		if (*pattern == '*') {
			star = ++pattern;
			back = name;
			continue;
		}
		next = *pattern ? element(pattern, c) : NULL;
		if (next) {
			pattern = next;
			name += n;
		} else if (star) {
			pattern = star;
			back += take(back, &c);
			name = back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
