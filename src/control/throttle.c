/* SPDX-License-Identifier: Apache-2.0 */
#include "control/throttle.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"

#define SETS    1024
#define WAYS    8
#define KEY_MAX 512
/* Failures older than this no longer count. */
#define FORGET_MS (INT64_C(3600) * 1000)

static const struct {
	unsigned free;
	int64_t max_ms;
} rules[OE_CTL_THROTTLE_KINDS] = {
    [OE_CTL_THROTTLE_ACCOUNT] = {5, 60 * 1000},
    [OE_CTL_THROTTLE_ADDRESS] = {20, 900 * 1000},
    [OE_CTL_THROTTLE_CODES] = {10, 900 * 1000},
    [OE_CTL_THROTTLE_KNOWN] = {5, 60 * 1000},
};

struct entry {
	uint8_t key[16]; /* of a salted hash: nobody can aim at a set */
	unsigned failures;
	int64_t last_ms, until_ms;
};

struct oe_ctl_throttle {
	pthread_mutex_t lock;
	uint8_t salt[16];
	struct entry sets[OE_CTL_THROTTLE_KINDS][SETS][WAYS];
};

struct oe_ctl_throttle *
oe_ctl_throttle_new(void)
{
	struct oe_ctl_throttle *t = oe_mem_zalloc(sizeof *t);

	pthread_mutex_init(&t->lock, NULL);
	oe_random_bytes(t->salt, sizeof t->salt);
	return t;
}

void
oe_ctl_throttle_free(struct oe_ctl_throttle **t)
{
	if (!*t)
		return;
	pthread_mutex_destroy(&(*t)->lock);
	oe_mem_free(t);
}

/* Failures that count still. */
static unsigned
weight(const struct entry *e, int64_t now_ms)
{
	return e->last_ms && now_ms - e->last_ms <= FORGET_MS ? e->failures : 0;
}

/* Is @a to make room before @b? */
static bool
lesser(const struct entry *a, const struct entry *b, int64_t now_ms)
{
	unsigned wa = weight(a, now_ms), wb = weight(b, now_ms);

	return wa != wb ? wa < wb : a->last_ms < b->last_ms;
}

static void
hash_key(const struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind,
    const char *key, uint8_t ret[OE_SHA256_SIZE])
{
	uint8_t text[sizeof t->salt + 1 + KEY_MAX];
	size_t n = strnlen(key, KEY_MAX);

	memcpy(text, t->salt, sizeof t->salt);
	text[sizeof t->salt] = (uint8_t)kind;
	memcpy(text + sizeof t->salt + 1, key, n);
	oe_sha256(text, sizeof t->salt + 1 + n, ret);
}

/* The entry of @key; else the one that makes room for it, or NULL. */
static struct entry *
find(struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind, const char *key,
    int64_t now_ms, bool make)
{
	uint8_t hash[OE_SHA256_SIZE];
	struct entry *set, *least;
	size_t i;

	hash_key(t, kind, key, hash);
	set = least = t->sets[kind][(hash[30] << 8 | hash[31]) % SETS];
	for (i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, hash, sizeof set[i].key) == 0)
			return &set[i];
		if (lesser(&set[i], least, now_ms))
			least = &set[i];
	}
	if (!make)
		return NULL;
	memset(least, 0, sizeof *least);
	memcpy(least->key, hash, sizeof least->key);
	return least;
}

/* One more failure: how long is the pause after it? */
static int64_t
pause_after(enum oe_ctl_throttle_kind kind, unsigned failures)
{
	unsigned over =
	    failures < rules[kind].free ? 0 : failures - rules[kind].free + 1;
	int64_t ms = over ? INT64_C(500) << (over < 16 ? over : 16) : 0;

	return ms < rules[kind].max_ms ? ms : rules[kind].max_ms;
}

int64_t
oe_ctl_throttle_try(struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind,
    const char *key, int64_t now_ms)
{
	int64_t wait = -1, pause;
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, kind, key, now_ms, kind != OE_CTL_THROTTLE_KNOWN);
	if (e && now_ms < e->until_ms) {
		wait = e->until_ms - now_ms;
	} else if (e) {
		wait = 0;
		e->failures = weight(e, now_ms) + 1;
		e->last_ms = now_ms;
		pause = pause_after(kind, e->failures);
		/*
		 * No pause is no time at all: a thread that looked at the
		 * clock before this one and comes after it waits for nothing.
		 */
		e->until_ms = pause ? now_ms + pause : 0;
	}
	pthread_mutex_unlock(&t->lock);
	return wait;
}

void
oe_ctl_throttle_undo(
    struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind, const char *key)
{
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, kind, key, 0, false);
	if (e && e->failures > 0)
		e->failures--;
	if (e)
		e->until_ms = 0;
	pthread_mutex_unlock(&t->lock);
}

void
oe_ctl_throttle_good(struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind,
    const char *key, int64_t now_ms)
{
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, kind, key, now_ms, kind == OE_CTL_THROTTLE_KNOWN);
	if (e &&
	    (kind == OE_CTL_THROTTLE_ACCOUNT || kind == OE_CTL_THROTTLE_KNOWN))
		e->failures = 0;
	else if (e && e->failures > 0)
		e->failures--;
	if (e) {
		e->last_ms = now_ms;
		e->until_ms = 0;
	}
	pthread_mutex_unlock(&t->lock);
}
