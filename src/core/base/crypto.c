/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/crypto.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"

void
oe_random_bytes(void *p, size_t n)
{
	randombytes_buf(p, n);
}

void
oe_random_text(char *ret, size_t n)
{
	static const char from[] = "0123456789"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz";
	const unsigned letters = sizeof from - 1;
	uint8_t bytes[64]; /* a draw of its own for each is a call each */
	size_t i = 0, left = 0;

	while (i < n) {
		if (left == 0) {
			left = sizeof bytes;
			oe_random_bytes(bytes, left);
		}
		/* above the last multiple the first ones came up more often */
		if (bytes[--left] < 256 / letters * letters)
			ret[i++] = from[bytes[left] % letters];
	}
	ret[n] = '\0';
	oe_mem_wipe(bytes, sizeof bytes);
}

void
oe_sha256(const void *p, size_t n, uint8_t ret[OE_SHA256_SIZE])
{
	crypto_hash_sha256(ret, p, n);
}

void
oe_hmac_sha512(const void *key, size_t key_len, const void *p, size_t n,
    uint8_t ret[OE_HMAC_SHA512_SIZE])
{
	crypto_auth_hmacsha512_state st;

	crypto_auth_hmacsha512_init(&st, key, key_len);
	crypto_auth_hmacsha512_update(&st, p, n);
	crypto_auth_hmacsha512_final(&st, ret);
	sodium_memzero(&st, sizeof st);
}

void
oe_hex_put(const void *p, size_t n, char *ret)
{
	sodium_bin2hex(ret, 2 * n + 1, p, n);
}

char *
oe_base64url_put(const void *p, size_t n)
{
	int v = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
	size_t size = sodium_base64_encoded_len(n, v);
	char *s = oe_mem_zalloc(size);

	return sodium_bin2base64(s, size, p, n, v);
}

int
oe_base64url_get(const char *s, size_t len, uint8_t **ret, size_t *ret_len)
{
	size_t size = len / 4 * 3 + 4, n;
	uint8_t *p = oe_mem_zalloc(size);
	const char *end;

	if (sodium_base642bin(p, size, s, len, NULL, &n, &end,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    end != s + len) {
		free(p);
		return OE_EINVAL;
	}
	*ret = p;
	*ret_len = n;
	return 0;
}

void
oe_sign_key_make(struct oe_sign_key *ret)
{
	crypto_sign_keypair(ret->public, ret->secret);
}

void
oe_sign_key_from_seed(const uint8_t seed[32], struct oe_sign_key *ret)
{
	crypto_sign_seed_keypair(ret->public, ret->secret, seed);
}

void
oe_sign_key_wipe(struct oe_sign_key *k)
{
	sodium_memzero(k, sizeof *k);
}

void
oe_sign(const struct oe_sign_key *k, const void *p, size_t n,
    uint8_t ret[OE_SIGN_SIZE])
{
	crypto_sign_detached(ret, NULL, p, n, k->secret);
}

bool
oe_sign_verify(const uint8_t public[OE_SIGN_PUBLIC_SIZE], const void *p,
    size_t n, const uint8_t sig[OE_SIGN_SIZE])
{
	return crypto_sign_verify_detached(sig, p, n, public) == 0;
}

int
oe_password_hash(
    const char *password, char ret[OE_PASSWORD_HASH_MAX], struct oe_err *err)
{
	if (crypto_pwhash_str_alg(ret, password, strlen(password),
		crypto_pwhash_OPSLIMIT_INTERACTIVE,
		crypto_pwhash_MEMLIMIT_INTERACTIVE,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		return oe_err_set(err, OE_ENOMEM, "no memory for a hash");
	return 0;
}

bool
oe_password_verify(const char *password, const char *hash)
{
	return strlen(hash) < crypto_pwhash_STRBYTES &&
	       crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}
