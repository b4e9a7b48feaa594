/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/pool.h - threads that turn requests into replies.
 *
 * There are lanes, each with a queue and threads of its own: who waits for a
 * disk or for the hash of a password keeps nobody waiting who only reads.
 */
#pragma once

#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_ctl_pool;
struct oe_ctl_request;

enum oe_ctl_lane {
	OE_CTL_LANE_READ,  /* looks something up */
	OE_CTL_LANE_WRITE, /* waits until it is on the disk, many at a time */
	OE_CTL_LANE_LOGIN, /* may hash a password */
	OE_CTL_LANE_LONG,  /* reads much: documents, everything at once */
	OE_CTL_LANES,
};

struct oe_ctl_pool_calls {
	/* in a worker: the reply of one request */
	void (*work)(void *arg, struct oe_ctl_request *r);
	/* in a worker: oe_ctl_pool_done() has something now */
	void (*wake)(void *arg);
	void *arg;
};

/**
 * oe_ctl_pool_new() - start the threads; oe_ctl_pool_free() it.
 * @n: of each lane; none is 0.
 */
int oe_ctl_pool_new(const unsigned n[OE_CTL_LANES],
    const struct oe_ctl_pool_calls *calls, struct oe_ctl_pool **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_pool_free() - end the threads; what waits is dropped. */
void oe_ctl_pool_free(struct oe_ctl_pool **p);
/** oe_ctl_pool_put() - hand over a request. */
void oe_ctl_pool_put(
    struct oe_ctl_pool *p, enum oe_ctl_lane lane, struct oe_ctl_request *r);
/** oe_ctl_pool_done() - all finished ones as a list by next, or NULL. */
struct oe_ctl_request *oe_ctl_pool_done(struct oe_ctl_pool *p);
/** oe_ctl_pool_waiting() - requests that no thread has taken yet. */
size_t oe_ctl_pool_waiting(struct oe_ctl_pool *p);
