/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_sweep.h - what has run out is removed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_ctl_store;

/* An invitation that nobody has answered by then is void. */
#define OE_CTL_INVITATION_MS (INT64_C(30) * 86400000)
/* Versions of a network's policy that are kept. */
#define OE_CTL_POLICIES_KEPT 50

/* How long events are kept; 0: there is no bound. */
struct oe_ctl_keep {
	int64_t events_ms;  /* since they were received */
	int64_t events_max; /* of one user's devices; the oldest go */
};

/**
 * oe_ctl_store_sweep() - forget tokens, codes, keys and invitations past their
 * time, certificates and sessions that are long over, and events past theirs.
 * Events go in batches, so that writers get their turn between two.
 * The server's own events are kept by their age only: a device that sends
 * without end pushes none of them out, and none of others.
 * @ret_more: there is more to be removed, which would take long.
 */
int oe_ctl_store_sweep(struct oe_ctl_store *s, const struct oe_ctl_keep *keep,
    int64_t now_ms, bool *ret_more, struct oe_err *err) OE_MUST_CHECK;
