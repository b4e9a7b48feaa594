/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"

struct oe_digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	bool failed;
};

/* Ours and the library's name for each. */
static const char *const names[][2] = {
    {"sha256", "SHA2-256"},
    {"sha512", "SHA2-512"},
    {"sha384", "SHA2-384"},
    {"sha224", "SHA2-224"},
    {"sha1", "SHA1"},
    {"md5", "MD5"},
};

static EVP_MD *
fetch(const char *name)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(names); i++)
		if (strcmp(name, names[i][0]) == 0)
			return EVP_MD_fetch(NULL, names[i][1], NULL);
	return NULL;
}

int
oe_digest_new(const char *name, struct oe_digest **ret, struct oe_err *err)
{
	/* A machine in FIPS mode has no md5: as unknown as a made-up name. */
	EVP_MD *md = fetch(name);
	struct oe_digest *d;

	if (!md)
		return oe_err_set(
		    err, OE_ENOENT, "hash '%s' is not known here", name);
	d = oe_mem_zalloc(sizeof *d);
	d->md = md;
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex2(d->ctx, md, NULL) != 1) {
		oe_digest_free(&d);
		return oe_err_set(
		    err, OE_ELIB, "libcrypto cannot begin hash '%s'", name);
	}
	*ret = d;
	return 0;
}

size_t
oe_digest_size(const struct oe_digest *d)
{
	int n = EVP_MD_get_size(d->md);

	return n > 0 && n <= OE_DIGEST_MAX ? (size_t)n : 0;
}

void
oe_digest_update(struct oe_digest *d, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(d->ctx, p, n) != 1)
		d->failed = true;
}

int
oe_digest_final(
    struct oe_digest *d, uint8_t ret[OE_DIGEST_MAX], struct oe_err *err)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_DigestFinal_ex(d->ctx, md, &n) != 1 || n != oe_digest_size(d) ||
	    EVP_DigestInit_ex2(d->ctx, d->md, NULL) != 1)
		d->failed = true;
	if (d->failed)
		return oe_err_set(err, OE_ELIB, "libcrypto failed to hash");
	memcpy(ret, md, n);
	return 0;
}

void
oe_digest_free(struct oe_digest **d)
{
	if (!*d)
		return;
	EVP_MD_CTX_free((*d)->ctx);
	EVP_MD_free((*d)->md);
	oe_mem_free(d);
}
