/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/copy.h - the transfer engine: trees and files from one file system to
 * another, with as much in flight as the way between them holds.
 *
 * Event-driven on a loop; works for any pair of file systems (put, get, peer
 * to peer).  A file appears at its place whole or not at all unless
 * OE_COPY_IN_PLACE: it is written beside its place as ".NAME.HASH.part", told
 * to the disk, then renamed.  HASH names the source (where, which path, size,
 * time), so that a later run with OE_COPY_RESUME finds it and a changed source
 * does not.  Names from the source are hostile: one with a '/', ".", "..", an
 * empty one and a repeated one in a directory are refused; on download no
 * symbolic link inside the target tree is followed.
 *
 * Bounds: OE_COPY_FILES_MAX files and OE_COPY_AHEAD bytes beyond the first
 * byte that is not written yet are in flight; names that wait are bounded by
 * OE_COPY_NAMES_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "sftp/fs.h"

struct oe_loop;
struct oe_sftp_copy;

#define OE_COPY_FILES_MAX 256
#define OE_COPY_AHEAD     (32ull * 1024 * 1024)
#define OE_COPY_NAMES_MAX 4096

#define OE_COPY_RECURSIVE     0x001u
#define OE_COPY_PRESERVE      0x002u /* -p: times and mode */
#define OE_COPY_LINKS         0x004u /* as links, else what they lead to */
#define OE_COPY_RESUME        0x008u
#define OE_COPY_VERIFY        0x010u /* compare hashes of both sides */
#define OE_COPY_IN_PLACE      0x020u
#define OE_COPY_NO_SYNC       0x040u /* do not wait for the disk */
#define OE_COPY_DRY_RUN       0x080u
#define OE_COPY_NO_SPARSE     0x100u /* zeros where the source has holes */
#define OE_COPY_OVERWRITE_OFF 0x200u /* an existing file is an error */
/* reget, reput: go on at the size of the target, in place */
#define OE_COPY_APPEND 0x400u

enum oe_copy_kind {
	OE_COPY_FILE,
	OE_COPY_DIR,
	OE_COPY_LINK,
	OE_COPY_OTHER, /* socket, device, ...: told and left out */
};

/* What happened to one name; valid during the call only. */
struct oe_copy_item {
	const char *from, *to;
	enum oe_copy_kind kind;
	uint64_t size;    /* as known when it began */
	uint64_t resumed; /* bytes that were there already */
	uint64_t moved;   /* bytes that went over */
	int64_t elapsed_ms;
	const char *sha256;       /* hex, with OE_COPY_VERIFY; else NULL */
	int status;               /* end(): 0 or what failed */
	bool skipped;             /* nothing was to be done */
	const struct oe_err *err; /* when status is negative */
};

/* What the engine tells; any may be NULL. */
struct oe_copy_ui {
	/* A file, directory or link is begun; files only when large. */
	void (*begin)(void *arg, const struct oe_copy_item *item);
	/* It ended, well or not.  Called for every name. */
	void (*end)(void *arg, const struct oe_copy_item *item);
	/* @name of the source must not, or need not, be copied. */
	void (*warn)(void *arg, const char *text);
	void *arg;
};

/* Totals, for a progress line: read them whenever. */
struct oe_copy_totals {
	uint64_t files, files_done, files_failed; /* found so far */
	uint64_t bytes, bytes_done; /* of regular files found so far */
	uint64_t bytes_moved;       /* without what was resumed */
	bool all_found;             /* the source has been walked wholly */
	/* the file most recently begun or written to; "" when none */
	char current[256];
	uint64_t current_size, current_done;
};

struct oe_copy_plan {
	struct oe_loop *loop;
	struct oe_sftp_fs *from, *to;
	unsigned flags;                /* OE_COPY_ */
	uint64_t bytes_per_s;          /* -l; 0: no limit */
	const struct oe_strs *exclude; /* patterns, doc in omniedge-scp(1) */
	unsigned inflight;  /* -R of sftp: requests; 0: by round trip */
	bool stop_at_error; /* else go on with the next name */
	struct oe_copy_ui ui;
	/*
	 * Everything ended.  0, or the first failure with its message; not
	 * called from within oe_sftp_copy_add().
	 */
	void (*done)(void *arg, int status, const struct oe_err *err);
	void *arg;
};

/** oe_sftp_copy_new() - an engine with nothing to do; @plan is copied. */
struct oe_sftp_copy *oe_sftp_copy_new(const struct oe_copy_plan *plan);
/**
 * oe_sftp_copy_add() - copy @from to exactly @to (the caller decided about
 * "into").  Parent directories of @to are not made.
 */
void oe_sftp_copy_add(struct oe_sftp_copy *c, const char *from, const char *to);
/** oe_sftp_copy_last() - no more will be added: done() may be called. */
void oe_sftp_copy_last(struct oe_sftp_copy *c);
/** oe_sftp_copy_lane() - another session to the remote side of the copy. */
void oe_sftp_copy_lane(
    struct oe_sftp_copy *c, bool is_target, struct oe_sftp_fs *fs);
/**
 * oe_sftp_copy_sessions() - how many sessions help to move so much over a way
 * with this round trip; 1 when it is not known (0).
 */
unsigned oe_sftp_copy_sessions(uint64_t bytes, uint64_t files, uint64_t rtt_us);
/**
 * oe_sftp_copy_wants() - how many sessions to the remote side would help for
 * what is queued, given the round trip: 1 when one is enough.
 */
unsigned oe_sftp_copy_wants(const struct oe_sftp_copy *c, uint64_t rtt_us);
void
oe_sftp_copy_totals(const struct oe_sftp_copy *c, struct oe_copy_totals *ret);
/**
 * oe_sftp_copy_run() - _last(), then run the loop until done().
 * @stop: ends it early (Ctrl-C) with OE_ECANCEL; what is partly written stays
 * for OE_COPY_RESUME.
 */
int oe_sftp_copy_run(
    struct oe_sftp_copy *c, const volatile int *stop, struct oe_err *err);
/** oe_sftp_copy_free() - give up what is left. */
void oe_sftp_copy_free(struct oe_sftp_copy **c);
