/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/crypto.h - what is not SSH: passwords, signed documents, tokens.
 *
 * libsodium underneath.  Nothing here fails but for want of memory, unless it
 * says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;

#define OE_SHA256_SIZE       32
#define OE_HMAC_SHA512_SIZE  64
#define OE_SIGN_PUBLIC_SIZE  32
#define OE_SIGN_SECRET_SIZE  64
#define OE_SIGN_SIZE         64
#define OE_PASSWORD_HASH_MAX 128 /* text with its end */

/** oe_random_bytes() - @n unpredictable bytes. */
void oe_random_bytes(void *p, size_t n);
/**
 * oe_random_text() - @n unpredictable characters of 0-9, A-Z and a-z.
 * @ret: room for @n and the end.
 */
void oe_random_text(char *ret, size_t n);

/** oe_sha256() - SHA-256 (FIPS 180-4) of @n bytes. */
void oe_sha256(const void *p, size_t n, uint8_t ret[OE_SHA256_SIZE]);
/** oe_hmac_sha512() - HMAC-SHA-512 (RFC 4231) with a key of any length. */
void oe_hmac_sha512(const void *key, size_t key_len, const void *p, size_t n,
    uint8_t ret[OE_HMAC_SHA512_SIZE]);

/** oe_hex_put() - @n bytes as 2 @n lower-case digits and the end. */
void oe_hex_put(const void *p, size_t n, char *ret);
/** oe_base64url_put() - RFC 4648 section 5, without padding; free() it. */
char *oe_base64url_put(const void *p, size_t n);
/**
 * oe_base64url_get() - the other way; padding is not accepted.
 * @ret: free() it; untouched on failure.
 * Return: 0 or OE_EINVAL.
 */
int oe_base64url_get(
    const char *s, size_t len, uint8_t **ret, size_t *ret_len) OE_MUST_CHECK;

/* Ed25519 (RFC 8032). */
struct oe_sign_key {
	uint8_t secret[OE_SIGN_SECRET_SIZE]; /* seed and public key */
	uint8_t public[OE_SIGN_PUBLIC_SIZE];
};

void oe_sign_key_make(struct oe_sign_key *ret);
/** oe_sign_key_from_seed() - the key of a 32-byte seed. */
void oe_sign_key_from_seed(const uint8_t seed[32], struct oe_sign_key *ret);
void oe_sign_key_wipe(struct oe_sign_key *k);
void oe_sign(const struct oe_sign_key *k, const void *p, size_t n,
    uint8_t ret[OE_SIGN_SIZE]);
bool oe_sign_verify(const uint8_t public[OE_SIGN_PUBLIC_SIZE], const void *p,
    size_t n, const uint8_t sig[OE_SIGN_SIZE]) OE_MUST_CHECK;

/**
 * oe_password_hash() - argon2id (RFC 9106) with libsodium's interactive
 * limits (64 MiB, 2 passes); takes a tenth of a second of a CPU.
 * @ret: self-describing text.
 * Return: 0 or OE_ENOMEM.
 */
int oe_password_hash(const char *password, char ret[OE_PASSWORD_HASH_MAX],
    struct oe_err *err) OE_MUST_CHECK;
/** oe_password_verify() - false also for a @hash that is none. */
bool oe_password_verify(const char *password, const char *hash) OE_MUST_CHECK;
