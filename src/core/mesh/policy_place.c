/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/policy_place.h"

#include <stdbool.h>
#include <string.h>

struct scan {
	const char *p, *end;
	unsigned line;
};

static void
scan_blank(struct scan *s)
{
	for (; s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p; s->p++)
		if (*s->p == '\n')
			s->line++;
}

static char
scan_peek(struct scan *s)
{
	scan_blank(s);
	return s->p < s->end ? *s->p : 0;
}

static void
scan_string(struct scan *s)
{
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
		if (*s->p == '\\' && s->p + 1 < s->end)
			s->p++;
	if (s->p < s->end)
		s->p++;
}

/* Behind the value that begins here, whatever it holds. */
static void
scan_value(struct scan *s)
{
	size_t open = 0;
	char c;

	do {
		c = scan_peek(s);
		if (!c)
			return;
		if (c == '"') {
			scan_string(s);
			continue;
		}
		if (c == '{' || c == '[')
			open++;
		else if ((c == '}' || c == ']') && open)
			open--;
		else if (!open && strchr(",:}]", c))
			return;
		s->p++;
		/* the rest of a number or a word */
		while (!strchr("{}[],:\"", c) && s->p < s->end &&
		       !strchr("{}[],:\" \t\r\n", *s->p))
			s->p++;
	} while (open);
}

/* Into the object or array here, to its item @index. */
static bool
scan_step(struct scan *s, size_t index, unsigned *line)
{
	bool object = scan_peek(s) == '{';

	if (!object && scan_peek(s) != '[')
		return false;
	for (s->p++;; s->p++) {
		char c = scan_peek(s);

		if (!c || c == ']' || c == '}')
			return false;
		*line = s->line;
		if (object) {
			if (c != '"')
				return false;
			scan_string(s);
			if (scan_peek(s) != ':')
				return false;
			s->p++;
		}
		if (!index--)
			return true;
		scan_value(s);
		if (scan_peek(s) != ',')
			return false;
	}
}

unsigned
oe_policy__place(const char *text, size_t n, const size_t *steps, size_t depth)
{
	struct scan s = {text, text + n, 1};
	unsigned line;
	size_t i;

	(void)scan_peek(&s);
	line = s.line;
	for (i = 0; i < depth; i++)
		if (!scan_step(&s, steps[i], &line))
			return 0;
	return line;
}
