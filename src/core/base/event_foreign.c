/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flat JSON object (RFC 8259) that somebody else wrote, looked at and
 * copied in one pass and without memory of its own.
 *
 * What is written is never longer than what was read: blanks go, and each
 * character takes the shortest of its forms.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/event.h"
#include "core/base/event_internal.h"

/* Bytes of a text and of a name. */
#define FOREIGN_TEXT_MAX 1023
#define FOREIGN_NAME_MAX 32

struct foreign_name {
	size_t n;
	char s[FOREIGN_NAME_MAX];
};

struct foreign {
	const char *p, *end; /* what is still to be read */
	char *to;
	size_t n; /* names so far */
	struct foreign_name names[OE_EVENT_FOREIGN_MAX];
};

/* Names that the writer of the whole line knows better. */
static bool
foreign_is_ours(const struct foreign_name *name)
{
	static const struct foreign_name ours[] = {{1, "v"}, {2, "ts"},
	    {4, "node"}, {4, "conn"}, {3, "src"}, {8, "src_port"}, {4, "user"},
	    {10, "local_user"}};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(ours); i++)
		if (name->n == ours[i].n &&
		    memcmp(name->s, ours[i].s, name->n) == 0)
			return true;
	return false;
}

static void
foreign_blanks(struct foreign *f)
{
	while (f->p < f->end && (*f->p == ' ' || *f->p == '\t' ||
				    *f->p == '\n' || *f->p == '\r'))
		f->p++;
}

/* The next byte that is no blank, which is taken; 0 behind the last. */
static char
foreign_next(struct foreign *f)
{
	foreign_blanks(f);
	return f->p < f->end ? *f->p++ : 0;
}

static int
foreign_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Behind a backslash: the character it stands for, 0 when it is not ours. */
static char
foreign_escape(struct foreign *f)
{
	unsigned c = 0;
	int i, digit;

	if (f->p == f->end)
		return 0;
	switch (*f->p++) {
	case '"':
	case '\\':
	case '/':
		return f->p[-1];
	case 'u':
		break;
	default:
		return 0;
	}
	if (f->end - f->p < 4)
		return 0;
	for (i = 0; i < 4; i++) {
		digit = foreign_hex(*f->p++);
		if (digit < 0)
			return 0;
		c = c << 4 | (unsigned)digit;
	}
	return c >= 0x20 && c <= 0x7e ? (char)c : 0;
}

/* The next character of a text; 0: its end, or what no text may hold. */
static char
foreign_char(struct foreign *f, bool *ret_end)
{
	char c;

	*ret_end = false;
	if (f->p == f->end)
		return 0;
	c = *f->p++;
	if (c == '\\')
		return foreign_escape(f);
	*ret_end = c == '"';
	return c >= 0x20 && c <= 0x7e && c != '"' ? c : 0;
}

static bool
foreign_name(struct foreign *f)
{
	struct foreign_name *name = &f->names[f->n];
	bool end;
	size_t i;
	char c;

	name->n = 0;
	while ((c = foreign_char(f, &end)) != 0) {
		if (!((c >= 'a' && c <= 'z') || c == '_' || c == '.') ||
		    name->n == FOREIGN_NAME_MAX)
			return false;
		name->s[name->n++] = c;
	}
	if (!end || name->n == 0)
		return false;
	for (i = 0; i < f->n; i++)
		if (f->names[i].n == name->n &&
		    memcmp(f->names[i].s, name->s, name->n) == 0)
			return false;
	return true;
}

static bool
foreign_text(struct foreign *f)
{
	size_t n = 0;
	bool end;
	char c;

	*f->to++ = '"';
	while ((c = foreign_char(f, &end)) != 0) {
		if (++n > FOREIGN_TEXT_MAX)
			return false;
		if (c == '"' || c == '\\')
			*f->to++ = '\\';
		*f->to++ = c;
	}
	if (end)
		*f->to++ = '"';
	return end;
}

static bool
foreign_word(struct foreign *f, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(f->end - f->p) < n || memcmp(f->p, word, n) != 0)
		return false;
	memcpy(f->to, word, n);
	f->to += n;
	f->p += n;
	return true;
}

/* What follows it is looked at by who wants a comma or the end there. */
static bool
foreign_int(struct foreign *f)
{
	const char *start = f->p, *digits;
	uint64_t v = 0, most = INT64_MAX;
	unsigned digit;

	if (*f->p == '-') {
		f->p++;
		most++;
	}
	for (digits = f->p; f->p < f->end && *f->p >= '0' && *f->p <= '9';
	     f->p++) {
		digit = (unsigned)(*f->p - '0');
		if (v > (most - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (f->p == digits || (*digits == '0' && f->p - digits > 1))
		return false;
	if (v == 0)
		start = digits; /* there is no -0 */
	memcpy(f->to, start, (size_t)(f->p - start));
	f->to += f->p - start;
	return true;
}

static bool
foreign_value(struct foreign *f)
{
	char c = foreign_next(f);

	if (c == '"')
		return foreign_text(f);
	if (c == 0)
		return false;
	f->p--;
	if (c == 't')
		return foreign_word(f, "true");
	if (c == 'f')
		return foreign_word(f, "false");
	return foreign_int(f);
}

/* From the quote of its name on. */
static bool
foreign_member(struct foreign *f, char *first)
{
	struct foreign_name *name = &f->names[f->n];
	char *before = f->to;

	if (f->n == OE_EVENT_FOREIGN_MAX || !foreign_name(f) ||
	    foreign_next(f) != ':')
		return false;
	f->n++;
	if (f->to != first)
		*f->to++ = ',';
	*f->to++ = '"';
	memcpy(f->to, name->s, name->n);
	f->to += name->n;
	*f->to++ = '"';
	*f->to++ = ':';
	if (!foreign_value(f))
		return false;
	if (foreign_is_ours(name))
		f->to = before;
	return true;
}

size_t
oe_event__foreign(const char *text, size_t n, char *ret)
{
	struct foreign f;
	char c;

	f.p = text;
	f.end = text + n;
	f.to = ret;
	f.n = 0;
	if (foreign_next(&f) != '{')
		return 0;
	*f.to++ = '{';
	c = foreign_next(&f);
	while (c != '}' || f.n) {
		if (c != '"' || !foreign_member(&f, ret + 1))
			return 0;
		c = foreign_next(&f);
		if (c == '}')
			break;
		if (c != ',')
			return 0;
		c = foreign_next(&f);
	}
	foreign_blanks(&f);
	if (f.p != f.end)
		return 0;
	*f.to++ = '}';
	return (size_t)(f.to - ret);
}
