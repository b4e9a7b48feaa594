/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/text.h - large bodies that many replies share, and those of signed
 * documents that are kept to be sent again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Not changed once it is made; counted, from any thread. */
struct oe_ctl_text;

/** oe_ctl_text_new() - with one reference; @text: malloc()ed, taken over. */
struct oe_ctl_text *oe_ctl_text_new(char *text);
struct oe_ctl_text *oe_ctl_text_ref(struct oe_ctl_text *t);
/** oe_ctl_text_drop() - give a reference back; NULL is fine. */
void oe_ctl_text_drop(struct oe_ctl_text **t);
const char *oe_ctl_text_get(const struct oe_ctl_text *t);
size_t oe_ctl_text_len(const struct oe_ctl_text *t);

/* Which text it is: a document of a network, as it was signed at a time. */
struct oe_ctl_kept_key {
	const char *kind, *network_id;
	int64_t version, issued_ms;
};

/* The latest of each kind and network; safe to call from any thread. */
struct oe_ctl_kept;

/**
 * oe_ctl_kept_new() - @max bytes at most; who was asked for least recently
 * goes first, and what is larger than a quarter of it is not kept.
 */
struct oe_ctl_kept *oe_ctl_kept_new(size_t max);
void oe_ctl_kept_free(struct oe_ctl_kept **k);
/**
 * oe_ctl_kept_enter() - wait until nobody else makes a document here; then
 * oe_ctl_kept_leave().
 */
void oe_ctl_kept_enter(struct oe_ctl_kept *k);
void oe_ctl_kept_leave(struct oe_ctl_kept *k);
/** oe_ctl_kept_get() - a reference to exactly this text, or NULL. */
struct oe_ctl_text *
oe_ctl_kept_get(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key);
/** oe_ctl_kept_put() - keep @t, in place of what was signed before. */
void oe_ctl_kept_put(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key,
    struct oe_ctl_text *t);
