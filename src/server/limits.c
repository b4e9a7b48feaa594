/* SPDX-License-Identifier: Apache-2.0 */
#include "server/limits.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define NONE         UINT32_MAX
#define BUCKETS      16384u
#define STARTUPS_MAX 100000

/*
 * Queues of sources, longest not seen first.  One with open unauthenticated
 * connections cannot go away: its count must find it again.
 */
enum queue { IDLE, BANNED, IN_USE, QUEUES };

struct source {
	uint8_t addr[16];
	uint32_t next_in_bucket;
	uint32_t older, newer; /* within the queue */
	enum queue queue;
	uint32_t unauth;
	uint64_t tokens;
	int64_t filled_ms;
	uint32_t failures;
	int64_t failing_since_ms;
	int64_t banned_until_ms; /* 0: never banned */
	unsigned bans;
};

struct oe_srv_limits {
	struct oe_srv_limits_conf conf;
	struct source *v; /* n in use of cap; freed ones are reused at once */
	size_t n, cap;
	uint32_t bucket[BUCKETS];
	uint32_t oldest[QUEUES], newest[QUEUES];
	size_t unauth, sessions;
};

const char *
oe_srv_verdict_text(enum oe_srv_verdict v)
{
	switch (v) {
	case OE_SRV_PASS:
		return "accepted";
	case OE_SRV_BANNED:
		return "banned";
	case OE_SRV_RATE:
		return "connection-rate";
	case OE_SRV_SOURCE_FULL:
		return "unauthenticated-per-source";
	case OE_SRV_STARTUPS:
		return "max-startups";
	case OE_SRV_SESSIONS_FULL:
		return "max-sessions";
	case OE_SRV_TABLE_FULL:
		break;
	}
	return "source-table-full";
}

/* "start:rate:full" or "full" into three numbers. */
static bool
startups_split(char *text, int64_t ret[3])
{
	char *rate = strchr(text, ':'), *full;

	if (rate == NULL) {
		if (oe_str_parse_int(text, 1, STARTUPS_MAX, &ret[2]) != 0)
			return false;
		ret[0] = ret[2];
		ret[1] = 100;
		return true;
	}
	*rate++ = '\0';
	full = strchr(rate, ':');
	if (full == NULL)
		return false;
	*full++ = '\0';
	return oe_str_parse_int(full, 1, STARTUPS_MAX, &ret[2]) == 0 &&
	       oe_str_parse_int(text, 1, ret[2], &ret[0]) == 0 &&
	       oe_str_parse_int(rate, 1, 100, &ret[1]) == 0;
}

int
oe_srv_limits_parse_startups(
    const char *text, struct oe_srv_limits_conf *ret, struct oe_err *err)
{
	char copy[64];
	int64_t n[3];

	if (!oe_str_copy(copy, sizeof(copy), text) || !startups_split(copy, n))
		return oe_err_set(err, OE_EINVAL,
		    "'%.60s' is neither a number nor START:RATE:FULL (START "
		    "<= FULL <= %d, RATE 1 to 100)",
		    text, STARTUPS_MAX);
	ret->startups_start = (uint32_t)n[0];
	ret->startups_rate = (uint32_t)n[1];
	ret->startups_full = (uint32_t)n[2];
	return 0;
}

/* The /64 of IPv6; IPv4 whole. */
static void
key_of(const uint8_t addr[16], uint8_t ret[16])
{
	static const uint8_t mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	memcpy(ret, addr, 16);
	if (memcmp(addr, mapped, sizeof(mapped)) != 0)
		memset(ret + 8, 0, 8);
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	a ^= b;
	a ^= a >> 32;
	a *= UINT64_C(0xd6e8feb86659fd93);
	a ^= a >> 32;
	a *= UINT64_C(0xd6e8feb86659fd93);
	return a ^ a >> 32;
}

