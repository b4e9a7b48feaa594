/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/account.h"
#include "core/mesh/directory.h"
#include "core/mesh/directory_format.h"

/* The file while it grows. */
struct build {
	struct oe_mesh_dir__network *networks;
	struct oe_mesh_dir__entry *entries;
	uint32_t *heads; /* OE_MESH_CHAINS of n_heads */
	char *texts;
	size_t n_networks, n_entries, n_heads, n_texts, cap_texts;
};

static uint32_t
put_bytes(struct build *b, const char *s, size_t n)
{
	size_t at = b->n_texts, want = at + n;

	if (want > b->cap_texts) {
		b->cap_texts = 2 * want;
		b->texts = oe_mem_realloc_array(b->texts, b->cap_texts, 1);
	}
	memcpy(b->texts + at, s, n);
	b->n_texts = want;
	return (uint32_t)at;
}

static uint32_t
put(struct build *b, const char *s)
{
	return s && *s ? put_bytes(b, s, strlen(s) + 1) : 0;
}

/* One a line; an item with a line end in it is not one. */
static uint32_t
put_list(struct build *b, const struct oe_strs *l)
{
	uint32_t at = (uint32_t)b->n_texts;
	bool any = false;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strchr(l->v[i], '\n'))
			continue;
		if (any)
			(void)put_bytes(b, "\n", 1);
		(void)put_bytes(b, l->v[i], strlen(l->v[i]));
		any = true;
	}
	if (!any)
		return 0;
	(void)put_bytes(b, "", 1);
	return at;
}

static uint32_t *
head_of(struct build *b, enum oe_mesh_dir__chain c, const char *text)
{
	uint32_t h = oe_mesh_dir__hash(text, c == OE_MESH_CHAIN_NAME);

	return &b->heads[(size_t)c * b->n_heads + h % b->n_heads];
}

static void
link_in(struct build *b, struct oe_mesh_dir__entry *e,
    enum oe_mesh_dir__chain c, const char *text)
{
	uint32_t *head;

	if (!text || !*text)
		return;
	head = head_of(b, c, text);
	e->next[c] = *head;
	*head = (uint32_t)b->n_entries + 1;
}

static bool
is_there(struct build *b, uint32_t network, const char *id)
{
	uint32_t link = *head_of(b, OE_MESH_CHAIN_ID, id);
	const struct oe_mesh_dir__entry *e;

	for (; link; link = e->next[OE_MESH_CHAIN_ID]) {
		e = &b->entries[link - 1];
		if (e->network == network && !strcmp(b->texts + e->id, id))
			return true;
	}
	return false;
}

static void
add_device(struct build *b, uint32_t network, bool is_signed,
    const struct oe_mesh_device *d)
{
	struct oe_mesh_dir__entry e = {.network = network};

	if (is_there(b, network, d->id))
		return;
	e.seen_ms = d->seen_ms;
	e.id = put(b, d->id);
	e.name = put(b, d->name);
	e.ip = put(b, d->ip);
	e.ip6 = put(b, d->ip6);
	e.platform = put(b, d->platform);
	e.owner_id = put(b, d->owner_id);
	e.owner = put(b, d->owner);
	e.tags = put_list(b, &d->tags);
	e.host_keys = put_list(b, &d->host_keys);
	e.online = (uint32_t)d->online;
	e.is_signed = is_signed;
	e.ssh_port = (uint32_t)d->ssh_port;
	link_in(b, &e, OE_MESH_CHAIN_NAME, d->name);
	link_in(b, &e, OE_MESH_CHAIN_ID, d->id);
	link_in(b, &e, OE_MESH_CHAIN_IP, d->ip);
	link_in(b, &e, OE_MESH_CHAIN_IP6, d->ip6);
	b->entries[b->n_entries++] = e;
	b->networks[network].devices++;
}

static void
add_network(struct build *b, const struct oe_mesh_network *n)
{
	struct oe_mesh_dir__network *to = &b->networks[b->n_networks];
	uint32_t index = (uint32_t)b->n_networks++;
	size_t i;

	to->role = n->role;
	to->users = n->users;
	to->id = put(b, n->id);
	to->name = put(b, n->name);
	to->ip_range = put(b, n->ip_range);
	to->ip_range6 = put(b, n->ip_range6);
	for (i = 0; i < n->n; i++)
		add_device(b, index, n->is_signed, &n->devices[i]);
}

