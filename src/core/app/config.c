/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - INI files, by libinih.
 *
 * libinih is lenient: it cuts long lines, forgets what follows a ']' and
 * takes an indented line for more of the value before.  So each line is
 * looked at before libinih gets it, and a line it would bend is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/app/internal.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

/* libinih keeps 49 bytes of a section's name. */
#define OE_INI_SECTION_MAX 49

struct config {
	const struct oe_module_set *set;
	const char *path;
	const char *next; /* rest of the text */
	int line;         /* number of the line libinih has, from 1 */
	enum oe_param_source source;
	struct oe_values *v;
	bool section, mine; /* inside a section, and is it our command's? */
	int r;              /* first failure */
	struct oe_err *err;
};

const struct oe_library oe_app_libraries[] = {
    {"libinih", OE_INIH_VERSION, NULL},
    {NULL, NULL, NULL},
};

static int
bad_line(struct config *c, const char *what)
{
	c->r =
	    oe_err_set(c->err, OE_ECONF, "%s:%d: %s", c->path, c->line, what);
	return c->r;
}

/* "[name]" or "[name] ; comment" */
static int
enter_section(struct config *c, const char *line)
{
	const char *end = strchr(line, ']'), *guess;
	const char *command = c->v->command->name;
	size_t len;
	char *name;

	if (!end)
		return bad_line(c, "a section ends with ']'");
	len = (size_t)(end - line) - 1;
	end += 1 + strspn(end + 1, " \t\r");
	if (*end && *end != ';' && *end != '#')
		return bad_line(c, "nothing may follow a section's ']'");
	if (len > OE_INI_SECTION_MAX)
		return bad_line(c, "the section's name is too long");
	name = oe_mem_strndup(line + 1, len);
	c->section = true;
	c->mine = oe_str_eq(name, command);
	if (!c->mine && !oe_app__find_command(c->set, name) &&
	    !oe_app__find_absent(c->set, name)) {
		guess = oe_app__guess_command(c->set, name);
		c->r = oe_err_set(c->err, OE_ECONF,
		    "%s:%d: no command is called '%s'%s%s%s", c->path, c->line,
		    name, guess ? ": did you mean [" : "", guess ? guess : "",
		    guess ? "]?" : "");
	}
	free(name);
	return c->r;
}

/* Refuse what libinih would bend. */
static int
check_line(struct config *c, const char *line)
{
	const char *mark;

	if (!*line || *line == ';' || *line == '#')
		return 0;
	if (*line == '[')
		return enter_section(c, line);
	mark = strpbrk(line, "=:");
	if (!mark || *mark != '=')
		return bad_line(c, "expected 'key = value'");
	if (mark == line)
		return bad_line(c, "a key is missing before '='");
	return c->section ? 0
			  : bad_line(c, "a key stands before any [section]");
}

/* libinih's reader: one line without the blanks at its start. */
static char *
read_line(char *str, int num, void *arg)
{
	struct config *c = arg;
	const char *at = c->next, *end;
	size_t len;

	if (c->r < 0 || !*at)
		return NULL;
	c->line++;
	end = strchr(at, '\n');
	c->next = end ? end + 1 : at + strlen(at);
	at += strspn(at, " \t\r");
	len = end ? (end > at ? (size_t)(end - at) : 0) : strlen(at);
	if (len + 3 > (size_t)num) {
		bad_line(c, "the line is too long");
		return NULL;
	}
	memcpy(str, at, len);
	str[len] = 0;
	return check_line(c, str) < 0 ? NULL : str;
}

static int
unknown_key(struct config *c, const char *name)
{
	const struct oe_param *p;
	struct oe_app__guess g;

	oe_app__guess_init(&g, name);
	for (p = c->v->command->params; p && p->name; p++)
		if (!(p->flags & (OE_PARAM_HIDDEN | OE_PARAM_CLI_ONLY)))
			oe_app__guess_offer(&g, p->name);
	c->r = oe_err_set(c->err, OE_ECONF,
	    "%s:%d: unknown key '%s' in [%s]%s%s%s", c->path, c->line, name,
	    c->v->command->name, g.best ? ": did you mean '" : "",
	    g.best ? g.best : "", g.best ? "'?" : "");
	return c->r;
}