static uint32_t
bucket_of(const struct oe_srv_limits *l, const uint8_t key[16])
{
	uint64_t part[2];

	memcpy(part, key, sizeof(part));
	part[0] = mix(part[0], l->conf.hash_key[0]);
	part[0] = mix(part[0] + l->conf.hash_key[1], part[1]);
	return (uint32_t)(mix(part[0], l->conf.hash_key[1]) % BUCKETS);
}

static uint32_t
source_find(const struct oe_srv_limits *l, const uint8_t key[16])
{
	uint32_t i = l->bucket[bucket_of(l, key)];

	while (i != NONE && memcmp(l->v[i].addr, key, 16) != 0)
		i = l->v[i].next_in_bucket;
	return i;
}

static void
queue_leave(struct oe_srv_limits *l, uint32_t i)
{
	struct source *s = &l->v[i];

	if (s->older != NONE)
		l->v[s->older].newer = s->newer;
	else
		l->oldest[s->queue] = s->newer;
	if (s->newer != NONE)
		l->v[s->newer].older = s->older;
	else
		l->newest[s->queue] = s->older;
}

static void
queue_enter(struct oe_srv_limits *l, uint32_t i, enum queue q)
{
	struct source *s = &l->v[i];

	s->queue = q;
	s->older = l->newest[q];
	s->newer = NONE;
	if (s->older != NONE)
		l->v[s->older].newer = i;
	else
		l->oldest[q] = i;
	l->newest[q] = i;
}

/* Put a source that was just seen, or changed, where it belongs. */
static void
source_requeue(struct oe_srv_limits *l, uint32_t i)
{
	const struct source *s = &l->v[i];

	queue_leave(l, i);
	if (s->unauth > 0)
		queue_enter(l, i, IN_USE);
	else if (s->banned_until_ms != 0)
		queue_enter(l, i, BANNED);
	else
		queue_enter(l, i, IDLE);
}

static void
bucket_leave(struct oe_srv_limits *l, uint32_t i)
{
	uint32_t *p = &l->bucket[bucket_of(l, l->v[i].addr)];

	while (*p != i)
		p = &l->v[*p].next_in_bucket;
	*p = l->v[i].next_in_bucket;
}

/* The source that gives way to a new one; NONE when all are in use. */
static uint32_t
victim(const struct oe_srv_limits *l)
{
	uint32_t i, best = NONE;

	if (l->oldest[IDLE] != NONE)
		return l->oldest[IDLE];
	/* The ban that ends first; one that is over already ended first. */
	for (i = l->oldest[BANNED]; i != NONE; i = l->v[i].newer)
		if (best == NONE ||
		    l->v[i].banned_until_ms < l->v[best].banned_until_ms)
			best = i;
	return best;
}

static uint32_t
slot_take(struct oe_srv_limits *l)
{
	uint32_t i;

	if (l->n >= l->conf.sources_max) {
		i = victim(l);
		if (i == NONE)
			return NONE;
		queue_leave(l, i);
		bucket_leave(l, i);
		return i;
	}
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->v = oe_mem_realloc_array(l->v, l->cap, sizeof(*l->v));
	}
	return (uint32_t)l->n++;
}

/*
 * Tokens are counted in parts: rate_window_ms parts are one token, and a
 * source gets rate_count parts each millisecond.  Nothing is ever rounded.
 */
static uint64_t
tokens_full(const struct oe_srv_limits *l)
{
	return (uint64_t)l->conf.rate_count * l->conf.rate_window_ms;
}

static uint32_t
source_get(struct oe_srv_limits *l, const uint8_t key[16], int64_t now_ms)
{
	uint32_t i = source_find(l, key), b;

	if (i != NONE)
		return i;
	i = slot_take(l);
	if (i == NONE)
		return NONE;
	memset(&l->v[i], 0, sizeof(l->v[i]));
	memcpy(l->v[i].addr, key, 16);
	l->v[i].tokens = tokens_full(l);
	l->v[i].filled_ms = now_ms;
	b = bucket_of(l, key);
	l->v[i].next_in_bucket = l->bucket[b];
	l->bucket[b] = i;
	queue_enter(l, i, IDLE);
	return i;
}

