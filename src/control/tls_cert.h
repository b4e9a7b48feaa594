/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/tls_cert.h - certificate and key of the HTTPS side.
 *
 * libcrypto and libssl are met here and in core/ssh only.
 */
#pragma once

#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_strs;
struct oe_ctl_tls;

/**
 * oe_ctl_tls_load() - PEM files: a certificate, with what is between it and
 * its root behind it, and its key.
 * Return: 0, OE_ECONF (unreadable, not a pair), OE_EPERM (the key can be read
 * by others).
 */
int oe_ctl_tls_load(const char *cert, const char *key, struct oe_ctl_tls **ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_ctl_tls_free(struct oe_ctl_tls **t);
/**
 * oe_ctl_tls_make() - a certificate signed by itself: ECDSA P-256, ten years.
 * @names: host names and addresses that it is good for.
 * Files are written with mode 0644 and 0600, the key first.
 */
int oe_ctl_tls_make(const char *cert, const char *key,
    const struct oe_strs *names, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_tls_fingerprint() - "SHA256:AB:CD:...", of the certificate. */
const char *oe_ctl_tls_fingerprint(const struct oe_ctl_tls *t);
/** oe_ctl_tls_pin() - "sha256//BASE64" of its public key (RFC 7469). */
const char *oe_ctl_tls_pin(const struct oe_ctl_tls *t);
/**
 * oe_ctl_tls_apply() - put it into an SSL_CTX, with TLS 1.2 and later only
 * and ciphers with forward secrecy.
 * @ctx: SSL_CTX *.
 */
int oe_ctl_tls_apply(
    const struct oe_ctl_tls *t, void *ctx, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_tls_end() - say that nothing follows; @ssl: SSL *, may be NULL. */
void oe_ctl_tls_end(void *ssl);
