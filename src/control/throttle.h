/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/throttle.h - guessing gets slower: growing pauses for an account
 * and for an address after failures.
 *
 * A table of fixed size for each kind, so that names that somebody makes up
 * push out no addresses.  When there is no room, what failed least makes it:
 * a thousand keys that failed once do not push out the one that failed a
 * thousand times.  Kept in memory: several servers on one store count each
 * for itself.  Safe to call from any thread.
 */
#pragma once

#include <stdint.h>

enum oe_ctl_throttle_kind {
	OE_CTL_THROTTLE_ACCOUNT, /* 5 free, then up to a minute */
	OE_CTL_THROTTLE_ADDRESS, /* 20 free, then up to 15 minutes */
	OE_CTL_THROTTLE_CODES,   /* 10 device codes, then up to 15 minutes */
	/*
	 * An account at an address that it was right from before: 5 free, then
	 * up to a minute.  Counted apart, so that whoever guesses at the
	 * account elsewhere does not keep its owner out.
	 */
	OE_CTL_THROTTLE_KNOWN,
	OE_CTL_THROTTLE_KINDS, /* how many there are */
};

struct oe_ctl_throttle;

struct oe_ctl_throttle *oe_ctl_throttle_new(void);
void oe_ctl_throttle_free(struct oe_ctl_throttle **t);
/**
 * oe_ctl_throttle_try() - may this be tried now?  Counts as a failure until
 * oe_ctl_throttle_good(), so that tries at the same time count as well.
 * @key: of any length; the first 512 bytes count.
 * @now_ms: monotonic.
 * Return: 0, or the milliseconds to wait; -1 and nothing is counted when
 * the kind is OE_CTL_THROTTLE_KNOWN and @key is not.
 */
int64_t oe_ctl_throttle_try(struct oe_ctl_throttle *t,
    enum oe_ctl_throttle_kind kind, const char *key, int64_t now_ms);
/**
 * oe_ctl_throttle_undo() - nothing came of the try, which is then not counted:
 * it was neither right nor wrong.
 */
void oe_ctl_throttle_undo(
    struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind, const char *key);
/**
 * oe_ctl_throttle_good() - it was right after all: an account is forgiven
 * all, an address this one try.  Makes a key of OE_CTL_THROTTLE_KNOWN known.
 */
void oe_ctl_throttle_good(struct oe_ctl_throttle *t,
    enum oe_ctl_throttle_kind kind, const char *key, int64_t now_ms);
