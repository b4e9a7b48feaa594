/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* Documents that are kept, however small they are. */
#define KEPT_MAX 64

struct oe_ctl_text {
	_Atomic unsigned refs;
	size_t len;
	char *p;
};

struct entry {
	struct oe_ctl_text *text; /* NULL: free */
	char kind[16], network_id[OE_CTL_ID_SIZE];
	int64_t version, issued_ms;
	uint64_t used;
};

struct oe_ctl_kept {
	pthread_mutex_t making;
	pthread_mutex_t lock; /* of all below */
	size_t max, bytes;
	uint64_t clock;
	struct entry entries[KEPT_MAX];
};

struct oe_ctl_text *
oe_ctl_text_new(char *text)
{
	struct oe_ctl_text *t = oe_mem_zalloc(sizeof *t);

	t->refs = 1;
	t->len = strlen(text);
	t->p = text;
	return t;
}

struct oe_ctl_text *
oe_ctl_text_ref(struct oe_ctl_text *t)
{
	t->refs++;
	return t;
}

void
oe_ctl_text_drop(struct oe_ctl_text **tp)
{
	struct oe_ctl_text *t = *tp;

	*tp = NULL;
	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	free(t->p);
	free(t);
}

const char *
oe_ctl_text_get(const struct oe_ctl_text *t)
{
	return t->p;
}

size_t
oe_ctl_text_len(const struct oe_ctl_text *t)
{
	return t->len;
}

struct oe_ctl_kept *
oe_ctl_kept_new(size_t max)
{
	struct oe_ctl_kept *k = oe_mem_zalloc(sizeof *k);

	pthread_mutex_init(&k->making, NULL);
	pthread_mutex_init(&k->lock, NULL);
	k->max = max;
	return k;
}

static void
forget(struct oe_ctl_kept *k, struct entry *e)
{
	if (e->text)
		k->bytes -= e->text->len;
	oe_ctl_text_drop(&e->text);
}

void
oe_ctl_kept_free(struct oe_ctl_kept **k)
{
	size_t i;

	if (!*k)
		return;
	for (i = 0; i < KEPT_MAX; i++)
		forget(*k, &(*k)->entries[i]);
	pthread_mutex_destroy(&(*k)->lock);
	pthread_mutex_destroy(&(*k)->making);
	oe_mem_free(k);
}

/* The entry of a kind and network, or NULL. */
static struct entry *
find(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key)
{
	struct entry *e;
	size_t i;

	for (i = 0; i < KEPT_MAX; i++) {
		e = &k->entries[i];
		if (e->text && oe_str_eq(e->network_id, key->network_id) &&
		    oe_str_eq(e->kind, key->kind))
			return e;
	}
	return NULL;
}

void
oe_ctl_kept_enter(struct oe_ctl_kept *k)
{
	pthread_mutex_lock(&k->making);
}

void
oe_ctl_kept_leave(struct oe_ctl_kept *k)
{
	pthread_mutex_unlock(&k->making);
}

struct oe_ctl_text *
oe_ctl_kept_get(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key)
{
	struct oe_ctl_text *ret = NULL;
	struct entry *e;

	pthread_mutex_lock(&k->lock);
	e = find(k, key);
	if (e && e->version == key->version && e->issued_ms == key->issued_ms) {
		ret = oe_ctl_text_ref(e->text);
		e->used = ++k->clock;
	}
	pthread_mutex_unlock(&k->lock);
	return ret;
}

/* A free entry, and room for @n bytes in all. */
static struct entry *
make_room(struct oe_ctl_kept *k, size_t n)
{
	struct entry *e, *oldest, *empty;
	size_t i;

	for (;;) {
		oldest = empty = NULL;
		for (i = 0; i < KEPT_MAX; i++) {
			e = &k->entries[i];
			if (!e->text)
				empty = e;
			else if (!oldest || e->used < oldest->used)
				oldest = e;
		}
		if (empty && k->bytes + n <= k->max)
			return empty;
		forget(k, oldest);
	}
}

void
oe_ctl_kept_put(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key,
    struct oe_ctl_text *t)
{
	struct entry *e;

	if (t->len > k->max / 4)
		return;
	pthread_mutex_lock(&k->lock);
	e = find(k, key);
	/* who was slow does not put back what is older */
	if (e && e->issued_ms > key->issued_ms) {
		pthread_mutex_unlock(&k->lock);
		return;
	}
	if (e)
		forget(k, e);
	e = make_room(k, t->len);
	(void)oe_str_copy(e->kind, sizeof e->kind, key->kind);
	(void)oe_str_copy(e->network_id, sizeof e->network_id, key->network_id);
	e->version = key->version;
	e->issued_ms = key->issued_ms;
	e->used = ++k->clock;
	e->text = oe_ctl_text_ref(t);
	k->bytes += t->len;
	pthread_mutex_unlock(&k->lock);
}
