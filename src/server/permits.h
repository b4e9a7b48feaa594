/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/permits.h - targets as --permit-open and --permit-listen name them.
 *
 * An item is HOST:PORT.  HOST is "*", a name, an address or a network
 * (10.0.0.0/8, [fd00::/8]); IPv6 stands in brackets.  A name may have '*' and
 * '?' in it (*.lab.example), but then a letter too: what looks like the
 * beginning of an address is a network that was meant.  PORT is a number, a
 * range (8000-8099) or "*".  An item for opening may also be the path of a
 * Unix socket; one for listening may be PORT alone, for every host.  "any"
 * is every target, "none" is none, as if the list were there and empty.
 */
#pragma once

#include <stdbool.h>

struct oe_addr;
struct oe_err;
struct oe_strs;

enum oe_srv_permit_kind {
	OE_SRV_PERMIT_OPEN,
	OE_SRV_PERMIT_LISTEN,
};

/** oe_srv_permit_check() - is @text an item? 0 or OE_EINVAL. */
int oe_srv_permit_check(
    const char *text, enum oe_srv_permit_kind kind, struct oe_err *err);

struct oe_srv_permit_asked {
	const char *host;           /* as the peer wrote it */
	const struct oe_addr *addr; /* what it stands for; NULL: not known */
	unsigned port;
};

/**
 * oe_srv_permits_match() - does an item cover what is asked?
 * Without an address, an item with an address or a network covers any name:
 * ask again with the address.
 */
bool oe_srv_permits_match(
    const struct oe_strs *list, const struct oe_srv_permit_asked *a);
/**
 * oe_srv_permits_listen() - does an item cover listening at @a->addr, which
 * stands for @a->host?  Items with an address or a network speak of the
 * address, the others of the host as it was asked for.
 */
bool oe_srv_permits_listen(
    const struct oe_strs *list, const struct oe_srv_permit_asked *a);
/** oe_srv_permits_unix() - does an item cover the Unix socket @path? */
bool oe_srv_permits_unix(const struct oe_strs *list, const char *path);
/**
 * oe_srv_permits_name_exactly() - is there an item for just this host (name
 * or single address) and just this port?
 */
bool oe_srv_permits_name_exactly(
    const struct oe_strs *list, const struct oe_srv_permit_asked *a);