/* Forget a ban that is over, and the doubling after a quiet time. */
static void
ban_age(const struct oe_srv_limits *l, struct source *s, int64_t now_ms)
{
	if (s->banned_until_ms == 0)
		return;
	if (now_ms - s->banned_until_ms < l->conf.ban_max_ms)
		return;
	s->banned_until_ms = 0;
	s->bans = 0;
}

static bool
token_take(const struct oe_srv_limits *l, struct source *s, int64_t now_ms)
{
	uint64_t full = tokens_full(l);
	int64_t passed = now_ms - s->filled_ms;

	if (full == 0)
		return true;
	if (passed > 0)
		s->filled_ms = now_ms;
	if (passed >= l->conf.rate_window_ms)
		s->tokens = full;
	else if (passed > 0)
		s->tokens += (uint64_t)passed * l->conf.rate_count;
	if (s->tokens > full)
		s->tokens = full;
	if (s->tokens < l->conf.rate_window_ms)
		return false;
	s->tokens -= l->conf.rate_window_ms;
	return true;
}

/* The caller drops this connection by chance, more surely near the end. */
static bool
startups_drop(const struct oe_srv_limits *l)
{
	const struct oe_srv_limits_conf *c = &l->conf;
	uint64_t percent, over;

	if (c->startups_full == 0 || l->unauth < c->startups_start)
		return false;
	if (l->unauth >= c->startups_full || c->random == NULL)
		return l->unauth >= c->startups_full;
	over = l->unauth - c->startups_start;
	percent = c->startups_rate + (100 - (uint64_t)c->startups_rate) * over /
					 (c->startups_full - c->startups_start);
	return c->random(c->arg, 100) < percent;
}

static enum oe_srv_verdict
source_judge(struct oe_srv_limits *l, struct source *s, int64_t now_ms)
{
	ban_age(l, s, now_ms);
	if (l->conf.ban_failures > 0 && s->banned_until_ms > now_ms)
		return OE_SRV_BANNED;
	if (!token_take(l, s, now_ms))
		return OE_SRV_RATE;
	if (l->conf.source_unauth_max > 0 &&
	    s->unauth >= l->conf.source_unauth_max)
		return OE_SRV_SOURCE_FULL;
	return OE_SRV_PASS;
}

static bool
exempt(const struct oe_srv_limits *l, const uint8_t addr[16])
{
	return l->conf.exempt != NULL && l->conf.exempt(l->conf.arg, addr);
}

enum oe_srv_verdict
oe_srv_limits_open(
    struct oe_srv_limits *l, const uint8_t addr[16], int64_t now_ms)
{
	enum oe_srv_verdict v = OE_SRV_PASS;
	uint8_t key[16];
	uint32_t i;

	key_of(addr, key);
	i = source_get(l, key, now_ms);
	if (i == NONE)
		return OE_SRV_TABLE_FULL;
	if (!exempt(l, addr))
		v = source_judge(l, &l->v[i], now_ms);
	if (v == OE_SRV_PASS && l->conf.sessions_max > 0 &&
	    l->sessions >= l->conf.sessions_max)
		v = OE_SRV_SESSIONS_FULL;
	if (v == OE_SRV_PASS && startups_drop(l))
		v = OE_SRV_STARTUPS;
	if (v == OE_SRV_PASS) {
		l->v[i].unauth++;
		l->unauth++;
	}
	source_requeue(l, i);
	return v;
}

static void
unauth_drop(struct oe_srv_limits *l, const uint8_t addr[16])
{
	uint8_t key[16];
	uint32_t i;

	key_of(addr, key);
	i = source_find(l, key);
	if (i == NONE || l->v[i].unauth == 0)
		return;
	l->v[i].unauth--;
	l->unauth--;
	source_requeue(l, i);
}

