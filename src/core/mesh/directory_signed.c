/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "core/mesh/directory.h"
#include "core/mesh/mesh_internal.h"
#include "core/mesh/signed.h"

#define KIND        "directory"
#define REPLY_MAX   (16 << 20)
#define NAME_DIGITS 16
/* Documents whose tags are sent along, and their bytes. */
#define SHELF_MAX       50
#define SHELF_BYTES_MAX (32 << 20)

/* One network on its way to a directory that was signed for. */
struct round {
	struct oe_mesh_api *api;
	const char *folder;
	struct oe_mesh_network *network;
	struct oe_signed_expect expect;
	char *path; /* where the document is kept */
	/* the document as it was last seen, if it can be believed still */
	struct oe_signed_cached before;
	bool have;
	const struct oe_jval *offer; /* what came with others, or NULL */
	size_t devices;              /* of all networks so far */
};

/* Where the document of a network is kept; free() it. */
static char *
path_of(const struct round *r, const char *network_id)
{
	char *what =
	    oe_mem_printf("%s\n%s", oe_mesh_api_origin(r->api), network_id);
	char name[NAME_DIGITS + 1];

	oe_hash_hex(what, strlen(what), name, NAME_DIGITS);
	free(what);
	return oe_mem_printf("%s/directory-%s.json", r->folder, name);
}

static void
use_before(struct round *r, struct oe_signed *ret)
{
	*ret = r->before.doc;
	memset(&r->before.doc, 0, sizeof r->before.doc);
}

static int
believe(struct round *r, const struct oe_jval *v, const char *etag,
    struct oe_signed *ret, struct oe_err *err)
{
	struct oe_signed_parts p = {.payload = NULL};
	int e = oe_signed_split_value(v, &p, err);

	if (e == 0)
		e = oe_signed_believe(&p, &r->expect, ret, err);
	oe_signed_parts_done(&p);
	if (e == OE_EAUTH) /* not of our login, but of the document */
		e = OE_EPROTO;
	if (e == 0 && oe_signed_store(r->path, ret, &r->expect,
			  oe_time_wall_ms(), etag, err) == OE_EPERM) {
		/* another process has seen a later one meanwhile */
		oe_signed_done(ret);
		e = OE_EPERM;
	}
	return e;
}

/* @ret: the document to go by; oe_signed_done() it. */
static int
ask(struct round *r, struct oe_signed *ret, struct oe_err *err)
{
	char *id = oe_mesh_encode(r->network->id);
	char *path = oe_mem_printf("/directory?network_id=%s", id);
	const struct oe_mesh_call call = {.part = OE_MESH_SSH,
	    .path = path,
	    .max = REPLY_MAX,
	    .if_none_match = r->have ? r->before.etag : NULL};
	struct oe_mesh_answer ans;
	int e = oe_mesh_api_call(r->api, &call, &ans, err);

	if (e == 0 && ans.status == 304 && r->have)
		use_before(r, ret);
	else if (e == 0)
		e = believe(r, ans.data, ans.etag, ret, err);
	else if (e == OE_ENOENT)
		oe_err_set(err, e, "the control API has none");
	oe_mesh_answer_done(&ans);
	free(path);
	free(id);
	return e;
}

/* Out of what came for all networks, or else by a call of its own. */
static int
find(struct round *r, struct oe_signed *ret, struct oe_err *err)
{
	const struct oe_jval *v = oe_jval_get(r->offer, "directory");
	const char *tag = oe_jval_get_text(r->offer, "etag");
	char *etag = oe_mem_printf("\"%s\"", tag ? tag : "");
	int e;

	if (oe_jval_kind(v) == OE_JVAL_OBJECT) {
		e = believe(r, v, tag ? etag : NULL, ret, err);
	} else if (oe_jval_get_bool(r->offer, "unchanged", false) && r->have &&
		   oe_str_eq(r->before.etag, etag)) {
		use_before(r, ret);
		e = 0;
	} else {
		e = ask(r, ret, err);
	}
	free(etag);
	return e;
}

static int
by_id(const void *pa, const void *pb)
{
	const struct oe_mesh_device *a = pa, *b = pb;

	return strcmp(a->id, b->id);
}

/* What a document does not tell, since it changes by the minute. */
static void
add_live(struct oe_mesh_device *d, const struct oe_mesh_network *live)
{
	const struct oe_mesh_device *l =
	    live->n ? bsearch(d, live->devices, live->n, sizeof *live->devices,
			  by_id)
		    : NULL;

	if (!l)
		return;
	d->online = l->online;
	d->seen_ms = l->seen_ms;
	if (!d->platform)
		d->platform = oe_mem_strdup(l->platform);
}

/* The devices that were signed for, and no other. */
static int
replace(
    struct oe_mesh_network *n, const struct oe_signed *doc, struct oe_err *err)
{
	const struct oe_jval *v = doc->payload, *in = oe_jval_get(v, KIND);
	const struct oe_jval *rows;
	struct oe_mesh_network now = {0};
	struct oe_mesh_device d;
	size_t i;
	int r = 0;

