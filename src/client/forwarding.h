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

/* One forward as plain values, for whoever shares a connection. */
struct oe_cli_forward {
	char kind; /* 'L', 'R' or 'D' */
	/* listening: NULL none given, "" all addresses; or a Unix socket */
	const char *listen_host, *listen_path;
	int listen_port;
	/* where it leads; both NULL: each connection says that (SOCKS) */
	const char *host, *path;
	int port;
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
	/** each() - call @fn for each in order, while that returns true. */
	void (*each)(const struct oe_cli_forwards *f,
	    bool (*fn)(void *arg, const struct oe_cli_forward *what),
	    void *arg);
	/**
	 * add() - one more, after start().
	 * @done: called once, perhaps from within: the real port, or why not.
	 * One that is there already is done at once.
	 */
	void (*add)(struct oe_cli_forwards *f,
	    const struct oe_cli_forward *what,
	    void (*done)(void *arg, int port, const struct oe_err *err),
	    void *arg);
	/**
	 * forget() - done() of add(), and what command() says to, are not
	 * called for @arg any more.
	 */
	void (*forget)(struct oe_cli_forwards *f, const void *arg);
	/**
	 * remove() - end the one that listens there; its connections go on.
	 * Return: 0, OE_ENOENT, OE_EINVAL.
	 */
	int (*remove)(struct oe_cli_forwards *f,
	    const struct oe_cli_forward *what, struct oe_err *err);
	/** close() - everything ends; empties the pointer, which may be NULL.
	 */
	void (*close)(struct oe_cli_forwards **f);
};
