/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/mesh/account_internal.h"
#include "core/mesh/directory_format.h"

uint32_t
oe_mesh_dir__hash(const char *text, int fold)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	unsigned char c;

	for (; (c = (unsigned char)*text); text++) {
		if (fold && c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		h = (h ^ c) * 16777619u;
	}
	return h;
}

/* @n items of @size bytes at @at: all within the file? */
static bool
within(const struct oe_mesh_dir *d, uint32_t at, uint32_t n, size_t size)
{
	return at <= d->n && n <= (d->n - at) / size;
}

static const char *
text_at(const struct oe_mesh_dir *d, uint32_t off)
{
	/* the last byte of all texts is NUL */
	return off < d->head.n_texts ? (const char *)d->p + d->head.texts + off
				     : "";
}

static bool
is_whole(struct oe_mesh_dir *d)
{
	const struct oe_mesh_dir__head *h = &d->head;

	if (d->n < sizeof *h || d->n > OE_MESH_DIR_MAX)
		return false;
	memcpy(&d->head, d->p, sizeof *h);
	return !memcmp(h->magic, OE_MESH_DIR__MAGIC, sizeof h->magic) &&
	       h->order == OE_MESH_DIR__ORDER && h->size == d->n &&
	       within(d, h->networks, h->n_networks,
		   sizeof(struct oe_mesh_dir__network)) &&
	       within(d, h->entries, h->n_entries,
		   sizeof(struct oe_mesh_dir__entry)) &&
	       h->n_heads &&
	       within(d, h->heads, h->n_heads,
		   OE_MESH_CHAINS * sizeof(uint32_t)) &&
	       h->n_texts && within(d, h->texts, h->n_texts, 1) &&
	       d->p[h->texts + h->n_texts - 1] == 0;
}

static int
open_bytes(const void *p, size_t n, enum oe_mesh_dir__memory memory,
    const char *owner, struct oe_mesh_dir **ret, struct oe_err *err)
{
	struct oe_mesh_dir *d = oe_mem_zalloc(sizeof *d);

	d->p = p;
	d->n = n;
	d->memory = memory;
	if (is_whole(d) && !strcmp(text_at(d, d->head.owner), owner)) {
		*ret = d;
		return 0;
	}
	oe_mem_free(&d);
	return oe_err_set(err, OE_EPROTO, "it is no directory of this account");
}

int
oe_mesh_dir_parse(const void *p, size_t n, const char *owner,
    struct oe_mesh_dir **ret, struct oe_err *err)
{
	return open_bytes(p, n, OE_MESH_DIR__BORROWED, owner, ret, err);
}

int
oe_mesh_dir_open(const char *path, const char *owner, struct oe_mesh_dir **ret,
    struct oe_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	void *p = MAP_FAILED;
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return oe_err_set(err, OE_ENOENT, "nothing is on disk");
	if (fd < 0)
		return oe_err_sys(err, "open '%s'", path);
	r = oe_mesh_file_check(fd, path, false, err);
	if (r == 0 && fstat(fd, &st) < 0)
		r = oe_err_sys(err, "look at '%s'", path);
	if (r == 0 && (st.st_size <= 0 || st.st_size > OE_MESH_DIR_MAX))
		r = oe_err_set(err, OE_EPROTO, "'%s' is no directory", path);
	if (r == 0) {
		/* it is replaced and never changed, so it cannot shrink */
		p = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			r = oe_err_sys(err, "map '%s'", path);
	}
	if (r == 0) {
		r = open_bytes(p, (size_t)st.st_size, OE_MESH_DIR__MAPPED,
		    owner, ret, err);
		if (r < 0)
			munmap(p, (size_t)st.st_size);
	}
	oe_fd_close(&fd);
	return r;
}

void
oe_mesh_dir_free(struct oe_mesh_dir **dp)
{
	struct oe_mesh_dir *d = *dp;

	if (d && d->memory == OE_MESH_DIR__MAPPED)
		munmap((void *)(uintptr_t)d->p, d->n);
	else if (d && d->memory == OE_MESH_DIR__OWNED)
		free((void *)(uintptr_t)d->p);
	oe_mem_free(dp);
}

int64_t
oe_mesh_dir_fetched_ms(const struct oe_mesh_dir *d)
{
	return d->head.fetched_ms;
}

size_t
oe_mesh_dir_count(const struct oe_mesh_dir *d)
{
	return d->head.n_entries;
}

size_t
oe_mesh_dir_networks(const struct oe_mesh_dir *d)
{
	return d->head.n_networks;
}

static void
raw_network(
    const struct oe_mesh_dir *d, size_t i, struct oe_mesh_dir__network *ret)
{
	memset(ret, 0, sizeof *ret);
	if (i < d->head.n_networks)
		memcpy(ret, d->p + d->head.networks + i * sizeof *ret,
		    sizeof *ret);
}

/* @i is below the count. */
static void
raw_entry(const struct oe_mesh_dir *d, size_t i, struct oe_mesh_dir__entry *ret)
{
	memcpy(ret, d->p + d->head.entries + i * sizeof *ret, sizeof *ret);
}

