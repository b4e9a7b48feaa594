/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/remote.h - a peer's files: a connection with the sftp subsystem on it,
 * and more of the same when one is not enough.
 */
#pragma once

#include <stdbool.h>

#include "sftp/fs.h"

struct oe_connect_plan;
struct oe_loop;
struct oe_remote;

struct oe_remote_plan {
	struct oe_loop *loop;
	/* conf and env must outlive the remote; NULL with @program */
	const struct oe_connect_plan *connect;
	const char
	    *subsystem; /* NULL: "sftp"; with a '/': a command (sftp -s) */
	/* A server to run here instead of a connection (sftp -D), or NULL. */
	const char *program;
	size_t data_max; /* as in session.h */
	/* The connection ended after it was open; once.  May be NULL. */
	void (*failed)(void *arg, const struct oe_err *err);
	void *arg;
};

/**
 * oe_sftp_remote_open() - connect, log in, start SFTP; blocks.
 * @ret: oe_sftp_remote_close() it.
 * Return: 0, or a status with a message.
 */
int oe_sftp_remote_open(const struct oe_remote_plan *plan,
    struct oe_remote **ret, struct oe_err *err);
/** oe_sftp_remote_fs() - its first file system; lives as long as @r. */
struct oe_sftp_fs *oe_sftp_remote_fs(struct oe_remote *r);
/**
 * oe_sftp_remote_widen() - begin further connections, up to @n in all.
 * Nobody is asked anything for them: where a password would be needed, or the
 * server refuses, there will be fewer and that is no error.
 * @lane: called for each as it becomes ready; the file system lives as long
 * as @r.
 */
void oe_sftp_remote_widen(struct oe_remote *r, unsigned n,
    void (*lane)(void *arg, struct oe_sftp_fs *fs), void *arg);
/** oe_sftp_remote_rtt_us() - round trip as TCP measured it; 0: not known. */
uint64_t oe_sftp_remote_rtt_us(const struct oe_remote *r);
void oe_sftp_remote_close(struct oe_remote **r);
