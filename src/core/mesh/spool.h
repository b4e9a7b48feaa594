/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/spool.h - events on disk until the control API has them.
 *
 * A file that is only ever appended to, by any number of processes that share
 * one descriptor; each line is one event, and has an empty line before it, so
 * that one which was cut by a crash does not spoil the next.  What was
 * acknowledged is given back to the file system by punching a hole
 * (fallocate(2)), so offsets never change, and the identity of an event is
 * where it lies: "<id of the file>-<offset>".  An event that is sent twice
 * is therefore the same event.
 *
 * How far the API has acknowledged is in a file beside it, written after the
 * acknowledgement: after a crash in between some are sent again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;

#define OE_SPOOL_ID      16 /* digits */
#define OE_SPOOL_UID_MAX (OE_SPOOL_ID + 22)
/* Bytes that are looked at in one go; longer lines are no events. */
#define OE_SPOOL_CHUNK (512 * 1024)

/**
 * oe_spool_append() - a descriptor to append events to; the file and its
 * mark are made when they are not there.
 * @folder: exists.
 * @ret_fd: O_APPEND, O_CLOEXEC; the caller's.
 * Return: 0, OE_ESYS, OE_EPERM (somebody else's file, or no file).
 */
int oe_spool_append(
    const char *folder, int *ret_fd, struct oe_err *err) OE_MUST_CHECK;

/* Whoever reads; one at a time. */
struct oe_spool {
	char *mark; /* path */
	int fd;
	char id[OE_SPOOL_ID + 1];
	uint64_t sent;  /* offset: what is before it was acknowledged */
	uint64_t freed; /* offset: what is before it is a hole */
	char *chunk;
	uint64_t chunk_at; /* offset of its first byte */
	size_t n, next;    /* bytes of it, and of those that were taken */
	bool lines;        /* there was one in it that is not empty */
};

/**
 * oe_spool_open() - to read from where the mark says.
 * @ret: oe_spool_close() it, whatever comes back.
 * Return: 0, OE_EAGAIN (another process reads), OE_EPROTO (no spool), and as
 * oe_spool_append().
 */
int oe_spool_open(
    const char *folder, struct oe_spool *ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_spool_adopt() - the same for a process that may only read: no mark is
 * written, so that who can write it has to be told what was acknowledged.
 * @fd: of oe_spool_open(), or of the file for reading; the spool's in any
 * case.
 * @sent: where the mark is.
 */
int oe_spool_adopt(int fd, uint64_t sent, struct oe_spool *ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_spool_reader() - a descriptor for oe_spool_adopt() of another process;
 * the caller's.
 */
int oe_spool_reader(
    const char *folder, int *ret_fd, struct oe_err *err) OE_MUST_CHECK;
void oe_spool_close(struct oe_spool *s);
/** oe_spool_waits() - bytes that were not acknowledged. */
uint64_t oe_spool_waits(const struct oe_spool *s);

struct oe_spool_line {
	const char *text; /* borrowed until the next rewind or commit */
	size_t n;
	char uid[OE_SPOOL_UID_MAX + 1];
	uint64_t end; /* offset behind it */
};

/** oe_spool_rewind() - to the first that was not acknowledged. */
int oe_spool_rewind(struct oe_spool *s, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_spool_next() - the next whole line that is not empty, of one chunk.
 * Return: false when the chunk has no more.
 */
bool oe_spool_next(struct oe_spool *s, struct oe_spool_line *ret);
/**
 * oe_spool_commit() - everything before @end has been acknowledged.
 * Return: 0, or OE_ESYS: it will be sent again.
 */
int oe_spool_commit(
    struct oe_spool *s, uint64_t end, struct oe_err *err) OE_MUST_CHECK;
/** oe_spool_sync() - what was appended is on the disk. */
int oe_spool_sync(struct oe_spool *s);

/**
 * oe_spool_fill() - bytes that wait in the file behind @fd, as the mark of
 * @folder has it; for who only appends.
 */
uint64_t oe_spool_fill(const char *folder, int fd);