	rows = oe_jval_get(in ? in : v, "devices");
	if (oe_jval_kind(rows) != OE_JVAL_ARRAY)
		return oe_err_set(err, OE_EPROTO, "it has no devices");
	if (n->n)
		qsort(n->devices, n->n, sizeof *n->devices, by_id);
	for (i = 0; i < oe_jval_size(rows) && r == 0; i++) {
		if (!oe_mesh_device_read(oe_jval_at(rows, i), 0, &d))
			continue;
		add_live(&d, n);
		r = oe_mesh_network_add(&now, &d);
		if (r < 0) {
			oe_mesh_device_done(&d);
			oe_err_set(err, r, "it has too many devices");
		}
	}
	if (r == 0) {
		struct oe_mesh_network was = *n;

		n->devices = now.devices;
		n->n = now.n;
		n->is_signed = true;
		now.devices = was.devices;
		now.n = was.n;
	}
	oe_mesh_network_done(&now);
	return r;
}

static int
sign_one(struct round *r, struct oe_err *err)
{
	struct oe_signed doc = {0};
	int e;

	r->path = path_of(r, r->network->id);
	r->expect.network_id = r->network->id;
	r->expect.version = 0;
	if (!r->have)
		r->have =
		    oe_signed_load(r->path, &r->expect, &r->before, NULL) == 0;
	if (r->have)
		r->expect.version = r->before.doc.version;
	e = find(r, &doc, err);
	if (e == 0)
		e = replace(r->network, &doc, err);
	r->devices += r->network->n;
	if (e == 0 && r->devices > OE_MESH_DEVICES_MAX)
		e = oe_err_set(err, OE_ETOOBIG, "there are too many devices");
	oe_signed_done(&doc);
	oe_signed_cached_done(&r->before);
	r->have = false;
	oe_mem_free(&r->path);
	/* login problems are told as such; a lie counts as no answer */
	if (e < 0 && e != OE_EAUTH && !oe_mesh_api_is_away(e))
		e = OE_EPROTO;
	return e < 0 ? oe_err_wrap(err, e, "signed directory of network %s",
			   r->network->id)
		     : 0;
}

/* Documents that are on disk, read before it is known whether they serve. */
struct shelf {
	char *id[SHELF_MAX];
	struct oe_signed_cached doc[SHELF_MAX];
	size_t n, bytes;
};

static void
shelf_done(struct shelf *s)
{
	for (; s->n; s->n--) {
		free(s->id[s->n - 1]);
		oe_signed_cached_done(&s->doc[s->n - 1]);
	}
}

static void
shelf_fill(struct shelf *s, struct round *r, const struct oe_mesh_dir *known)
{
	struct oe_mesh_entry_network n;
	char *path;
	size_t i;

	for (i = 0; known && i < oe_mesh_dir_networks(known) &&
		    s->n < SHELF_MAX && s->bytes < SHELF_BYTES_MAX;
	     i++) {
		oe_mesh_dir_network_at(known, i, &n);
		r->expect.network_id = n.id;
		r->expect.version = 0;
		path = path_of(r, n.id);
		if (oe_mesh_is_id(n.id) && oe_signed_load(path, &r->expect,
					       &s->doc[s->n], NULL) == 0) {
			s->bytes += s->doc[s->n].doc.n;
			s->id[s->n++] = oe_mem_strdup(n.id);
		}
		free(path);
	}
}

/* "NETWORK:TAG,..." of what is there; free() it. */
static char *
shelf_tags(const struct shelf *s)
{
	char *all = oe_mem_strdup(""), *more, *tag;
	const char *etag;
	size_t i;

	for (i = 0; i < s->n; i++) {
		etag = s->doc[i].etag;
		if (!etag || *etag != '"' || strlen(etag) < 3)
			continue;
		tag = oe_mem_strndup(etag + 1, strlen(etag) - 2);
		more = oe_mem_printf(
		    "%s%s%s:%s", all, *all ? "," : "", s->id[i], tag);
		free(tag);
		free(all);
		all = more;
	}
	more = oe_mesh_encode(all);
	free(all);
	return more;
}

static void
shelf_take(struct shelf *s, struct round *r)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (!oe_str_eq(s->id[i], r->network->id))
			continue;
		r->before = s->doc[i];
		memset(&s->doc[i], 0, sizeof s->doc[i]);
		/* not twice */
		oe_mem_free(&s->id[i]);
		r->have = true;
	}
}

/* ["dev_x","linux",1234]: what changes too often to be signed. */
static int
add_live_row(
    struct oe_mesh_network *n, const struct oe_jval *row, int64_t now_ms)
{
	const char *id = oe_jval_text(oe_jval_at(row, 0));
	const char *platform = oe_jval_text(oe_jval_at(row, 1));
	struct oe_mesh_device d = {.online = OE_MESH_ONLINE_NO};
	int r;

