/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/keeper_proto.h - what courier and keeper say to each other, as messages
 * of core/net/ipc.h with the wire types of core/base/buf.h.
 *
 * The courier asks, and waits for KEEPER_REPLY; one thing at a time.  The
 * keeper sends descriptors with the plan, and takes none.
 */
#pragma once

#include "core/mesh/api.h"

#define OE_KEEPER_TEXT_MAX 65536
/* How long one waits for the other's word, which may wait for a lock. */
#define OE_KEEPER_REPLY_MS 60000

enum keeper_says {
	/*
	 * Of the keeper, at first: strings origin, pin, network, device,
	 * hardware, token, etag of each kind; u8: there is a security key;
	 * u8 log level, format, journal; u64 interval_ms, sent; u32 uid, gid,
	 * u8 change them; u32 port; u32 number of host keys, and each as a
	 * string. Descriptors: the spool, and certificates of the API if there
	 * are.
	 */
	KEEPER_PLAN = 1,
	/* u32: 0 or minus a status; string: what was wrong, or asked for */
	KEEPER_REPLY,
	/* string refresh token, u8 oauth: use it, then KEEPER_TOKENS */
	KEEPER_REFRESH,

	/* Of the courier. */
	KEEPER_PART,     /* bytes of a payload; no reply */
	KEEPER_DOCUMENT, /* u8 kind, strings signature, key, etag */
	KEEPER_SAME,     /* u8 kind: the API has no other */
	KEEPER_ORDER,    /* string conn: is to be ended */
	KEEPER_SENT,     /* u64: events before that offset are with the API */
	/*
	 * String: the token that was refused; u8: the refresh token may be
	 * used.  Otherwise only what is in the file by now is looked at.
	 * Gives another token.
	 */
	KEEPER_RENEW,
	KEEPER_LOGIN,  /* gives the security key */
	KEEPER_TOKENS, /* strings token, refresh; u64 expires_ms; u8 oauth */
	KEEPER_FAILED, /* u32: after KEEPER_REFRESH: minus a status */
};

#define OE_KEEPER_POLICY_MAX    (16 << 20)
#define OE_KEEPER_DIRECTORY_MAX (48 << 20)
