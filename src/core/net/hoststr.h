/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/hoststr.h - what a user types to name a peer.
 *
 * Forms: [user@]host[:port], [user@][v6][:port], a bare IPv6 address, and
 * ssh://[user@]host[:port][/] with percent-encoding in the user (RFC 3986
 * sections 3.2 and 2.1).  The last '@' splits, so a user may contain one.
 * Nothing that a program or a shell could take for an option, a path or a
 * command passes: hosts and users end up in arguments and in %h and %r.
 */
#pragma once

#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;

#define OE_HOSTSTR_MAX      1024 /* bytes of one text */
#define OE_HOSTSTR_LIST_MAX 16   /* hosts in one comma list */

struct oe_hoststr {
	char *user; /* NULL when none was given */
	char *host; /* never empty; IPv6 without brackets, zone kept */
	int port;   /* 0 when none was given */
};

struct oe_hoststrs {
	struct oe_hoststr *v;
	size_t n;
};

/**
 * oe_hoststr_parse() - read one host.
 * @ret: filled on success, else untouched; oe_hoststr_done() it.
 * Return: 0, OE_EINVAL or OE_ETOOBIG with a message.
 */
int oe_hoststr_parse(
    const char *text, struct oe_hoststr *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_hoststr_done() - free the parts and empty the struct. */
void oe_hoststr_done(struct oe_hoststr *h);
/**
 * oe_hoststr_parse_list() - hosts between commas, as of -J; no empty items.
 * @ret: filled on success, else untouched; oe_hoststrs_done() it.
 * Return: 0, OE_EINVAL or OE_ETOOBIG with a message.
 */
int oe_hoststr_parse_list(const char *text, struct oe_hoststrs *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_hoststrs_done() - free the list and empty it. */
void oe_hoststrs_done(struct oe_hoststrs *l);
/**
 * oe_hoststr_format() - the host as text that oe_hoststr_parse() reads back,
 * IPv6 in brackets when there is a port; free() it.
 */
char *oe_hoststr_format(const struct oe_hoststr *h) OE_MUST_CHECK;
