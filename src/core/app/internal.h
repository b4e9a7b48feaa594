/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/internal.h - what the files of core/app share.
 */
#pragma once

#include <stdio.h>

#include "core/app/command.h"
#include "core/app/module.h"
#include "core/base/compiler.h"
#include "core/base/str.h"

/* Largest config file in bytes. */
#define OE_APP_CONFIG_MAX (1 << 20)
/* Longest line of a config file in bytes, where libinih lets us choose. */
#define OE_APP_CONFIG_LINE_MAX 4096

/* One value, settled. */
struct oe_app__value {
	struct oe_strs items; /* as text; empty when not set */
	int64_t number;       /* FLAG, COUNT, INT, DURATION, SIZE */
	enum oe_param_source source;
	char *where; /* NULL for a default */
};

struct oe_values {
	const struct oe_command *command;
	struct oe_app__value *v; /* in the order of the command's table */
	size_t n;
};

/* One option as given on the command line; strings point into argv. */
struct oe_app__given {
	const struct oe_param *param;
	const char *value; /* NULL: count one more */
	char where[80];    /* "--port", "-p" */
};

/* A command line, taken apart. */
struct oe_app__cli {
	struct oe_app__given *given;
	size_t n;
	struct oe_strs operands;
	bool help;
	/* after a failure: "-L", "--local-forward"; "" it was not that */
	char unknown[80];
};

/* Where values come from; kept for oe_ctx.reload. */
struct oe_app__sources {
	const struct oe_module_set *set;
	const struct oe_command *command;
	struct oe_app__cli cli;
	char *cwd;               /* --config is relative to it */
	const char *system_file; /* usually below OE_SYSCONFDIR */
};

/* param.c */
size_t oe_app__param_count(const struct oe_param *table);
/** oe_app__param_find() - by name; '-' and '_' are the same; or NULL. */
const struct oe_param *
oe_app__param_find(const struct oe_param *table, const char *name);
/** oe_app__param_env() - name of the environment variable; free() it. */
char *
oe_app__param_env(const struct oe_command *command, const struct oe_param *p);
/**
 * oe_app__param_read() - check one value and bring it into its final form.
 * @ret_text: free() it.  @ret_number: for the types that have one.
 * Return: 0, OE_EINVAL; the message does not name the option.
 */
int oe_app__param_read(const struct oe_param *p, const char *text,
    char **ret_text, int64_t *ret_number, struct oe_err *err);

/* values.c */
/** oe_app__values_new() - every parameter at its default. */
int oe_app__values_new(const struct oe_command *command, struct oe_values **ret,
    struct oe_err *err);
/**
 * oe_app__values_set() - one assignment; sources come in rising order.
 * @text: NULL adds one to a COUNT.
 * @where: "--port", "/etc/x.conf:7", a variable's name; copied.
 * Return: 0, OE_EUSAGE (from a flag), OE_ECONF (from elsewhere).
 */
int oe_app__values_set(struct oe_values *v, const struct oe_param *p,
    const char *text, enum oe_param_source source, const char *where,
    struct oe_err *err);
/**
 * oe_app__values_close() - after the last assignment of @source: refuse two
 * members of a group, drop what lower sources said of the group.
 * Return: as oe_app__values_set().
 */
int oe_app__values_close(
    struct oe_values *v, enum oe_param_source source, struct oe_err *err);
/** oe_app__values_write() - oe_values_print() to any stream. */
void oe_app__values_write(const struct oe_values *v, FILE *out);

/* parse.c */
/**
 * oe_app__cli_parse() - take apart the words after the command's name.
 * @argv: borrowed for the life of @ret.
 * @ret: oe_app__cli_done() it; empty on failure.
 * Return: 0, OE_EUSAGE.
 */
int oe_app__cli_parse(const struct oe_command *command, int argc, char **argv,
    struct oe_app__cli *ret, struct oe_err *err);
void oe_app__cli_done(struct oe_app__cli *cli);

/* config.c */
/**
 * oe_app__config_read() - apply one file to @v.
 * @must_exist: false lets a missing file pass.
 * Return: 0, OE_ECONF with "path:line: ..." in the message.
 */
int oe_app__config_read(const struct oe_module_set *set, const char *path,
    bool must_exist, enum oe_param_source source, struct oe_values *v,
    struct oe_err *err);
/** oe_app__config_text() - the same for text in memory, ended by a NUL. */
int oe_app__config_text(const struct oe_module_set *set, const char *path,
    const char *text, enum oe_param_source source, struct oe_values *v,
    struct oe_err *err);
/** oe_app__config_user_file() - the user's file; NULL without a home. */
char *oe_app__config_user_file(void);

/* settle.c */
/** oe_app__settle() - all sources, then the command's check. */
int oe_app__settle(const struct oe_app__sources *s, struct oe_values **ret,
    struct oe_err *err);

