/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/pubkey.h - public keys as bytes and as text lines.
 *
 * Only the shape is judged here; nothing is verified.  Sources: RFC 4253
 * section 6.6 (rsa), RFC 5656 section 3.1 (ecdsa), RFC 8709 section 4
 * (ed25519), OpenSSH PROTOCOL.u2f (sk-*) and PROTOCOL.certkeys (*-cert-v01).
 * DSA is not in the table and so is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

struct oe_err;

#define OE_PUBKEY_BLOB_MAX     (64u * 1024)  /* certificates included */
#define OE_PUBKEY_LINE_MAX     (128u * 1024) /* "type base64 comment" */
#define OE_PUBKEY_RSA_MIN_BITS 2048
#define OE_PUBKEY_RSA_MAX_BITS 16384

enum oe_pubkey_kind {
	OE_PUBKEY_ED25519,
	OE_PUBKEY_ECDSA,
	OE_PUBKEY_RSA,
	OE_PUBKEY_SK_ED25519,
	OE_PUBKEY_SK_ECDSA,
};

/* One row of the table of key types. */
struct oe_pubkey_type {
	const char *name;  /* as on the wire and in files */
	const char *plain; /* the key type that a certificate type carries */
	const char *curve; /* ECDSA: curve name, else NULL */
	enum oe_pubkey_kind kind;
	unsigned point_len; /* ECDSA: bytes of an uncompressed point */
	bool cert;
};

struct oe_pubkey {
	const struct oe_pubkey_type *type; /* static */
	uint8_t *blob;                     /* checked; owned */
	size_t len;
	char *comment; /* of a text line, may be empty; NULL from a blob */
};

/* The fields of a plain key, or of the key inside a certificate: views. */
struct oe_pubkey_fields {
	struct oe_buf n, e;        /* rsa: magnitudes without a sign byte */
	struct oe_buf point;       /* ecdsa: 0x04 x y; ed25519: 32 bytes */
	struct oe_buf application; /* sk-* */
};

/** oe_pubkey_type_find() - row for @name, or NULL when it is not accepted. */
const struct oe_pubkey_type *oe_pubkey_type_find(const char *name);

/**
 * oe_pubkey_from_blob() - check a wire blob and keep a copy.
 * Certificates are checked for shape only; see cert.h.
 * @ret: filled on success, else untouched; oe_pubkey_done() it.
 * Return: 0, OE_EINVAL (type not accepted, RSA too short, broken shape),
 * OE_ETOOBIG.
 */
int oe_pubkey_from_blob(const void *blob, size_t len, struct oe_pubkey *ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_pubkey_parse_line() - "type base64[ comment]" without line end.
 * The type in the text must be the type in the blob.
 * Return: as oe_pubkey_from_blob().
 */
int oe_pubkey_parse_line(
    const char *line, struct oe_pubkey *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_pubkey_done() - free and empty. */
void oe_pubkey_done(struct oe_pubkey *k);
/** oe_pubkey_equal() - same bytes; a certificate equals only itself. */
bool oe_pubkey_equal(const struct oe_pubkey *a, const struct oe_pubkey *b);
/**
 * oe_pubkey_plain() - the key without its certificate; a plain key is copied.
 * @ret: oe_pubkey_done() it.
 */
void oe_pubkey_plain(const struct oe_pubkey *k, struct oe_pubkey *ret);
/**
 * oe_pubkey_fingerprint() - "SHA256:..." of the plain key, unpadded base64 as
 * ssh-keygen -l prints it; free() it.
 */
char *oe_pubkey_fingerprint(const struct oe_pubkey *k) OE_MUST_CHECK;
/** oe_pubkey_fields() - views into @k's blob; valid while @k is. */
void oe_pubkey_fields(const struct oe_pubkey *k, struct oe_pubkey_fields *ret);
/**
 * oe_pubkey_get_fields() - read the fields of @type at the head of @b.
 * Return: 0 or OE_EINVAL with a message.
 */
int oe_pubkey_get_fields(const struct oe_pubkey_type *type, struct oe_buf *b,
    struct oe_pubkey_fields *ret, struct oe_err *err);
