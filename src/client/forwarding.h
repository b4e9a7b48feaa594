/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/forwarding.h - forwards of a client's connection, as the client sees
 * whoever makes them.  The table comes with a module (core/app/module.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct oe_cli_forwards;
struct oe_connect;
struct oe_err;
struct oe_sshconf;
struct oe_values;

/* Where lines for the user go. */
struct oe_cli_say {
	void (*line)(void *arg, const char *text);
	void *arg;
};

struct oe_cli_forwarding {
	/**
	 * take() - the module's own options become settings.
	 * @v: of a command that the module gave options.
	 * Return: 0 or OE_EUSAGE.
	 */
	int (*take)(const struct oe_values *v, struct oe_sshconf *conf,
	    struct oe_err *err);
	/**
	 * print() - @conf is to be printed: write forwards as ssh -G does.
	 */
	void (*print)(struct oe_sshconf *conf);
	/**
	 * open() - read what @conf asks for; nothing happens yet.
	 * @conf: resolved; must outlive it.
	 * @ret: close() it.
	 * Return: 0, OE_EUSAGE (a forward that cannot be read).
	 */
	int (*open)(const struct oe_sshconf *conf, struct oe_cli_forwards **ret,
	    struct oe_err *err);
	/**
	 * start() - listen, and ask the peer to.
	 * @c: attached to its loop.
	 * @settled: called once, never from within: @failed of them are not
	 * there, the user was told which.
	 */
	void (*start)(struct oe_cli_forwards *f, struct oe_connect *c,
	    void (*settled)(void *arg, size_t failed), void *arg);
	/**
	 * ready() - this process stays what it is (after -f).
	 * @lasting: the user may want to add forwards later on.
	 */
	void (*ready)(struct oe_cli_forwards *f, bool lasting);
	/** busy() - connections that go through a forward now. */
	size_t (*busy)(const struct oe_cli_forwards *f);
	/** list() - a line for each forward. */
	void (*list)(const struct oe_cli_forwards *f, struct oe_cli_say say);
	/** command() - "-L 8080:host:80", "-KL 8080", typed at run time. */
	void (*command)(
	    struct oe_cli_forwards *f, const char *text, struct oe_cli_say say);
	/** close() - everything ends; empties the pointer, which may be NULL.
	 */
	void (*close)(struct oe_cli_forwards **f);
};