/* The parts one behind the other; *@ret_n bytes; free() them. */
static uint8_t *
assemble(const struct build *b, struct oe_mesh_dir__head *h, size_t *ret_n)
{
	size_t networks = b->n_networks * sizeof *b->networks;
	size_t entries = b->n_entries * sizeof *b->entries;
	size_t heads = OE_MESH_CHAINS * b->n_heads * sizeof *b->heads;
	uint8_t *p, *at;

	memcpy(h->magic, OE_MESH_DIR__MAGIC, sizeof h->magic);
	h->order = OE_MESH_DIR__ORDER;
	h->n_networks = (uint32_t)b->n_networks;
	h->networks = sizeof *h;
	h->n_entries = (uint32_t)b->n_entries;
	h->entries = (uint32_t)(sizeof *h + networks);
	h->n_heads = (uint32_t)b->n_heads;
	h->heads = (uint32_t)(sizeof *h + networks + entries);
	h->n_texts = (uint32_t)b->n_texts;
	h->texts = (uint32_t)(sizeof *h + networks + entries + heads);
	*ret_n = sizeof *h + networks + entries + heads + b->n_texts;
	h->size = (uint32_t)*ret_n;
	p = at = oe_mem_zalloc(*ret_n);
	memcpy(at, h, sizeof *h);
	memcpy(at += sizeof *h, b->networks, networks);
	memcpy(at += networks, b->entries, entries);
	memcpy(at += entries, b->heads, heads);
	memcpy(at += heads, b->texts, b->n_texts);
	return p;
}

static void
build_all(struct build *b, const struct oe_mesh_networks *all)
{
	size_t i, devices = 0;

	for (i = 0; i < all->n; i++)
		devices += all->v[i].n;
	b->networks = oe_mem_zalloc(all->n * sizeof *b->networks);
	b->entries = oe_mem_zalloc(devices * sizeof *b->entries);
	b->n_heads = devices ? devices : 1;
	b->heads =
	    oe_mem_zalloc(OE_MESH_CHAINS * b->n_heads * sizeof *b->heads);
	(void)put_bytes(b, "", 1); /* offset 0 */
	for (i = 0; i < all->n; i++)
		add_network(b, &all->v[i]);
}

int
oe_mesh_dir_make(const struct oe_mesh_networks *all, const char *owner,
    int64_t fetched_ms, struct oe_mesh_dir **ret, struct oe_err *err)
{
	struct oe_mesh_dir *d = oe_mem_zalloc(sizeof *d);
	struct build b = {0};
	int r = 0;

	build_all(&b, all);
	d->head.fetched_ms = fetched_ms;
	d->head.owner = put(&b, owner);
	d->p = assemble(&b, &d->head, &d->n);
	d->memory = OE_MESH_DIR__OWNED;
	if (d->n > OE_MESH_DIR_MAX) {
		r = oe_err_set(err, OE_ETOOBIG,
		    "the directory is larger than %u bytes", OE_MESH_DIR_MAX);
		oe_mesh_dir_free(&d);
	} else {
		*ret = d;
	}
	free(b.networks);
	free(b.entries);
	free(b.heads);
	free(b.texts);
	return r;
}

/* Another process may have put a younger one there. */
static bool
is_older(const struct oe_mesh_dir *mine, const char *path)
{
	const char *owner =
	    (const char *)mine->p + mine->head.texts + mine->head.owner;
	struct oe_mesh_dir *d = NULL;
	int64_t theirs;

	if (oe_mesh_dir_open(path, owner, &d, NULL) < 0)
		return false;
	theirs = oe_mesh_dir_fetched_ms(d);
	oe_mesh_dir_free(&d);
	/* one from the future was made before the clock was set right */
	return oe_mesh_dir_fetched_ms(mine) < theirs &&
	       theirs <= oe_time_wall_ms();
}

int
oe_mesh_dir_save(
    const struct oe_mesh_dir *d, const char *path, struct oe_err *err)
{
	int fd = -1, r = oe_mesh_lock(path, &fd, err);

	if (r == 0 && !is_older(d, path))
		r = oe_fd_write_file(path, d->p, d->n, 0600, err);
	oe_fd_close(&fd);
	return r;
}
