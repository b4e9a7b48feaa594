/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - the commands that every build has.
 */
#include <stdlib.h>

#include "core/app/exitcode.h"
#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/log.h"

static int
run_help(const struct oe_ctx *ctx)
{
	char *absent;
	const struct oe_command *c;
	const char *name, *guess;

	if (!ctx->operands->n) {
		oe_app__help_overview(ctx->modules, stdout);
		return OE_EXIT_OK;
	}
	name = ctx->operands->v[0];
	c = oe_app__find_command(ctx->modules, name);
	if (c) {
		oe_app__help_command(c, stdout);
		return OE_EXIT_OK;
	}
	absent = oe_app__absent_options(ctx->modules, name);
	if (absent) {
		oe_log_error(NULL, "%s: not in this build (configure with %s)",
		    name, absent);
		free(absent);
		return OE_EXIT_UNAVAILABLE;
	}
	guess = oe_app__guess_command(ctx->modules, name);
	oe_log_error(NULL, "help: no command is called '%s'%s%s%s", name,
	    guess ? ": did you mean '" : "", guess ? guess : "",
	    guess ? "'?" : "");
	return OE_EXIT_USAGE;
}

static const struct oe_param no_params[] = {{.name = NULL}};

static const struct oe_command help_command = {
    .name = "help",
    .summary = "tell what the commands do and which options they have",
    .operands = "[COMMAND]",
    .max_operands = 1,
    .params = no_params,
    .run = run_help,
};

static int
run_version(const struct oe_ctx *ctx)
{
	oe_app__version(ctx->modules, oe_values_flag(ctx->values, "verbose"),
	    oe_values_flag(ctx->values, "json"), stdout);
	return OE_EXIT_OK;
}

static const struct oe_param version_params[] = {
    {.name = "verbose",
	.letter = 'v',
	.type = OE_PARAM_FLAG,
	.help = "also tell the modules in this build, those that are not and "
		"why, and each library's compiled and running version",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "json",
	.type = OE_PARAM_FLAG,
	.help = "all of it as one JSON object",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = NULL},
};

static const struct oe_command version_command = {
    .name = "version",
    .summary = "tell the version and what is in this build",
    .operands = "",
    .params = version_params,
    .run = run_version,
};

static int
run_completion(const struct oe_ctx *ctx)
{
	const char *shell = ctx->operands->v[0];

	if (oe_str_eq(shell, "bash"))
		oe_app__complete_bash(ctx->modules, stdout);
	else if (oe_str_eq(shell, "zsh"))
		oe_app__complete_zsh(ctx->modules, stdout);
	else if (oe_str_eq(shell, "fish"))
		oe_app__complete_fish(ctx->modules, stdout);
	else {
		oe_log_error(NULL,
		    "completion: '%s' is not one of bash, zsh, fish", shell);
		return OE_EXIT_USAGE;
	}
	return OE_EXIT_OK;
}

static const struct oe_example completion_examples[] = {
    {"source <(omniedge completion bash)", "in ~/.bashrc"},
    {"omniedge completion fish > "
     "~/.config/fish/completions/omniedge.fish",
	"once, for fish"},
    {NULL, NULL},
};

static const struct oe_command completion_command = {
    .name = "completion",
    .summary = "print a shell's completion script",
    .operands = "bash|zsh|fish",
    .min_operands = 1,
    .max_operands = 1,
    .params = no_params,
    .examples = completion_examples,
    .run = run_completion,
};

static int
run_manual(const struct oe_ctx *ctx)
{
	const struct oe_strs *o = ctx->operands;
	struct oe_err err = OE_ERR_INIT;
	const struct oe_command *c = NULL;
	int r;

	if (o->n > 1)
		c = oe_app__find_command(ctx->modules, o->v[1]);
	if (o->n > 1 && !c)
		r = oe_err_set(&err, OE_EUSAGE, "no command '%s'", o->v[1]);
	else
		r = oe_app__manual(ctx->modules, c, o->v[0], stdout, &err);
	if (r < 0)
		oe_log_error(NULL, "__manual: %s", oe_err_text(&err));
	return r < 0 ? OE_EXIT_USAGE : OE_EXIT_OK;
}

/* Used by doc/Makefile.inc and tests/lint/docs.sh. */
static const struct oe_command manual_command = {
    .name = "__manual",
    .summary = "print the generated parts of the manual pages",
    .operands = "WHAT [COMMAND]",
    .min_operands = 1,
    .max_operands = 2,
    .params = no_params,
    .flags = OE_CMD_HIDDEN,
    .run = run_manual,
};

static const struct oe_command *const core_commands[] = {
    &help_command,
    &version_command,
    &completion_command,
    &manual_command,
    NULL,
};

const struct oe_module oe_app__core_module = {
    .name = "core",
    .summary = "commands of every build",
    .commands = core_commands,
};
