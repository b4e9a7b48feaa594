/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/param.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"

static void
value_clear(struct oe_app__value *x)
{
	oe_strs_done(&x->items);
	free(x->where);
	memset(x, 0, sizeof *x);
}

static int
value_add(const struct oe_param *p, struct oe_app__value *x, const char *text,
    struct oe_err *err)
{
	struct oe_strs parts = {NULL, 0};
	char *final;
	size_t i;
	int r = 0;

	if (p->flags & OE_PARAM_COMMA) {
		oe_strs_split(&parts, text, ',');
		if (!parts.n)
			r = oe_err_set(err, OE_EINVAL, "the list is empty");
	} else {
		oe_strs_add(&parts, text);
	}
	for (i = 0; i < parts.n && r == 0; i++) {
		r = oe_app__param_read(p, parts.v[i], &final, &x->number, err);
		if (r == 0)
			oe_strs_add_take(&x->items, final);
	}
	oe_strs_done(&parts);
	return r;
}

static int
value_default(
    const struct oe_param *p, struct oe_app__value *x, struct oe_err *err)
{
	int r;

	value_clear(x);
	if (!p->fallback)
		return 0;
	r = value_add(p, x, p->fallback, err);
	return r < 0 ? oe_err_wrap(err, r, "default of --%s", p->name) : 0;
}

int
oe_app__values_new(const struct oe_command *command, struct oe_values **ret,
    struct oe_err *err)
{
	struct oe_values *v = oe_mem_zalloc(sizeof *v);
	size_t i;
	int r = 0;

	v->command = command;
	v->n = oe_app__param_count(command->params);
	v->v = oe_mem_zalloc(v->n * sizeof *v->v);
	for (i = 0; i < v->n && r == 0; i++)
		r = value_default(&command->params[i], &v->v[i], err);
	if (r < 0)
		goto out;
	*ret = v;
	v = NULL;
out:
	oe_values_free(&v);
	return r;
}

void
oe_values_free(struct oe_values **v)
{
	size_t i;

	if (!*v)
		return;
	for (i = 0; i < (*v)->n; i++)
		value_clear(&(*v)->v[i]);
	free((*v)->v);
	free(*v);
	*v = NULL;
}

/* The mistake's place before its message, and whose mistake it is. */
static int
value_fail(const struct oe_param *p, enum oe_param_source source,
    const char *where, struct oe_err *err)
{
	if (source == OE_SOURCE_FLAG)
		return oe_err_wrap(err, OE_EUSAGE, "%s", where);
	if (source == OE_SOURCE_ENV)
		return oe_err_wrap(err, OE_ECONF, "environment %s", where);
	return oe_err_wrap(err, OE_ECONF, "%s: %s", where, p->name);
}

int
oe_app__values_set(struct oe_values *v, const struct oe_param *p,
    const char *text, enum oe_param_source source, const char *where,
    struct oe_err *err)
{
	struct oe_app__value *x = &v->v[p - v->command->params];
	bool again = x->source == source,
	     file = source == OE_SOURCE_USER_FILE ||
		    source == OE_SOURCE_SYSTEM_FILE;
	char number[24];
	int64_t n;
	int r = 0;

	if (again && file && !(p->flags & OE_PARAM_REPEAT)) {
		r = oe_err_set(err, OE_EINVAL, "already set at %s", x->where);
		return value_fail(p, source, where, err);
	}
	n = again ? x->number : 0;
	if (!again || !(p->flags & OE_PARAM_REPEAT))
		value_clear(x);
	x->source = source;
	free(x->where);
	x->where = source == OE_SOURCE_ENV
		       ? oe_mem_printf("environment %s", where)
		       : oe_mem_strdup(where);
	if (!text) {
		snprintf(number, sizeof number, "%" PRId64, n + 1);
		text = number;
	}
	r = value_add(p, x, text, err);
	return r < 0 ? value_fail(p, source, where, err) : 0;
}

/* Does this parameter speak for its group at this source? */
static bool
value_speaks(const struct oe_values *v, size_t i, enum oe_param_source source)
{
	const struct oe_param *p = &v->command->params[i];

	if (!p->group || v->v[i].source != source)
		return false;
	return p->type != OE_PARAM_FLAG || v->v[i].number;
}

