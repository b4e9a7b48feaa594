/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/names.h - peers that somebody else than ssh_config and the system
 * knows by name, as the client sees whoever does.  The table comes with a
 * module (core/app/module.h).
 *
 * Nothing is opened before a name is asked for, and without a module every
 * function here does nothing.
 */
#pragma once

#include <stdbool.h>

#include "core/ssh/sshconf.h"

struct oe_cli_book;
struct oe_err;
struct oe_hoststr;
struct oe_values;

struct oe_cli_names {
	/**
	 * open() - touches no file and no network yet.
	 * @v: of the command, with the module's own options if it has them;
	 *     borrowed.
	 * Return: NULL when the options say that nobody is to be asked.
	 */
	struct oe_cli_book *(*open)(const struct oe_values *v);
	/**
	 * is_group() - may @text, which was typed behind an "@", be the name
	 * of something that peers are in?  Asks nobody.
	 */
	bool (*is_group)(struct oe_cli_book *b, const char *text);
	/**
	 * has() - is @name in the group @group?
	 * @alone: no user was typed before it, so that it could be one.
	 * Return: 1, 0 or a failure (the text means several things).
	 */
	int (*has)(struct oe_cli_book *b, const char *name, const char *group,
	    bool alone, struct oe_err *err);
	/** place() - oe_sshconf_env.place. */
	int (*place)(
	    struct oe_cli_book *b, struct oe_sshconf *c, struct oe_err *err);
	/** close() - empties the pointer, which may be NULL. */
	void (*close)(struct oe_cli_book **b);
};

/* The names of one run of a command. */
struct oe_peer_names {
	const struct oe_cli_names *names; /* NULL: not built */
	struct oe_cli_book *book;         /* NULL: nobody is asked */
};

/**
 * oe_peer_names_open() - and let @env ask them.
 * @n: must not move afterwards; oe_peer_names_close() it.
 */
void
oe_peer_names_open(struct oe_peer_names *n, const struct oe_cli_names *names,
    const struct oe_values *v, struct oe_sshconf_env *env);
void oe_peer_names_close(struct oe_peer_names *n);
/**
 * oe_peer_names_split() - "name@network" and "user@name@network".
 * The text before the last "@" is a user unless what is behind it is a network
 * with a peer of that name: then @host becomes "name@network" with the user
 * that is left, or none.  A host that ssh_config gives a way of its own stays
 * one.
 * @n: NULL: does nothing.
 * @file: as of oe_sshconf_resolve().
 * Return: 0, or a failure when it means several things.
 */
int
oe_peer_names_split(struct oe_peer_names *n, const struct oe_sshconf_env *env,
    const char *file, struct oe_hoststr *host, struct oe_err *err);
/**
 * oe_peer_names_has_way() - do the settings so far say where the host is
 * (HostName) or how to get there (ProxyCommand)?
 */
bool oe_peer_names_has_way(const struct oe_sshconf *c);
