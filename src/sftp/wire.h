/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/wire.h - what an SFTP session runs over: a channel of an SSH
 * connection, or a server program on this machine (sftp -D).
 *
 * A wire is open as soon as it is made; what it cannot be is told by lost().
 * Nothing blocks but oe_sftp_wire_free(), for at most OE_SFTP_FAREWELL_MS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oe_connect;
struct oe_err;
struct oe_loop;
struct oe_mux_client;
struct oe_sftp_wire;
struct oe_sshconf;

/* How long a server may take to hear that we leave. */
#define OE_SFTP_FAREWELL_MS 1000
/* One line of a server's standard error. */
#define OE_SFTP_STDERR_MAX 1024

struct oe_sftp_wire_plan {
	struct oe_loop *loop;
	const char *host; /* for messages; must outlive the wire */
	/* What the server says on its standard error is for the log only. */
	bool silent;
	/* Bytes from the server; all are taken. */
	void (*data)(void *arg, const void *p, size_t n);
	/* There is room again. */
	void (*writable)(void *arg);
	/*
	 * The wire ended, @err says why in words for the user; once, and
	 * never from within a function of this file.  It must not free the
	 * wire.
	 */
	void (*lost)(void *arg, const struct oe_err *err);
	void *arg;
};

struct oe_sftp_wire_ops {
	size_t (*room)(void *wire);
	int (*write)(void *wire, const void *p, size_t n);
	/* round trip as the transport knows it, or 0 */
	uint64_t (*rtt_us)(const void *wire);
	void (*free)(void *wire);
};

/* Begins every kind of wire. */
struct oe_sftp_wire {
	const struct oe_sftp_wire_ops *ops;
};

/**
 * oe_sftp_wire_ssh() - a channel with a subsystem.
 * @c: taken over; logged in, not attached to its loop.
 * @subsystem: its name; with a '/' a command to run instead.
 */
struct oe_sftp_wire *oe_sftp_wire_ssh(const struct oe_sftp_wire_plan *plan,
    struct oe_connect *c, const struct oe_sshconf *conf, const char *subsystem);
/**
 * oe_sftp_wire_mux() - the same over a shared connection; waits for its
 * master to open the session.
 * @c: taken over on success.
 * Return: NULL with a message (the master opens no session).
 */
struct oe_sftp_wire *
oe_sftp_wire_mux(const struct oe_sftp_wire_plan *plan, struct oe_mux_client *c,
    const struct oe_sshconf *conf, const char *subsystem, struct oe_err *err);
/**
 * oe_sftp_wire_program() - @command, split as a shell would, without a shell,
 * joined by pipes.  It does not hear Ctrl-C.
 * Return: NULL with a message (OE_EUSAGE, OE_ESYS).
 */
struct oe_sftp_wire *oe_sftp_wire_program(const struct oe_sftp_wire_plan *plan,
    const char *command, struct oe_err *err);
/** oe_sftp_wire_room() - bytes that write() takes now. */
size_t oe_sftp_wire_room(struct oe_sftp_wire *w);
/** oe_sftp_wire_write() - at most room() bytes; 0 or OE_ECLOSED. */
int oe_sftp_wire_write(struct oe_sftp_wire *w, const void *p, size_t n);
uint64_t oe_sftp_wire_rtt_us(const struct oe_sftp_wire *w);
/** oe_sftp_wire_free() - say goodbye and end it. */
void oe_sftp_wire_free(struct oe_sftp_wire **w);
