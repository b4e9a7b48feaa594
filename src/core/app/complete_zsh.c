/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/app/internal.h"

/* Inside single quotes; in a spec of _arguments some marks are special. */
static void
zsh_text(FILE *out, const char *s, const char *special)
{
	for (; *s; s++) {
		if (*s == '\'') {
			fputs("'\\''", out);
			continue;
		}
		if (strchr(special, *s))
			fputc('\\', out);
		fputc(*s, out);
	}
}

static void
zsh_commands(const struct oe_module_set *set, FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	size_t i;

	fputs("_omniedge_commands()\n{\n\tlocal -a commands\n"
	      "\tcommands=(\n",
	    out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++) {
			if ((*c)->flags & OE_CMD_HIDDEN)
				continue;
			fprintf(out, "\t\t'%s:", (*c)->name);
			zsh_text(out, (*c)->summary, "\\:");
			fputs("'\n", out);
		}
	fputs("\t)\n\t_describe -t commands command commands\n}\n\n", out);
}

static void
zsh_action(enum oe_app__complete what, char *const *words, FILE *out)
{
	switch (what) {
	case OE_COMPLETE_NOTHING:
		fputc(' ', out);
		break;
	case OE_COMPLETE_FILES:
		fputs("_files", out);
		break;
	case OE_COMPLETE_USERS:
		fputs("_users", out);
		break;
	case OE_COMPLETE_PEERS:
		fputs("_omniedge_peers", out);
		break;
	case OE_COMPLETE_PLACES:
		fputs("_omniedge_places", out);
		break;
	case OE_COMPLETE_COMMANDS:
		fputs("_omniedge_commands", out);
		break;
	case OE_COMPLETE_WORDS_PEERS:
		fputs(" _omniedge_words_peers", out);
		for (; *words; words++)
			fprintf(out, " %s", *words);
		break;
	case OE_COMPLETE_WORDS:
		fputc('(', out);
		for (; *words; words++)
			fprintf(out, "%s%s", *words, words[1] ? " " : "");
		fputc(')', out);
		break;
	}
}

/* '(-p --port)'{-p+,--port=}'[help]:PORT:action' */
static void
zsh_option(const struct oe_param *p, FILE *out)
{
	bool value = p->type != OE_PARAM_FLAG && p->type != OE_PARAM_COUNT;
	bool many = (p->flags & OE_PARAM_REPEAT) || p->type == OE_PARAM_COUNT;
	struct oe_strs words = {NULL, 0};
	const char *const *w;

	fputs("\t\t\t", out);
	if (p->letter && many)
		fprintf(out, "'*'{-%c%s,--%s%s}'[", p->letter, value ? "+" : "",
		    p->name, value ? "=" : "");
	else if (p->letter)
		fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", p->letter, p->name,
		    p->letter, value ? "+" : "", p->name, value ? "=" : "");
	else
		fprintf(out, "'%s--%s%s[", many ? "*" : "", p->name,
		    value ? "=" : "");
	zsh_text(out, p->help, "\\[]:");
	fputc(']', out);
	if (value) {
		for (w = p->choices; w && *w; w++)
			oe_strs_add(&words, *w);
		fputc(':', out);
		zsh_text(out, p->metavar ? p->metavar : "value", "\\:");
		fputc(':', out);
		zsh_action(oe_app__complete_param(p), words.v, out);
		oe_strs_done(&words);
	}
	fputs("' \\\n", out);
	if (p->type == OE_PARAM_FLAG && oe_str_eq(p->fallback, "yes"))
		fprintf(
		    out, "\t\t\t'--no-%s[undo --%s]' \\\n", p->name, p->name);
}

static void
zsh_command(const struct oe_command *c, FILE *out)
{
	struct oe_strs words = {NULL, 0};
	enum oe_app__complete what = oe_app__complete_operand(c, true, &words);
	const struct oe_param *p;

	fprintf(out, "\t%s)\n\t\t_arguments -s -S : \\\n", c->name);
	for (p = c->params; p && p->name; p++)
		if (oe_app__shown(p))
			zsh_option(p, out);
	fputs("\t\t\t'(- *)--help[show help]'", out);
	if (*c->operands) {
		fputs(" \\\n\t\t\t'1: :", out);
		zsh_action(what, words.v, out);
		fputs("'", out);
	}
	if (c->max_operands != 0 && c->max_operands != 1) {
		oe_strs_done(&words);
		what = oe_app__complete_operand(c, false, &words);
		fputs(" \\\n\t\t\t'*: :", out);
		zsh_action(what, words.v, out);
		fputs("'", out);
	}
	fputs("\n\t\t;;\n", out);
	oe_strs_done(&words);
}

void
oe_app__complete_zsh(const struct oe_module_set *set, FILE *out)
{
	const struct oe_command *const *c;
	const struct oe_module *m;
	size_t i;

	fputs("#compdef omniedge\n"
	      "# zsh completion for omniedge, made by "
	      "'omniedge completion zsh'\n\n",
	    out);
	zsh_commands(set, out);
	fputs("_omniedge_peers()\n{\n"
	      "\tlocal -a peers\n"
	      "\t[[ $PREFIX == *@* ]] && compset -P '*@'\n"
	      "\tpeers=(${(f)\"$(omniedge peers --names --offline "
	      "2>/dev/null)\"})\n"
	      "\t(( $#peers )) && compadd \"$@\" -a peers\n"
	      "\t_hosts \"$@\"\n}\n\n"
	      "_omniedge_words_peers()\n{\n"
	      "\tcompadd -a argv\n"
	      "\t_omniedge_peers\n}\n\n"
	      "_omniedge_places()\n{\n"
	      "\t_alternative 'files:file:_files' \\\n"
	      "\t\t'peers:peer:_omniedge_peers -S \\: -q'\n}\n\n"
	      "_omniedge()\n{\n"
	      "\tlocal curcontext=$curcontext state line\n"
	      "\tlocal -A opt_args\n"
	      "\t_arguments -C '(- *)--help[show help]' "
	      "'(- *)--version[show the version]' \\\n"
	      "\t\t'1: :_omniedge_commands' '*::argument:->rest' && return 0\n"
	      "\t[[ $state == rest ]] || return 1\n"
	      "\tcase $words[1] in\n",
	    out);
	for (i = 0; (m = oe_app__module_at(set, i)); i++)
		for (c = m->commands; c && *c; c++)
			if (!((*c)->flags & OE_CMD_HIDDEN))
				zsh_command(*c, out);
	fputs("\tesac\n}\n\n"
	      "if [[ $funcstack[1] == _omniedge ]]; then\n"
	      "\t_omniedge \"$@\"\n"
	      "else\n"
	      "\tcompdef _omniedge omniedge\n"
	      "fi\n",
	    out);
}
