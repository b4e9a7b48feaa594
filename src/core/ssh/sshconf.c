/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sshconf.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/sshconf_internal.h"
#include "core/ssh/sshconf_keys.h"

/* One file being read. */
struct scope {
	struct oe_sshconf *c;
	const char *path;
	int line;
	int depth;
	bool checked; /* ssh's rule of owner and mode */
	bool active;  /* lines apply: the last Host or Match matched */
	bool never;   /* included where nothing applies */
};

static int read_file(struct oe_sshconf *c, const char *path, bool checked,
    int depth, bool never, struct oe_err *err);

struct oe_sshconf *
oe_sshconf_new(const struct oe_sshconf_env *env)
{
	struct oe_sshconf *c = oe_mem_zalloc(sizeof *c);

	c->env = env;
	return c;
}

void
oe_sshconf_free(struct oe_sshconf **c)
{
	size_t i;

	if (!*c)
		return;
	for (i = 0; i < OE_SSHCONF_COUNT; i++)
		oe_strs_done(&(*c)->v[i]);
	free((*c)->host);
	free((*c)->ignore_unknown);
	oe_strs_done(&(*c)->host_keys);
	free((*c)->identity);
	free((*c)->certificate);
	free(*c);
	*c = NULL;
}

static bool
is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\f';
}

/* One word from *@p; false at the end of the line. *@bad: open quote. */
static bool
next_word(const char **p, char **ret, bool *bad)
{
	const char *s = *p;
	char *word, quote = 0;
	size_t n = 0;

	while (is_blank(*s))
		s++;
	*p = s;
	if (!*s || *s == '#')
		return false;
	word = oe_mem_zalloc(strlen(s) + 1);
	for (; *s && (quote || !is_blank(*s)); s++) {
		if (*s == '\\' && s[1] &&
		    (strchr("'\"\\", s[1]) || (!quote && s[1] == ' ')))
			word[n++] = *++s;
		else if (quote ? *s == quote : *s == '"' || *s == '\'')
			quote = quote ? 0 : *s;
		else
			word[n++] = *s;
	}
	*bad = quote != 0;
	*p = s;
	*ret = word;
	return true;
}

int
oe_sshconf_split(const char *text, struct oe_strs *ret)
{
	char *word;
	bool bad = false;

	while (!bad && next_word(&text, &word, &bad))
		oe_strs_add_take(ret, word);
	return bad ? OE_ECONF : 0;
}

/* The keyword of a line and where its value starts; false: blank line. */
static bool
split_keyword(const char *line, char **ret_key, const char **ret_value)
{
	size_t n;

	while (is_blank(*line))
		line++;
	if (!*line || *line == '#')
		return false;
	n = strcspn(line, " \t\r\f=");
	*ret_key = oe_mem_strndup(line, n);
	line += n;
	while (is_blank(*line))
		line++;
	if (*line == '=')
		line++;
	while (is_blank(*line))
		line++;
	*ret_value = line;
	return true;
}

/* Does a setting for @key still count? */
static bool
wanted(const struct oe_sshconf *c, enum oe_sshconf_key key)
{
	if (oe_sshconf_defs[key].adds)
		return c->v[key].n < OE_SSHCONF_VALUES_MAX;
	/* these two exclude each other: the first one seen decides */
	if (key == OE_SSHCONF_PROXYCOMMAND && c->set[OE_SSHCONF_PROXYJUMP])
		return false;
	if (key == OE_SSHCONF_PROXYJUMP && c->set[OE_SSHCONF_PROXYCOMMAND])
		return false;
	return !c->set[key];
}

/* "8080 host:80" is "8080:host:80". */
static void
join_words(struct oe_strs *words)
{
	char *all = oe_mem_printf("%s:%s", words->v[0], words->v[1]);

	oe_strs_done(words);
	oe_strs_add_take(words, all);
}

static int
apply_words(struct oe_sshconf *c, enum oe_sshconf_key key,
    struct oe_strs *words, bool active, struct oe_err *err)
{
	const struct oe_sshconf_def *d = &oe_sshconf_defs[key];
	bool use = active && wanted(c, key);
	char *value;
	size_t i;
	int r;

	if (words->n == 0)
		return oe_err_set(err, OE_ECONF, "%s needs a value", d->name);
	if (d->joins && words->n == 2)
		join_words(words);
	if (words->n > 1 && !d->many)
		return oe_err_set(err, OE_ECONF,
		    "%s takes one value, found '%s' after it", d->name,
		    words->v[1]);
	for (i = 0; i < words->n; i++) {
		r = oe_sshconf_check(key, words->v[i], &value, err);
		if (r < 0)
			return r;
		if (use && !(d->adds && oe_strs_has(&c->v[key], value)))
			oe_strs_add(&c->v[key], value);
		free(value);
	}
	if (use)
		c->set[key] = true;
	return 0;
}

