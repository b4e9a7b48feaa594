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
    "# Words as they stand on the line: bash breaks them at @, : and =\n"
    "_omniedge_join()\n"
    "{\n"
    "\tlocal rest=$COMP_LINE w\n"
    "\twords=()\n"
    "\tfor w in \"${COMP_WORDS[@]:0:COMP_CWORD + 1}\"; do\n"
    "\t\tif [[ ${#words[@]} == 0 || $rest == [[:space:]]* ]]; then\n"
    "\t\t\twords+=(\"$w\")\n"
    "\t\t\trest=${rest#\"${rest%%[![:space:]]*}\"}\n"
    "\t\telse\n"
    "\t\t\twords[${#words[@]} - 1]+=$w\n"
    "\t\tfi\n"
    "\t\trest=${rest#\"$w\"}\n"
    "\tdone\n"
    "\tcur=${words[${#words[@]} - 1]} prev=${words[${#words[@]} - 2]}\n"
    "\tif [[ $cur == --*=* ]]; then\n"
    "\t\tprev=${cur%%=*} cur=${cur#*=}\n"
    "\tfi\n"
    "}\n"
    "\n"
    "# Replies are what comes behind the last of these, where bash breaks\n"
    "_omniedge_strip()\n"
    "{\n"
    "\tlocal rest=$cur c\n"
    "\tfor c in : =; do\n"
    "\t\t[[ $COMP_WORDBREAKS == *$c* ]] && rest=${rest##*\"$c\"}\n"
    "\tdone\n"
    "\t# an @ belongs to what is replaced\n"
    "\t[[ $COMP_WORDBREAKS == *@* && $rest == *@* ]] && "
    "rest=@${rest##*@}\n"
    "\tCOMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"$rest\"}\"}\")\n"
    "}\n"
    "\n"
    "# How many operands stand before the cursor?  $1: options with a value\n"
    "_omniedge_operands()\n"
    "{\n"
    "\tlocal i\n"
    "\toperands=0\n"
    "\tfor ((i = 2; i < ${#words[@]} - 1; i++)); do\n"
    "\t\tif [[ \" $1 \" == *\" ${words[i]} \"* ]]; then\n"
    "\t\t\t((i++))\n"
    "\t\telif [[ ${words[i]} != -?* ]]; then\n"
    "\t\t\t((operands++))\n"
    "\t\tfi\n"
    "\tdone\n"
    "}\n"
    "\n";

static const char bash_main[] = "_omniedge_complete()\n"
				"{\n"
				"\tlocal operands\n";

/* Hosts that OpenSSH knows, and the peers that were seen last. */
static const char bash_peers_head[] =
    "# $1: what comes behind a name\n"
    "_omniedge_peers()\n"
    "{\n"
    "\tlocal hosts names user=''\n"
    "\tif declare -F _known_hosts_real >/dev/null; then\n"
    "\t\t_known_hosts_real -a -- \"$cur\"\n"
    "\telse\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -A hostname -- \"$cur\")\n"
    "\tfi\n"
    "\tmapfile -t hosts < <(printf '%s\\n' \"${COMPREPLY[@]}\")\n"
    "\t[[ $cur == *@* ]] && user=${cur%@*}@\n";
static const char bash_peers_mesh[] =
    "\tmapfile -t names < <(\n"
    "\t\tomniedge peers --names --offline --name=\"${cur##*@}*\" "
    "2>/dev/null\n"
    "\t)\n"
    "\thosts+=(\"${names[@]/#/$user}\")\n";
static const char bash_peers_tail[] =
    "\tCOMPREPLY=()\n"
    "\tfor names in \"${hosts[@]}\"; do\n"
    "\t\t[[ $names == \"$cur\"* && -n $names ]] &&\n"
    "\t\t\tCOMPREPLY+=(\"$names$1\")\n"
    "\tdone\n"
    "}\n"
    "\n"
    "_omniedge_words_peers()\n"
    "{\n"
    "\tlocal peers\n"
    "\t_omniedge_peers ''\n"
    "\tpeers=(\"${COMPREPLY[@]}\")\n"
    "\t_omniedge_words \"$1\"\n"
    "\tCOMPREPLY+=(\"${peers[@]}\")\n"
    "}\n"
    "\n"
    "_omniedge_places()\n"
    "{\n"
    "\tlocal peers=() name\n"
    "\tif [[ $cur != */* && $cur != *:* ]]; then\n"
    "\t\t_omniedge_peers :\n"
    "\t\tpeers=(\"${COMPREPLY[@]}\")\n"
    "\t\t[[ ${#peers[@]} == 0 ]] || compopt -o nospace 2>/dev/null\n"
    "\tfi\n"
    "\tCOMPREPLY=()\n"
    "\tif [[ ${#peers[@]} == 0 ]]; then\n"
    "\t\t[[ $cur == *:* ]] || _omniedge_files\n"
    "\t\treturn\n"
    "\tfi\n"
    "\t# not as file names, which would have the colon quoted\n"
    "\twhile read -r name; do\n"
    "\t\t[[ -d $name ]] && name+=/\n"
    "\t\tpeers+=(\"$(printf %q \"$name\")\")\n"
    "\tdone < <(compgen -f -- \"$cur\")\n"
    "\tCOMPREPLY=(\"${peers[@]}\")\n"
    "}\n"
    "\n";

static void
bash_peers(const struct oe_module_set *set, FILE *out)
{
	fputs(bash_peers_head, out);
	if (oe_app__find_command(set, "peers"))
		fputs(bash_peers_mesh, out);
	fputs(bash_peers_tail, out);
}

static const char bash_tail[] = "\tesac\n"
				"}\n"
				"\n"
				"_omniedge()\n"
				"{\n"
				"\tlocal cur prev words\n"
				"\tCOMPREPLY=()\n"
				"\t_omniedge_join\n"
				"\t_omniedge_complete\n"
				"\t_omniedge_strip\n"
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
		fputs("_omniedge_peers ''", out);
		break;
	case OE_COMPLETE_PLACES:
		fputs("_omniedge_places", out);
		break;
	case OE_COMPLETE_COMMANDS:
		fputs("_omniedge_words ", out);
		bash_commands(set, out);
		break;
	case OE_COMPLETE_WORDS:
	case OE_COMPLETE_WORDS_PEERS:
		fprintf(out, "_omniedge_words%s '",
		    what == OE_COMPLETE_WORDS ? "" : "_peers");
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
	enum oe_app__complete what = oe_app__complete_operand(c, true, &words);

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
	if (c->max_operands != 0 && c->max_operands != 1) {
		oe_strs_done(&words);
		what = oe_app__complete_operand(c, false, &words);
		fputs("\t\telse\n\t\t\t", out);
		bash_action(what, set, words.v, out);
		fputs("\n", out);
	}
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
	fputs("\tif ((${#words[@]} == 2)); then\n\t\t_omniedge_words ", out);
	bash_commands(set, out);
	fputs("\n\t\treturn\n\tfi\n\tcase ${words[1]} in\n", out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				bash_command(*c, set, out);
	fputs(bash_tail, out);
}
