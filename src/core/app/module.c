/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/mem.h"

static const struct oe_command *
command_of(const struct oe_module *m, const char *name)
{
	const struct oe_command *const *c;

	for (c = m->commands; c && *c; c++)
		if (oe_str_eq((*c)->name, name))
			return *c;
	return NULL;
}

const struct oe_command *
oe_module_find_command(const struct oe_module_set *set, const char *name)
{
	const struct oe_module *const *m;
	const struct oe_command *c;

	for (m = set->built; m && *m; m++) {
		c = command_of(*m, name);
		if (c)
			return c;
	}
	return NULL;
}

const struct oe_subsystem *
oe_module_find_subsystem(const struct oe_module_set *set, const char *name)
{
	const struct oe_module *const *m;
	const struct oe_subsystem *s;

	for (m = set->built; m && *m; m++)
		for (s = (*m)->subsystems; s && s->name; s++)
			if (oe_str_eq(s->name, name))
				return s;
	return NULL;
}

const struct oe_cli_forwarding *
oe_module_client_forwarding(const struct oe_module_set *set)
{
	const struct oe_module *const *m;

	for (m = set->built; m && *m; m++)
		if ((*m)->client_forwarding)
			return (*m)->client_forwarding;
	return NULL;
}

const struct oe_cli_names *
oe_module_client_names(const struct oe_module_set *set)
{
	const struct oe_module *const *m;

	for (m = set->built; m && *m; m++)
		if ((*m)->client_names)
			return (*m)->client_names;
	return NULL;
}

const struct oe_command *
oe_app__find_command(const struct oe_module_set *set, const char *name)
{
	const struct oe_command *c = command_of(&oe_app__core_module, name);

	return c ? c : oe_module_find_command(set, name);
}

const struct oe_module_absent *
oe_app__find_absent(const struct oe_module_set *set, const char *name)
{
	const struct oe_module_absent *a;
	const char *const *c;

	for (a = set->absent; a && a->name; a++)
		for (c = a->commands; c && *c; c++)
			if (oe_str_eq(*c, name))
				return a;
	return NULL;
}

char *
oe_app__absent_options(const struct oe_module_set *set, const char *name)
{
	const struct oe_module_absent *a;
	char *all = NULL, *longer;
	const char *const *c;

	for (a = set->absent; a && a->name; a++) {
		for (c = a->commands; c && *c && !oe_str_eq(*c, name); c++)
			continue;
		if (!c || !*c)
			continue;
		longer = oe_mem_printf(
		    "%s%s%s", all ? all : "", all ? " " : "", a->option);
		free(all);
		all = longer;
	}
	return all;
}

const struct oe_module *
oe_app__module_at(const struct oe_module_set *set, size_t i)
{
	size_t k;

	if (i == 0)
		return &oe_app__core_module;
	for (k = 0; set->built && set->built[k]; k++)
		if (k + 1 == i)
			return set->built[k];
	return NULL;
}

const char *
oe_app__guess_command(const struct oe_module_set *set, const char *wanted)
{
	const struct oe_module_absent *a;
	const struct oe_command *const *c;
	const struct oe_module *m;
	const char *const *name;
	struct oe_app__guess g;
	size_t i;

	oe_app__guess_init(&g, wanted);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				oe_app__guess_offer(&g, (*c)->name);
	for (a = set->absent; a && a->name; a++)
		for (name = a->commands; name && *name; name++)
			if (!strchr(*name, ':'))
				oe_app__guess_offer(&g, *name);
	return g.best;
}