void
oe_mesh_dir_network_at(
    const struct oe_mesh_dir *d, size_t i, struct oe_mesh_entry_network *ret)
{
	struct oe_mesh_dir__network n;

	raw_network(d, i, &n);
	ret->id = text_at(d, n.id);
	ret->name = text_at(d, n.name);
	ret->ip_range = text_at(d, n.ip_range);
	ret->ip_range6 = text_at(d, n.ip_range6);
	ret->role = n.role;
	ret->users = n.users;
	ret->devices = n.devices;
}

static void
fill(const struct oe_mesh_dir *d, const struct oe_mesh_dir__entry *e,
    struct oe_mesh_entry *ret)
{
	struct oe_mesh_dir__network n;

	raw_network(d, e->network, &n);
	ret->network_id = text_at(d, n.id);
	ret->network_name = text_at(d, n.name);
	ret->id = text_at(d, e->id);
	ret->name = text_at(d, e->name);
	ret->ip = text_at(d, e->ip);
	ret->ip6 = text_at(d, e->ip6);
	ret->platform = text_at(d, e->platform);
	ret->owner_id = text_at(d, e->owner_id);
	ret->owner = text_at(d, e->owner);
	ret->tags = text_at(d, e->tags);
	ret->host_keys = text_at(d, e->host_keys);
	ret->online = e->online <= OE_MESH_ONLINE_YES
			  ? (enum oe_mesh_online)e->online
			  : OE_MESH_ONLINE_UNKNOWN;
	ret->ssh_port = e->ssh_port <= 65535 ? (int)e->ssh_port : 0;
	ret->seen_ms = e->seen_ms;
	ret->is_signed = e->is_signed == 1;
}

void
oe_mesh_dir_at(const struct oe_mesh_dir *d, size_t i, struct oe_mesh_entry *ret)
{
	struct oe_mesh_dir__entry e;

	raw_entry(d, i, &e);
	fill(d, &e, ret);
}

static enum oe_mesh_dir__chain
chain_of(enum oe_mesh_by by, const char *text)
{
	switch (by) {
	case OE_MESH_BY_NAME:
		return OE_MESH_CHAIN_NAME;
	case OE_MESH_BY_IP:
		return strchr(text, ':') ? OE_MESH_CHAIN_IP6 : OE_MESH_CHAIN_IP;
	case OE_MESH_BY_ID:
	case OE_MESH_BY_COUNT:
		break;
	}
	return OE_MESH_CHAIN_ID;
}

/* The first link of a chain: an index + 1. */
static uint32_t
first_link(
    const struct oe_mesh_dir *d, enum oe_mesh_dir__chain c, const char *text)
{
	uint32_t h = oe_mesh_dir__hash(text, c == OE_MESH_CHAIN_NAME), link;
	size_t at = (size_t)c * d->head.n_heads + h % d->head.n_heads;

	memcpy(&link, d->p + d->head.heads + at * sizeof link, sizeof link);
	return link;
}

/* As strcasecmp(3) in the C locale, whatever the locale is. */
static bool
same_name(const char *a, const char *b)
{
	unsigned char x, y;

	for (;; a++, b++) {
		x = (unsigned char)*a;
		y = (unsigned char)*b;
		if (x >= 'A' && x <= 'Z')
			x = (unsigned char)(x - 'A' + 'a');
		if (y >= 'A' && y <= 'Z')
			y = (unsigned char)(y - 'A' + 'a');
		if (x != y)
			return false;
		if (!x)
			return true;
	}
}

static bool
is_it(
    const struct oe_mesh_entry *e, enum oe_mesh_dir__chain c, const char *text)
{
	switch (c) {
	case OE_MESH_CHAIN_NAME:
		return same_name(e->name, text);
	case OE_MESH_CHAIN_IP:
		return !strcmp(e->ip, text);
	case OE_MESH_CHAIN_IP6:
		return !strcmp(e->ip6, text);
	case OE_MESH_CHAIN_ID:
	case OE_MESH_CHAINS:
		break;
	}
	return !strcmp(e->id, text);
}

bool
oe_mesh_dir_find(const struct oe_mesh_dir *d, enum oe_mesh_by by,
    const char *text, size_t *iter, struct oe_mesh_entry *ret)
{
	enum oe_mesh_dir__chain c = chain_of(by, text);
	/* links fall; the first may be any */
	uint32_t link, before = d->head.n_entries + 1;
	struct oe_mesh_dir__entry e;

	if (!*text || *iter > d->head.n_entries)
		return false;
	if (*iter) {
		before = (uint32_t)*iter;
		raw_entry(d, before - 1, &e);
		link = e.next[c];
	} else {
		link = first_link(d, c, text);
	}
	for (; link && link < before; link = e.next[c]) {
		before = link;
		raw_entry(d, link - 1, &e);
		fill(d, &e, ret);
		if (is_it(ret, c, text)) {
			*iter = link;
			return true;
		}
	}
	return false;
}