/* extend.c */
struct oe_app__extended {
	struct oe_module_set set;
	struct oe_module *modules;
	const struct oe_module **built;
	const struct oe_command **lists;
	struct oe_command *commands;
	struct oe_param *params;
};
/**
 * oe_app__extend() - give commands the options that other modules have for
 * them.
 * @ret: holds the copies; oe_app__extend_done() it.
 * Return: the set to use from now on: @set, or one with copies.
 */
const struct oe_module_set *
oe_app__extend(const struct oe_module_set *set, struct oe_app__extended *ret);
void oe_app__extend_done(struct oe_app__extended *e);

/* suggest.c */
/** oe_app__near() - how many edits apart, transpositions counted as one. */
size_t oe_app__near(const char *a, const char *b);

struct oe_app__guess {
	const char *wanted;
	const char *best; /* borrowed; NULL: nothing is close */
	size_t distance;
};
void oe_app__guess_init(struct oe_app__guess *g, const char *wanted);
/** oe_app__guess_offer() - a candidate; kept when it is the nearest so far. */
void oe_app__guess_offer(struct oe_app__guess *g, const char *candidate);

/* module.c */
extern const struct oe_module oe_app__core_module;
/** oe_app__find_command() - core commands first, then modules; or NULL. */
const struct oe_command *
oe_app__find_command(const struct oe_module_set *set, const char *name);
/** oe_app__find_absent() - the module that would have command @name. */
const struct oe_module_absent *
oe_app__find_absent(const struct oe_module_set *set, const char *name);
/**
 * oe_app__absent_options() - switches of configure for all modules that
 * command @name needs and are not there; free() it, NULL: there is none.
 */
char *oe_app__absent_options(const struct oe_module_set *set, const char *name);
/** oe_app__module_at() - 0: core, then the built modules; NULL ends. */
const struct oe_module *
oe_app__module_at(const struct oe_module_set *set, size_t i);
/** oe_app__guess_command() - the nearest visible command name, or NULL. */
const char *
oe_app__guess_command(const struct oe_module_set *set, const char *wanted);

/* text.c: paragraphs for terminals */
struct oe_app__page {
	FILE *out;
	size_t width;
	bool colour;
};
/** oe_app__page_init() - width and colour as @out allows. */
void oe_app__page_init(struct oe_app__page *page, FILE *out);
void oe_app__page_heading(const struct oe_app__page *page, const char *text);
/**
 * oe_app__page_item() - @label at @indent, @text wrapped from @column on.
 * Either may be empty.
 */
void oe_app__page_item(const struct oe_app__page *page, size_t indent,
    const char *label, size_t column, const char *text);

/* help.c */
void oe_app__help_overview(const struct oe_module_set *set, FILE *out);
void oe_app__help_command(const struct oe_command *c, FILE *out);
/** oe_app__help_default() - default as shown to people; NULL: none. */
const char *oe_app__help_default(const struct oe_param *p);

/* version.c, complete*.c, manual.c */
void oe_app__version(
    const struct oe_module_set *set, bool verbose, bool json, FILE *out);
void oe_app__complete_bash(const struct oe_module_set *set, FILE *out);
void oe_app__complete_zsh(const struct oe_module_set *set, FILE *out);
void oe_app__complete_fish(const struct oe_module_set *set, FILE *out);

/* What a word of the command line is completed with. */
enum oe_app__complete {
	OE_COMPLETE_NOTHING,
	OE_COMPLETE_FILES,
	OE_COMPLETE_USERS,
	OE_COMPLETE_PEERS,
	OE_COMPLETE_PLACES, /* files here, and peers with a colon */
	OE_COMPLETE_COMMANDS,
	OE_COMPLETE_WORDS,
	OE_COMPLETE_WORDS_PEERS, /* either */
};
enum oe_app__complete oe_app__complete_param(const struct oe_param *p);
/**
 * oe_app__complete_operand() - the first operand, or those behind it.
 * @ret_words: for OE_COMPLETE_WORDS and OE_COMPLETE_WORDS_PEERS.
 */
enum oe_app__complete oe_app__complete_operand(
    const struct oe_command *c, bool first, struct oe_strs *ret_words);
/** oe_app__choices() - "a, b, c", empty without choices; free() it. */
char *oe_app__choices(const struct oe_param *p);
/** oe_app__shown() - in help, manual and completions? */
bool oe_app__shown(const struct oe_param *p);

/**
 * oe_app__manual() - text made from the tables, mdoc for the most part.
 * @what: "options", "environment", "keys" or "commands"; for the lint
 *        "names" (of options) or "list" (of commands).
 * @c:    NULL: every command of the build.
 * Return: 0, OE_EUSAGE (unknown @what).
 */
int oe_app__manual(const struct oe_module_set *set, const struct oe_command *c,
    const char *what, FILE *out, struct oe_err *err);
