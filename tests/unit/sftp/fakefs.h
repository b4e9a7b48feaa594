/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakefs.h - a file system for tests of what uses fs.h: the files of this
 * machine, with answers that come later and in any order, like a server's.
 *
 * Requests are carried out in the order of the calls; answers are given from
 * an idle function of the loop, shuffled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sftp/fs.h"

struct oe_loop;

struct fakefs {
	struct oe_sftp_fs fs; /* first: it is what the tested code sees */
	struct oe_loop *loop;
	struct oe_sftp_fs *inner;
	struct oe_idle *idle;
	struct fakefs_op *first;
	unsigned random; /* state of its shuffling */
	/* --- set by tests --- */
	/* requests until the connection is lost; 0: never */
	unsigned cut_after;
	uint64_t disk;      /* bytes that WRITE may write in all; 0: any */
	uint64_t room_max;  /* bytes of WRITEs without an answer; 0: any */
	const char **names; /* READDIR tells these first; NULL ends them */
	bool lose_bytes;    /* WRITE writes zeros for what it was given */
	unsigned short_max; /* READ answers with so many at most; 0: all */
	/* --- for tests to look at --- */
	unsigned requests, opens, gets, puts, reads, writes, readdirs, stats;
	unsigned out, out_max, files_open;
	uint64_t bytes_written, bytes_unacked;
};

/** fakefs_new() - features of @features only; ended by oe_sftp_fs_free(). */
struct fakefs *fakefs_new(struct oe_loop *loop, unsigned features);
/** fakefs_cut() - the connection is lost now. */
void fakefs_cut(struct fakefs *f);
