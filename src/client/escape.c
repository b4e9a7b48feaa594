/* SPDX-License-Identifier: Apache-2.0 */
#include "client/escape.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define CTRL_Z 0x1a

int
oe_escape_parse(const char *text)
{
	if (strcmp(text, "none") == 0)
		return OE_ESCAPE_NONE;
	if (text[0] && !text[1])
		return (unsigned char)text[0];
	if (text[0] == '^' && text[1] && !text[2] &&
	    (unsigned char)text[1] >= 64 && (unsigned char)text[1] < 128)
		return text[1] & 0x1f;
	return OE_ESCAPE_BAD;
}

void
oe_escape_text(int ch, char ret[3])
{
	if (ch >= 0 && ch < ' ') {
		ret[0] = '^';
		ret[1] = (char)(ch + '@');
		ret[2] = '\0';
	} else {
		ret[0] = (char)ch;
		ret[1] = '\0';
	}
}

void
oe_escape_init(struct oe_escape *e, int ch,
    void (*act)(void *arg, enum oe_escape_act what), void *arg)
{
	memset(e, 0, sizeof *e);
	e->ch = ch;
	e->bol = true;
	e->act = act;
	e->arg = arg;
}

static int
escape_action(int c)
{
	switch (c) {
	case '.':
		return OE_ESCAPE_DISCONNECT;
	case CTRL_Z:
		return OE_ESCAPE_SUSPEND;
	case '?':
		return OE_ESCAPE_HELP;
	case '#':
		return OE_ESCAPE_LIST;
	case 'C':
		return OE_ESCAPE_COMMAND;
	case 'B':
		return OE_ESCAPE_BREAK;
	case 'R':
		return OE_ESCAPE_REKEY;
	case 'v':
		return OE_ESCAPE_LOUDER;
	case 'V':
		return OE_ESCAPE_QUIETER;
	default:
		return OE_ESCAPE_COUNT;
	}
}

void
oe_escape_ask(struct oe_escape *e, bool (*line)(void *arg, uint8_t c))
{
	e->line = line;
}

struct sink {
	struct oe_escape *e;
	uint8_t *p;
	size_t n, cap;
};

static void
emit(struct sink *s, uint8_t c)
{
	if (s->n < s->cap)
		s->p[s->n++] = c;
	else if (s->e->ncarry < sizeof s->e->carry)
		s->e->carry[s->e->ncarry++] = c;
	s->e->bol = c == '\r' || c == '\n';
}

static void
take(struct sink *s, uint8_t c)
{
	struct oe_escape *e = s->e;
	int act;

	if (e->line) {
		if (!e->line(e->arg, c))
			e->line = NULL;
		return;
	}
	if (!e->held && e->bol && c == e->ch) {
		e->held = true;
		return;
	}
	if (!e->held) {
		emit(s, c);
		return;
	}
	e->held = false;
	act = escape_action(c);
	if (act != OE_ESCAPE_COUNT) {
		e->bol = true;
		e->act(e->arg, (enum oe_escape_act)act);
	} else if (c == e->ch) {
		emit(s, c); /* typed twice: once */
	} else {
		emit(s, (uint8_t)e->ch);
		emit(s, c);
	}
}

size_t
oe_escape_filter(struct oe_escape *e, uint8_t *p, size_t n, size_t cap)
{
	struct sink s = {e, p, 0, cap};
	uint8_t first[2], *in;
	size_t i, k = e->ncarry;

	if (e->ch < 0)
		return n;
	/* the common case moves nothing */
	if (!k && !e->held && !e->line && !memchr(p, e->ch, n)) {
		if (n)
			e->bol = p[n - 1] == '\r' || p[n - 1] == '\n';
		return n;
	}
	in = oe_mem_zalloc(n + 1);
	memcpy(in, p, n);
	memcpy(first, e->carry, k);
	e->ncarry = 0;
	for (i = 0; i < k; i++)
		emit(&s, first[i]);
	for (i = 0; i < n; i++)
		take(&s, in[i]);
	oe_mem_wipe(in, n);
	free(in);
	return s.n;
}