enum oe_srv_verdict
oe_srv_limits_authenticated(struct oe_srv_limits *l, const uint8_t addr[16])
{
	if (l->conf.sessions_max > 0 && l->sessions >= l->conf.sessions_max)
		return OE_SRV_SESSIONS_FULL;
	unauth_drop(l, addr);
	l->sessions++;
	return OE_SRV_PASS;
}

void
oe_srv_limits_close(
    struct oe_srv_limits *l, const uint8_t addr[16], bool authenticated)
{
	if (!authenticated)
		unauth_drop(l, addr);
	else if (l->sessions > 0)
		l->sessions--;
}

static int64_t
ban_start(const struct oe_srv_limits *l, struct source *s, int64_t now_ms)
{
	int64_t ms = l->conf.ban_ms;
	unsigned i;

	for (i = 0; i < s->bans && ms <= l->conf.ban_max_ms / 2; i++)
		ms *= 2;
	if (s->bans > i)
		ms = l->conf.ban_max_ms;
	if (ms > l->conf.ban_max_ms)
		ms = l->conf.ban_max_ms;
	if (s->bans < 64)
		s->bans++;
	s->failures = 0;
	s->banned_until_ms = now_ms + ms;
	return ms;
}

int64_t
oe_srv_limits_failed(
    struct oe_srv_limits *l, const uint8_t addr[16], int64_t now_ms)
{
	const struct oe_srv_limits_conf *c = &l->conf;
	struct source *s;
	uint8_t key[16];
	int64_t ms = 0;
	uint32_t i;

	if (c->ban_failures == 0 || c->ban_ms <= 0 || exempt(l, addr))
		return 0;
	key_of(addr, key);
	i = source_get(l, key, now_ms);
	if (i == NONE)
		return 0;
	s = &l->v[i];
	ban_age(l, s, now_ms);
	/* connections from before the ban go on failing: one ban is enough */
	if (s->banned_until_ms > now_ms)
		return 0;
	if (s->failures == 0 ||
	    now_ms - s->failing_since_ms >= c->ban_window_ms) {
		s->failures = 0;
		s->failing_since_ms = now_ms;
	}
	if (++s->failures >= c->ban_failures)
		ms = ban_start(l, s, now_ms);
	source_requeue(l, i);
	return ms;
}

static void
conf_fix(struct oe_srv_limits_conf *c)
{
	if (c->sources_max == 0 || c->sources_max > OE_SRV_LIMITS_SOURCES_MAX)
		c->sources_max = OE_SRV_LIMITS_SOURCES_MAX;
	if (c->ban_max_ms < c->ban_ms)
		c->ban_max_ms = c->ban_ms;
}

struct oe_srv_limits *
oe_srv_limits_new(const struct oe_srv_limits_conf *conf)
{
	struct oe_srv_limits *l = oe_mem_zalloc(sizeof(*l));
	size_t i;

	l->conf = *conf;
	conf_fix(&l->conf);
	for (i = 0; i < BUCKETS; i++)
		l->bucket[i] = NONE;
	for (i = 0; i < QUEUES; i++)
		l->oldest[i] = l->newest[i] = NONE;
	return l;
}

void
oe_srv_limits_free(struct oe_srv_limits **l)
{
	if (*l != NULL)
		oe_mem_free(&(*l)->v);
	oe_mem_free(l);
}

void
oe_srv_limits_set(
    struct oe_srv_limits *l, const struct oe_srv_limits_conf *conf)
{
	uint64_t key[2] = {l->conf.hash_key[0], l->conf.hash_key[1]};

	l->conf = *conf;
	l->conf.hash_key[0] = key[0];
	l->conf.hash_key[1] = key[1];
	conf_fix(&l->conf);
}

void
oe_srv_limits_stats(
    const struct oe_srv_limits *l, struct oe_srv_limits_stats *ret)
{
	ret->sources = l->n;
	ret->unauthenticated = l->unauth;
	ret->sessions = l->sessions;
}
