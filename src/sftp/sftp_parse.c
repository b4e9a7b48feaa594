/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_parse.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"

#define BLANKS " \t\r\n"
#define MAGIC  "*?[\\"

/* A word under way; @out has room for any word of the line. */
struct word {
	char *out;
	size_t n;
	char quote; /* within, or 0 */
	bool begun;
};

static bool
among(const char *set, char c)
{
	return c && strchr(set, c);
}

/* A byte that stands for itself. */
static void
put_literal(struct word *w, char c)
{
	if (among(MAGIC, c))
		w->out[w->n++] = '\\';
	w->out[w->n++] = c;
}

static void
end_word(struct word *w, struct oe_sftp_line *l)
{
	if (!w->begun)
		return;
	w->out[w->n] = 0;
	oe_strs_add(&l->words, w->out);
	w->n = 0;
	w->begun = false;
}

static void
begin_word(struct word *w, struct oe_sftp_line *l, size_t at, char c)
{
	if (w->begun)
		return;
	w->begun = true;
	l->last = at;
	l->quote = 0;
	if (c == '\'' || c == '"')
		l->quote = c;
	if (l->words.n == 1)
		l->rest = at;
}

/* Within quotes; return how many bytes of @s were taken. */
static size_t
quoted(struct word *w, const char *s)
{
	if (*s == w->quote) {
		w->quote = 0;
		return 1;
	}
	if (*s == '\\' && (s[1] == w->quote || s[1] == '\\')) {
		put_literal(w, s[1]);
		return 2;
	}
	put_literal(w, *s);
	return 1;
}

static size_t
unquoted(struct word *w, const char *s)
{
	if (*s == '\'' || *s == '"') {
		w->quote = *s;
		return 1;
	}
	if (*s == '\\') {
		put_literal(w, s[1] ? s[1] : '\\');
		return s[1] ? 2 : 1;
	}
	w->out[w->n++] = *s;
	return 1;
}

static void
split(const char *text, size_t at, struct word *w, struct oe_sftp_line *l)
{
	while (text[at]) {
		if (!w->quote && among(BLANKS, text[at])) {
			end_word(w, l);
			at++;
			continue;
		}
		if (!w->begun && text[at] == '#')
			return;
		begin_word(w, l, at, text[at]);
		at += w->quote ? quoted(w, text + at) : unquoted(w, text + at);
	}
}

int
oe_sftp_line_parse(
    const char *text, struct oe_sftp_line *ret, struct oe_err *err)
{
	size_t n = strlen(text), at = strspn(text, BLANKS);
	struct word w = {NULL, 0, 0, false};

	memset(ret, 0, sizeof *ret);
	if (n > OE_SFTP_LINE_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "a line of more than %d bytes", OE_SFTP_LINE_MAX);
	for (; text[at] == '-' || text[at] == '@'; at++) {
		if (text[at] == '-')
			ret->ignore_errors = true;
		else
			ret->no_echo = true;
	}
	at += strspn(text + at, BLANKS);
	ret->command = at;
	ret->last = ret->rest = n;
	w.out = oe_mem_zalloc(2 * n + 1);
	split(text, at, &w, ret);
	ret->touches = w.begun;
	ret->unclosed = w.quote != 0;
	end_word(&w, ret);
	free(w.out);
	if (!ret->touches)
		ret->last = n;
	if (ret->unclosed)
		return oe_err_set(err, OE_EINVAL, "a quote is not closed");
	return 0;
}

void
oe_sftp_line_done(struct oe_sftp_line *l)
{
	oe_strs_done(&l->words);
}

char *
oe_sftp_word_quote(const char *name, char quote)
{
	const char *special = " \t\r\n'\"\\#*?[";
	char *s = oe_mem_zalloc(2 * strlen(name) + 2), *p = s;

	if (quote)
		*p++ = quote;
	for (; *name; name++) {
		if (quote ? *name == quote || *name == '\\'
			  : among(special, *name))
			*p++ = '\\';
		*p++ = *name;
	}
	return s;
}