static int
take_key(struct config *c, const char *name, const char *value)
{
	const struct oe_param *p =
	    oe_app__param_find(c->v->command->params, name);
	char *where;

	if (!p)
		return unknown_key(c, name);
	if ((p->flags & OE_PARAM_CLI_ONLY) || oe_str_eq(p->name, "config")) {
		c->r = oe_err_set(c->err, OE_ECONF,
		    "%s:%d: '%s' cannot be set in a file", c->path, c->line,
		    name);
		return c->r;
	}
	where = oe_mem_printf("%s:%d", c->path, c->line);
	c->r = oe_app__values_set(c->v, p, value, c->source, where, c->err);
	free(where);
	return c->r;
}

/* libinih's handler; 1 goes on. */
static int
take_pair(void *arg, const char *section OE_UNUSED, const char *name,
    const char *value)
{
	struct config *c = arg;

	if (c->r < 0)
		return 0;
	return !c->mine || take_key(c, name, value) == 0;
}

int
oe_app__config_text(const struct oe_module_set *set, const char *path,
    const char *text, enum oe_param_source source, struct oe_values *v,
    struct oe_err *err)
{
	struct config c = {.set = set,
	    .path = path,
	    .next = text,
	    .source = source,
	    .v = v,
	    .err = err};
	int line;

	if (oe_str_starts(text, "\xef\xbb\xbf"))
		c.next += 3;
#if HAVE_DECL_INI_MAX_LINE
	/* some builds of libinih let the program choose the longest line */
	ini_max_line = OE_APP_CONFIG_LINE_MAX;
#endif
	line = ini_parse_stream(read_line, &c, take_pair, &c);
	if (c.r == 0 && line != 0)
		c.r = oe_err_set(err, OE_ECONF,
		    "%s:%d: this line cannot be read", path, line);
	return c.r;
}

/* A file that others can write would hand them what root does. */
static int
check_owner(int fd, const char *path, struct oe_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oe_err_sys(err, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return oe_err_set(
		    err, OE_ECONF, "'%s' is not a regular file", path);
	if (geteuid() != 0)
		return 0;
	if (st.st_uid != 0)
		return oe_err_set(err, OE_ECONF,
		    "'%s' belongs to user id %ju; root reads only files of "
		    "root: chown root it",
		    path, (uintmax_t)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return oe_err_set(err, OE_ECONF,
		    "'%s' is writable by others (mode %03o): chmod go-w it",
		    path, st.st_mode & 0777u);
	return 0;
}

int
oe_app__config_read(const struct oe_module_set *set, const char *path,
    bool must_exist, enum oe_param_source source, struct oe_values *v,
    struct oe_err *err)
{
	struct oe_buf text;
	int fd, r;

	oe_buf_init(&text, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (!must_exist && (errno == ENOENT || errno == ENOTDIR))
			return 0;
		oe_err_sys(err, "configuration: open '%s'", path);
		return OE_ECONF;
	}
	r = check_owner(fd, path, err);
	if (r == 0)
		r = oe_fd_read_all(fd, path, OE_APP_CONFIG_MAX, &text, err);
	if (r < 0) {
		r = oe_err_wrap(err, OE_ECONF, "configuration");
		goto out;
	}
	if (memchr(oe_buf_head(&text), 0, oe_buf_left(&text))) {
		r = oe_err_set(
		    err, OE_ECONF, "%s:1: the file holds a NUL byte", path);
		goto out;
	}
	r = oe_app__config_text(
	    set, path, (const char *)oe_buf_head(&text), source, v, err);
out:
	oe_fd_close(&fd);
	oe_buf_done(&text);
	return r;
}

char *
oe_app__config_user_file(void)
{
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct passwd *pw;

	/* the XDG base directory specification ignores relative paths */
	if (dir && *dir == '/')
		return oe_mem_printf("%s/omniedge/omniedge.conf", dir);
	if (!home || *home != '/') {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home || *home != '/')
		return NULL;
	return oe_mem_printf("%s/.config/omniedge/omniedge.conf", home);
}
