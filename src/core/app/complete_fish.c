/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/app/internal.h"

static const char fish_head[] =
    "# fish completion for omniedge, made by 'omniedge completion fish'\n"
    "\n"
    "# the command is the word after omniedge, nothing later\n"
    "function __omniedge_command_is\n"
    "    set -l words (commandline -opc)\n"
    "    test (count $words) -gt 1; and test \"$words[2]\" = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "function __omniedge_no_command\n"
    "    test (count (commandline -opc)) -eq 1\n"
    "end\n"
    "\n"
    "function __omniedge_peers\n"
    "    __fish_complete_user_at_hosts\n"
    "    omniedge peers --names --offline 2>/dev/null\n"
    "end\n"
    "\n"
    "function __omniedge_places\n"
    "    for peer in (__omniedge_peers)\n"
    "        echo $peer:\n"
    "    end\n"
    "end\n"
    "\n"
    "complete -c omniedge -f\n"
    "complete -c omniedge -n __omniedge_no_command -l help -d 'show help'\n"
    "complete -c omniedge -n __omniedge_no_command -l version "
    "-d 'show the version'\n";

/* Inside single quotes. */
static void
fish_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
}

static void
fish_commands(const struct oe_module_set *set, FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	size_t i;

	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				fprintf(out, "%s ", (*c)->name);
}

static void
fish_action(enum oe_app__complete what, const struct oe_module_set *set,
    char *const *words, FILE *out)
{
	switch (what) {
	case OE_COMPLETE_NOTHING:
		fputs(" -x", out);
		break;
	case OE_COMPLETE_FILES:
		fputs(" -r -F", out);
		break;
	case OE_COMPLETE_USERS:
		fputs(" -x -a '(__fish_complete_users)'", out);
		break;
	case OE_COMPLETE_PEERS:
		fputs(" -x -a '(__omniedge_peers)'", out);
		break;
	case OE_COMPLETE_PLACES:
		fputs(" -F -a '(__omniedge_places)'", out);
		break;
	case OE_COMPLETE_COMMANDS:
		fputs(" -x -a '", out);
		fish_commands(set, out);
		fputs("'", out);
		break;
	case OE_COMPLETE_WORDS:
	case OE_COMPLETE_WORDS_PEERS:
		fputs(" -x -a '", out);
		for (; *words; words++)
			fprintf(out, "%s%s", *words, words[1] ? " " : "");
		fputs(what == OE_COMPLETE_WORDS ? "'" : " (__omniedge_peers)'",
		    out);
		break;
	}
}

static void
fish_option(const struct oe_command *c, const struct oe_param *p, FILE *out)
{
	struct oe_strs words = {NULL, 0};
	const char *const *w;

	fprintf(
	    out, "complete -c omniedge -n '__omniedge_command_is %s'", c->name);
	if (p->letter)
		fprintf(out, " -s %c", p->letter);
	fprintf(out, " -l %s", p->name);
	if (p->type != OE_PARAM_FLAG && p->type != OE_PARAM_COUNT) {
		for (w = p->choices; w && *w; w++)
			oe_strs_add(&words, *w);
		fish_action(oe_app__complete_param(p), NULL, words.v, out);
		oe_strs_done(&words);
	}
	fputs(" -d '", out);
	fish_text(out, p->help);
	fputs("'\n", out);
	if (p->type == OE_PARAM_FLAG && oe_str_eq(p->fallback, "yes"))
		fprintf(out,
		    "complete -c omniedge -n '__omniedge_command_is %s' "
		    "-l no-%s -d 'undo --%s'\n",
		    c->name, p->name, p->name);
}

static void
fish_command(
    const struct oe_command *c, const struct oe_module_set *set, FILE *out)
{
	struct oe_strs words = {NULL, 0};
	enum oe_app__complete what = oe_app__complete_operand(c, true, &words);
	const struct oe_param *p;

	fprintf(out,
	    "\ncomplete -c omniedge -n __omniedge_no_command -a %s "
	    "-d '",
	    c->name);
	fish_text(out, c->summary);
	fputs("'\n", out);
	if (what != OE_COMPLETE_NOTHING) {
		fprintf(out,
		    "complete -c omniedge -n '__omniedge_command_is %s'",
		    c->name);
		fish_action(what, set, words.v, out);
		fputc('\n', out);
	}
	/* fish has one list for all operands */
	oe_strs_done(&words);
	if (oe_app__complete_operand(c, false, &words) == OE_COMPLETE_PEERS &&
	    what != OE_COMPLETE_PEERS && what != OE_COMPLETE_WORDS_PEERS)
		fprintf(out,
		    "complete -c omniedge -n '__omniedge_command_is %s' "
		    "-a '(__omniedge_peers)'\n",
		    c->name);
	fprintf(out,
	    "complete -c omniedge -n '__omniedge_command_is %s' -l help "
	    "-d 'show help'\n",
	    c->name);
	for (p = c->params; p && p->name; p++)
		if (oe_app__shown(p))
			fish_option(c, p, out);
	oe_strs_done(&words);
}

void
oe_app__complete_fish(const struct oe_module_set *set, FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	size_t i;

	fputs(fish_head, out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				fish_command(*c, set, out);
}
