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
#include "core/mesh/mesh_internal.h"
#include "core/mesh/signed.h"

#define KIND        "directory"
#define REPLY_MAX   (16 << 20)
#define NAME_DIGITS 16

/* One network on its way to a directory that was signed for. */
struct round {
	struct oe_mesh_api *api;
	struct oe_mesh_network *network;
	struct oe_signed_expect expect;
	char *path; /* where the document is kept */
};

/* The document as it was last seen, if it can be believed still. */
static bool
had(const struct round *r, struct oe_signed_cached *ret)
{
	return oe_signed_load(r->path, &r->expect, ret, NULL) == 0;
}

/* @ret: the document to go by; oe_signed_done() it. */
static int
ask(struct round *r, struct oe_signed *ret, struct oe_err *err)
{
	char *id = oe_mesh_encode(r->network->id);
	char *path = oe_mem_printf("/directory?network_id=%s", id);
	struct oe_mesh_call call = {
	    .part = OE_MESH_SSH, .path = path, .max = REPLY_MAX};
	struct oe_signed_cached before = {.doc = {0}};
	struct oe_mesh_answer ans;
	bool have = had(r, &before);
	int e;

	if (have) {
		call.if_none_match = before.etag;
		r->expect.version = before.doc.version;
	}
	e = oe_mesh_api_call(r->api, &call, &ans, err);
	if (e == 0 && ans.status == 304 && have) {
		*ret = before.doc;
		memset(&before.doc, 0, sizeof before.doc);
	} else if (e == 0) {
		e = oe_signed_read(ans.text, ans.len, &r->expect, ret, err);
		if (e == OE_EAUTH) /* not of our login, but of the document */
			e = OE_EPROTO;
		if (e == 0 && oe_signed_store(r->path, ret, &r->expect,
				  ans.when_ms, ans.etag, err) == OE_EPERM) {
			/* another process has seen a later one meanwhile */
			oe_signed_done(ret);
			e = OE_EPERM;
		}
	} else if (e == OE_ENOENT) {
		oe_err_set(err, e, "the control API has none");
	}
	oe_mesh_answer_done(&ans);
	oe_signed_cached_done(&before);
	free(path);
	free(id);
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
sign_one(struct round *r, const char *folder, struct oe_err *err)
{
	struct oe_signed doc = {0};
	char name[NAME_DIGITS + 1], *what;
	int e;

	what =
	    oe_mem_printf("%s\n%s", oe_mesh_api_origin(r->api), r->network->id);
	oe_hash_hex(what, strlen(what), name, NAME_DIGITS);
	free(what);
	r->path = oe_mem_printf("%s/directory-%s.json", folder, name);
	r->expect.network_id = r->network->id;
	r->expect.version = 0;
	e = ask(r, &doc, err);
	if (e == 0)
		e = replace(r->network, &doc, err);
	oe_signed_done(&doc);
	oe_mem_free(&r->path);
	/* login problems are told as such; a lie counts as no answer */
	if (e < 0 && e != OE_EAUTH && !oe_mesh_api_is_away(e))
		e = OE_EPROTO;
	return e < 0 ? oe_err_wrap(err, e, "signed directory of network %s",
			   r->network->id)
		     : 0;
}

int
oe_mesh__sign(struct oe_mesh_api *api, const char *key, const char *folder,
    struct oe_mesh_networks *all, struct oe_err *err)
{
	struct round r = {
	    .api = api, .expect = {.kind = KIND, .now_ms = oe_time_wall_ms()}};
	uint8_t *bytes = NULL;
	size_t i, n = 0;
	int e = 0;

	if (oe_str_unbase64(key, strlen(key), &bytes, &n) < 0 ||
	    n != OE_SIGN_PUBLIC_SIZE)
		e = oe_err_set(err, OE_ECONF,
		    "the login has no usable signing key: log in again");
	r.expect.public_key = bytes;
	for (i = 0; i < all->n && e == 0; i++) {
		r.network = &all->v[i];
		e = sign_one(&r, folder, err);
	}
	free(bytes);
	return e;
}
