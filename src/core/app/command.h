/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/command.h - commands as data.
 *
 * Adding a command: write its table of parameters and its run function in
 * the module's folder, name it in the module's descriptor (module.h), write
 * doc/man/omniedge-NAME.1.in (the option list is generated), and run
 * tests/lint/docs.sh, which holds table, help and manual together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/app/param.h"

struct oe_module_set;
struct oe_strs;

enum oe_command_flag {
	/* options end at the first operand (ssh host command -x) */
	OE_CMD_STOP_AT_OPERAND = 1 << 0,
	/*
	 * ssh(1)'s rule: options may also stand between the first operand
	 * (the host) and the second (the command).
	 */
	OE_CMD_SSH_OPERANDS = 1 << 1,
	OE_CMD_HIDDEN = 1 << 2,
	/* reads its file named by --config instead of the usual ones */
	OE_CMD_CONFIG_FILE = 1 << 3,
	/*
	 * Its settings are rules for the user who runs it: only the system
	 * file and the command line count, never the user's own file nor the
	 * environment.
	 */
	OE_CMD_SYSTEM_ONLY = 1 << 4,
};

struct oe_example {
	const char *line; /* what to type */
	const char *what; /* what it does */
};

/* What run() gets; everything is borrowed. */
struct oe_ctx {
	const struct oe_module_set *modules;
	const struct oe_command *command;
	const struct oe_values *values;
	const struct oe_strs *operands;
	/*
	 * Settle the values anew from the same command line and environment
	 * and the config files as they are now (SIGHUP).
	 * @ret: oe_values_free() it.
	 */
	int (*reload)(const struct oe_ctx *ctx, struct oe_values **ret,
	    struct oe_err *err);
	void *opaque; /* belongs to core/app */
};

struct oe_command {
	const char *name;    /* "ssh-server" */
	const char *summary; /* one line, lower case, no full stop */
	/*
	 * "[user@]peer [command...]"; "" when none.  Completions read it: a
	 * word with "peer" in it offers peers, "host:" files and peers,
	 * "COMMAND" commands, "a|b|c" these words, "a|PEER" also peers,
	 * "NAME" and "PORT" nothing; anything else file names.  The second word
	 * is for all operands behind the first.
	 */
	const char *operands;
	int min_operands, max_operands; /* max -1: any number */
	const struct oe_param *params;  /* ended by an entry with name NULL */
	unsigned flags;
	const struct oe_example *examples; /* ended by line NULL, or NULL */
	/*
	 * Check of values against each other before run(), or NULL.  Return 0,
	 * OE_EUSAGE (exit 64) or OE_ECONF (exit 78).
	 */
	int (*check)(const struct oe_values *v, const struct oe_strs *operands,
	    struct oe_err *err);
	/* Return an exit status (exitcode.h). */
	int (*run)(const struct oe_ctx *ctx);
};

void oe_values_free(struct oe_values **v);

/** oe_values_print() - effective configuration as an INI section on stdout. */
void oe_values_print(const struct oe_values *v);
