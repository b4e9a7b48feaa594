/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux_socket.h - control sockets in the file system: how one is born,
 * found, and known to be our own.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct oe_err;

/* A socket that we listen on. */
struct oe_mux_socket {
	int fd;
	char *path; /* NULL: it has no name any more */
	dev_t dev;
	ino_t ino;
};

/**
 * oe_mux_socket_check() - is @path short enough for a master's socket?
 * Return: 0, OE_ETOOBIG with a message.
 */
int oe_mux_socket_check(const char *path, struct oe_err *err);
/**
 * oe_mux_socket_listen() - one that listens already when it gets its name, so
 * that nobody finds it half made; mode 0600.  One that nobody listens on any
 * more gives way.
 * @ret: oe_mux_socket_close() it.
 * Return: 0, OE_EEXIST (somebody has that name), OE_ETOOBIG, OE_ESYS.
 */
int oe_mux_socket_listen(
    const char *path, struct oe_mux_socket *ret, struct oe_err *err);
/** oe_mux_socket_close() - and take its name away, if it has it still. */
void oe_mux_socket_close(struct oe_mux_socket *s);
/**
 * oe_mux_socket_forget() - close it, and leave its name to the process that
 * this one was forked from or into.
 */
void oe_mux_socket_forget(struct oe_mux_socket *s);
/**
 * oe_mux_socket_accept() - the next client, if it is of this user or root.
 * Return: a descriptor, OE_EAGAIN (there is none, or not of this user), or
 * OE_ESYS (none can be had now: too many descriptors).
 */
int oe_mux_socket_accept(const struct oe_mux_socket *s);
/**
 * oe_mux_socket_connect() - to a master of this user's.
 * Return: a descriptor, or OE_ENOENT (there is none), OE_ECLOSED (nobody
 * listens there any more), OE_EPERM (it is not ours alone), OE_ETOOBIG,
 * OE_ESYS, with a message.
 */
int oe_mux_socket_connect(const char *path, struct oe_err *err);
/** oe_mux_socket_peer() - pid of who is at the other end, or 0. */
pid_t oe_mux_socket_peer(int fd);
