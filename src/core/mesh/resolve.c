/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/mesh_internal.h"
#include "core/net/cidr.h"

/* What a text may mean. */
struct found {
	struct oe_mesh_entry v[OE_MESH_CANDIDATES_MAX];
	size_t n; /* may be more than v holds */
};

static bool
is_network(const struct oe_mesh_entry *e, const char *network)
{
	return !network || !strcmp(e->network_id, network) ||
	       oe_str_eq_nocase(e->network_name, network);
}

static void
add_all(const struct oe_mesh_dir *d, enum oe_mesh_by by, const char *text,
    const char *network, const char *narrower, struct found *f)
{
	struct oe_mesh_entry e;
	size_t at = 0;

	while (oe_mesh_dir_find(d, by, text, &at, &e)) {
		if (!is_network(&e, network) || !is_network(&e, narrower))
			continue;
		if (f->n < OE_MESH_CANDIDATES_MAX)
			f->v[f->n] = e;
		f->n++;
	}
}

/* The canonical text of an address; false: it is none. */
static bool
as_address(const char *text, char ret[OE_ADDR_TEXT_MAX])
{
	struct oe_addr a;

	if (oe_addr_parse(text, &a, NULL) < 0)
		return false;
	oe_addr_format(&a, ret);
	return true;
}

/*
 * An id that the API gave cannot be taken by whoever names a device, so it
 * goes before names.
 */
static void
look_up(const struct oe_mesh_dir *d, const char *text, const char *network,
    const char *narrower, struct found *f)
{
	char address[OE_ADDR_TEXT_MAX];
	size_t before = f->n;

	if (as_address(text, address)) {
		add_all(d, OE_MESH_BY_IP, address, network, narrower, f);
		return;
	}
	add_all(d, OE_MESH_BY_ID, text, network, narrower, f);
	if (f->n == before)
		add_all(d, OE_MESH_BY_NAME, text, network, narrower, f);
}

static void
find(const struct oe_mesh_dir *d, const char *text, const char *network,
    struct found *f)
{
	const char *at = strrchr(text, '@');
	char *name;

	f->n = 0;
	look_up(d, text, network, NULL, f);
	if (!at || at == text || !at[1])
		return;
	/* a device may have an "@" in its name, so both readings count */
	name = oe_mem_strndup(text, (size_t)(at - text));
	look_up(d, name, network, at + 1, f);
	free(name);
}

static bool
has_network(const struct oe_mesh_dir *d, const char *network)
{
	struct oe_mesh_entry_network n;
	size_t i;

	for (i = 0; i < oe_mesh_dir_networks(d); i++) {
		oe_mesh_dir_network_at(d, i, &n);
		if (!strcmp(n.id, network) || oe_str_eq_nocase(n.name, network))
			return true;
	}
	return false;
}

bool
oe_mesh_may_have_network(struct oe_mesh *m, const char *text)
{
	const struct oe_mesh_dir *d = oe_mesh__dir(m);

	return !d || has_network(d, text);
}

static void
fill(struct oe_mesh *m, const struct oe_mesh_entry *e, struct oe_mesh_peer *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->network_id = oe_mem_strdup(e->network_id);
	ret->network_name = oe_mem_strdup(e->network_name);
	ret->device_id = oe_mem_strdup(e->id);
	ret->name = oe_mem_strdup(e->name);
	ret->ip = oe_mem_strdup(e->ip);
	ret->ip6 = oe_mem_strdup(e->ip6);
	ret->owner = oe_mem_strdup(e->owner);
	oe_strs_split(&ret->tags, e->tags, '\n');
	oe_strs_split(&ret->host_keys, e->host_keys, '\n');
	ret->ssh_port = e->ssh_port;
	ret->online = e->online;
	ret->seen_ms = e->seen_ms;
	ret->age_ms = oe_mesh__age_ms(m);
	ret->away = oe_mesh__is_away(m);
	ret->is_signed = e->is_signed;
}

void
oe_mesh_peer_done(struct oe_mesh_peer *p)
{
	oe_mem_free(&p->network_id);
	oe_mem_free(&p->network_name);
	oe_mem_free(&p->device_id);
	oe_mem_free(&p->name);
	oe_mem_free(&p->ip);
	oe_mem_free(&p->ip6);
	oe_mem_free(&p->owner);
	oe_strs_done(&p->tags);
	oe_strs_done(&p->host_keys);
	memset(p, 0, sizeof *p);
}

static bool
is_loopback(const char *address)
{
	return oe_str_starts(address, "127.") || !strcmp(address, "::1");
}

/* An address works without an API: it is not waited for in vain. */
static int
check_address(
    struct oe_mesh *m, const char *address, bool found, struct oe_err *err)
{
	if (is_loopback(address))
		return oe_err_set(
		    err, OE_ENOENT, "%s is this machine", address);
	if (!found && (oe_mesh__dir(m) || oe_mesh__is_quick(m)))
		return oe_err_set(err, OE_ENOENT,
		    "no peer that is known has the address %s", address);
	return 0;
}

/* RFC 6761 section 6.3: this machine, whatever somebody calls a device. */
static bool
is_this_machine(const char *text)
{
	static const char name[] = "localhost";
	size_t n = strlen(text), k = sizeof name - 1;

	if (n && text[n - 1] == '.')
		n--;
	return n >= k && !strncasecmp(text + n - k, name, k) &&
	       (n == k || text[n - k - 1] == '.');
}

/* Makes sure of a directory that is young enough to judge @text by. */
static int
have_directory(struct oe_mesh *m, const char *text, const char *network,
    struct oe_err *err)
{
	char address[OE_ADDR_TEXT_MAX];
	const struct oe_mesh_dir *d = oe_mesh__dir(m);
	struct found f = {.n = 0};
	bool is_address = as_address(text, address);
	int r = 0;

	if (!network && is_this_machine(text))
		return oe_err_set(err, OE_ENOENT, "localhost is this machine");
	if (d)
		find(d, text, is_address ? NULL : network, &f);
	if (is_address)
		r = check_address(m, address, f.n > 0, err);
	if (r < 0)
		return r;
	return oe_mesh__renew(
	    m, f.n || is_address ? OE_MESH__HIT : OE_MESH__MISS, err);
}

/* The one entry that @text is. */
static int
decide(const struct oe_mesh_dir *d, const char *text, const char *network,
    const struct found *f, struct oe_err *err)
{
	char *shown;
	int r;

	if (f->n > 1)
		return oe_mesh__ambiguous(text, f->v, f->n, err);
	if (f->n == 1 && (*f->v[0].ip || *f->v[0].ip6))
		return 0;
	shown = oe_mesh_shown(
	    f->n || !network || has_network(d, network) ? text : network);
	if (f->n)
		r = oe_err_set(err, OE_EINVAL,
		    "'%s' has no address in its network", shown);
	else if (network && !has_network(d, network))
		r = oe_err_set(
		    err, OE_EINVAL, "no network of yours is '%s'", shown);
	else
		r = oe_err_set(err, OE_ENOENT, "no peer is '%s'", shown);
	free(shown);
	return r;
}

int
oe_mesh_resolve(struct oe_mesh *m, const char *text, const char *network,
    struct oe_mesh_peer *ret, struct oe_err *err)
{
	struct found f;
	int r = have_directory(m, text, network, err);

	if (r < 0)
		return r;
	find(oe_mesh__dir(m), text, network, &f);
	r = decide(oe_mesh__dir(m), text, network, &f, err);
	if (r == 0)
		fill(m, &f.v[0], ret);
	return r;
}
