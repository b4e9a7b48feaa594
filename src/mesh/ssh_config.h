/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/ssh_config.h - peers as Host blocks of ssh_config(5) and as lines of
 * known_hosts, for plain OpenSSH.
 *
 * Whoever names a device must not get at anything but that device: a name is
 * left out that has a character with a meaning in such a file, that could be
 * the name of a host elsewhere (a dot in it), that the user's own ssh_config
 * has, or that several devices have.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_buf;
struct oe_err;
struct oe_mesh_dir;

struct oe_sshcfg_plan {
	const char *user;        /* or NULL */
	int port;                /* 0: as each peer has it */
	const char *suffix;      /* behind each name, or NULL */
	const char *program;     /* reach them by its "nc"; or NULL */
	const char *known_hosts; /* where the second text will be */
	struct oe_strs identities;
	/* Is the name the user's own? */
	bool (*is_taken)(void *arg, const char *name);
	/* A name is left out; @name is not escaped. */
	void (*left_out)(void *arg, const char *name, const char *why);
	void *arg;
};

/**
 * oe_sshcfg_write() - both texts.
 * @config, @known: initialised; appended to.
 * Return: 0; OE_EINVAL (a file name that cannot be in such a file); OE_ETOOBIG.
 */
int oe_sshcfg_write(const struct oe_mesh_dir *d,
    const struct oe_sshcfg_plan *plan, struct oe_buf *config,
    struct oe_buf *known, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_sshcfg_quote() - a file name as a word of ssh_config; free() it.
 * Return: NULL when there is no way to write it.
 */
char *oe_sshcfg_quote(const char *path);
/**
 * oe_sshcfg_with() - @text with the line "Include PATH" once, at its top.
 * oe_sshcfg_without() - without any.
 * @quoted: of oe_sshcfg_quote().
 * Return: free() it.
 */
char *oe_sshcfg_with(const char *text, const char *quoted);
char *oe_sshcfg_without(const char *text, const char *quoted);
