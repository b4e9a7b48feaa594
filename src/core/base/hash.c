/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/hash.h"

#include <sodium.h>
#include <string.h>

void
oe_hash_hex(const void *p, size_t n, char *ret, size_t digits)
{
	unsigned char hash[OE_HASH_HEX_MAX / 2];
	char hex[OE_HASH_HEX_MAX + 1];

	crypto_generichash(hash, sizeof hash, p, n, NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	if (digits > OE_HASH_HEX_MAX)
		digits = OE_HASH_HEX_MAX;
	memcpy(ret, hex, digits);
	ret[digits] = 0;
}
