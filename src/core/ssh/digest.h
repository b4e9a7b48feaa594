/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/digest.h - hashes of files, by name, piece by piece.
 *
 * Names are those of the check-file extension of SFTP
 * (draft-ietf-secsh-filexfer-extensions-00 section 3): "sha256", "sha512",
 * "sha384", "sha224", "sha1", "md5".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct oe_digest;
struct oe_err;

/* Longest digest in bytes. */
#define OE_DIGEST_MAX 64
/* All names, best first, as check-file announces them. */
#define OE_DIGEST_NAMES "sha256,sha512,sha384,sha224,sha1,md5"

/**
 * oe_digest_new() - begin a digest.
 * @ret: oe_digest_free() it.
 * Return: 0, OE_ENOENT (no such name here), OE_ELIB.
 */
int oe_digest_new(const char *name, struct oe_digest **ret, struct oe_err *err);
/** oe_digest_size() - bytes of a digest. */
size_t oe_digest_size(const struct oe_digest *d);
/** oe_digest_update() - the next @n bytes. */
void oe_digest_update(struct oe_digest *d, const void *p, size_t n);
/**
 * oe_digest_final() - the digest of the bytes so far, oe_digest_size() of
 * them; then @d begins anew.
 * Return: 0 or OE_ELIB: the library failed at this or an earlier step.
 */
int oe_digest_final(
    struct oe_digest *d, uint8_t ret[OE_DIGEST_MAX], struct oe_err *err);
/** oe_digest_free() - NULL inside is fine; empties the pointer. */
void oe_digest_free(struct oe_digest **d);
