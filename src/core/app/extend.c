/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/mem.h"

/* How much there is to copy. */
struct sizes {
	size_t modules, commands, params, options;
};

static bool
is_meant(const struct oe_module_options *o, const struct oe_command *c)
{
	return oe_str_eq(o->command, c->name);
}

/* Rows that modules have for @c, put behind @to unless that is NULL. */
static size_t
gather(const struct oe_module_set *set, const struct oe_command *c,
    struct oe_param *to)
{
	const struct oe_module_options *o;
	size_t i, k, n = 0;

	for (i = 0; set->built[i]; i++)
		for (o = set->built[i]->options; o && o->command; o++) {
			if (!is_meant(o, c))
				continue;
			k = oe_app__param_count(o->params);
			if (to)
				memcpy(to + n, o->params, k * sizeof *to);
			n += k;
		}
	return n;
}

static struct sizes
measure(const struct oe_module_set *set)
{
	const struct oe_module_options *o;
	const struct oe_command *const *c;
	struct sizes s = {0, 0, 0, 0};
	const struct oe_module *m;

	for (; set->built && set->built[s.modules]; s.modules++) {
		m = set->built[s.modules];
		for (o = m->options; o && o->command; o++)
			s.options++;
		for (c = m->commands; c && *c; c++) {
			s.commands++;
			s.params += oe_app__param_count((*c)->params) +
				    gather(set, *c, NULL) + 1;
		}
	}
	return s;
}

/* The command with its own rows first; uses the next free ones. */
static void
copy_command(const struct oe_module_set *set, const struct oe_command *from,
    struct oe_command *to, struct oe_param **rows)
{
	size_t own = oe_app__param_count(from->params);

	*to = *from;
	to->params = *rows;
	if (own)
		memcpy(*rows, from->params, own * sizeof **rows);
	*rows += own;
	*rows += gather(set, from, *rows);
	(*rows)++;
}

const struct oe_module_set *
oe_app__extend(const struct oe_module_set *set, struct oe_app__extended *ret)
{
	struct sizes s = measure(set);
	const struct oe_command *const *c;
	const struct oe_command **list;
	struct oe_command *command;
	struct oe_param *rows;
	size_t i;

	memset(ret, 0, sizeof *ret);
	if (!s.options)
		return set;
	ret->set = *set;
	ret->modules = oe_mem_zalloc((s.modules + 1) * sizeof *ret->modules);
	ret->built = oe_mem_zalloc((s.modules + 1) * sizeof(*ret->built));
	ret->lists =
	    oe_mem_zalloc((s.commands + s.modules) * sizeof(*ret->lists));
	ret->commands = oe_mem_zalloc((s.commands + 1) * sizeof *ret->commands);
	ret->params = oe_mem_zalloc((s.params + 1) * sizeof *ret->params);
	ret->set.built = ret->built;
	list = ret->lists;
	command = ret->commands;
	rows = ret->params;
	for (i = 0; i < s.modules; i++) {
		ret->modules[i] = *set->built[i];
		ret->built[i] = &ret->modules[i];
		ret->modules[i].commands = list;
		for (c = set->built[i]->commands; c && *c; c++) {
			copy_command(set, *c, command, &rows);
			*list++ = command++;
		}
		list++;
	}
	return &ret->set;
}

void
oe_app__extend_done(struct oe_app__extended *e)
{
	free(e->modules);
	free(e->built);
	free(e->lists);
	free(e->commands);
	free(e->params);
	memset(e, 0, sizeof *e);
}