	if (!id || !oe_mesh_is_id(id))
		return 0;
	(void)oe_jval_int(oe_jval_at(row, 2), &d.seen_ms);
	if (d.seen_ms < 0)
		d.seen_ms = 0;
	if (d.seen_ms && now_ms - d.seen_ms < OE_MESH_SEEN_S * 1000)
		d.online = OE_MESH_ONLINE_YES;
	d.id = oe_mem_strdup(id);
	if (platform && strlen(platform) <= OE_MESH_TEXT_MAX)
		d.platform = oe_mem_strdup(platform);
	r = oe_mesh_network_add(n, &d);
	if (r < 0)
		oe_mesh_device_done(&d);
	return r;
}

static int
read_row(const struct oe_jval *row, struct oe_mesh_networks *all)
{
	const struct oe_jval *live = oe_jval_get(row, "live");
	int64_t now_ms = oe_jval_get_int(row, "now", 0);
	struct oe_mesh_network n;
	size_t i;
	int r = oe_mesh_network_read(row, now_ms, &n);

	if (r < 0)
		return r == OE_EPROTO ? 0 : r;
	for (i = 0; r == 0 && i < oe_jval_size(live); i++)
		r = add_live_row(&n, oe_jval_at(live, i), now_ms);
	if (r == 0)
		r = oe_mesh_networks_add(all, &n);
	if (r < 0)
		oe_mesh_network_done(&n);
	return r;
}

/* The networks of a reply, each with its document. */
static int
read_rows(struct round *r, const struct oe_jval *rows, struct shelf *s,
    struct oe_mesh_networks *all, struct oe_err *err)
{
	size_t i, n;
	int e = 0;

	for (i = 0; i < oe_jval_size(rows) && e == 0; i++) {
		n = all->n;
		r->offer = oe_jval_at(rows, i);
		e = read_row(r->offer, all);
		if (e == OE_ETOOBIG)
			oe_err_set(err, e,
			    "the control API tells of too many "
			    "networks or devices");
		if (e < 0 || all->n == n)
			continue; /* no network */
		r->network = &all->v[n];
		shelf_take(s, r);
		e = sign_one(r, err);
	}
	return e;
}

static int
set_key(struct round *r, const char *key, uint8_t **ret, struct oe_err *err)
{
	size_t n = 0;

	if (oe_str_unbase64(key, strlen(key), ret, &n) < 0 ||
	    n != OE_SIGN_PUBLIC_SIZE)
		return oe_err_set(err, OE_ECONF,
		    "the login has no usable signing key: log in again");
	r->expect.public_key = *ret;
	return 0;
}

/* Call by call, where the API does not know better. */
static int
sign_each(struct round *r, struct oe_mesh_networks *all, struct oe_err *err)
{
	size_t i;
	int e = oe_mesh_api_all(r->api, all, err);

	r->offer = NULL;
	r->devices = 0;
	for (i = 0; e == 0 && i < all->n; i++) {
		r->network = &all->v[i];
		e = sign_one(r, err);
	}
	return e;
}

/* Return: OE_ENOENT or OE_ETOOBIG: not in this way. */
static int
ask_all(struct round *r, const struct oe_mesh_dir *known,
    struct oe_mesh_networks *all, struct oe_err *err)
{
	struct shelf *s = oe_mem_zalloc(sizeof *s);
	struct oe_mesh_answer ans;
	const struct oe_jval *rows;
	char *tags, *path;
	int64_t last;
	int e;

	shelf_fill(s, r, known);
	tags = shelf_tags(s);
	path = oe_mem_printf("/directories?have=%s", tags);
	e = oe_mesh_api_call(r->api,
	    &(struct oe_mesh_call){.part = OE_MESH_SSH,
		.path = path,
		.max = REPLY_MAX + OE_MESH_LIST_MAX},
	    &ans, err);
	rows = e == 0 ? oe_mesh_rows(ans.data, &last) : NULL;
	if (e == 0 && !rows)
		e = oe_err_set(err, OE_EPROTO,
		    "the control API's reply has no list in it");
	if (e == 0)
		e = read_rows(r, rows, s, all, err);
	oe_mesh_answer_done(&ans);
	shelf_done(s);
	free(s);
	free(path);
	free(tags);
	return e;
}

int
oe_mesh__all_signed(struct oe_mesh_api *api, const char *key,
    const char *folder, const struct oe_mesh_dir *known,
    struct oe_mesh_networks *ret, struct oe_err *err)
{
	struct round r = {.api = api,
	    .folder = folder,
	    .expect = {.kind = KIND, .now_ms = oe_time_wall_ms()}};
	struct oe_mesh_networks all = {0};
	uint8_t *bytes = NULL;
	int e = set_key(&r, key, &bytes, err);

	if (e == 0)
		e = ask_all(&r, known, &all, err);
	if (e == OE_ENOENT || e == OE_ETOOBIG) {
		oe_mesh_networks_done(&all);
		e = sign_each(&r, &all, err);
	}
	if (e < 0)
		oe_mesh_networks_done(&all);
	else
		*ret = all;
	free(bytes);
	return e;
}
