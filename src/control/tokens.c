/* SPDX-License-Identifier: Apache-2.0 */
#include "control/tokens.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

#define SETS 1024
#define WAYS 4

struct entry {
	uint8_t hash[OE_SHA256_SIZE];
	int64_t until_ms; /* 0: free */
	struct oe_ctl_caller caller;
};

struct oe_ctl_tokens_cache {
	pthread_mutex_t lock;
	uint64_t epoch; /* counts oe_ctl_tokens_forget() */
	struct entry *entries;
};

struct oe_ctl_tokens_cache *
oe_ctl_tokens_new(void)
{
	struct oe_ctl_tokens_cache *c = oe_mem_zalloc(sizeof *c);

	pthread_mutex_init(&c->lock, NULL);
	c->entries = oe_mem_map(SETS * WAYS * sizeof *c->entries);
	return c;
}

void
oe_ctl_tokens_free(struct oe_ctl_tokens_cache **c)
{
	if (!*c)
		return;
	oe_mem_unmap((*c)->entries, SETS * WAYS * sizeof *(*c)->entries);
	pthread_mutex_destroy(&(*c)->lock);
	oe_mem_free(c);
}

static struct entry *
set_of(struct oe_ctl_tokens_cache *c, const uint8_t hash[OE_SHA256_SIZE])
{
	return c->entries + (hash[0] << 8 | hash[1]) % SETS * WAYS;
}

bool
oe_ctl_tokens_get(struct oe_ctl_tokens_cache *c,
    const uint8_t hash[OE_SHA256_SIZE], int64_t now_ms,
    struct oe_ctl_caller *ret, uint64_t *ret_epoch)
{
	struct entry *e = set_of(c, hash);
	bool found = false;
	size_t i;

	pthread_mutex_lock(&c->lock);
	*ret_epoch = c->epoch;
	for (i = 0; i < WAYS && !found; i++, e++) {
		found = e->until_ms > now_ms &&
			memcmp(e->hash, hash, OE_SHA256_SIZE) == 0;
		if (found)
			*ret = e->caller;
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

void
oe_ctl_tokens_put(struct oe_ctl_tokens_cache *c,
    const uint8_t hash[OE_SHA256_SIZE], int64_t until_ms,
    const struct oe_ctl_caller *caller, uint64_t epoch)
{
	struct entry *e = set_of(c, hash), *to = e;
	size_t i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < WAYS; i++, e++) {
		if (memcmp(e->hash, hash, OE_SHA256_SIZE) == 0) {
			to = e;
			break;
		}
		if (e->until_ms < to->until_ms)
			to = e;
	}
	if (c->epoch == epoch) {
		memcpy(to->hash, hash, OE_SHA256_SIZE);
		to->until_ms = until_ms;
		to->caller = *caller;
	}
	pthread_mutex_unlock(&c->lock);
}

void
oe_ctl_tokens_forget(struct oe_ctl_tokens_cache *c, const char *id)
{
	struct entry *e = c->entries;
	size_t i;

	pthread_mutex_lock(&c->lock);
	c->epoch++;
	for (i = 0; i < SETS * WAYS; i++, e++)
		if (e->until_ms && (!id || oe_str_eq(e->caller.id, id) ||
				       oe_str_eq(e->caller.token_id, id)))
			memset(e, 0, sizeof *e);
	pthread_mutex_unlock(&c->lock);
}
