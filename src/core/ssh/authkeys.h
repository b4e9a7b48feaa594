/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/authkeys.h - authorized_keys, with the options of sshd(8).
 *
 * A line with an unknown option or a mistake is skipped and reported, never
 * taken.  from= is held against the address only (no names are looked up).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/ssh/grant.h"

struct oe_addr;
struct oe_cert;
struct oe_err;
struct oe_pubkey;

#define OE_AUTHKEYS_FILE_MAX  (1024u * 1024)
#define OE_AUTHKEYS_LINE_MAX  (64u * 1024)
#define OE_AUTHKEYS_LINES_MAX 10000

struct oe_authkeys_query {
	const struct oe_pubkey *key; /* what was presented */
	const struct oe_cert *cert;  /* the same parsed, for a certificate */
	const char *user; /* principal for lines without principals= */
	const struct oe_addr *addr;
	int64_t now_s; /* wall clock */
	/*
	 * Told about each line that is skipped with a reason: syntax on any
	 * line, from=, time or certificate on a line with this key.  @text
	 * may hold bytes of the file, escaped.  May be NULL.
	 */
	void (*diag)(void *arg, unsigned line, const char *text);
	void *arg;
};

struct oe_authkeys_rule {
	unsigned line; /* from 1 */
	char *comment; /* of the line; as it came: escape before showing */
	struct oe_grant grant;
};

/**
 * oe_authkeys_match() - the first line that accepts the presented key.
 * A plain key matches lines without cert-authority; a certificate matches
 * cert-authority lines with its CA, and is checked here in full
 * (oe_cert_check()) and narrowed by the line's options.
 * @bytes: the file; need not end with a newline or a NUL.
 * @ret: filled on success, else untouched; oe_authkeys_rule_done() it.
 * Return: 0, OE_ENOENT (no line accepts it), OE_ETOOBIG (a bound above).
 */
int oe_authkeys_match(const void *bytes, size_t len,
    const struct oe_authkeys_query *q, struct oe_authkeys_rule *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_authkeys_rule_done() - free and empty. */
void oe_authkeys_rule_done(struct oe_authkeys_rule *r);
