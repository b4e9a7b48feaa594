/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/tls_cert.h - certificate and key of the HTTPS side.
 *
 * libcrypto and libssl are met here and in core/ssh only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_strs;
struct oe_ctl_tls;

/**
 * oe_ctl_tls_load() - PEM files: a certificate, with what is between it and
 * its root behind it, and its key.
 * Return: 0, OE_ECONF (unreadable, not a pair, too weak), OE_EPERM (the key
 * can be read by others), OE_EABSENT (no libssl).
 */
int oe_ctl_tls_load(const char *cert, const char *key, struct oe_ctl_tls **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_tls_ref() - one more owner, of any thread. */
struct oe_ctl_tls *oe_ctl_tls_ref(struct oe_ctl_tls *t);
/** oe_ctl_tls_free() - one owner less; the last one frees it. */
void oe_ctl_tls_free(struct oe_ctl_tls **t);
/**
 * oe_ctl_tls_make() - a certificate signed by itself, ten years, for the key
 * in @key, which is made (ECDSA P-256) when it is not there.
 * @names: host names and addresses that it is good for.
 * Files are written with mode 0644 and 0600, the key first.
 */
int oe_ctl_tls_make(const char *cert, const char *key,
    const struct oe_strs *names, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_tls_fingerprint() - "SHA256:AB:CD:...", of the certificate. */
const char *oe_ctl_tls_fingerprint(const struct oe_ctl_tls *t);
/** oe_ctl_tls_pin() - "sha256//BASE64" of its public key (RFC 7469). */
const char *oe_ctl_tls_pin(const struct oe_ctl_tls *t);
/** oe_ctl_tls_until_s() - Unix time when it ends. */
int64_t oe_ctl_tls_until_s(const struct oe_ctl_tls *t);
/** oe_ctl_tls_names() - is it good for this name or address? */
bool oe_ctl_tls_names(const struct oe_ctl_tls *t, const char *name);
/**
 * oe_ctl_tls_setup() - TLS 1.2 and later only, ciphers with forward secrecy,
 * no renegotiation, and no resumption: keys of tickets would outlive what
 * forward secrecy promises.
 * @ctx: SSL_CTX *.
 * @current: each handshake uses the certificate that is there then; only
 *	changed by the thread that does the handshakes.
 */
int oe_ctl_tls_setup(void *ctx, struct oe_ctl_tls *const *current,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_tls_end() - say that nothing follows; @ssl: SSL *, may be NULL. */
void oe_ctl_tls_end(void *ssl);
