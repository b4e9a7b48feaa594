/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/mem.h"

#define OE_HELP_INDENT 2
#define OE_HELP_COLUMN 26

bool
oe_app__shown(const struct oe_param *p)
{
	return !(p->flags & OE_PARAM_HIDDEN);
}

const char *
oe_app__help_default(const struct oe_param *p)
{
	if (!p->fallback || !*p->fallback)
		return NULL;
	if (p->type == OE_PARAM_FLAG)
		return oe_str_eq(p->fallback, "yes") ? "yes" : NULL;
	if (p->type == OE_PARAM_COUNT && oe_str_eq(p->fallback, "0"))
		return NULL;
	return p->fallback;
}

static bool
on_by_default(const struct oe_param *p)
{
	return p->type == OE_PARAM_FLAG && oe_str_eq(p->fallback, "yes");
}

static void
help_option(const struct oe_app__page *page, const struct oe_param *p)
{
	const char *fallback = oe_app__help_default(p);
	char letter[8] = "    ";
	char *label, *text, *choices = oe_app__choices(p);

	if (p->letter)
		snprintf(letter, sizeof letter, "-%c, ", p->letter);
	label = oe_mem_printf("%s--%s%s%s%s", letter,
	    on_by_default(p) ? "[no-]" : "", p->name, p->metavar ? " " : "",
	    p->metavar ? p->metavar : "");
	text = oe_mem_printf("%s%s%s%s%s%s%s", p->help, choices[0] ? ": " : "",
	    choices, p->flags & OE_PARAM_REPEAT ? " (repeatable)" : "",
	    fallback ? " (default: " : "", fallback ? fallback : "",
	    fallback ? ")" : "");
	oe_app__page_item(page, OE_HELP_INDENT, label, OE_HELP_COLUMN, text);
	free(choices);
	free(label);
	free(text);
}

static const char *
section_of(const struct oe_param *p)
{
	return p->section ? p->section : "Options";
}

/* Is this the first shown parameter of its section? */
static bool
opens_section(const struct oe_param *table, const struct oe_param *p)
{
	const struct oe_param *q;

	for (q = table; q < p; q++)
		if (oe_app__shown(q) && oe_str_eq(section_of(q), section_of(p)))
			return false;
	return true;
}

static bool
has_letter(const struct oe_command *c, char letter)
{
	const struct oe_param *p;

	for (p = c->params; p && p->name; p++)
		if (p->letter == letter)
			return true;
	return false;
}

static void
help_options(const struct oe_app__page *page, const struct oe_command *c)
{
	const struct oe_param *p, *q;

	for (p = c->params; p && p->name; p++) {
		if (!oe_app__shown(p) || !opens_section(c->params, p))
			continue;
		oe_app__page_heading(page, section_of(p));
		for (q = p; q->name; q++)
			if (oe_app__shown(q) &&
			    oe_str_eq(section_of(q), section_of(p)))
				help_option(page, q);
	}
	oe_app__page_heading(page, "Help");
	oe_app__page_item(page, OE_HELP_INDENT,
	    has_letter(c, 'h') ? "    --help" : "-h, --help", OE_HELP_COLUMN,
	    "show this text");
}

/* One setting that a file may hold, to explain files by; or NULL. */
static const struct oe_param *
sample(const struct oe_command *c)
{
	const struct oe_param *p;

	for (p = c->params; p && p->name; p++)
		if (oe_app__shown(p) && !(p->flags & OE_PARAM_CLI_ONLY) &&
		    !oe_str_eq(p->name, "config"))
			return p;
	return NULL;
}

static void
help_elsewhere(const struct oe_app__page *page, const struct oe_command *c)
{
	const struct oe_param *p = sample(c);
	char *env, *text;

	if (!p)
		return;
	env = oe_app__param_env(c, p);
	if (c->flags & OE_CMD_SYSTEM_ONLY)
		text = oe_mem_printf("A setting may also stand in the system's "
				     "omniedge.conf(5), section [%s], as its "
				     "long name (--%s is '%s = ...'). The "
				     "command line wins over it.",
		    c->name, p->name, p->name);
	else
		text = oe_mem_printf(
		    "A setting may also stand in omniedge.conf(5), section "
		    "[%s], as its long name (--%s is '%s = ...'), or in the "
		    "environment (%s). The command line wins over the "
		    "environment, that over the user's file, that over the "
		    "system's. A switch --x is undone by --no-x.",
		    c->name, p->name, p->name, env);
	oe_app__page_heading(page, "Files and environment");
	oe_app__page_item(page, OE_HELP_INDENT, "", OE_HELP_INDENT, text);
	free(text);
	free(env);
}

/* A summary as a sentence. */
static char *
sentence(const char *s)
{
	char *t = oe_mem_printf("%s.", s);

	t[0] = (char)toupper((unsigned char)t[0]);
	return t;
}

void
oe_app__help_command(const struct oe_command *c, FILE *out)
{
	const struct oe_example *e;
	struct oe_app__page page;
	char *summary = sentence(c->summary);

	oe_app__page_init(&page, out);
	fprintf(out, "Usage: omniedge %s [options]%s%s\n\n", c->name,
	    *c->operands ? " " : "", c->operands);
	oe_app__page_item(&page, 0, "", 0, summary);
	free(summary);
	help_options(&page, c);
	help_elsewhere(&page, c);
	if (c->examples && c->examples->line)
		oe_app__page_heading(&page, "Examples");
	for (e = c->examples; e && e->line; e++) {
		oe_app__page_item(&page, OE_HELP_INDENT, e->line, 0, "");
		oe_app__page_item(
		    &page, OE_HELP_INDENT + 4, "", OE_HELP_INDENT + 4, e->what);
	}
}

static void
overview_module(const struct oe_app__page *page, const struct oe_module *m)
{
	const struct oe_command *const *c;
	char *heading = sentence(m->summary);

	heading[strlen(heading) - 1] = 0;
	oe_app__page_heading(page, heading);
	for (c = m->commands; c && *c; c++)
		if (!((*c)->flags & OE_CMD_HIDDEN))
			oe_app__page_item(page, OE_HELP_INDENT, (*c)->name, 16,
			    (*c)->summary);
	free(heading);
}

void
oe_app__help_overview(const struct oe_module_set *set, FILE *out)
{
	const struct oe_module_absent *a;
	const struct oe_module *m;
	const char *const *name;
	struct oe_app__page page;
	char *text, *options;
	size_t i;

	oe_app__page_init(&page, out);
	fprintf(out, "Usage: omniedge COMMAND [options] [operands]\n\n");
	oe_app__page_item(&page, 0, "", 0,
	    "Secure remote access to every device of a mesh network.");
	for (i = 1; (m = oe_app__module_at(set, i)); i++)
		overview_module(&page, m);
	overview_module(&page, oe_app__module_at(set, 0));
	if (set->absent && set->absent->name)
		oe_app__page_heading(&page, "Not in this build");
	for (a = set->absent; a && a->name; a++)
		for (name = a->commands; name && *name; name++) {
			/* a command of two modules is told once */
			if (oe_app__find_absent(set, *name) != a ||
			    strchr(*name, ':'))
				continue;
			options = oe_app__absent_options(set, *name);
			text = oe_mem_printf(
			    "%s: configure with %s", a->why, options);
			free(options);
			oe_app__page_item(
			    &page, OE_HELP_INDENT, *name, 16, text);
			free(text);
		}
	fprintf(out, "\n");
	oe_app__page_item(&page, 0, "", 0,
	    "'omniedge help COMMAND' tells more, 'man omniedge' tells all.");
}
