/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_shell.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/path.h"

int
oe_sftp_shell_enter(struct oe_sftp_shell *sh, struct oe_err *err)
{
	struct oe_ask at = oe_sftp_at(sh);
	int r = oe_ask_realpath(&at, ".", &sh->cwd, err);

	if (r == 0)
		sh->start = oe_mem_strdup(sh->cwd);
	return r;
}

void
oe_sftp_shell_done(struct oe_sftp_shell *sh)
{
	oe_mem_free(&sh->cwd);
	oe_mem_free(&sh->start);
}

bool
oe_sftp_shell_stopped(const struct oe_sftp_shell *sh)
{
	return sh->stop && *sh->stop;
}

char *
oe_sftp_text(const char *s)
{
	/* an escape takes at most four bytes for one; "..." is cut for room */
	size_t n = strlen(s), size = 4 * n + 8, out = 0, run;
	char *text = oe_mem_zalloc(size);
	bool newline = n && s[n - 1] == '\n';
	const char *end = s + n - (newline ? 1 : 0);

	while (s < end) {
		run = 0;
		while (s + run < end && s[run] != '\\')
			run++;
		oe_str_escape(s, run, text + out, size - out);
		out += strlen(text + out);
		s += run;
		if (s < end) {
			text[out++] = '\\';
			s++;
		}
	}
	if (newline)
		text[out++] = '\n';
	text[out] = 0;
	return text;
}

size_t
oe_sftp_text_width(const char *s)
{
	mbstate_t state = {0};
	size_t width = 0, n;
	wchar_t c;
	int w;

	while (*s) {
		n = mbrtowc(&c, s, strlen(s), &state);
		if (n == (size_t)-1 || n == (size_t)-2) {
			/* no locale for it: a byte a column */
			memset(&state, 0, sizeof state);
			n = 1;
			width++;
		} else {
			w = wcwidth(c);
			width += w > 0 ? (size_t)w : 0;
		}
		s += n;
	}
	return width;
}

static void OE_PRINTF(2, 0) print(FILE *f, const char *fmt, va_list ap)
{
	char *raw = NULL, *safe;

	if (vasprintf(&raw, fmt, ap) < 0)
		return;
	safe = oe_sftp_text(raw);
	fprintf(f, "%s\n", safe);
	free(safe);
	free(raw);
}

void
oe_sftp_say(struct oe_sftp_shell *sh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(sh->out, fmt, ap);
	va_end(ap);
}

void
oe_sftp_tell(struct oe_sftp_shell *sh, const char *fmt, ...)
{
	va_list ap;

	if (sh->quiet)
		return;
	va_start(ap, fmt);
	print(sh->out, fmt, ap);
	va_end(ap);
}

int
oe_sftp_fail(struct oe_sftp_shell *sh, const char *fmt, ...)
{
	va_list ap;

	/* after what it is about */
	fflush(sh->out);
	va_start(ap, fmt);
	print(sh->diag, fmt, ap);
	va_end(ap);
	return OE_ESYS;
}

struct oe_ask
oe_sftp_at(const struct oe_sftp_shell *sh)
{
	struct oe_ask at = {sh->loop, sh->remote, sh->stop};

	return at;
}

char *
oe_sftp_absolute(const struct oe_sftp_shell *sh, const char *path)
{
	return *path == '/' ? oe_mem_strdup(path)
			    : oe_sftp_path_join(sh->cwd, path);
}

char *
oe_sftp_absolute_pattern(const struct oe_sftp_shell *sh, const char *pattern)
{
	char *cwd, *all;

	if (*pattern == '/')
		return oe_mem_strdup(pattern);
	cwd = oe_sftp_glob_quote(sh->cwd);
	all = oe_sftp_path_join(cwd, pattern);
	free(cwd);
	return all;
}

bool
oe_sftp_is_dir(const struct oe_sftp_shell *sh, const char *path)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_sftp_attrs st = {0};

	return oe_ask_stat(&at, path, true, &st, NULL) == 0 &&
	       (st.flags & OE_ATTR_PERMISSIONS) && S_ISDIR(st.mode);
}