/* Set @key from the text after the keyword. */
static int
apply(struct oe_sshconf *c, enum oe_sshconf_key key, const char *value,
    bool active, struct oe_err *err)
{
	struct oe_strs words = {NULL, 0};
	int r;

	if (oe_sshconf_defs[key].type == OE_SSHCONF_T_REST) {
		char *rest = oe_mem_strdup(value);
		size_t n = strlen(rest);

		while (n > 0 && is_blank(rest[n - 1]))
			rest[--n] = '\0';
		oe_strs_add_take(&words, rest);
	} else if (oe_sshconf_split(value, &words) < 0) {
		r = oe_err_set(err, OE_ECONF, "a quote is not closed");
		goto out;
	}
	r = apply_words(c, key, &words, active, err);
out:
	oe_strs_done(&words);
	return r;
}

int
oe_sshconf_set(struct oe_sshconf *c, enum oe_sshconf_key key, const char *value,
    struct oe_err *err)
{
	struct oe_strs words = {NULL, 0};
	int r;

	oe_strs_add(&words, value);
	r = apply_words(c, key, &words, true, err);
	oe_strs_done(&words);
	return r < 0 ? OE_EUSAGE : 0;
}

int
oe_sshconf_option(struct oe_sshconf *c, const char *text, struct oe_err *err)
{
	char *name = NULL;
	const char *value;
	int key, r;

	if (!split_keyword(text, &name, &value))
		return oe_err_set(err, OE_EUSAGE,
		    "'%s' is not an option: write -o Key=Value", text);
	key = oe_sshconf_find(name);
	if (key >= 0)
		r = apply(c, (enum oe_sshconf_key)key, value, true, err);
	else if (oe_str_eq_nocase(name, "IgnoreUnknown"))
		r = oe_sshconf__ignore(c, value);
	else if (c->ignore_unknown &&
		 oe_str_match_list(c->ignore_unknown, name) == 1)
		r = 0;
	else if (oe_sshconf_is_off(name, value))
		r = 0;
	else
		r = oe_err_set(err, OE_EUSAGE,
		    "'%s %s': no setting of ssh_config that is supported here",
		    name, value);
	free(name);
	return r < 0 ? OE_EUSAGE : 0;
}

int
oe_sshconf__ignore(struct oe_sshconf *c, const char *value)
{
	if (!c->ignore_unknown)
		c->ignore_unknown = oe_mem_strdup(value);
	return 0;
}

static int
include_one(struct scope *s, const char *word, struct oe_err *err)
{
	struct oe_strs paths = {NULL, 0};
	char *pattern;
	size_t i;
	int r = 0;

	if (s->depth + 1 >= OE_SSHCONF_DEPTH_MAX)
		return oe_err_set(err, OE_ECONF,
		    "Include goes deeper than %d files", OE_SSHCONF_DEPTH_MAX);
	if (word[0] == '~' && word[1] == '/')
		pattern = oe_mem_printf("%s%s", s->c->env->home, word + 1);
	else if (word[0] == '/')
		pattern = oe_mem_strdup(word);
	else if (s->checked)
		pattern = oe_mem_printf("%s/.ssh/%s", s->c->env->home, word);
	else
		pattern = oe_mem_printf("/etc/ssh/%s", word);
	if (s->c->env->glob)
		s->c->env->glob(s->c->env->arg, pattern, &paths);
	for (i = 0; i < paths.n && r == 0; i++) {
		r = read_file(s->c, paths.v[i], s->checked, s->depth + 1,
		    s->never || !s->active, err);
		if (r == OE_ENOENT)
			r = 0;
	}
	oe_strs_done(&paths);
	free(pattern);
	return r;
}

/* Host, Match, Include, IgnoreUnknown. */
static int
structure_line(struct scope *s, const char *name, const char *value,
    bool *ret_known, struct oe_err *err)
{
	struct oe_strs words = {NULL, 0};
	size_t i;
	int r = 0;

	*ret_known = true;
	if (oe_sshconf_split(value, &words) < 0) {
		/* an unknown key may hold anything */
		*ret_known = oe_str_eq_nocase(name, "Host") ||
			     oe_str_eq_nocase(name, "Match") ||
			     oe_str_eq_nocase(name, "Include");
		r = oe_err_set(err, OE_ECONF, "a quote is not closed");
		goto out;
	}
	if (oe_str_eq_nocase(name, "Host")) {
		s->active = !s->never && oe_sshconf__host(s->c, &words);
	} else if (oe_str_eq_nocase(name, "Match")) {
		bool yes = false;

		r = oe_sshconf__match(s->c, &words, !s->never, &yes, err);
		s->active = !s->never && yes;
	} else if (oe_str_eq_nocase(name, "Include")) {
		for (i = 0; i < words.n && r == 0; i++)
			r = include_one(s, words.v[i], err);
	} else if (oe_str_eq_nocase(name, "IgnoreUnknown")) {
		oe_sshconf__ignore(s->c, value);
	} else {
		*ret_known = false;
	}
out:
	oe_strs_done(&words);
	return r;
}

