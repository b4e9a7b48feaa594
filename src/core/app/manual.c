/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* Text as mdoc: backslashes shown, a sentence a line, no control lines. */
static void
manual_text(FILE *out, const char *s)
{
	bool start = true;

	for (; *s; s++) {
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", out);
		start = false;
		if (*s == '\\') {
			fputs("\\e", out);
		} else if (*s == ' ' && (s[-1] == '.') &&
			   isupper((unsigned char)s[1])) {
			fputc('\n', out);
			start = true;
		} else {
			fputc(*s, out);
		}
	}
}

static void
manual_about(FILE *out, const struct oe_param *p)
{
	const char *fallback = oe_app__help_default(p), *const * c;

	fputc(toupper((unsigned char)*p->help), out);
	manual_text(out, p->help + 1);
	fputs(".\n", out);
	if (p->choices) {
		fputs("One of\n", out);
		for (c = p->choices; *c; c++)
			fprintf(out, ".Cm %s%s\n", *c,
			    !c[1]  ? " ."
			    : c[2] ? " ,"
				   : "\nor");
	}
	if (p->type == OE_PARAM_SIZE)
		fputs("A size in bytes, or with K, M or G after it.\n", out);
	if (p->type == OE_PARAM_DURATION)
		fputs("A time in seconds, or like 15m or 1h30m.\n", out);
	if (p->flags & OE_PARAM_COMMA)
		fputs("Several are separated by commas.\n", out);
	else if (p->flags & OE_PARAM_REPEAT)
		fputs("May be given several times.\n", out);
	if (fallback) {
		fputs("The default is\n.Ql ", out);
		manual_text(out, fallback);
		fputs(" .\n", out);
	}
	if (p->flags & OE_PARAM_CLI_ONLY)
		fputs("Only on the command line.\n", out);
}

static void
manual_option(FILE *out, const struct oe_param *p)
{
	fputs(".It ", out);
	if (p->letter)
		fprintf(out, "Fl %c , ", p->letter);
	fprintf(out, "Fl -%s", p->name);
	if (p->metavar)
		fprintf(out, " Ar %s", p->metavar);
	else if (p->type == OE_PARAM_FLAG && !(p->flags & OE_PARAM_CLI_ONLY))
		fprintf(out, " , Fl -no-%s", p->name);
	fputc('\n', out);
	manual_about(out, p);
}

static void
manual_options(const struct oe_command *c, FILE *out)
{
	const struct oe_param *p, *q;
	const char *title = "";

	for (p = c->params; p && p->name; p++) {
		if (!oe_app__shown(p))
			continue;
		for (q = c->params; q < p; q++)
			if (oe_app__shown(q) &&
			    oe_str_eq(q->section, p->section))
				break;
		if (q < p)
			continue;
		if (p->section)
			fprintf(out, ".Ss %s\n", p->section);
		title = p->section;
		fputs(".Bl -tag -width Ds\n", out);
		for (q = p; q->name; q++)
			if (oe_app__shown(q) && oe_str_eq(q->section, title))
				manual_option(out, q);
		fputs(".El\n", out);
	}
}

static bool
is_setting(const struct oe_param *p)
{
	return oe_app__shown(p) && !(p->flags & OE_PARAM_CLI_ONLY);
}

static void
manual_environment(const struct oe_command *c, FILE *out)
{
	const struct oe_param *p;
	char *env;

	for (p = c->params; p && p->name; p++) {
		if (!is_setting(p))
			continue;
		env = oe_app__param_env(c, p);
		fprintf(out, ".It Ev %s\nAs\n.Fl -%s .\n", env, p->name);
		free(env);
	}
}

static void
manual_keys(const struct oe_command *c, FILE *out)
{
	const struct oe_param *p;
	bool open = false;

	for (p = c->params; p && p->name; p++) {
		if (!is_setting(p) || oe_str_eq(p->name, "config"))
			continue;
		if (!open)
			fprintf(out, ".Ss Section [%s]\n.Bl -tag -width Ds\n",
			    c->name);
		open = true;
		fprintf(out, ".It Cm %s No = Ar %s\n", p->name,
		    p->type == OE_PARAM_FLAG ? "yes|no"
		    : p->metavar             ? p->metavar
					     : "NUMBER");
		manual_about(out, p);
	}
	if (open)
		fputs(".El\n", out);
}

static void
manual_names(const struct oe_command *c, FILE *out)
{
	const struct oe_param *p;

	for (p = c->params; p && p->name; p++)
		if (oe_app__shown(p))
			fprintf(out, "%s\n", p->name);
}

static void
manual_entry(const struct oe_command *c, FILE *out)
{
	const char *at = c->operands;

	fprintf(out, ".It Nm Cm %s", c->name);
	if (*at)
		fprintf(out, " Ar %s", at);
	fputc('\n', out);
	fputc(toupper((unsigned char)*c->summary), out);
	manual_text(out, c->summary + 1);
	fputs(".\n", out);
}

static void
manual_list(const struct oe_command *c, FILE *out)
{
	fprintf(out, "%s\n", c->name);
}

static const struct {
	const char *what;
	void (*print)(const struct oe_command *c, FILE *out);
} parts[] = {
    {"options", manual_options},
    {"environment", manual_environment},
    {"keys", manual_keys},
    {"names", manual_names},
    {"commands", manual_entry},
    {"list", manual_list},
};

static void
all_commands(const struct oe_module_set *set,
    void (*print)(const struct oe_command *, FILE *), FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	size_t i;

	for (i = 1; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				print(*c, out);
	for (c = oe_app__core_module.commands; *c; c++)
		if (!((*c)->flags & OE_CMD_HIDDEN))
			print(*c, out);
}

int
oe_app__manual(const struct oe_module_set *set, const struct oe_command *c,
    const char *what, FILE *out, struct oe_err *err)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(parts); i++) {
		if (!oe_str_eq(parts[i].what, what))
			continue;
		if (c)
			parts[i].print(c, out);
		else
			all_commands(set, parts[i].print, out);
		return 0;
	}
	return oe_err_set(err, OE_EUSAGE, "nothing is called '%s'", what);
}
