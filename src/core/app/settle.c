/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* What --config or its variable says; NULL: nothing. */
static const char *
config_given(const struct oe_app__sources *s, const struct oe_param *p)
{
	const char *path = NULL;
	char *env;
	size_t i;

	for (i = 0; i < s->cli.n; i++)
		if (s->cli.given[i].param == p)
			path = s->cli.given[i].value;
	if (!path && !(p->flags & OE_PARAM_CLI_ONLY)) {
		env = oe_app__param_env(s->command, p);
		path = getenv(env);
		free(env);
	}
	return path && *path ? path : NULL;
}

/*
 * The file to read in place of the usual ones.
 * @ret: free() it; NULL when there is none.
 */
static int
config_named(const struct oe_app__sources *s, char **ret, struct oe_err *err)
{
	const struct oe_param *p =
	    oe_app__param_find(s->command->params, "config");
	const char *given;
	char *path, *whole;
	int64_t unused;

	*ret = NULL;
	if (!(s->command->flags & OE_CMD_CONFIG_FILE) || !p)
		return 0;
	given = config_given(s, p);
	if (!given)
		return 0;
	if (oe_app__param_read(p, given, &path, &unused, err) < 0)
		return oe_err_wrap(err, OE_EUSAGE, "--config");
	if (*path != '/' && s->cwd) {
		whole = oe_mem_printf("%s/%s", s->cwd, path);
		free(path);
		path = whole;
	}
	*ret = path;
	return 0;
}

static int
from_file(const struct oe_app__sources *s, const char *path, bool must_exist,
    enum oe_param_source source, struct oe_values *v, struct oe_err *err)
{
	int r;

	r = oe_app__config_read(s->set, path, must_exist, source, v, err);
	return r < 0 ? r : oe_app__values_close(v, source, err);
}

static int
from_files(
    const struct oe_app__sources *s, struct oe_values *v, struct oe_err *err)
{
	char *path;
	int r;

	r = config_named(s, &path, err);
	if (r < 0)
		return r;
	if (path) {
		r = from_file(s, path, true, OE_SOURCE_USER_FILE, v, err);
		goto out;
	}
	r = from_file(s, s->system_file, false, OE_SOURCE_SYSTEM_FILE, v, err);
	if (r < 0)
		goto out;
	if (!(s->command->flags & OE_CMD_SYSTEM_ONLY))
		path = oe_app__config_user_file();
	if (path)
		r = from_file(s, path, false, OE_SOURCE_USER_FILE, v, err);
out:
	free(path);
	return r;
}

/* A list in a variable has one item per line. */
static int
from_variable(struct oe_values *v, const struct oe_param *p, const char *name,
    const char *text, struct oe_err *err)
{
	struct oe_strs items = {NULL, 0};
	size_t i;
	int r = 0;

	if ((p->flags & (OE_PARAM_REPEAT | OE_PARAM_COMMA)) == OE_PARAM_REPEAT)
		oe_strs_split(&items, text, '\n');
	else
		oe_strs_add(&items, text);
	for (i = 0; i < items.n && r == 0; i++)
		r = oe_app__values_set(
		    v, p, items.v[i], OE_SOURCE_ENV, name, err);
	oe_strs_done(&items);
	return r;
}

static int
from_environment(struct oe_values *v, struct oe_err *err)
{
	const struct oe_param *p;
	const char *text;
	char *name;
	int r = 0;

	for (p = v->command->params; p && p->name && r == 0; p++) {
		if (p->flags & OE_PARAM_CLI_ONLY)
			continue;
		name = oe_app__param_env(v->command, p);
		text = getenv(name);
		if (text && *text)
			r = from_variable(v, p, name, text, err);
		free(name);
	}
	return r < 0 ? r : oe_app__values_close(v, OE_SOURCE_ENV, err);
}

static int
from_flags(
    const struct oe_app__cli *cli, struct oe_values *v, struct oe_err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < cli->n && r == 0; i++)
		r = oe_app__values_set(v, cli->given[i].param,
		    cli->given[i].value, OE_SOURCE_FLAG, cli->given[i].where,
		    err);
	return r < 0 ? r : oe_app__values_close(v, OE_SOURCE_FLAG, err);
}

int
oe_app__settle(
    const struct oe_app__sources *s, struct oe_values **ret, struct oe_err *err)
{
	struct oe_values *v = NULL;
	int r;

	r = oe_app__values_new(s->command, &v, err);
	if (r == 0)
		r = from_files(s, v, err);
	if (r == 0 && !(s->command->flags & OE_CMD_SYSTEM_ONLY))
		r = from_environment(v, err);
	if (r == 0)
		r = from_flags(&s->cli, v, err);
	if (r == 0 && s->command->check)
		r = s->command->check(v, &s->cli.operands, err);
	if (r == 0) {
		*ret = v;
		v = NULL;
	}
	oe_values_free(&v);
	return r;
}
