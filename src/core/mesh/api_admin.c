/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator of a network does.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/api.h"

#define INVITATION_PENDING  1
#define INVITATION_ACCEPTED 2

/* @body is taken over; @ret_data may be NULL. */
static int
tell(struct oe_mesh_api *a, struct oe_mesh_call call, struct oe_jval *body,
    struct oe_jval **ret_data, struct oe_err *err)
{
	struct oe_mesh_answer ans;
	int r;

	call.body = body;
	r = oe_mesh_api_call(a, &call, &ans, err);
	if (r == 0 && ret_data)
		*ret_data = oe_jval_ref(ans.data);
	oe_mesh_answer_done(&ans);
	oe_jval_free(&body);
	return r;
}

/* "PREFIX/:id SUFFIX", encoded; free() it. */
static char *
path_of(const char *prefix, const char *id, const char *suffix)
{
	char *e = oe_mesh_encode(id);
	char *path = oe_mem_printf("%s/%s%s", prefix, e, suffix);

	free(e);
	return path;
}

int
oe_mesh_api_network_new(struct oe_mesh_api *a, const char *name,
    const char *range, char **ret_id, struct oe_err *err)
{
	const struct oe_mesh_call call = {
	    .method = "POST", .part = OE_MESH_V2, .path = "/virtual-networks"};
	struct oe_jval *body = oe_jval_object(), *data = NULL;
	const char *id;
	int r;

	oe_jval_set_text(body, "name", name);
	oe_jval_set_text(body, "ip_range", range);
	r = tell(a, call, body, &data, err);
	if (r < 0)
		return r;
	id = oe_jval_get_text(data, "id");
	if (id && oe_mesh_is_id(id))
		*ret_id = oe_mem_strdup(id);
	else
		r = oe_err_set(err, OE_EPROTO,
		    "the control API does not tell the network's id");
	oe_jval_free(&data);
	return r;
}

int
oe_mesh_api_invite(struct oe_mesh_api *a, const char *network_id,
    const char *email, struct oe_err *err)
{
	char *path = path_of("/virtual-networks", network_id, "/invitations");
	const struct oe_mesh_call call = {
	    .method = "POST", .part = OE_MESH_V2, .path = path};
	struct oe_jval *body = oe_jval_object();
	int r;

	oe_jval_set_text(body, "email", email);
	r = tell(a, call, body, NULL, err);
	free(path);
	return r;
}

/* Those that wait and are for @network, by its id or name. */
static size_t
find_invitation(
    const struct oe_jval *rows, const char *network, const char **ret_id)
{
	const struct oe_jval *one, *of;
	const char *id, *name;
	size_t i, n = 0;

	for (i = 0; (one = oe_jval_at(rows, i)); i++) {
		if (oe_jval_get_int(one, "status", 0) != INVITATION_PENDING)
			continue;
		of = oe_jval_get(one, "virtual_network");
		id = oe_jval_get_text(of, "id");
		name = oe_jval_get_text(of, "name");
		if (!oe_str_eq(id, network) &&
		    !(name && oe_str_eq_nocase(name, network)))
			continue;
		*ret_id = oe_jval_get_text(one, "id");
		n += *ret_id != NULL;
	}
	return n;
}

static int
answer(struct oe_mesh_api *a, const char *invitation, struct oe_err *err)
{
	char *path = path_of("/invitations", invitation, "");
	const struct oe_mesh_call call = {
	    .method = "PUT", .part = OE_MESH_V2, .path = path};
	struct oe_jval *body = oe_jval_object();
	int r;

	oe_jval_set_int(body, "status", INVITATION_ACCEPTED);
	r = tell(a, call, body, NULL, err);
	free(path);
	return r;
}

int
oe_mesh_api_accept(
    struct oe_mesh_api *a, const char *network, struct oe_err *err)
{
	const struct oe_mesh_call call = {
	    .part = OE_MESH_V2, .path = "/invitations?per_page=1000"};
	struct oe_jval *data = NULL;
	const char *id = NULL;
	int64_t last;
	size_t n;
	int r = tell(a, call, NULL, &data, err);

	if (r < 0)
		return r;
	n = find_invitation(oe_mesh_rows(data, &last), network, &id);
	if (n == 1)
		r = answer(a, id, err);
	else if (n)
		r = oe_err_set(err, OE_EEXIST,
		    "%zu invitations are into networks called '%s': give the "
		    "network's id",
		    n, network);
	else
		r = oe_err_set(
		    err, OE_ENOENT, "no invitation into '%s' waits", network);
	oe_jval_free(&data);
	return r;
}

int
oe_mesh_api_tag(struct oe_mesh_api *a, const char *network_id,
    const char *device_id, const struct oe_strs *tags, struct oe_err *err)
{
	char *path = path_of("/devices", device_id, "/tags");
	const struct oe_mesh_call call = {
	    .method = "PUT", .part = OE_MESH_SSH, .path = path, .again = true};
	struct oe_jval *body = oe_jval_object(), *list = oe_jval_array();
	size_t i;
	int r;

	for (i = 0; i < tags->n; i++)
		oe_jval_add(list, oe_jval_of_text(tags->v[i]));
	oe_jval_set_text(body, "network_id", network_id);
	oe_jval_set(body, "tags", list);
	r = tell(a, call, body, NULL, err);
	free(path);
	return r;
}

int
oe_mesh_api_policy_put(struct oe_mesh_api *a, const char *network_id,
    const struct oe_jval *policy, int64_t *ret_version, struct oe_err *err)
{
	const struct oe_mesh_call call = {
	    .method = "PUT", .part = OE_MESH_SSH, .path = "/policy"};
	struct oe_jval *body = oe_jval_object(), *data = NULL;
	int r;

	oe_jval_set_text(body, "network_id", network_id);
	oe_jval_set(body, "policy", oe_jval_ref(policy));
	r = tell(a, call, body, &data, err);
	if (r == 0)
		*ret_version = oe_jval_get_int(data, "version", 0);
	oe_jval_free(&data);
	return r;
}
