/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/limits.h - how much one source, and all together, may ask of us.
 *
 * Kept by the listener.  No clock, no randomness and no system calls of its
 * own: the caller passes monotonic milliseconds, which never go back.
 *
 * A source is an IPv4 address or an IPv6 /64 (a home or a host commands a
 * whole /64, so one address of it says nothing).  Addresses are 16 bytes in
 * network order, IPv4 as ::ffff:a.b.c.d.
 *
 * Connection rate: a token bucket of rate_count that refills evenly over
 * rate_window_ms.  Ban: ban_failures failed authentications within
 * ban_window_ms shut the source out for ban_ms, the next ban for twice as
 * long and so on up to ban_max_ms; a source that behaves for ban_max_ms after
 * its ban starts anew.  The table holds OE_SRV_LIMITS_SOURCES_MAX sources;
 * the one longest not seen gives way, an active ban last of all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_srv_limits;

#define OE_SRV_LIMITS_SOURCES_MAX 65536

/* 0 switches a limit off, unless said otherwise. */
struct oe_srv_limits_conf {
	uint32_t rate_count, rate_window_ms;
	uint32_t ban_failures, ban_window_ms;
	int64_t ban_ms, ban_max_ms;
	uint32_t source_unauth_max;
	/*
	 * Unauthenticated connections of all sources: from start on one is
	 * dropped with rate percent, growing evenly to all at full.
	 */
	uint32_t startups_start, startups_rate, startups_full;
	uint32_t sessions_max; /* authenticated connections */
	size_t sources_max;    /* 0 or more than the constant: the constant */
	/* No rate, ban or own cap for this source; NULL: for nobody. */
	bool (*exempt)(void *arg, const uint8_t addr[16]);
	/* A number in [0, upper), evenly; must be set with startups_rate. */
	uint32_t (*random)(void *arg, uint32_t upper);
	void *arg;
	uint64_t hash_key[2]; /* secret, so that buckets cannot be aimed at */
};

enum oe_srv_verdict {
	OE_SRV_PASS,
	OE_SRV_BANNED,
	OE_SRV_RATE,        /* this source connects too often */
	OE_SRV_SOURCE_FULL, /* too many of this source not authenticated */
	OE_SRV_STARTUPS,    /* random early drop */
	OE_SRV_SESSIONS_FULL,
	OE_SRV_TABLE_FULL, /* every source in the table is in use */
};

/** oe_srv_verdict_text() - reason for logs and events: "banned". */
const char *oe_srv_verdict_text(enum oe_srv_verdict v);

/**
 * oe_srv_limits_parse_startups() - "start:rate:full" or "full".
 * 1 <= start <= full <= 100000, 1 <= rate <= 100.
 * Return: 0 or OE_EINVAL; the outputs are untouched then.
 */
int oe_srv_limits_parse_startups(const char *text,
    struct oe_srv_limits_conf *ret, struct oe_err *err) OE_MUST_CHECK;

/** oe_srv_limits_new() - @conf is copied; never NULL. */
struct oe_srv_limits *
oe_srv_limits_new(const struct oe_srv_limits_conf *conf) OE_MUST_CHECK;
void oe_srv_limits_free(struct oe_srv_limits **l);
/**
 * oe_srv_limits_set() - new numbers for what comes from now on; counts, bans
 * and the hash key stay.
 */
void oe_srv_limits_set(
    struct oe_srv_limits *l, const struct oe_srv_limits_conf *conf);

/**
 * oe_srv_limits_open() - may a connection from @addr go on?
 * On OE_SRV_PASS it counts as unauthenticated until told otherwise.
 */
enum oe_srv_verdict oe_srv_limits_open(struct oe_srv_limits *l,
    const uint8_t addr[16], int64_t now_ms) OE_MUST_CHECK;
/**
 * oe_srv_limits_authenticated() - a connection becomes a session.
 * Return: OE_SRV_PASS or OE_SRV_SESSIONS_FULL; then it is still counted as
 * unauthenticated, and the caller ends it.
 */
enum oe_srv_verdict oe_srv_limits_authenticated(
    struct oe_srv_limits *l, const uint8_t addr[16]) OE_MUST_CHECK;
/** oe_srv_limits_close() - a connection that passed is gone. */
void oe_srv_limits_close(
    struct oe_srv_limits *l, const uint8_t addr[16], bool authenticated);
/**
 * oe_srv_limits_failed() - an authentication from @addr failed.
 * Return: milliseconds of the ban that starts now, or 0.
 */
int64_t oe_srv_limits_failed(
    struct oe_srv_limits *l, const uint8_t addr[16], int64_t now_ms);

struct oe_srv_limits_stats {
	size_t sources, unauthenticated, sessions;
};
void oe_srv_limits_stats(
    const struct oe_srv_limits *l, struct oe_srv_limits_stats *ret);
