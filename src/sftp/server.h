/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/server.h - the server's side of one SFTP session, with the rights of
 * the process it runs in.
 *
 * One thread.  Requests are handled in their order and answered in it; only
 * the answers to put-file requests that ask for the disk wait for each other.
 * Bounds: a packet OE_SFTP_PACKET_MAX, paths OE_SFTP_PATH_MAX, handles by the
 * process's limit of descriptors (told by limits@openssh.com), waiting output
 * OE_SFTP_SERVER_OUT bytes, beyond which no more input is taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;
struct oe_sftp_audit;
struct oe_sftp_server;
struct oe_strs;

/* Memory for answers; a page of it costs nothing before it is used. */
#define OE_SFTP_SERVER_OUT (768 * 1024)

/* What the session may do; everything is borrowed and outlives it. */
struct oe_sftp_server_rules {
	bool read_only;
	bool write_only;               /* no content and no names are told */
	const struct oe_strs *roots;   /* NULL or empty: no bounds */
	const struct oe_strs *allowed; /* names of requests; empty: all */
	const struct oe_strs *denied;
	const struct oe_sftp_audit *audit; /* NULL: nobody wants to know */
	unsigned handles_max;              /* 0: by the limit of descriptors */
	/*
	 * SYMLINK names the link before its target, as the draft says, and
	 * not as OpenSSH and nearly all clients do.
	 */
	bool link_first;
};

/**
 * oe_sftp_server_new() - a session that waits for INIT.
 * Relative paths begin at the working directory of the process; where that is
 * outside of the roots, at the first root.
 * Return: 0; OE_ENOENT or OE_ESYS with a message when a root cannot be
 * opened, or the kernel cannot hold paths beneath one.
 */
int oe_sftp_server_new(const struct oe_sftp_server_rules *rules,
    struct oe_sftp_server **ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_sftp_server_run() - serve @in and @out until @in ends; blocks.
 * Both are made non-blocking while it runs; they may be the same.
 * Return: 0 at the end of the input, after everything was answered;
 * OE_ECLOSED (nobody reads the answers), OE_EPROTO (what cannot be answered:
 * a length of 0 or above OE_SFTP_PACKET_MAX, a request before INIT, a second
 * INIT), OE_ESYS.
 */
int oe_sftp_server_run(
    struct oe_sftp_server *s, int in, int out, struct oe_err *err);
/**
 * oe_sftp_server_handle() - one packet without its length, @n bytes.
 * Answers are put into oe_sftp_server_output(), which the caller empties;
 * answers to put-file requests may come with oe_sftp_server_idle().
 * Return: 0 or OE_EPROTO as above.
 */
int oe_sftp_server_handle(struct oe_sftp_server *s, const uint8_t *p, size_t n,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_sftp_server_idle() - no packet waits: do what was put off. */
void oe_sftp_server_idle(struct oe_sftp_server *s);
/** oe_sftp_server_output() - answers, each with its length. */
struct oe_buf *oe_sftp_server_output(struct oe_sftp_server *s);
/** oe_sftp_server_free() - close its files; empties the pointer. */
void oe_sftp_server_free(struct oe_sftp_server **s);

/**
 * oe_sftp_server_request() - name of the @i-th kind of request, as -p and -P
 * take them; NULL behind the last.
 */
const char *oe_sftp_server_request(size_t i);
