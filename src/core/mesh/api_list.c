/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/api.h"

/* What becomes of one row. */
typedef int row_fn(
    const struct oe_jval *row, int64_t when_ms, void *arg, struct oe_err *err);

static int
too_many(int r, const char *what, struct oe_err *err)
{
	if (r != OE_ETOOBIG)
		return r;
	return oe_err_set(err, r, "the control API tells of too many %s", what);
}

static int
add_network(
    const struct oe_jval *row, int64_t when_ms, void *arg, struct oe_err *err)
{
	struct oe_mesh_network n;
	int r = oe_mesh_network_read(row, when_ms, &n);

	if (r == OE_EPROTO)
		return 0; /* no id, so nothing that could be named */
	if (r == 0) {
		r = oe_mesh_networks_add(arg, &n);
		if (r < 0)
			oe_mesh_network_done(&n);
	}
	return too_many(r, "networks or devices", err);
}

static int
add_device(
    const struct oe_jval *row, int64_t when_ms, void *arg, struct oe_err *err)
{
	struct oe_mesh_device d;
	int r;

	if (!oe_mesh_device_read(row, when_ms, &d))
		return 0;
	r = oe_mesh_network_add(arg, &d);
	if (r < 0)
		oe_mesh_device_done(&d);
	return too_many(r, "devices", err);
}

/* The rows of one reply. */
static int
each_row(const struct oe_mesh_answer *ans, row_fn *fn, void *arg, size_t *ret_n,
    int64_t *ret_last, struct oe_err *err)
{
	const struct oe_jval *rows = oe_mesh_rows(ans->data, ret_last);
	size_t i;
	int r = 0;

	if (!rows)
		return oe_err_set(err, OE_EPROTO,
		    "the control API's reply has no list in it");
	for (i = 0; i < oe_jval_size(rows) && r == 0; i++)
		r = fn(oe_jval_at(rows, i), ans->when_ms, arg, err);
	*ret_n = i;
	return r;
}

/* All pages of @path; @ret_status: of the last reply. */
static int
each_page(struct oe_mesh_api *a, const char *path, row_fn *fn, void *arg,
    int *ret_status, struct oe_err *err)
{
	struct oe_mesh_call call = {
	    .part = OE_MESH_V2, .max = OE_MESH_LIST_MAX};
	struct oe_mesh_answer ans;
	int64_t page, last = 1;
	char *with_page;
	size_t n = 1;
	int r = 0;

	for (page = 1; page <= last && n && r == 0; page++) {
		with_page = oe_mem_printf("%s?page=%lld&per_page=%d", path,
		    (long long)page, OE_MESH_PAGE_ROWS);
		call.path = with_page;
		r = oe_mesh_api_call(a, &call, &ans, err);
		*ret_status = ans.status;
		if (r == 0)
			r = each_row(&ans, fn, arg, &n, &last, err);
		oe_mesh_answer_done(&ans);
		free(with_page);
	}
	return r;
}

int
oe_mesh_api_networks(
    struct oe_mesh_api *a, struct oe_mesh_networks *ret, struct oe_err *err)
{
	struct oe_mesh_networks all = {0};
	int status = 0, r;

	r = each_page(a, "/virtual-networks", add_network, &all, &status, err);
	if (r < 0)
		oe_mesh_networks_done(&all);
	else
		*ret = all;
	return r;
}

/* GET /virtual-networks/all/list; no pages there. */
static int
all_list(struct oe_mesh_api *a, struct oe_mesh_networks *ret, int *ret_status,
    struct oe_err *err)
{
	const struct oe_mesh_call call = {.part = OE_MESH_V2,
	    .path = "/virtual-networks/all/list",
	    .max = OE_MESH_LIST_MAX};
	struct oe_mesh_networks all = {0};
	struct oe_mesh_answer ans;
	int64_t last;
	size_t n;
	int r;

	r = oe_mesh_api_call(a, &call, &ans, err);
	*ret_status = ans.status;
	if (r == 0)
		r = each_row(&ans, add_network, &all, &n, &last, err);
	oe_mesh_answer_done(&ans);
	if (r < 0)
		oe_mesh_networks_done(&all);
	else
		*ret = all;
	return r;
}

