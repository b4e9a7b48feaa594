/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/window.h - how far a peer may run ahead on a channel.
 *
 * libssh grants OE_SSH_WINDOW_MIN again and again, which holds a peer that is
 * far away to that much in each round trip.  A larger window costs memory
 * where the receiver stalls, and speed where the peer is near, for buffers
 * then leave the cache.  So it grows only when what arrives in one round trip
 * shows that the window, and nothing else, is what the peer waits for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libssh grants by itself (WINDOWBASE of its channels.c). */
#define OE_SSH_WINDOW_MIN 1280000u

struct oe_ssh__window {
	size_t size;  /* granted when a grant is due */
	size_t used;  /* received since the last grant */
	size_t bytes; /* received since since_ms; 0: nothing is measured */
	int64_t since_ms;
};

/** oe_ssh__window_init() - as libssh has it. */
void oe_ssh__window_init(struct oe_ssh__window *w);
/** oe_ssh__window_got() - @n bytes came. */
void oe_ssh__window_got(struct oe_ssh__window *w, size_t n);
/**
 * oe_ssh__window_wants() - is there enough to judge by at @now_ms?  Then
 * the caller asks for the round trip and goes on to oe_ssh__window_judge().
 */
bool oe_ssh__window_wants(struct oe_ssh__window *w, int64_t now_ms);
/**
 * oe_ssh__window_judge() - grow the window if that is what limits.
 * @rtt_us: the least round trip; 0: not known, nothing changes.
 * @max: never above this (nor smaller than it was).
 */
void oe_ssh__window_judge(
    struct oe_ssh__window *w, int64_t now_ms, uint64_t rtt_us, size_t max);
/** oe_ssh__window_due() - time to grant size bytes, beyond what libssh does. */
bool oe_ssh__window_due(const struct oe_ssh__window *w);
/** oe_ssh__window_granted() - it was done. */
void oe_ssh__window_granted(struct oe_ssh__window *w);