static int
group_clash(const struct oe_values *v, size_t i, size_t j,
    enum oe_param_source source, struct oe_err *err)
{
	const struct oe_param *a = &v->command->params[i];
	const struct oe_param *b = &v->command->params[j];

	if (source == OE_SOURCE_FLAG)
		return oe_err_set(err, OE_EUSAGE,
		    "--%s and --%s exclude each other: give one of them",
		    a->name, b->name);
	return oe_err_set(err, OE_ECONF,
	    "%s: %s and %s (%s) exclude each other: keep one of them",
	    v->v[j].where, b->name, a->name, v->v[i].where);
}

int
oe_app__values_close(
    struct oe_values *v, enum oe_param_source source, struct oe_err *err)
{
	const struct oe_param *p = v->command->params;
	size_t i, j;
	int r;

	for (i = 0; i < v->n; i++) {
		if (!value_speaks(v, i, source))
			continue;
		for (j = 0; j < v->n; j++) {
			if (j == i || !oe_str_eq(p[i].group, p[j].group))
				continue;
			if (value_speaks(v, j, source))
				return group_clash(v, i, j, source, err);
			if (v->v[j].source == OE_SOURCE_DEFAULT ||
			    v->v[j].source == source)
				continue;
			r = value_default(&p[j], &v->v[j], err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static const struct oe_app__value *
value_named(const struct oe_values *v, const char *name)
{
	const struct oe_param *p = oe_app__param_find(v->command->params, name);

	if (!p) {
		oe_log_error(NULL, "command %s has no parameter '%s'",
		    v->command->name, name);
		abort();
	}
	return &v->v[p - v->command->params];
}

bool
oe_values_knows(const struct oe_values *v, const char *name)
{
	return oe_app__param_find(v->command->params, name) != NULL;
}

const char *
oe_values_str(const struct oe_values *v, const char *name)
{
	const struct oe_app__value *x = value_named(v, name);

	return x->items.n ? x->items.v[x->items.n - 1] : NULL;
}

int64_t
oe_values_int(const struct oe_values *v, const char *name)
{
	return value_named(v, name)->number;
}

bool
oe_values_flag(const struct oe_values *v, const char *name)
{
	return value_named(v, name)->number != 0;
}

const struct oe_strs *
oe_values_list(const struct oe_values *v, const char *name)
{
	return &value_named(v, name)->items;
}

bool
oe_values_is_set(const struct oe_values *v, const char *name)
{
	return value_named(v, name)->source != OE_SOURCE_DEFAULT;
}

const char *
oe_values_where(const struct oe_values *v, const char *name)
{
	const struct oe_app__value *x = value_named(v, name);

	return x->source == OE_SOURCE_DEFAULT ? "default" : x->where;
}

/* A URL without its password, and without parameters that may hold one. */
static void
write_url(const char *s, FILE *out)
{
	const char *host = strstr(s, "://"), *at, *colon;

	if (!host) {
		fputs(s, out);
		return;
	}
	host += 3;
	/* a password may hold an unescaped '@' or '/': the last one counts */
	at = strrchr(host, '@');
	colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
	if (colon) {
		fprintf(out, "%.*s:***", (int)(colon - s), s);
		s = at;
	}
	fprintf(out, "%.*s", (int)strcspn(s, "?"), s);
	if (strchr(s, '?'))
		fputs("?***", out);
}

static void
write_value(const struct oe_param *p, const char *s, FILE *out)
{
	fprintf(out, "%s = ", p->name);
	if (p->flags & OE_PARAM_URL)
		write_url(s, out);
	else
		fputs(s, out);
}

void
oe_app__values_write(const struct oe_values *v, FILE *out)
{
	const struct oe_param *p = v->command->params;
	size_t i, k;

	fprintf(out, "[%s]\n", v->command->name);
	for (i = 0; i < v->n; i++) {
		const struct oe_app__value *x = &v->v[i];

		if (p[i].flags & (OE_PARAM_CLI_ONLY | OE_PARAM_HIDDEN))
			continue;
		if (!x->items.n)
			fprintf(out, "; %s is not set\n", p[i].name);
		for (k = 0; k < x->items.n; k++) {
			write_value(&p[i], x->items.v[k], out);
			fprintf(out, " ; %s\n", oe_values_where(v, p[i].name));
		}
	}
}

void
oe_values_print(const struct oe_values *v)
{
	oe_app__values_write(v, stdout);
}
