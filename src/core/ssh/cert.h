/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/cert.h - OpenSSH user certificates.
 *
 * Source: OpenSSH PROTOCOL.certkeys.  Stricter than it where it leaves a
 * choice: no principals means nobody, option names are sorted and unique.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/ssh/pubkey.h"

struct oe_addr;
struct oe_err;
struct oe_grant;

#define OE_CERT_PRINCIPALS_MAX 256
#define OE_CERT_KEY_ID_MAX     1024
#define OE_CERT_OPTIONS_MAX    64

struct oe_cert {
	struct oe_pubkey key; /* the whole certificate */
	struct oe_pubkey ca;  /* the key that signed it; always plain */
	uint64_t serial;
	uint32_t type; /* 1 user, 2 host */
	char *key_id;  /* as it came: escape before showing */
	struct oe_strs principals;
	uint64_t valid_after, valid_before;            /* seconds since 1970 */
	struct oe_buf critical, extensions, signature; /* views into key */
	size_t signed_len; /* leading bytes that the signature covers */
};

/* What a certificate is held against. */
struct oe_cert_query {
	const struct oe_pubkey *cas; /* trusted plain keys */
	size_t n_cas;
	const struct oe_strs *principals; /* any one must be in it */
	const struct oe_addr *addr;       /* where the user comes from */
	int64_t now_s;
};

/**
 * oe_cert_parse() - read a certificate blob; its signature is not checked.
 * @ret: filled on success, else untouched; oe_cert_done() it.
 * Return: 0, OE_EINVAL (not a certificate, broken, CA is a certificate),
 * OE_ETOOBIG (a bound above).
 */
int oe_cert_parse(const void *blob, size_t len, struct oe_cert *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_cert_done() - free and empty. */
void oe_cert_done(struct oe_cert *c);
/**
 * oe_cert_check() - may its holder log in?  Looks at the CA, type, validity
 * (after <= now < before), principals, critical options and last the
 * signature.
 * @ret: initialised on success with what the certificate permits, else
 *       untouched; oe_grant_done() it.
 * Return: 0, OE_EAUTH (message says why), OE_EINVAL (broken options).
 */
int oe_cert_check(const struct oe_cert *c, const struct oe_cert_query *q,
    struct oe_grant *ret, struct oe_err *err) OE_MUST_CHECK;
