/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/roster.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/ssh/pubkey.h"

struct place {
	struct oe_addr addr;
	size_t device;
};

struct key {
	char *fingerprint, *user_id;
	int64_t until_s;
};

struct oe_roster {
	struct oe_roster_device *devices; /* by id */
	size_t n_devices;
	struct oe_roster_user *users; /* by id */
	size_t n_users;
	struct place *places; /* by address */
	size_t n_places;
	struct key *keys; /* by fingerprint */
	size_t n_keys;
	struct oe_strs authorities;
};

static int
addr_order(const struct oe_addr *a, const struct oe_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int
by_addr(const void *a, const void *b)
{
	return addr_order(
	    &((const struct place *)a)->addr, &((const struct place *)b)->addr);
}

static int
by_print(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->fingerprint,
	    ((const struct key *)b)->fingerprint);
}

static int
by_device(const void *a, const void *b)
{
	return strcmp(((const struct oe_roster_device *)a)->id,
	    ((const struct oe_roster_device *)b)->id);
}

static int
by_user(const void *a, const void *b)
{
	return strcmp(((const struct oe_roster_user *)a)->id,
	    ((const struct oe_roster_user *)b)->id);
}

static void
read_texts(const struct oe_jval *list, struct oe_strs *ret)
{
	const char *text;
	size_t i;

	for (i = 0; i < oe_jval_size(list); i++)
		if ((text = oe_jval_text(oe_jval_at(list, i))))
			oe_strs_add(ret, text);
}

static void
read_addr(
    const struct oe_jval *v, const char *member, struct oe_roster_device *d)
{
	const char *text = oe_jval_get_text(v, member);

	if (text && oe_addr_parse(text, &d->addr[d->n_addr], NULL) == 0)
		d->n_addr++;
}

static bool
read_device(const struct oe_jval *v, struct oe_roster_device *d)
{
	const char *id = oe_jval_get_text(v, "id");

	if (!id)
		return false;
	d->id = oe_mem_strdup(id);
	d->name = oe_mem_strdup(oe_jval_get_text(v, "name"));
	d->owner_id =
	    oe_mem_strdup(oe_jval_get_text(oe_jval_get(v, "owner"), "id"));
	read_addr(v, "virtual_ip", d);
	read_addr(v, "virtual_ip_v6", d);
	read_texts(oe_jval_get(v, "tags"), &d->tags);
	read_texts(oe_jval_get(v, "host_keys"), &d->host_keys);
	return true;
}

static void
read_devices(struct oe_roster *r, const struct oe_jval *rows)
{
	size_t i, k, n = oe_jval_size(rows);

	r->devices = oe_mem_zalloc((n + 1) * sizeof *r->devices);
	r->places = oe_mem_zalloc((2 * n + 1) * sizeof *r->places);
	for (i = 0; i < n; i++)
		if (read_device(oe_jval_at(rows, i), &r->devices[r->n_devices]))
			r->n_devices++;
	qsort(r->devices, r->n_devices, sizeof *r->devices, by_device);
	for (i = 0; i < r->n_devices; i++)
		for (k = 0; k < r->devices[i].n_addr; k++)
			r->places[r->n_places++] = (struct place){
			    .addr = r->devices[i].addr[k], .device = i};
	qsort(r->places, r->n_places, sizeof *r->places, by_addr);
}

/* A time that cannot be read makes all void. */
static int64_t
certs_after(const struct oe_jval *v)
{
	const struct oe_jval *at = oe_jval_get(v, "certificates_after");
	int64_t ms;

	if (oe_jval_kind(at) == OE_JVAL_NULL)
		return INT64_MIN;
	if (!oe_jval_text(at) || oe_time_parse(oe_jval_text(at), &ms) < 0)
		return INT64_MAX;
	return ms / 1000;
}

static void
read_users(struct oe_roster *r, const struct oe_jval *rows)
{
	size_t i, n = oe_jval_size(rows);
	const struct oe_jval *v;
	struct oe_roster_user *u;
	const char *id;

	r->users = oe_mem_zalloc((n + 1) * sizeof *r->users);
	for (i = 0; i < n; i++) {
		v = oe_jval_at(rows, i);
		id = oe_jval_get_text(v, "id");
		if (!id)
			continue;
		u = &r->users[r->n_users++];
		u->id = oe_mem_strdup(id);
		u->email = oe_mem_strdup(oe_jval_get_text(v, "email"));
		read_texts(oe_jval_get(v, "groups"), &u->groups);
		u->certs_after_s = certs_after(v);
	}
	qsort(r->users, r->n_users, sizeof *r->users, by_user);
}

/* A time that cannot be read is one that has passed. */
static int64_t
key_until(const struct oe_jval *v)
{
	const struct oe_jval *at = oe_jval_get(v, "expires_at");
	int64_t ms;

	if (!at || oe_jval_kind(at) == OE_JVAL_NULL)
		return INT64_MAX;
	if (!oe_jval_text(at) || oe_time_parse(oe_jval_text(at), &ms) < 0)
		return 0;
	return ms / 1000;
}

