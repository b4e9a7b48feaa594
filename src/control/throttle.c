/* SPDX-License-Identifier: Apache-2.0 */
#include "control/throttle.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"

#define SETS 1024
#define WAYS 8
/* Failures older than this no longer count. */
#define FORGET_MS (INT64_C(3600) * 1000)

static const struct {
	unsigned free;
	int64_t max_ms;
} rules[] = {
    [OE_CTL_THROTTLE_ACCOUNT] = {5, 60 * 1000},
    [OE_CTL_THROTTLE_ADDRESS] = {20, 900 * 1000},
    [OE_CTL_THROTTLE_CODES] = {10, 900 * 1000},
};

struct entry {
	uint8_t key[16]; /* of a salted hash: nobody can aim at a set */
	unsigned failures;
	int64_t last_ms, until_ms;
};

struct oe_ctl_throttle {
	pthread_mutex_t lock;
	uint8_t salt[16];
	struct entry sets[SETS][WAYS];
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

/* The entry of @key, or the one that makes room for it. */
static struct entry *
find(struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind, const char *key)
{
	uint8_t text[sizeof t->salt + 1 + 256], hash[OE_SHA256_SIZE];
	struct entry *set, *oldest;
	size_t n = strlen(key), i;

	if (n > 256)
		n = 256;
	memcpy(text, t->salt, sizeof t->salt);
	text[sizeof t->salt] = (uint8_t)kind;
	memcpy(text + sizeof t->salt + 1, key, n);
	oe_sha256(text, sizeof t->salt + 1 + n, hash);
	set = oldest = t->sets[(hash[30] << 8 | hash[31]) % SETS];
	for (i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, hash, sizeof set[i].key) == 0)
			return &set[i];
		if (set[i].last_ms < oldest->last_ms)
			oldest = &set[i];
	}
	memset(oldest, 0, sizeof *oldest);
	memcpy(oldest->key, hash, sizeof oldest->key);
	return oldest;
}

int64_t
oe_ctl_throttle_try(struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind,
    const char *key, int64_t now_ms)
{
	int64_t wait = 0, pause;
	struct entry *e;
	unsigned over;

	pthread_mutex_lock(&t->lock);
	e = find(t, kind, key);
	if (e->last_ms && now_ms - e->last_ms > FORGET_MS)
		e->failures = 0;
	if (now_ms < e->until_ms) {
		wait = e->until_ms - now_ms;
	} else {
		e->last_ms = now_ms;
		e->failures++;
		over = e->failures < rules[kind].free
			   ? 0
			   : e->failures - rules[kind].free + 1;
		pause = over ? INT64_C(500) << (over < 16 ? over : 16) : 0;
		if (pause > rules[kind].max_ms)
			pause = rules[kind].max_ms;
		e->until_ms = now_ms + pause;
	}
	pthread_mutex_unlock(&t->lock);
	return wait;
}

void
oe_ctl_throttle_good(
    struct oe_ctl_throttle *t, enum oe_ctl_throttle_kind kind, const char *key)
{
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = find(t, kind, key);
	if (kind == OE_CTL_THROTTLE_ACCOUNT)
		e->failures = 0;
	else if (e->failures > 0)
		e->failures--;
	e->until_ms = 0;
	pthread_mutex_unlock(&t->lock);
}
