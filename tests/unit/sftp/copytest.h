/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copytest.h - what the tests of the transfer engine share: a directory for
 * each, a run of the engine between two sides, shell commands that must work.
 */
#pragma once

#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "fakefs.h"
#include "sftp/copy.h"

/* Sides: this machine, our server, OpenSSH's, one with nothing but version 3;
 * the numbers are features. */
#define LOCAL   OE_FS_LOCAL
#define OPENSSH (OE_FS_RENAME_OVER | OE_FS_FSYNC)
#define OURS    (OPENSSH | OE_FS_HASH | OE_FS_WHOLE | OE_FS_EXTENTS)
#define PLAIN   0u

struct run {
	unsigned flags;
	uint64_t bytes_per_s;
	const struct oe_strs *exclude;
	/* --- made by begin() --- */
	struct oe_loop *loop;
	struct oe_sftp_fs *fs[2];
	struct fakefs *fake[2]; /* NULL: this machine */
	struct fakefs *lane;    /* of the test; freed by end() */
	struct oe_sftp_copy *copy;
	/* --- what was told --- */
	unsigned ended, failed, warned, skipped, hashed;
	uint64_t resumed;
	struct oe_err err;
};

/** enter() - into a new directory; leave() removes it. */
void enter(void);
void leave(void);
/** sh() - a command of sh -e in it that must end with 0. */
void sh(const char *fmt, ...) OE_PRINTF(1, 2);
/** begin() - an engine from one kind of side to another; end() it. */
void begin(struct run *r, unsigned from, unsigned to);
/** go() - run it to its end. */
int go(struct run *r);
void end(struct run *r);
