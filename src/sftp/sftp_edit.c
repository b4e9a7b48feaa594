/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_edit.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "client/tty.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "sftp/sftp_complete.h"
#include "sftp/sftp_listing.h"
#include "sftp/sftp_parse.h"
#include "sftp/sftp_shell.h"

#define HISTORY_LINES 500
/* A signal that came just before the wait must not be slept through. */
#define LOOK_MS 500

/* This process goes on after it was stopped; a handler reaches nothing else. */
static volatile sig_atomic_t continued;

struct oe_sftp_edit {
	struct oe_sftp_shell *sh;
	const bool *lost;
	EditLine *el;
	History *history;
	struct oe_watch *input;
	bool readable;
	mbstate_t state; /* of the character under way */
};

static char *
prompt(EditLine *el)
{
	static char text[] = "sftp> ";

	(void)el;
	return text;
}

static void
on_continue(int sig)
{
	(void)sig;
	continued = 1;
}

static void
on_input(void *arg, short revents)
{
	struct oe_sftp_edit *e = arg;

	(void)revents;
	e->readable = true;
}

/* One byte of standard input: 1, 0 at its end, -1 when the wait was ended. */
static int
read_byte(struct oe_sftp_edit *e, char *ret)
{
	ssize_t n;

	oe_watch_set(e->input, POLLIN);
	e->readable = false;
	while (!e->readable) {
		if (*e->lost || oe_sftp_shell_stopped(e->sh) ||
		    oe_loop_once(e->sh->loop, LOOK_MS) < 0)
			break;
		if (continued)
			el_set(e->el, EL_REFRESH);
		continued = 0;
	}
	oe_watch_set(e->input, 0);
	if (!e->readable)
		return -1;
	do
		n = read(STDIN_FILENO, ret, 1);
	while (n < 0 && errno == EINTR && !oe_sftp_shell_stopped(e->sh));
	return n < 0 ? -1 : (int)n;
}

/* libedit's way to a character; ours serves the connection. */
static int
get_char(EditLine *el, wchar_t *ret)
{
	struct oe_sftp_edit *e;
	size_t n;
	char c;
	int r;

	if (el_get(el, EL_CLIENTDATA, (void **)&e) != 0)
		return -1;
	for (;;) {
		r = read_byte(e, &c);
		if (r <= 0)
			return r;
		n = mbrtowc(ret, &c, 1, &e->state);
		if (n == (size_t)-2)
			continue;
		if (n != (size_t)-1)
			return 1;
		/* no character of this locale: dropped */
		memset(&e->state, 0, sizeof e->state);
	}
}

static void
show_choice(struct oe_sftp_edit *e, const struct oe_strs *names)
{
	size_t i, n, longest = 0;
	char *safe;

	for (i = 0; i < names->n; i++) {
		safe = oe_sftp_text(names->v[i]);
		n = oe_sftp_text_width(safe);
		longest = n > longest ? n : longest;
		free(safe);
	}
	fputc('\n', e->sh->out);
	oe_sftp_columns(e->sh, names, longest, oe_sftp_width());
}

/* Characters in the last @bytes of @line. */
static int
characters(const char *line, size_t bytes)
{
	const char *p = line + strlen(line) - bytes;
	mbstate_t state = {0};
	size_t n;
	int count = 0;

	for (; *p; p += n, count++) {
		n = mbrtowc(NULL, p, strlen(p), &state);
		if (n == (size_t)-1 || n == (size_t)-2) {
			memset(&state, 0, sizeof state);
			n = 1;
		}
	}
	return count;
}

