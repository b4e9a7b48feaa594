/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_backoff.h - how long to wait before the next attempt.
 */
#pragma once

#include <stdint.h>

#define OE_FWD_BACKOFF_FIRST_MS 1000
#define OE_FWD_BACKOFF_MAX_MS   60000
/* A connection that held this long was a good one. */
#define OE_FWD_BACKOFF_GOOD_MS 60000

struct oe_fwd_backoff {
	int64_t next_ms; /* 0: the first */
};

/**
 * oe_fwd_backoff_next() - milliseconds to wait: one second, doubled each time
 * up to a minute, between half of it and all of it.
 * @up_ms: how long the last connection held; 0: there was none.
 * @chance: any number, which decides within that range.
 */
int64_t
oe_fwd_backoff_next(struct oe_fwd_backoff *b, int64_t up_ms, uint32_t chance);
