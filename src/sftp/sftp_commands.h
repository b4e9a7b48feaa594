/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_commands.h - the commands of sftp as data.
 *
 * Adding one: a function in sftp_commands_*.c, a line in the table of
 * sftp_commands.c, a paragraph in doc/man/omniedge-sftp.1.in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sftp/sftp_shell.h"

/* What a word behind a command names, for completion. */
enum oe_sftp_word {
	OE_SFTP_WORD_NONE,
	OE_SFTP_WORD_REMOTE,
	OE_SFTP_WORD_LOCAL,
	OE_SFTP_WORD_COMMAND,
};

struct oe_sftp_cmd;

/* A command as typed; everything is borrowed. */
struct oe_sftp_args {
	const struct oe_sftp_cmd *cmd;
	char flags[64];     /* letters in the order given */
	char *const *words; /* behind the flags; patterns (sftp_parse.h) */
	size_t n;
	const char *rest; /* the line behind the command as it is */
	bool stop_at_error;
};

/* What run() returns to end the dialogue. */
#define OE_SFTP_QUIT 1

struct oe_sftp_cmd {
	const char *name;
	const char *letters; /* flags that it takes */
	const char *syntax;  /* behind the name; NULL: a synonym, no help */
	const char *help;
	unsigned min, max; /* words */
	enum oe_sftp_word words[2];
	/* Return 0, OE_SFTP_QUIT, or a negative status: told already. */
	int (*run)(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
};

/** oe_sftp_cmds - ended by name NULL; sorted by name. */
extern const struct oe_sftp_cmd oe_sftp_cmds[];

/** oe_sftp_cmd_find() - by its whole name in any case, or NULL. */
const struct oe_sftp_cmd *oe_sftp_cmd_find(const char *name);
/** oe_sftp_has() - the flag was given. */
bool oe_sftp_has(const struct oe_sftp_args *a, char letter);

/**
 * oe_sftp_run_line() - do what a line says; failures are told.
 * @echo: print it first, unless it begins with '@'.
 * Return: 0 (also for a failure that is to be ignored), OE_SFTP_QUIT, or a
 * negative status.
 */
int oe_sftp_run_line(struct oe_sftp_shell *sh, const char *text, bool echo);

/* sftp_commands_file.c */
int oe_sftp_cmd_chgrp(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_chmod(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_chown(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_cp(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_ln(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_mkdir(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_rename(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_rm(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_rmdir(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_symlink(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
/* sftp_commands_place.c */
int oe_sftp_cmd_cd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_df(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int
oe_sftp_cmd_progress(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_pwd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_version(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
/* sftp_commands_local.c */
int oe_sftp_cmd_lcd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_lls(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_lmkdir(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_lpwd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_lumask(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_shell(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
/* sftp_commands_ls.c */
int oe_sftp_cmd_ls(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
/* sftp_commands_copy.c */
int oe_sftp_cmd_get(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_put(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_reget(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
int oe_sftp_cmd_reput(struct oe_sftp_shell *sh, const struct oe_sftp_args *a);