static unsigned char
on_tab(EditLine *el, int ch)
{
	const LineInfo *li = el_line(el);
	struct oe_sftp_completion c;
	struct oe_sftp_edit *e;
	unsigned char result = CC_ERROR;
	char *line;

	(void)ch;
	if (el_get(el, EL_CLIENTDATA, (void **)&e) != 0)
		return CC_ERROR;
	line = oe_mem_strndup(li->buffer, (size_t)(li->cursor - li->buffer));
	oe_sftp_complete(e->sh, line, &c);
	if (c.shown.n && !c.text) {
		show_choice(e, &c.shown);
		result = CC_REDISPLAY;
	}
	if (c.text) {
		el_deletestr(el, characters(line, c.replace));
		if (el_insertstr(el, c.text) == 0)
			result = CC_REFRESH;
	}
	oe_sftp_completion_done(&c);
	free(line);
	return result;
}

static void
bind_keys(EditLine *el)
{
	/* the narrow call copies its strings and forgets them */
	el_wset(el, EL_ADDFN, L"sftp-complete", L"Complete the word", on_tab);
	el_set(el, EL_BIND, "^I", "sftp-complete", NULL);
	/* by words with Ctrl and the arrows; Ctrl-W as a shell has it */
	el_set(el, EL_BIND, "\\e[1;5C", "em-next-word", NULL);
	el_set(el, EL_BIND, "\\e[1;5D", "ed-prev-word", NULL);
	el_set(el, EL_BIND, "^w", "ed-delete-prev-word", NULL);
	el_set(el, EL_BIND, "\\e[3~", "ed-delete-next-char", NULL);
	el_set(el, EL_BIND, "^r", "em-inc-search-prev", NULL);
}

int
oe_sftp_edit_new(struct oe_sftp_shell *sh, const bool *lost,
    struct oe_sftp_edit **ret, struct oe_err *err)
{
	struct sigaction sa = {.sa_handler = on_continue};
	struct oe_sftp_edit *e = oe_mem_zalloc(sizeof *e);
	HistEvent ev;

	e->sh = sh;
	e->lost = lost;
	e->el = el_init("omniedge", stdin, stdout, stderr);
	e->history = history_init();
	if (!e->el || !e->history) {
		oe_sftp_edit_free(&e);
		return oe_err_set(err, OE_ELIB, "no line editing here");
	}
	oe_tty_guard(STDIN_FILENO);
	sigaction(SIGCONT, &sa, NULL);
	e->input = oe_loop_watch(sh->loop, STDIN_FILENO, 0, on_input, e);
	history(e->history, &ev, H_SETSIZE, HISTORY_LINES);
	history(e->history, &ev, H_SETUNIQUE, 1);
	el_set(e->el, EL_CLIENTDATA, e);
	el_set(e->el, EL_HIST, history, e->history);
	el_set(e->el, EL_PROMPT, prompt);
	el_set(e->el, EL_EDITOR, "emacs");
	el_set(e->el, EL_SIGNAL, 1);
	el_set(e->el, EL_GETCFN, get_char);
	bind_keys(e->el);
	/* the user's own keys win */
	el_source(e->el, NULL);
	*ret = e;
	return 0;
}

void
oe_sftp_edit_free(struct oe_sftp_edit **ep)
{
	struct oe_sftp_edit *e = *ep;

	if (!e)
		return;
	*ep = NULL;
	oe_watch_free(&e->input);
	if (e->el)
		el_end(e->el);
	if (e->history)
		history_end(e->history);
	oe_tty_restore();
	free(e);
}

int
oe_sftp_edit_line(struct oe_sftp_edit *e, char **ret)
{
	const char *line;
	HistEvent ev;
	int n = 0;

	line = el_gets(e->el, &n);
	if (!line || n <= 0) {
		fputc('\n', stdout);
		fflush(stdout);
		if (oe_sftp_shell_stopped(e->sh))
			return OE_ECANCEL;
		return *e->lost ? OE_ECLOSED : OE_ESHORT;
	}
	if (n > OE_SFTP_LINE_MAX)
		return OE_ETOOBIG;
	if (line[strspn(line, " \t\r\n")])
		history(e->history, &ev, H_ENTER, line);
	*ret = oe_mem_strndup(line, strcspn(line, "\n"));
	return 0;
}
