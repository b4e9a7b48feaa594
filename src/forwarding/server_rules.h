/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/server_rules.h - may this target be reached, may this be
 * listened on?  Pure: everything that decides is in the arguments.
 *
 * A name is judged twice: before it is resolved, so that nobody learns or
 * tells anything by names that they may not reach, and each of its addresses
 * afterwards, so that a name cannot stand for what is kept closed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/net/cidr.h"

struct oe_grant;
struct oe_strs;

#define OE_FWD_OWN_PORTS_MAX 2

struct oe_fwd_rules {
	const struct oe_grant *grant; /* of key, certificate and policy */
	bool local, remote;           /* --allow-forwarding */
	/* --permit-open, --permit-listen; without an item anything goes */
	const struct oe_strs *permit_open, *permit_listen;
	/* of the policy's rule: only these, even if empty; NULL: not said */
	const struct oe_strs *rule_open, *rule_listen;
	/* is this an address of this machine? and where it serves SSH */
	bool (*is_own)(const struct oe_addr *a);
	unsigned own_ports[OE_FWD_OWN_PORTS_MAX]; /* 0: none */
	bool root; /* the local user may bind any port */
};

enum oe_fwd_verdict {
	OE_FWD_ALLOWED,
	OE_FWD_OFF,        /* --allow-forwarding */
	OE_FWD_UNGRANTED,  /* key, certificate or policy */
	OE_FWD_UNLISTED,   /* --permit-open, --permit-listen */
	OE_FWD_OWN_PORT,   /* this server's own SSH port */
	OE_FWD_LINK_LOCAL, /* 169.254/16, fe80::/10 */
	OE_FWD_METADATA,   /* where clouds tell secrets to machines */
	OE_FWD_PRIVILEGED, /* a port below 1024, not as root */
	OE_FWD_MALFORMED,
};

/** oe_fwd_verdict_text() - for events and logs. */
const char *oe_fwd_verdict_text(enum oe_fwd_verdict v);
/** oe_fwd_rules_name() - before @host, a name or an address, is resolved. */
enum oe_fwd_verdict oe_fwd_rules_name(
    const struct oe_fwd_rules *r, const char *host, unsigned port);
/** oe_fwd_rules_addr() - may @host be reached at @addr? */
enum oe_fwd_verdict oe_fwd_rules_addr(const struct oe_fwd_rules *r,
    const char *host, const struct oe_addr *addr, unsigned port);
/** oe_fwd_rules_unix() - may the Unix socket @path be reached? */
enum oe_fwd_verdict
oe_fwd_rules_unix(const struct oe_fwd_rules *r, const char *path);
/**
 * oe_fwd_rules_listen() - may @addr be listened on for @host, which is as the
 * peer wrote it, "" for all; @port 0: any free one.
 */
enum oe_fwd_verdict oe_fwd_rules_listen(const struct oe_fwd_rules *r,
    const char *host, const struct oe_addr *addr, unsigned port);
