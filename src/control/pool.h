/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/pool.h - threads that turn requests into replies.
 */
#pragma once

#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_ctl_pool;
struct oe_ctl_request;

struct oe_ctl_pool_calls {
	/* in a worker: the reply of one request */
	void (*work)(void *arg, struct oe_ctl_request *r);
	/* in a worker: oe_ctl_pool_done() has something now */
	void (*wake)(void *arg);
	void *arg;
};

/** oe_ctl_pool_new() - start @n threads; oe_ctl_pool_free() it. */
int oe_ctl_pool_new(unsigned n, const struct oe_ctl_pool_calls *calls,
    struct oe_ctl_pool **ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_pool_free() - end the threads; what waits is dropped. */
void oe_ctl_pool_free(struct oe_ctl_pool **p);
/** oe_ctl_pool_put() - hand over a request. */
void oe_ctl_pool_put(struct oe_ctl_pool *p, struct oe_ctl_request *r);
/** oe_ctl_pool_done() - all finished ones as a list by next, or NULL. */
struct oe_ctl_request *oe_ctl_pool_done(struct oe_ctl_pool *p);
/** oe_ctl_pool_waiting() - requests that no thread has taken yet. */
size_t oe_ctl_pool_waiting(struct oe_ctl_pool *p);
