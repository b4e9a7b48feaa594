/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/common.h - what the commands of this module share: their options for
 * the control API, and from a failure to words and an exit status.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/app/command.h"
#include "core/base/compiler.h"
#include "core/mesh/resolve.h"

struct oe_err;
struct oe_jval;

#define OE_MESH_SECTION_API "Control API"

/* Rows of a table of options; readers below. */
#define OE_MESH_ROWS_API                                                       \
	{.name = "api",                                                        \
	    .type = OE_PARAM_STRING,                                           \
	    .metavar = "URL",                                                  \
	    .help = "control API to talk to; otherwise OMNIEDGE_API_BASE_URL " \
		    "says, or the login",                                      \
	    .check = oe_meshcmd_check_origin,                                  \
	    .section = OE_MESH_SECTION_API},                                   \
	    {.name = "file",                                                   \
		.letter = 'f',                                                 \
		.type = OE_PARAM_PATH,                                         \
		.metavar = "FILE",                                             \
		.help = "file with the login, instead of "                     \
			"~/.omniedge/omniedge-ssh.json or the auth.json "      \
			"beside it",                                           \
		.section = OE_MESH_SECTION_API},                               \
	    {.name = "ca-file",                                                \
		.type = OE_PARAM_PATH,                                         \
		.metavar = "FILE",                                             \
		.help = "certificates that the API's must be signed by, "      \
			"instead of the system's",                             \
		.section = OE_MESH_SECTION_API},                               \
	    {.name = "pin",                                                    \
		.type = OE_PARAM_STRING,                                       \
		.metavar = "sha256//BASE64",                                   \
		.help = "public key that the API's certificate must have; "    \
			"without --ca-file it need not be signed then",        \
		.section = OE_MESH_SECTION_API},                               \
	{                                                                      \
		.name = "verbose", .letter = 'v', .type = OE_PARAM_COUNT,      \
		.help = "tell what is done", .flags = OE_PARAM_CLI_ONLY        \
	}
#define OE_MESH_ROW_JSON(what)                                                 \
	{                                                                      \
		.name = "json", .type = OE_PARAM_FLAG, .help = what            \
	}

#define OE_MESH_ROWS_CACHE                                                     \
	{.name = "refresh",                                                    \
	    .type = OE_PARAM_FLAG,                                             \
	    .help = "ask the control API, however fresh the list on disk is",  \
	    .flags = OE_PARAM_CLI_ONLY,                                        \
	    .group = "cache",                                                  \
	    .section = OE_MESH_SECTION_API},                                   \
	{                                                                      \
		.name = "offline", .type = OE_PARAM_FLAG,                      \
		.help = "ask nobody: use the list on disk, however old",       \
		.group = "cache", .section = OE_MESH_SECTION_API               \
	}

/** oe_meshcmd_check_origin() - for oe_param.check. */
int oe_meshcmd_check_origin(const char *value, struct oe_err *err);
/** oe_meshcmd_log() - as -v says. */
void oe_meshcmd_log(const struct oe_values *v);
/**
 * oe_meshcmd_origin() - the API that option, environment or configuration
 * name, in this order; NULL: none does.  Borrowed.
 */
const char *oe_meshcmd_origin(const struct oe_values *v);
/** oe_meshcmd_plan() - the options as oe_mesh_open() wants them; borrowed. */
struct oe_mesh_plan oe_meshcmd_plan(const struct oe_values *v);
/**
 * oe_meshcmd_open() - what most commands begin with; tells of a failure.
 * Return: 0, or an exit status.
 */
int oe_meshcmd_open(const struct oe_ctx *ctx, struct oe_mesh **ret);
/**
 * oe_meshcmd_directory() - the same, and the peers; their age is told when
 * the API is away.
 * @ret_d: borrowed from *@ret.
 */
int oe_meshcmd_directory(
    const struct oe_ctx *ctx, struct oe_mesh **ret, struct oe_mesh_dir **ret_d);
/** oe_meshcmd_fail() - tell @err and make an exit status of @r. */
int oe_meshcmd_fail(const struct oe_ctx *ctx, int r, const struct oe_err *err);
/** oe_meshcmd_age() - say so when the API was away and old peers are shown. */
void oe_meshcmd_age(int64_t age_ms, const char *away);

/** oe_meshcmd_print() - one record on a line of stdout; @v is taken over. */
void oe_meshcmd_print(struct oe_jval *v);

/**
 * oe_meshcmd_network() - the one network of the caller that is @text, by id
 * or name.
 * @ret_id: free() it.
 * Return: 0, OE_ENOENT, OE_EEXIST (by its name there are several).
 */
int oe_meshcmd_network(struct oe_mesh *m, const char *text, char **ret_id,
    struct oe_err *err) OE_MUST_CHECK;

/* A table that grows by rows and is printed aligned. */
struct oe_table;

/** oe_table_new() - @titles: ended by NULL; borrowed. */
struct oe_table *oe_table_new(const char *const *titles);
/** oe_table_cell() - the next cell, escaped; NULL and "" are "-". */
void oe_table_cell(struct oe_table *t, const char *text);
/** oe_table_print() - on stdout; frees it. */
void oe_table_print(struct oe_table **t);

/** oe_meshcmd_ask() - a secret from the terminal; ask_client.c, ask_none.c. */
int oe_meshcmd_ask(
    const char *prompt, char **ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_meshcmd_secret() - the first line of @path, or of stdin for "-".
 * @ret: oe_mem_free_secret() it.
 * Return: 0, OE_EINVAL (empty), OE_ESYS, OE_ETOOBIG.
 */
int oe_meshcmd_secret(
    const char *path, char **ret, struct oe_err *err) OE_MUST_CHECK;
