/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/wire_pipes.h - the part of a wire that is two pipes: to and from
 * whoever serves us on this machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "sftp/wire.h"

struct oe_watch;

struct oe_sftp_pipes {
	struct oe_sftp_wire_plan plan;
	char *name;  /* for messages */
	int in, out; /* from and to the other side; ours to close */
	struct oe_watch *in_watch, *out_watch;
	struct oe_idle *idle;
	struct oe_buf waits; /* for room in the pipe */
	uint8_t *space;      /* one read */
	bool heard;          /* something came */
	bool ended, told, full;
	struct oe_err why;
	/*
	 * The other side ended its pipe; NULL: that is the end.  Else it is
	 * what @ended_arg makes of it, with oe_sftp_pipes_end().
	 */
	void (*on_ended)(void *arg);
	void *ended_arg;
};

/**
 * oe_sftp_pipes_make() - one, large and close-on-exec.
 * Return: 0 or OE_ESYS; then both are -1.
 */
int oe_sftp_pipes_make(int ret[2], struct oe_err *err);
/** oe_sftp_pipes_start() - in, out and name are set, the rest is zero. */
void oe_sftp_pipes_start(
    struct oe_sftp_pipes *p, const struct oe_sftp_wire_plan *plan);
/** oe_sftp_pipes_end() - it is over because of @err; the first counts. */
void oe_sftp_pipes_end(struct oe_sftp_pipes *p, const struct oe_err *err);
/** As the functions of struct oe_sftp_wire_ops. */
size_t oe_sftp_pipes_room(struct oe_sftp_pipes *p);
int oe_sftp_pipes_write(struct oe_sftp_pipes *p, const void *b, size_t n);
/** oe_sftp_pipes_done() - close them; the other side sees the end. */
void oe_sftp_pipes_done(struct oe_sftp_pipes *p);
