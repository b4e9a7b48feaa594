/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_complete.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "sftp/path.h"
#include "sftp/sftp_commands.h"
#include "sftp/sftp_parse.h"

/* The word that is to be completed. */
struct word {
	enum oe_sftp_word kind;
	const char *pattern; /* as typed so far; "" when not begun */
	struct oe_strs found;
};

/* Bytes that all of them begin with, no UTF-8 sequence cut. */
static size_t
common(const struct oe_strs *s)
{
	size_t n = strlen(s->v[0]), i, k;

	for (i = 1; i < s->n; i++) {
		for (k = 0; k < n && s->v[i][k] == s->v[0][k]; k++)
			;
		n = k;
	}
	while (n && ((unsigned char)s->v[0][n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void
find_commands(struct word *w)
{
	const struct oe_sftp_cmd *c;
	size_t n = strlen(w->pattern);

	for (c = oe_sftp_cmds; c->name; c++)
		if (strncasecmp(c->name, w->pattern, n) == 0)
			oe_strs_add(&w->found, c->name);
}

/* Names of either side that go on from the word; directories get a '/'. */
static void
find_files(struct oe_sftp_shell *sh, struct word *w)
{
	bool remote = w->kind == OE_SFTP_WORD_REMOTE;
	struct oe_ask at = {
	    sh->loop, remote ? sh->remote : sh->local, sh->stop};
	struct oe_strs paths = {NULL, 0};
	char *dir = oe_mem_strdup(w->pattern), *star, *shown, *plain, *from;
	struct oe_sftp_attrs st;
	size_t i, cut;

	star = oe_mem_printf("%s*", w->pattern);
	from =
	    remote ? oe_sftp_absolute_pattern(sh, star) : oe_mem_strdup(star);
	/* what was typed up to the last slash stays as it was typed */
	cut = strrchr(dir, '/') ? (size_t)(strrchr(dir, '/') - dir) + 1 : 0;
	dir[cut] = 0;
	plain = oe_sftp_glob_plain(dir);
	(void)oe_sftp_glob(sh->loop, at.fs, from, sh->stop, &paths, NULL);
	for (i = 0; i < paths.n && !oe_sftp_shell_stopped(sh); i++) {
		char *base = oe_sftp_path_base(paths.v[i]);

		memset(&st, 0, sizeof st);
		/* of many, only the names are shown */
		if (paths.n == 1)
			(void)oe_ask_stat(&at, paths.v[i], true, &st, NULL);
		shown = oe_mem_printf(
		    "%s%s%s", plain, base, S_ISDIR(st.mode) ? "/" : "");
		oe_strs_add_take(&w->found, shown);
		free(base);
	}
	oe_strs_done(&paths);
	free(plain);
	free(dir);
	free(star);
	free(from);
}

static void
find(struct oe_sftp_shell *sh, struct word *w)
{
	switch (w->kind) {
	case OE_SFTP_WORD_NONE:
		break;
	case OE_SFTP_WORD_COMMAND:
		find_commands(w);
		break;
	case OE_SFTP_WORD_REMOTE:
	case OE_SFTP_WORD_LOCAL:
		find_files(sh, w);
		break;
	}
}

/* What the last word of the line names. */
static enum oe_sftp_word
kind_of(const struct oe_sftp_line *l)
{
	const struct oe_sftp_cmd *c;
	size_t i, at = 0, last = l->words.n - (l->touches ? 1 : 0);

	if (last == 0)
		return OE_SFTP_WORD_COMMAND;
	c = oe_sftp_cmd_find(l->words.v[0]);
	if (!c || oe_str_eq(c->name, "!"))
		return OE_SFTP_WORD_NONE;
	for (i = 1; i < last; i++)
		if (l->words.v[i][0] != '-')
			at++;
	return at < 2 ? c->words[at] : OE_SFTP_WORD_NONE;
}

/* Nothing in it that could not be typed, or would act on the terminal. */
static bool
can_type(const char *name)
{
	char *shown = oe_sftp_text(name);
	bool same = oe_str_eq(name, shown) && !strchr(name, '\n');

	free(shown);
	return same;
}

/* What takes the place of the word: its longest certain beginning. */
static char *
text_for(const struct oe_sftp_line *l, const struct word *w)
{
	size_t n = common(&w->found);
	char *plain = oe_sftp_glob_plain(w->pattern), *name, *text, *all;
	bool single = w->found.n == 1;
	const char *end = "";
	char quote[2] = {0, 0};

	name = oe_mem_strndup(w->found.v[0], n);
	if ((n <= strlen(plain) && !single) || !can_type(name)) {
		free(plain);
		free(name);
		return NULL;
	}
	free(plain);
	text = oe_sftp_word_quote(name, l->touches ? l->quote : 0);
	if (single && (n == 0 || name[n - 1] != '/')) {
		quote[0] = l->touches ? l->quote : 0;
		end = " ";
	}
	all = oe_mem_printf("%s%s%s", text, quote, end);
	free(name);
	free(text);
	return all;
}

/* The last names of the paths, which is enough to choose. */
static void
show(const struct word *w, struct oe_strs *ret)
{
	const char *slash;
	size_t i;

	for (i = 0; i < w->found.n; i++) {
		slash = strrchr(w->found.v[i], '/');
		oe_strs_add(ret, slash ? slash + 1 : w->found.v[i]);
	}
}

void
oe_sftp_complete(
    struct oe_sftp_shell *sh, const char *line, struct oe_sftp_completion *ret)
{
	struct oe_sftp_line l;
	struct word w = {.pattern = ""};

	memset(ret, 0, sizeof *ret);
	if (oe_sftp_line_parse(line, &l, NULL) == 0 || l.unclosed) {
		if (l.touches)
			w.pattern = l.words.v[l.words.n - 1];
		w.kind = kind_of(&l);
		/* a pattern stands for many: nothing to go on with */
		if (oe_sftp_glob_is(w.pattern))
			w.kind = OE_SFTP_WORD_NONE;
		find(sh, &w);
		ret->replace = strlen(line) - l.last;
		if (w.found.n)
			ret->text = text_for(&l, &w);
		if (w.found.n > 1)
			show(&w, &ret->shown);
	}
	oe_strs_done(&w.found);
	oe_sftp_line_done(&l);
}

void
oe_sftp_completion_done(struct oe_sftp_completion *c)
{
	oe_strs_done(&c->shown);
	oe_mem_free(&c->text);
}
