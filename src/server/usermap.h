/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/usermap.h - from the user name a peer asks for to a local account.
 *
 * Order: the explicit map (--user-map SSH:LOCAL), then --default-user, then
 * the name itself.
 *
 * uid 0 is reached in two ways only: an explicit entry whose LOCAL is the
 * literal "root", or the name "root" itself where neither an entry nor a
 * default user takes it.  An account with uid 0 under another name is never
 * reached, and a default user of uid 0 is refused: a default decides about
 * names that nobody thought of, and those must not become root.
 *
 * A server that runs as a plain user reaches that user alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_strs;
struct oe_srv_user;

#define OE_SRV_USERMAP_MAX 4096 /* entries */

struct oe_srv_usermap_entry {
	char *ssh, *local;
};

struct oe_srv_usermap {
	struct oe_srv_usermap_entry *v;
	size_t n;
	char *default_user; /* NULL: none */
	char *self;         /* only this account may be reached; NULL: any */
};

/** oe_srv_usermap_init() - empty map; @self is copied, NULL for root. */
void oe_srv_usermap_init(struct oe_srv_usermap *m, const char *self);
void oe_srv_usermap_done(struct oe_srv_usermap *m);

/**
 * oe_srv_usermap_parse() - split "SSH:LOCAL".  Pure.
 * Exactly one colon, both sides acceptable names (oe_srv_user_name_ok()).
 * @ret_ssh, @ret_local: free() them; untouched on failure.
 * Return: 0 or OE_EINVAL with a message that does not name the option.
 */
int oe_srv_usermap_parse(const char *spec, char **ret_ssh, char **ret_local,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_usermap_add() - one --user-map value; LOCAL must be an account.
 * Return: 0, OE_EINVAL, OE_EEXIST (SSH is mapped already), OE_ENOENT (no
 * such account), OE_EPERM (uid 0 under another name than root; not this
 * server's own user), OE_ETOOBIG, OE_ESYS.
 */
int oe_srv_usermap_add(struct oe_srv_usermap *m, const char *spec,
    struct oe_err *err) OE_MUST_CHECK;

/** oe_srv_usermap_set_default() - the --default-user; errors as add. */
int oe_srv_usermap_set_default(struct oe_srv_usermap *m, const char *name,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_usermap_name() - local name that @requested stands for.  Pure.
 * Return: borrowed from @m or @requested itself; NULL when @requested is not
 * an acceptable name or this server cannot reach the account.
 */
const char *
oe_srv_usermap_name(const struct oe_srv_usermap *m, const char *requested);

/**
 * oe_srv_usermap_resolve() - the account that @requested stands for.
 * Every refusal is OE_ENOENT; @err (for the log, not for the peer) says why.
 * @ret: oe_srv_user_done() it; untouched on failure.
 * Return: 0, OE_ENOENT, OE_ESYS (the name service is broken).
 */
int
oe_srv_usermap_resolve(const struct oe_srv_usermap *m, const char *requested,
    struct oe_srv_user *ret, struct oe_err *err) OE_MUST_CHECK;
