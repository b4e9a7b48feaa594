/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/hash.h - a hash for names and tables of our own, which cannot
 * fail.
 *
 * BLAKE2b (RFC 7693).  What others compare is hashed by core/ssh/digest.h.
 */
#pragma once

#include <stddef.h>

#define OE_HASH_HEX_MAX 32 /* digits */

/**
 * oe_hash_hex() - the first @digits digits of the hash of @n bytes.
 * @ret: room for @digits, at most OE_HASH_HEX_MAX, and the end.
 */
void oe_hash_hex(const void *p, size_t n, char *ret, size_t digits);
