/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/sig.h - check SSH signatures with libcrypto.
 *
 * Formats: RFC 8332 (rsa-sha2-256/512), RFC 5656 section 3.1.2 (ecdsa),
 * RFC 8709 section 6 (ed25519), OpenSSH PROTOCOL.u2f (sk-*).  SHA-1
 * signatures (ssh-rsa) are refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_pubkey;

/**
 * oe_sig_verify() - is @sig a signature of @data by @key?
 * @key: a plain key.
 * @sig: wire blob: string algorithm, string signature, and for sk-* the
 *       flags and counter; nothing may follow.
 * For sk-* the user-presence flag must be set.
 * Return: 0, OE_EINVAL (broken, or an algorithm that does not fit the key),
 * OE_EAUTH (the signature is wrong), OE_ELIB.
 */
int oe_sig_verify(const struct oe_pubkey *key, const void *sig, size_t sig_len,
    const void *data, size_t len, struct oe_err *err) OE_MUST_CHECK;
