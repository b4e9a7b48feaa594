/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/tokens.h - access tokens that were found good a moment ago, so that
 * not each request asks the store.
 *
 * Bounded, and emptied of a user at once when a token of theirs ends.  Safe
 * to call from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/call.h"
#include "core/base/crypto.h"

/* How long an entry serves before the store is asked again. */
#define OE_CTL_TOKENS_FRESH_MS 60000

struct oe_ctl_tokens_cache;

struct oe_ctl_tokens_cache *oe_ctl_tokens_new(void);
void oe_ctl_tokens_free(struct oe_ctl_tokens_cache **c);
/**
 * oe_ctl_tokens_get() - who a token stands for.
 * @ret_epoch: when it is not there: for oe_ctl_tokens_put().
 */
bool oe_ctl_tokens_get(struct oe_ctl_tokens_cache *c,
    const uint8_t hash[OE_SHA256_SIZE], int64_t now_ms,
    struct oe_ctl_caller *ret, uint64_t *ret_epoch);
/**
 * oe_ctl_tokens_put() - what the store said; dropped when a token ended since
 * @epoch, as that may have been this one.
 */
void oe_ctl_tokens_put(struct oe_ctl_tokens_cache *c,
    const uint8_t hash[OE_SHA256_SIZE], int64_t until_ms,
    const struct oe_ctl_caller *caller, uint64_t epoch);
/** oe_ctl_tokens_forget() - all of a user or a family; NULL: everything. */
void oe_ctl_tokens_forget(struct oe_ctl_tokens_cache *c, const char *id);
