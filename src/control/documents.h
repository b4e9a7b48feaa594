/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/documents.h - signed documents of a network, kept until what they
 * say has changed.
 */
#pragma once

#include "control/call.h"
#include "control/store.h"
#include "control/text.h"
#include "core/base/crypto.h"

/* A document is signed anew, with the same version, when it is this old. */
#define OE_CTL_DOCUMENT_FRESH_MS (60 * 60 * 1000)

/* One kind of document. */
struct oe_ctl_document_kind {
	const char *name; /* "policy" */
	/* SELECT of the version in force: ?1 is the network */
	const char *version;
	/* what fill() needs and cannot make, as it only reads; or NULL */
	int (*prepare)(struct oe_ctl_call *call);
	/* what the payload says besides kind, network, version and time */
	int (*fill)(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
	    const char *network_id, struct oe_jval *payload);
};

/* A document as it is sent. */
struct oe_ctl_document_text {
	int64_t version, issued_ms;
	struct oe_ctl_text *text;      /* oe_ctl_text_drop() it; or NULL */
	char tag[OE_CTL_ETAG_MAX - 2]; /* of its ETag, without quotes */
};

/**
 * oe_ctl_document_of() - kept or made anew.
 * @wanted: told the tag; says whether the text is, which may be megabytes.
 * @ret: text is NULL when it is not wanted; untouched on failure.
 * Return: 0; OE_ENOENT (no such network); OE_ESYS and others of the store.
 */
int oe_ctl_document_of(struct oe_ctl_call *call,
    const struct oe_ctl_document_kind *kind, const char *network_id,
    bool (*wanted)(void *arg, const char *tag), void *arg,
    struct oe_ctl_document_text *ret) OE_MUST_CHECK;
/**
 * oe_ctl_document() - reply with the document of call's "network_id" in the
 * query: its text with an ETag, or 304.
 */
int oe_ctl_document(
    struct oe_ctl_call *call, const struct oe_ctl_document_kind *kind);
/** oe_ctl_signing_key() - of this installation; wipe it. */
int oe_ctl_signing_key(struct oe_ctl_store *store, struct oe_sign_key *ret,
    struct oe_err *err) OE_MUST_CHECK;

extern const struct oe_ctl_document_kind oe_ctl_policy_document;
extern const struct oe_ctl_document_kind oe_ctl_directory_document;