static int
read_line(struct scope *s, const char *line, struct oe_err *err)
{
	char *name = NULL;
	const char *value;
	bool known;
	int key, r;

	if (!split_keyword(line, &name, &value))
		return 0;
	key = oe_sshconf_find(name);
	if (key >= 0) {
		r = apply(
		    s->c, (enum oe_sshconf_key)key, value, s->active, err);
		goto out;
	}
	r = structure_line(s, name, value, &known, err);
	if (!known) {
		oe_log_debug(NULL, "%s:%d: '%s' is not used here", s->path,
		    s->line, name);
		r = 0;
	}
out:
	free(name);
	return r;
}

static int
read_text(struct scope *s, char *text, struct oe_err *err)
{
	char *line, *rest = text;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		s->line++;
		r = read_line(s, line, err);
		/* what comes from an included file has its own place */
		if (r == OE_ECONF && (!err || err->sys_errno != -1)) {
			oe_err_wrap(err, r, "%s:%d", s->path, s->line);
			if (err)
				err->sys_errno = -1;
		}
	}
	return r;
}

static int
read_file(struct oe_sshconf *c, const char *path, bool checked, int depth,
    bool never, struct oe_err *err)
{
	struct scope s = {c, path, 0, depth, checked, !never, never};
	char *text = NULL;
	int r;

	r = c->env->read(c->env->arg, path, checked, &text, err);
	if (r < 0)
		return r;
	oe_log_debug(NULL, "reading configuration %s", path);
	r = read_text(&s, text, err);
	free(text);
	return r;
}

static int
read_usual(struct oe_sshconf *c, struct oe_err *err)
{
	char *path = oe_mem_printf("%s/.ssh/config", c->env->home);
	int r;

	r = read_file(c, path, true, 0, false, err);
	free(path);
	if (r < 0 && r != OE_ENOENT)
		return r;
	r = read_file(c, "/etc/ssh/ssh_config", false, 0, false, err);
	return r == OE_ENOENT ? 0 : r;
}

static int
read_all(struct oe_sshconf *c, const char *file, struct oe_err *err)
{
	if (file && oe_str_eq(file, "none"))
		return 0;
	if (file)
		return read_file(c, file, true, 0, false, err);
	return read_usual(c, err);
}

int
oe_sshconf_resolve(struct oe_sshconf *c, const char *host, const char *file,
    struct oe_err *err)
{
	struct oe_err mine = OE_ERR_INIT;
	int r;

	free(c->host);
	c->host = oe_mem_strdup(host);
	if (!err)
		err = &mine;
	err->sys_errno = 0;
	r = read_all(c, file, err);
	if (r == 0 && c->want_final) {
		c->final = true;
		r = read_all(c, file, err);
	}
	if (r == OE_ECONF)
		err->sys_errno = 0;
	if (r == 0 && c->env->place)
		r = c->env->place(c->env->place_arg, c, err);
	return r < 0 ? r : oe_sshconf__finish(c, err);
}

const char *
oe_sshconf_str(const struct oe_sshconf *c, enum oe_sshconf_key key)
{
	return c->v[key].n ? c->v[key].v[0] : NULL;
}

int64_t
oe_sshconf_num(const struct oe_sshconf *c, enum oe_sshconf_key key)
{
	const char *s = oe_sshconf_str(c, key);
	int64_t n = 0;

	if (s && oe_str_parse_int(s, 0, INT64_MAX, &n) < 0)
		return 0; /* "none" */
	return n;
}

bool
oe_sshconf_is(
    const struct oe_sshconf *c, enum oe_sshconf_key key, const char *word)
{
	const char *s = oe_sshconf_str(c, key);

	return s && oe_str_eq(s, word);
}

bool
oe_sshconf_yes(const struct oe_sshconf *c, enum oe_sshconf_key key)
{
	return oe_sshconf_is(c, key, "yes");
}

const struct oe_strs *
oe_sshconf_list(const struct oe_sshconf *c, enum oe_sshconf_key key)
{
	return &c->v[key];
}

bool
oe_sshconf_is_set(const struct oe_sshconf *c, enum oe_sshconf_key key)
{
	return c->set[key];
}

const char *
oe_sshconf_host(const struct oe_sshconf *c)
{
	return c->host;
}
