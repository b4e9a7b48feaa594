/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/app/internal.h"

static const char bash_head[] =
    "# bash completion for omniedge, made by 'omniedge completion bash'\n"
    "\n"
    "_omniedge_words()\n"
    "{\n"
    "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
    "}\n"
    "\n"
    "_omniedge_files()\n"
    "{\n"
    "\tif declare -F _filedir >/dev/null; then\n"
    "\t\t_filedir\n"
    "\telse\n"
    "\t\tcompopt -o filenames 2>/dev/null\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "\tfi\n"
    "}\n"
    "\n"
    "_omniedge_users()\n"
    "{\n"
    "\tmapfile -t COMPREPLY < <(compgen -u -- \"$cur\")\n"
    "}\n"
    "\n"
    "# How many operands stand before the cursor?  $1: options with a value\n"
    "_omniedge_operands()\n"
    "{\n"
    "\tlocal i\n"
    "\toperands=0\n"
    "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
    "\t\tif [[ \" $1 \" == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
    "\t\t\t[[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))\n"
    "\t\t\t((i++))\n"
    "\t\telif [[ ${COMP_WORDS[i]} != -?* ]]; then\n"
    "\t\t\t((operands++))\n"
    "\t\tfi\n"
    "\tdone\n"
    "}\n"
    "\n";

static const char bash_main[] =
    "_omniedge()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - "
    "1]}\n"
    "\tlocal operands\n"
    "\tCOMPREPLY=()\n"
    "\tif [[ $cur == '=' ]]; then\n"
    "\t\tcur=\n"
    "\telif [[ $prev == '=' ]]; then\n"
    "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "\tfi\n";

/* Hosts that OpenSSH knows, and the peers that were seen last. */
static const char bash_peers_head[] =
    "_omniedge_peers()\n"
    "{\n"
    "\tif declare -F _known_hosts_real >/dev/null; then\n"
    "\t\t_known_hosts_real -a -- \"$cur\"\n"
    "\telse\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -A hostname -- \"$cur\")\n"
    "\tfi\n";
static const char bash_peers_mesh[] =
    "\tlocal user='' names\n"
    "\t[[ $cur == *@* ]] && user=${cur%@*}@\n"
    "\tnames=$(omniedge peers --names --offline 2>/dev/null)\n"
    "\tmapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(\n"
    "\t\tcompgen -P \"$user\" -W \"$names\" -- \"${cur##*@}\"\n"
    "\t)\n";

static void
bash_peers(const struct oe_module_set *set, FILE *out)
{
	fputs(bash_peers_head, out);
	if (oe_app__find_command(set, "peers"))
		fputs(bash_peers_mesh, out);
	fputs("}\n\n", out);
}

static const char bash_tail[] = "\tesac\n"
				"}\n"
				"\n"
				"complete -F _omniedge omniedge\n";

static bool
takes_value(const struct oe_param *p)
{
	return p->type != OE_PARAM_FLAG && p->type != OE_PARAM_COUNT;
}

static void
bash_commands(const struct oe_module_set *set, FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	bool first = true;
	size_t i;

	fputc('\'', out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++) {
		for (c = m->commands; c && *c; c++) {
			if ((*c)->flags & OE_CMD_HIDDEN)
				continue;
			fprintf(out, "%s%s", first ? "" : " ", (*c)->name);
			first = false;
		}
	}
	fputc('\'', out);
}

static void
bash_action(enum oe_app__complete what, const struct oe_module_set *set,
    char *const *words, FILE *out)
{
	switch (what) {
	case OE_COMPLETE_NOTHING:
		fputs(":", out);
		break;
	case OE_COMPLETE_FILES:
		fputs("_omniedge_files", out);
		break;
	case OE_COMPLETE_USERS:
		fputs("_omniedge_users", out);
		break;
	case OE_COMPLETE_PEERS:
		fputs("_omniedge_peers", out);
		break;
	case OE_COMPLETE_COMMANDS:
		fputs("_omniedge_words ", out);
		bash_commands(set, out);
		break;
	case OE_COMPLETE_WORDS:
		fputs("_omniedge_words '", out);
		for (; *words; words++)
			fprintf(out, "%s%s", *words, words[1] ? " " : "");
		fputs("'", out);
		break;
	}
}

/* Options that take a value, each with what the value is completed with. */
static void
bash_values(const struct oe_command *c, FILE *out)
{
	const struct oe_param *p;
	struct oe_strs words = {NULL, 0};
	const char *const *w;

	fputs("\t\tcase $prev in\n", out);
	for (p = c->params; p && p->name; p++) {
		if (!takes_value(p) || !oe_app__shown(p))
			continue;
		for (w = p->choices; w && *w; w++)
			oe_strs_add(&words, *w);
		fputs("\t\t", out);
		if (p->letter)
			fprintf(out, "-%c | ", p->letter);
		fprintf(out, "--%s)\n\t\t\t", p->name);
		bash_action(oe_app__complete_param(p), NULL, words.v, out);
		fputs("\n\t\t\treturn\n\t\t\t;;\n", out);
		oe_strs_done(&words);
	}
	fputs("\t\tesac\n", out);
}

static void
bash_options(const struct oe_command *c, bool values_only, FILE *out)
{
	const struct oe_param *p;
	bool first = true;

	for (p = c->params; p && p->name; p++) {
		if (!oe_app__shown(p) || (values_only && !takes_value(p)))
			continue;
		if (p->letter)
			fprintf(out, "%s-%c", first ? "" : " ", p->letter);
		fprintf(out, "%s--%s", first && !p->letter ? "" : " ", p->name);
		if (p->type == OE_PARAM_FLAG && oe_str_eq(p->fallback, "yes"))
			fprintf(out, " --no-%s", p->name);
		first = false;
	}
	if (!values_only)
		fprintf(out, "%s--help", first ? "" : " ");
}

static bool
any_value(const struct oe_command *c)
{
	const struct oe_param *p;

	for (p = c->params; p && p->name; p++)
		if (takes_value(p) && oe_app__shown(p))
			return true;
	return false;
}

static void
bash_command(
    const struct oe_command *c, const struct oe_module_set *set, FILE *out)
{
	struct oe_strs words = {NULL, 0};
	enum oe_app__complete what = oe_app__complete_operand(c, &words);

	fprintf(out, "\t%s)\n", c->name);
	if (any_value(c))
		bash_values(c, out);
	fputs("\t\tif [[ $cur == -* ]]; then\n\t\t\t_omniedge_words '", out);
	bash_options(c, false, out);
	fputs("'\n\t\t\treturn\n\t\tfi\n\t\t_omniedge_operands '", out);
	bash_options(c, true, out);
	fputs("'\n\t\tif ((operands == 0)); then\n\t\t\t", out);
	bash_action(what, set, words.v, out);
	fputs("\n", out);
	if (c->max_operands != 0 && c->max_operands != 1)
		fputs("\t\telse\n\t\t\t_omniedge_files\n", out);
	fputs("\t\tfi\n\t\t;;\n", out);
	oe_strs_done(&words);
}

void
oe_app__complete_bash(const struct oe_module_set *set, FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	size_t i;

	fputs(bash_head, out);
	bash_peers(set, out);
	fputs(bash_main, out);
	fputs("\tif ((COMP_CWORD == 1)); then\n\t\t_omniedge_words ", out);
	bash_commands(set, out);
	fputs("\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n", out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				bash_command(*c, set, out);
	fputs(bash_tail, out);
}
