/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/ssh_config_files.h - the files that ssh-config writes, and the user's
 * own ssh_config, which it reads and to which it adds a line.
 */
#pragma once

#include <stdbool.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_buf;
struct oe_err;
struct oe_own_config;

struct oe_sshcfg_files {
	char *config;      /* ~/.omniedge/ssh_config */
	char *known_hosts; /* ~/.omniedge/known_hosts */
	char *own;         /* ~/.ssh/config, or what was given instead */
	const char *given; /* of oe_sshcfg_files_find() */
	struct oe_strs identities;
};

/**
 * oe_sshcfg_files_find() - @own: the user's ssh_config, kept; NULL: the usual
 * one of this account.
 * @ret: oe_sshcfg_files_done() it, whatever the result.
 */
int oe_sshcfg_files_find(const char *own, struct oe_sshcfg_files *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_sshcfg_files_done(struct oe_sshcfg_files *f);
/** oe_sshcfg_files_put() - replace the file at @path. */
int oe_sshcfg_files_put(const char *path, const struct oe_buf *text,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_sshcfg_files_include() - have our line in the user's own file, or not.
 * The file is replaced as a whole when that changes it, where a link leads to;
 * its mode stays.
 * Return: 0, OE_EPERM (somebody else's), OE_EINVAL, OE_ETOOBIG, OE_ESYS.
 */
int oe_sshcfg_files_include(const struct oe_sshcfg_files *f, bool with,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_sshcfg_files_remove() - both files of ours. */
int oe_sshcfg_files_remove(
    const struct oe_sshcfg_files *f, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_own_config_new() - the user's settings without ours.
 * Each file is read once; no command of "Match exec" is run.
 */
struct oe_own_config *oe_own_config_new(const struct oe_sshcfg_files *f);
void oe_own_config_free(struct oe_own_config **c);
/**
 * oe_own_config_has() - do they say where the host @name is, or how to get
 * there?
 */
bool oe_own_config_has(struct oe_own_config *c, const char *name);
