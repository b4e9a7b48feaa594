/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/roster.h - who and what is in a network, out of its signed directory:
 * devices by address, users by key and by id.
 *
 * Everything is checked when it is read; a row that cannot be used is left
 * out.  An address that two devices claim belongs to neither, and so does a
 * key that two users claim.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/str.h"
#include "core/net/cidr.h"

struct oe_err;
struct oe_jval;
struct oe_roster;

struct oe_roster_user {
	char *id, *email; /* email may be NULL */
	struct oe_strs groups;
	/*
	 * wall clock: certificates that are valid from this second or from
	 * an earlier one are void; INT64_MIN: none is
	 */
	int64_t certs_after_s;
};

struct oe_roster_device {
	char *id, *name, *owner_id;
	struct oe_addr addr[2]; /* by family: see n_addr */
	size_t n_addr;
	struct oe_strs tags, host_keys;
};

/**
 * oe_roster_read() - of the payload of a directory (core/mesh/signed.h).
 * @ret: oe_roster_free() it; untouched on failure.
 * Return: 0 or OE_EPROTO (a part is missing).
 */
int oe_roster_read(const struct oe_jval *payload, struct oe_roster **ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_roster_free(struct oe_roster **r);

/** oe_roster_at() - the one device with this address, or NULL. */
const struct oe_roster_device *
oe_roster_at(const struct oe_roster *r, const struct oe_addr *a);
/** oe_roster_device() - by id, or NULL. */
const struct oe_roster_device *
oe_roster_device(const struct oe_roster *r, const char *id);
/** oe_roster_user() - by id, or NULL. */
const struct oe_roster_user *
oe_roster_user(const struct oe_roster *r, const char *id);
/**
 * oe_roster_key() - whose key is this?
 * @fingerprint: "SHA256:..."
 * @ret_until_s: wall clock, when the key expires; INT64_MAX: never.
 * Return: NULL: of nobody, or it has expired.
 */
const struct oe_roster_user *oe_roster_key(const struct oe_roster *r,
    const char *fingerprint, int64_t now_s, int64_t *ret_until_s);
/** oe_roster_authorities() - keys that sign certificates of users. */
const struct oe_strs *oe_roster_authorities(const struct oe_roster *r);