/* Adds to @n; @ret_status: 403 and 404 mean that we may not have them. */
static int
members(struct oe_mesh_api *a, struct oe_mesh_network *n, int *ret_status,
    struct oe_err *err)
{
	struct oe_mesh_network got = {0};
	char *id = oe_mesh_encode(n->id);
	char *path = oe_mem_printf("/virtual-networks/%s/devices", id);
	size_t i;
	int r;

	*ret_status = 0;
	r = each_page(a, path, add_device, &got, ret_status, err);
	if (r == 0) {
		for (i = 0; i < n->n; i++)
			oe_mesh_device_done(&n->devices[i]);
		oe_mem_free(&n->devices);
		n->devices = got.devices;
		n->n = got.n;
		n->has_devices = true;
		got.devices = NULL;
		got.n = 0;
	}
	oe_mesh_network_done(&got);
	free(path);
	free(id);
	return r;
}

static bool
is_refused(int status)
{
	return status == 403 || status == 404;
}

/* No list of devices, or one that tells no addresses. */
static bool
is_wanting(const struct oe_mesh_network *n)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		if (n->devices[i].ip || n->devices[i].ip6)
			return false;
	return !n->has_devices || n->n;
}

/* One list after the other must not grow without bound either. */
static int
check_total(const struct oe_mesh_networks *all, struct oe_err *err)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->v[i].n;
	return too_many(
	    n > OE_MESH_DEVICES_MAX ? OE_ETOOBIG : 0, "devices", err);
}

int
oe_mesh_api_all(
    struct oe_mesh_api *a, struct oe_mesh_networks *ret, struct oe_err *err)
{
	struct oe_mesh_networks all = {0};
	struct oe_err why = OE_ERR_INIT;
	int status = 0, r, first;
	size_t i;

	r = first = all_list(a, &all, &status, err);
	if (r == OE_ENOENT || r == OE_ETOOBIG)
		r = oe_mesh_api_networks(a, &all, &why);
	/* an API with neither is none, and a list too large stays that */
	if (r == OE_ENOENT)
		r = first == OE_ENOENT ? OE_EPROTO : first;
	else if (r < 0 && r != first)
		oe_err_set(err, r, "%s", oe_err_text(&why));
	if (r == 0)
		r = check_total(&all, err);
	for (i = 0; r == 0 && i < all.n; i++) {
		if (!is_wanting(&all.v[i]))
			continue;
		r = members(a, &all.v[i], &status, err);
		if (r < 0 && is_refused(status))
			r = 0;
		if (r == 0)
			r = check_total(&all, err);
	}
	if (r < 0)
		oe_mesh_networks_done(&all);
	else
		*ret = all;
	return r;
}

/* The network of @n's id out of all. */
static int
members_of_all(
    struct oe_mesh_api *a, struct oe_mesh_network *n, struct oe_err *err)
{
	struct oe_mesh_networks all = {0};
	struct oe_mesh_network was;
	int status, r;
	size_t i;

	r = all_list(a, &all, &status, err);
	if (r < 0)
		return r;
	r = oe_err_set(err, OE_ENOENT, "no network '%s' of yours", n->id);
	for (i = 0; i < all.n && r < 0; i++) {
		if (!oe_str_eq(all.v[i].id, n->id))
			continue;
		was = *n;
		*n = all.v[i];
		all.v[i] = was;
		r = 0;
	}
	oe_mesh_networks_done(&all);
	return r;
}

int
oe_mesh_api_members(
    struct oe_mesh_api *a, struct oe_mesh_network *n, struct oe_err *err)
{
	int status = 0, r = members(a, n, &status, err);

	if (r < 0 && is_refused(status))
		r = members_of_all(a, n, err);
	return r;
}

int
oe_mesh_api_devices(
    struct oe_mesh_api *a, struct oe_mesh_network *ret, struct oe_err *err)
{
	struct oe_mesh_network all = {0};
	int status = 0, r;

	r = each_page(a, "/devices", add_device, &all, &status, err);
	if (r < 0)
		oe_mesh_network_done(&all);
	else
		*ret = all;
	return r;
}
