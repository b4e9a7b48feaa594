/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/snapshot.h - bytes that the listener gives to monitors which were
 * forked long before: memory with a descriptor, inherited by all of them.
 *
 * The listener writes, monitors read; a hash over number and bytes tells a
 * reader that came in the middle of a write.  The writer signals when it is
 * done, so such a reader need not wait.  Only monitors may have the
 * descriptor: net and sessions close it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;

#define OE_SRV_SNAPSHOT_MAX (128 * 1024 * 1024)

struct oe_srv_snapshot {
	int fd;          /* -1: there is none */
	uint64_t number; /* of the last bytes written or read; 0: none */
};

/** oe_srv_snapshot_open() - an empty one. */
int oe_srv_snapshot_open(struct oe_srv_snapshot *s, struct oe_err *err);
/**
 * oe_srv_snapshot_adopt() - one that the program before a re-exec left as
 * descriptor @fd, which is owned; numbers go on from its own.
 */
void oe_srv_snapshot_adopt(struct oe_srv_snapshot *s, int fd);
void oe_srv_snapshot_close(struct oe_srv_snapshot *s);
/** oe_srv_snapshot_put() - the next number is @n bytes. */
int oe_srv_snapshot_put(
    struct oe_srv_snapshot *s, const void *p, size_t n, struct oe_err *err);
/**
 * oe_srv_snapshot_get() - what is newer than s->number.
 * @ret: initialised by this function on success; oe_buf_done() it.
 * Return: 0, OE_EAGAIN (nothing newer, or it is just being written), OE_ESYS.
 */
int oe_srv_snapshot_get(struct oe_srv_snapshot *s, struct oe_buf *ret,
    struct oe_err *err) OE_MUST_CHECK;
