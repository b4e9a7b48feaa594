/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* The words still to be read. */
struct words {
	const struct oe_command *command;
	int argc;
	char **argv;
	int at;
};

static void
cli_add(struct oe_app__cli *cli, const struct oe_param *p, const char *value,
    const char *dashes, const char *name)
{
	struct oe_app__given *g;

	cli->given =
	    oe_mem_realloc_array(cli->given, cli->n + 1, sizeof *cli->given);
	g = &cli->given[cli->n++];
	g->param = p;
	g->value = value;
	snprintf(g->where, sizeof g->where, "%s%s", dashes, name);
}

static bool
takes_value(const struct oe_param *p)
{
	return p->type != OE_PARAM_FLAG && p->type != OE_PARAM_COUNT;
}

static int
unknown_long(const struct oe_command *c, const char *name,
    struct oe_app__cli *cli, struct oe_err *err)
{
	const struct oe_param *p;
	struct oe_app__guess g;

	snprintf(cli->unknown, sizeof cli->unknown, "--%s", name);
	oe_app__guess_init(&g, name);
	for (p = c->params; p && p->name; p++)
		if (!(p->flags & OE_PARAM_HIDDEN))
			oe_app__guess_offer(&g, p->name);
	oe_app__guess_offer(&g, "help");
	if (g.best)
		return oe_err_set(err, OE_EUSAGE,
		    "unknown option '--%s': did you mean '--%s'?", name,
		    g.best);
	return oe_err_set(err, OE_EUSAGE, "unknown option '--%s'", name);
}

/* Option names on the command line are exact: no '_', no abbreviation. */
static const struct oe_param *
find_long(const struct oe_command *c, const char *name)
{
	const struct oe_param *p = oe_app__param_find(c->params, name);

	return p && oe_str_eq(p->name, name) ? p : NULL;
}

static int
long_plain(struct oe_app__cli *cli, const struct oe_param *p, const char *name,
    const char *value, const char *eq, struct oe_err *err)
{
	if (eq)
		return oe_err_set(err, OE_EUSAGE, "--%s takes no value", name);
	cli_add(cli, p, value, "--", name);
	return 0;
}

static int
parse_long(struct words *w, struct oe_app__cli *cli, struct oe_err *err)
{
	const char *word = w->argv[w->at] + 2, *eq = strchr(word, '=');
	char *name =
	    oe_mem_strndup(word, eq ? (size_t)(eq - word) : strlen(word));
	const struct oe_param *p = find_long(w->command, name);
	int r = 0;

	w->at++;
	if (p && !takes_value(p)) {
		r = long_plain(cli, p, name,
		    p->type == OE_PARAM_FLAG ? "yes" : NULL, eq, err);
		goto out;
	}
	if (p) {
		if (!eq && w->at == w->argc) {
			r = oe_err_set(err, OE_EUSAGE, "--%s needs %s", name,
			    p->metavar ? p->metavar : "a value");
			goto out;
		}
		cli_add(cli, p, eq ? eq + 1 : w->argv[w->at++], "--", name);
		goto out;
	}
	if (oe_str_eq(name, "help") && !eq) {
		cli->help = true;
		goto out;
	}
	if (oe_str_starts(name, "no-"))
		p = find_long(w->command, name + 3);
	if (p && p->type == OE_PARAM_FLAG) {
		r = long_plain(cli, p, name, "no", eq, err);
		goto out;
	}
	r = unknown_long(w->command, name, cli, err);
out:
	free(name);
	return r;
}

static const struct oe_param *
find_letter(const struct oe_command *c, char letter)
{
	const struct oe_param *p;

	for (p = c->params; p && p->name; p++)
		if (p->letter == letter)
			return p;
	return NULL;
}

/* "-vvN", "-p22", "-p 22" */
static int
parse_letters(struct words *w, struct oe_app__cli *cli, struct oe_err *err)
{
	const char *s = w->argv[w->at++] + 1;
	char letter[2] = "";

	for (; *s; s++) {
		const struct oe_param *p = find_letter(w->command, *s);

		letter[0] = *s;
		if (!p && *s == 'h') {
			cli->help = true;
			continue;
		}
		if (!p) {
			snprintf(
			    cli->unknown, sizeof cli->unknown, "-%s", letter);
			return oe_err_set(
			    err, OE_EUSAGE, "unknown option '-%s'", letter);
		}
		if (!takes_value(p)) {
			cli_add(cli, p, p->type == OE_PARAM_FLAG ? "yes" : NULL,
			    "-", letter);
			continue;
		}
		if (!s[1] && w->at == w->argc)
			return oe_err_set(err, OE_EUSAGE, "-%s needs %s",
			    letter, p->metavar ? p->metavar : "a value");
		cli_add(cli, p, s[1] ? s + 1 : w->argv[w->at++], "-", letter);
		break;
	}
	return 0;
}

/* How many operands may stand before an option? */
static size_t
operands_before_options(const struct oe_command *c)
{
	if (c->flags & OE_CMD_SSH_OPERANDS)
		return 1;
	return c->flags & OE_CMD_STOP_AT_OPERAND ? 0 : SIZE_MAX;
}

static int
parse_words(struct words *w, struct oe_app__cli *cli, struct oe_err *err)
{
	size_t open = operands_before_options(w->command);
	bool options = true;
	int r;

	while (w->at < w->argc) {
		const char *word = w->argv[w->at];

		if (!options || word[0] != '-' || !word[1]) {
			oe_strs_add(&cli->operands, word);
			w->at++;
			if (cli->operands.n > open)
				options = false;
			continue;
		}
		if (oe_str_eq(word, "--")) {
			options = false;
			w->at++;
			continue;
		}
		r = word[1] == '-' ? parse_long(w, cli, err)
				   : parse_letters(w, cli, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
check_operands(const struct oe_command *c, const struct oe_strs *operands,
    struct oe_err *err)
{
	if (operands->n < (size_t)c->min_operands)
		return oe_err_set(err, OE_EUSAGE,
		    "something is missing: omniedge %s [options] %s", c->name,
		    c->operands);
	if (c->max_operands >= 0 && operands->n > (size_t)c->max_operands)
		return oe_err_set(err, OE_EUSAGE, "unexpected operand '%s'",
		    operands->v[c->max_operands]);
	return 0;
}

int
oe_app__cli_parse(const struct oe_command *command, int argc, char **argv,
    struct oe_app__cli *ret, struct oe_err *err)
{
	struct words w = {command, argc, argv, 0};
	char unknown[sizeof ret->unknown];
	int r;

	memset(ret, 0, sizeof *ret);
	r = parse_words(&w, ret, err);
	if (r == 0 && !ret->help)
		r = check_operands(command, &ret->operands, err);
	if (r < 0) {
		memcpy(unknown, ret->unknown, sizeof unknown);
		oe_app__cli_done(ret);
		memcpy(ret->unknown, unknown, sizeof unknown);
	}
	return r;
}

void
oe_app__cli_done(struct oe_app__cli *cli)
{
	oe_strs_done(&cli->operands);
	free(cli->given);
	memset(cli, 0, sizeof *cli);
}
