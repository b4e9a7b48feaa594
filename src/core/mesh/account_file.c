/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/account_internal.h"
#include "core/mesh/login.h"
#include "core/mesh/model.h"
#include "core/mesh/origin.h"

#define FILE_VERSION 1

/* Where tokens are in each shape, and under which name. */
static const struct {
	const char *object; /* NULL: at the top */
	const char *token, *refresh;
} shapes[] = {
    [OE_MESH_SHAPE_OURS] = {NULL, "token", "refresh_token"},
    [OE_MESH_SHAPE_GO] = {"authresponse", "token", "refreshtoken"},
    [OE_MESH_SHAPE_RUST] = {"auth_response", "token", "refresh_token"},
};

static char *
copy(const struct oe_jval *v, const char *name)
{
	const char *s = oe_jval_get_text(v, name);

	return s && *s && strlen(s) <= OE_MESH_TEXT_MAX ? oe_mem_strdup(s)
							: NULL;
}

static enum oe_mesh_shape
shape_of(const struct oe_jval *v)
{
	if (oe_jval_get(v, "authresponse"))
		return OE_MESH_SHAPE_GO;
	if (oe_jval_get(v, "auth_response"))
		return OE_MESH_SHAPE_RUST;
	return OE_MESH_SHAPE_OURS;
}

static int
read_ours(
    const struct oe_jval *v, struct oe_mesh_account *a, struct oe_err *err)
{
	const struct oe_jval *user = oe_jval_get(v, "user");
	const struct oe_jval *device = oe_jval_get(v, "device");
	const char *origin = oe_jval_get_text(v, "origin");
	int64_t version = oe_jval_get_int(v, "version", 0);
	int64_t expires = oe_jval_get_int(v, "expires_at", 0);

	if (version != FILE_VERSION)
		return oe_err_set(err, OE_ECONF,
		    "it is of version %lld, this program knows %d",
		    (long long)version, FILE_VERSION);
	/* a token without an address must not be sent anywhere */
	if (!origin || oe_mesh_origin_parse(origin, &a->origin, err) < 0)
		return oe_err_wrap(err, OE_ECONF, "no address of an API in it");
	/* what is no time has passed */
	a->expires_ms =
	    expires > 0 && expires <= INT64_MAX / 1000 ? expires * 1000 : 0;
	a->oauth = oe_jval_get_bool(v, "oauth", false);
	a->renewing = oe_jval_get_bool(v, "renewing", false);
	a->ca_file = copy(v, "ca_file");
	a->pin = copy(v, "pin");
	a->signing_key = copy(v, "signing_key");
	a->network_id = copy(v, "network_id");
	a->user_id = copy(user, "id");
	a->email = copy(user, "email");
	a->name = copy(user, "name");
	a->device_id = copy(device, "id");
	a->hardware = copy(device, "hardware_id");
	return 0;
}

static void
read_foreign(const struct oe_jval *v, struct oe_mesh_account *a)
{
	const struct oe_jval *in = oe_jval_get(v, shapes[a->shape].object);

	if (a->shape == OE_MESH_SHAPE_GO) {
		a->device_id = copy(oe_jval_get(v, "device"), "uuid");
		return;
	}
	/* its client refreshes at /oauth/token, whatever it logged in with */
	a->oauth = true;
	a->user_id = copy(in, "user_id");
	a->email = copy(in, "email");
	a->device_id = copy(v, "device_uuid");
	a->network_id = copy(v, "last_network_id");
}

int
oe_mesh_account__read(
    const struct oe_jval *v, struct oe_mesh_account *ret, struct oe_err *err)
{
	struct oe_mesh_account a = {.shape = shape_of(v)};
	struct oe_mesh_tokens t = {0};
	const char *object = shapes[a.shape].object;
	int r;

	r = oe_mesh_tokens_read(
	    object ? oe_jval_get(v, object) : v, 0, &t, err);
	if (r < 0)
		return oe_err_wrap(err, OE_ECONF, "not logged in by it");
	if (a.shape == OE_MESH_SHAPE_OURS)
		r = read_ours(v, &a, err);
	else
		read_foreign(v, &a);
	if (r < 0) {
		oe_mesh_tokens_done(&t);
		oe_mesh_account_done(&a);
		return r;
	}
	a.token = t.token;
	a.refresh = t.refresh;
	*ret = a;
	return 0;
}

static void
put(struct oe_jval *v, const char *name, const char *text)
{
	if (text)
		oe_jval_set_text(v, name, text);
}

static struct oe_jval *
made_ours(const struct oe_mesh_account *a)
{
	struct oe_jval *v = oe_jval_object();
	struct oe_jval *user = oe_jval_object(), *device = oe_jval_object();

	oe_jval_set_int(v, "version", FILE_VERSION);
	put(v, "origin", a->origin);
	put(v, "ca_file", a->ca_file);
	put(v, "pin", a->pin);
	put(v, "signing_key", a->signing_key);
	put(v, "token", a->token);
	put(v, "refresh_token", a->refresh);
	oe_jval_set_bool(v, "oauth", a->oauth);
	if (a->renewing)
		oe_jval_set_bool(v, "renewing", true);
	if (a->expires_ms)
		oe_jval_set_int(v, "expires_at", a->expires_ms / 1000);
	put(user, "id", a->user_id);
	put(user, "email", a->email);
	put(user, "name", a->name);
	oe_jval_set(v, "user", user);
	put(device, "id", a->device_id);
	put(device, "hardware_id", a->hardware);
	oe_jval_set(v, "device", device);
	put(v, "network_id", a->network_id);
	return v;
}

/* An object with all members of @was. */
static struct oe_jval *
copied(const struct oe_jval *was)
{
	struct oe_jval *v = oe_jval_object();
	const struct oe_jval *member;
	const char *key;
	void *at = NULL;

	while (oe_jval_next(was, &at, &key, &member))
		oe_jval_set(v, key, oe_jval_ref(member));
	return v;
}

static void
renew(struct oe_jval *v, const char *name, const char *text)
{
	if (text && oe_jval_get(v, name))
		oe_jval_set_text(v, name, text);
}

struct oe_jval *
oe_mesh_account__merge(
    const struct oe_mesh_account *a, const struct oe_jval *was)
{
	const char *object = shapes[a->shape].object;
	struct oe_jval *v, *in;

	if (!object)
		return made_ours(a);
	v = copied(was);
	in = copied(oe_jval_get(was, object));
	oe_jval_set_text(in, shapes[a->shape].token, a->token);
	put(in, shapes[a->shape].refresh, a->refresh);
	/* other spellings that are there must not keep what is used up */
	renew(in, "access_token", a->token);
	renew(in, "refreshToken", a->refresh);
	if (a->shape == OE_MESH_SHAPE_RUST && a->expires_ms)
		oe_jval_set_int(v, "token_obtained_at", a->obtained_ms / 1000);
	if (a->shape == OE_MESH_SHAPE_RUST && a->expires_ms)
		oe_jval_set_int(
		    in, "expires_in", (a->expires_ms - a->obtained_ms) / 1000);
	oe_jval_set(v, object, in);
	return v;
}