static void
read_keys(struct oe_roster *r, const struct oe_jval *rows)
{
	size_t i, n = oe_jval_size(rows);
	const struct oe_jval *v;
	const char *line, *user;
	struct oe_pubkey key;

	r->keys = oe_mem_zalloc((n + 1) * sizeof *r->keys);
	for (i = 0; i < n; i++) {
		v = oe_jval_at(rows, i);
		line = oe_jval_get_text(v, "key");
		user = oe_jval_get_text(v, "user_id");
		/* the key itself counts, not what is said of it */
		if (!line || !user || oe_pubkey_parse_line(line, &key, NULL))
			continue;
		r->keys[r->n_keys++] = (struct key){
		    .fingerprint = oe_pubkey_fingerprint(&key),
		    .user_id = oe_mem_strdup(user),
		    .until_s = key_until(v),
		};
		oe_pubkey_done(&key);
	}
	qsort(r->keys, r->n_keys, sizeof *r->keys, by_print);
}

int
oe_roster_read(
    const struct oe_jval *payload, struct oe_roster **ret, struct oe_err *err)
{
	static const char *const parts[] = {"devices", "users", "keys"};
	const struct oe_jval *in = oe_jval_get(payload, "directory");
	struct oe_roster *r;
	size_t i;

	if (!in)
		in = payload;
	for (i = 0; i < OE_ARRAY_LEN(parts); i++)
		if (oe_jval_kind(oe_jval_get(in, parts[i])) != OE_JVAL_ARRAY)
			return oe_err_set(err, OE_EPROTO,
			    "the directory has no '%s'", parts[i]);
	r = oe_mem_zalloc(sizeof *r);
	read_devices(r, oe_jval_get(in, "devices"));
	read_users(r, oe_jval_get(in, "users"));
	read_keys(r, oe_jval_get(in, "keys"));
	read_texts(oe_jval_get(in, "user_ca"), &r->authorities);
	*ret = r;
	return 0;
}

void
oe_roster_free(struct oe_roster **pr)
{
	struct oe_roster *r = *pr;
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->n_devices; i++) {
		free(r->devices[i].id);
		free(r->devices[i].name);
		free(r->devices[i].owner_id);
		oe_strs_done(&r->devices[i].tags);
		oe_strs_done(&r->devices[i].host_keys);
	}
	for (i = 0; i < r->n_users; i++) {
		free(r->users[i].id);
		free(r->users[i].email);
		oe_strs_done(&r->users[i].groups);
	}
	for (i = 0; i < r->n_keys; i++) {
		free(r->keys[i].fingerprint);
		free(r->keys[i].user_id);
	}
	free(r->devices);
	free(r->users);
	free(r->keys);
	free(r->places);
	oe_strs_done(&r->authorities);
	oe_mem_free(pr);
}

const struct oe_roster_device *
oe_roster_at(const struct oe_roster *r, const struct oe_addr *a)
{
	struct place want = {.addr = {.family = a->family}};
	const struct place *p, *end = r->places + r->n_places;

	/* bytes behind an IPv4 address count for nothing */
	memcpy(want.addr.bytes, a->bytes, a->family == AF_INET ? 4 : 16);
	p = bsearch(&want, r->places, r->n_places, sizeof want, by_addr);
	if (!p || (p > r->places && by_addr(p - 1, p) == 0) ||
	    (p + 1 < end && by_addr(p, p + 1) == 0))
		return NULL;
	return &r->devices[p->device];
}

const struct oe_roster_device *
oe_roster_device(const struct oe_roster *r, const char *id)
{
	size_t low = 0, high = r->n_devices, mid;
	int c;

	while (id && low < high) {
		mid = low + (high - low) / 2;
		c = strcmp(id, r->devices[mid].id);
		if (c == 0)
			return &r->devices[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct oe_roster_user *
oe_roster_user(const struct oe_roster *r, const char *id)
{
	size_t low = 0, high = r->n_users, mid;
	int c;

	while (id && low < high) {
		mid = low + (high - low) / 2;
		c = strcmp(id, r->users[mid].id);
		if (c == 0)
			return &r->users[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* The first key with this fingerprint or a later one. */
static size_t
key_first(const struct oe_roster *r, const char *fingerprint)
{
	size_t low = 0, high = r->n_keys, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(r->keys[mid].fingerprint, fingerprint) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct oe_roster_user *
oe_roster_key(const struct oe_roster *r, const char *fingerprint, int64_t now_s,
    int64_t *ret_until_s)
{
	const struct key *k, *found = NULL;
	size_t i;

	if (!fingerprint)
		return NULL;
	for (i = key_first(r, fingerprint); i < r->n_keys; i++) {
		k = &r->keys[i];
		if (strcmp(k->fingerprint, fingerprint))
			break;
		if (found && strcmp(found->user_id, k->user_id))
			return NULL;
		if (!found || k->until_s > found->until_s)
			found = k;
	}
	if (!found || found->until_s <= now_s)
		return NULL;
	*ret_until_s = found->until_s;
	return oe_roster_user(r, found->user_id);
}

const struct oe_strs *
oe_roster_authorities(const struct oe_roster *r)
{
	return &r->authorities;
}
