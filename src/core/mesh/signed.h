/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/signed.h - documents that a control API signs, so that a copy on
 * disk is worth as much as one that was fetched just now.
 *
 * On the wire and on disk: {"payload":"<JSON text>","signature":"<base64>",
 * "key":"<base64>"}.  Ed25519 (RFC 8032) over "omniedge signed document 1\n"
 * and the payload's bytes.  The payload is an object with "kind",
 * "network_id", "version", "issued_at" and the content under the name of its
 * kind.  doc/protocol/signed.md.
 *
 * The key in the document only says which one signed; what is believed is
 * the key that was pinned at login.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/crypto.h"

struct oe_err;
struct oe_jval;

/* Of the whole text; a policy or a directory fits in. */
#define OE_SIGNED_MAX (48 * 1024 * 1024)
/* How far an API's clock may be ahead. */
#define OE_SIGNED_AHEAD_MS (10 * 60 * 1000)
/* A document that is older than this is signed anew by who has the key
 * (control/documents.h says after an hour); the rest is for clocks. */
#define OE_SIGNED_ANEW_MS  (75 * 60 * 1000)
#define OE_SIGNED_KIND_MAX 32
#define OE_SIGNED_ID_MAX   64

/* What a reader holds a document to. */
struct oe_signed_expect {
	const uint8_t *public_key; /* OE_SIGN_PUBLIC_SIZE bytes, pinned */
	const char *kind;          /* "policy" */
	const char *network_id;
	uint64_t version; /* the highest seen; 0: none so far */
	int64_t now_ms;   /* wall clock */
};

/* A document that was believed; oe_signed_done() it. */
struct oe_signed {
	char *text; /* as it was received, NUL behind it; owned */
	size_t n;
	char kind[OE_SIGNED_KIND_MAX + 1];
	char network_id[OE_SIGNED_ID_MAX + 1];
	uint64_t version;
	int64_t issued_ms;
	struct oe_jval *payload; /* the whole payload, owned */
};

/**
 * oe_signed_make() - sign a payload.
 * @payload: JSON text of an object with the members above.
 * Return: the document as text; free() it.
 */
char *oe_signed_make(const struct oe_sign_key *key, const char *payload);
/**
 * oe_signed_read() - believe a document or not.
 * @text: @n bytes from the network or from disk.
 * @ret: untouched on failure.
 * Return: 0; OE_EPROTO (no such document), OE_EAUTH (signature or key),
 * OE_EPERM (another kind or network, a lower version than @e has, issued in
 * the future), OE_ETOOBIG.
 */
int oe_signed_read(const void *text, size_t n, const struct oe_signed_expect *e,
    struct oe_signed *ret, struct oe_err *err) OE_MUST_CHECK;
void oe_signed_done(struct oe_signed *d);

/* What a document consists of, judged by nobody; oe_signed_parts_done() it. */
struct oe_signed_parts {
	char *payload; /* NUL behind it */
	size_t n;
	uint8_t signature[OE_SIGN_SIZE], key[OE_SIGN_PUBLIC_SIZE];
};

/**
 * oe_signed_split() - take a document apart, without believing anything.
 * @ret: untouched on failure.
 * Return: 0, OE_EPROTO, OE_ETOOBIG.
 */
int oe_signed_split(const void *text, size_t n, struct oe_signed_parts *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_signed_split_value() - the same for text that was parsed already. */
int oe_signed_split_value(const struct oe_jval *v, struct oe_signed_parts *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_signed_parts_done(struct oe_signed_parts *p);
/**
 * oe_signed_believe() - the second half of oe_signed_read(): a reader that is
 * given parts by a process that it does not trust parses nothing that was not
 * signed for.
 * @ret: its text is made anew.
 */
int oe_signed_believe(const struct oe_signed_parts *p,
    const struct oe_signed_expect *e, struct oe_signed *ret,
    struct oe_err *err) OE_MUST_CHECK;

/* A document on disk, and when the API last said that it is the newest. */
struct oe_signed_cached {
	struct oe_signed doc;
	int64_t fetched_ms; /* wall clock; 0 when that is in the future */
	char *etag;         /* or NULL; owned */
};

void oe_signed_cached_done(struct oe_signed_cached *c);

/**
 * oe_signed_store() - keep @d as @path: whole or not at all, mode 0600.
 * The folder is the caller's to make.  A lower version than the one that is
 * there is not stored: OE_EPERM.  A file there that cannot be believed by
 * @e is replaced.
 * @etag: NULL: none.
 * Return: 0, OE_EPERM, OE_ESYS.
 */
int oe_signed_store(const char *path, const struct oe_signed *d,
    const struct oe_signed_expect *e, int64_t fetched_ms, const char *etag,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_signed_confirm() - the API has said now that @path is the newest: a line
 * in a file beside it, since a directory is large and this comes each minute.
 * @version: of what is there; for another one it does not count.
 * Return: 0, OE_ESYS.
 */
int oe_signed_confirm(const char *path, uint64_t version, int64_t fetched_ms,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_signed_load() - what oe_signed_store() kept, checked as if received.
 * A file of another user, or one that others may write to, is not believed.
 * @ret: oe_signed_cached_done() it; untouched on failure.
 * Return: 0, OE_ENOENT, OE_EPERM, or as oe_signed_read().
 */
int oe_signed_load(const char *path, const struct oe_signed_expect *e,
    struct oe_signed_cached *ret, struct oe_err *err) OE_MUST_CHECK;
