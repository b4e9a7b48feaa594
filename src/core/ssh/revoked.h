/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/revoked.h - lists of revoked keys and certificates.
 *
 * Two file forms: OpenSSH's binary KRL (PROTOCOL.krl; signatures in it are
 * skipped) and text with one public key a line.  A list that cannot be loaded
 * is an error, and the caller then refuses every key: a missing list must not
 * bring revoked keys back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/compiler.h"

struct oe_cert;
struct oe_err;
struct oe_pubkey;
struct oe_revoked; /* opaque */

#define OE_REVOKED_FILE_MAX (16u * 1024 * 1024)

/**
 * oe_revoked_parse() - read a list from memory; the bytes are copied.
 * @ret: oe_revoked_free() it; untouched on failure.
 * Return: 0, OE_EINVAL (malformed, or a critical extension that is not
 * known), OE_ETOOBIG.
 */
int oe_revoked_parse(const void *bytes, size_t len, struct oe_revoked **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_revoked_load() - the same from a file; also OE_ESYS. */
int oe_revoked_load(const char *path, struct oe_revoked **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_revoked_free() - free and empty the pointer; NULL inside is fine. */
void oe_revoked_free(struct oe_revoked **r);
/**
 * oe_revoked_check() - may this key still be used?
 * @key: what was presented, plain or a certificate.
 * @cert: the same parsed when it is a certificate, else NULL.
 * Looks at the plain key, and for a certificate also at its CA, serial and
 * key id.
 * Return: 0, OE_EPERM (revoked; the message says by what), OE_EINVAL
 * (@key is a certificate and @cert is missing).
 */
int oe_revoked_check(const struct oe_revoked *r, const struct oe_pubkey *key,
    const struct oe_cert *cert, struct oe_err *err) OE_MUST_CHECK;
