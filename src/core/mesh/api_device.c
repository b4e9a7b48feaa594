/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/api.h"
#include "core/net/cidr.h"

/* "/devices/:id", encoded; free() it. */
static char *
path_of(const char *folder, const char *id)
{
	char *e = oe_mesh_encode(id);
	char *path = oe_mem_printf("%s/%s", folder, e);

	free(e);
	return path;
}

/* A call whose reply is only its status; @body is taken over. */
static int
tell(struct oe_mesh_api *a, const char *method, const char *path,
    struct oe_jval *body, bool again, struct oe_err *err)
{
	const struct oe_mesh_call call = {.method = method,
	    .part = OE_MESH_V2,
	    .path = path,
	    .body = body,
	    .again = again};
	struct oe_mesh_answer ans;
	int r = oe_mesh_api_call(a, &call, &ans, err);

	oe_mesh_answer_done(&ans);
	oe_jval_free(&body);
	return r;
}

/* A call whose reply is a device. */
static int
ask_device(struct oe_mesh_api *a, const struct oe_mesh_call *call,
    struct oe_mesh_device *ret, struct oe_err *err)
{
	struct oe_mesh_answer ans;
	int r = oe_mesh_api_call(a, call, &ans, err);

	if (r == 0 && !oe_mesh_device_read(ans.data, ans.when_ms, ret))
		r = oe_err_set(err, OE_EPROTO,
		    "the control API's reply has no device in it");
	oe_mesh_answer_done(&ans);
	return r;
}

int
oe_mesh_api_device(struct oe_mesh_api *a, const char *id,
    struct oe_mesh_device *ret, struct oe_err *err)
{
	char *path = path_of("/devices", id);
	const struct oe_mesh_call call = {.part = OE_MESH_V2, .path = path};
	int r = ask_device(a, &call, ret, err);

	free(path);
	return r;
}

int
oe_mesh_api_register(struct oe_mesh_api *a, const char *name,
    const char *hardware, const char *platform, struct oe_mesh_device *ret,
    struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	/* found or made: a second time gives the same device */
	const struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_V2,
	    .path = "/devices",
	    .body = body,
	    .again = true};
	int r;

	oe_jval_set_text(body, "name", name);
	oe_jval_set_text(body, "hardware_uuid", hardware);
	oe_jval_set_text(body, "platform", platform);
	r = ask_device(a, &call, ret, err);
	oe_jval_free(&body);
	return r;
}

int
oe_mesh_api_rename(
    struct oe_mesh_api *a, const char *id, const char *name, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	char *path = path_of("/devices", id);
	int r;

	oe_jval_set_text(body, "name", name);
	r = tell(a, "PUT", path, body, true, err);
	free(path);
	return r;
}

int
oe_mesh_api_remove(struct oe_mesh_api *a, const char *id, struct oe_err *err)
{
	char *path = path_of("/devices", id);
	int r = tell(a, "DELETE", path, NULL, false, err);

	free(path);
	return r;
}

int
oe_mesh_api_heartbeat(
    struct oe_mesh_api *a, const char *hardware, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();

	oe_jval_set_text(body, "hardware_id", hardware);
	return tell(a, "POST", "/devices/heartbeat", body, true, err);
}

/* "/virtual-networks/:id/devices/:device_id"; free() it. */
static char *
path_of_member(const char *network_id, const char *device_id)
{
	char *n = oe_mesh_encode(network_id), *d = oe_mesh_encode(device_id);
	char *path = oe_mem_printf("/virtual-networks/%s/devices/%s", n, d);

	free(n);
	free(d);
	return path;
}

static char *
copy(const struct oe_jval *v, const char *const *names)
{
	const char *s = oe_mesh_text_of(v, names);

	return s && strlen(s) <= OE_MESH_TEXT_MAX ? oe_mem_strdup(s) : NULL;
}

static int
read_joined(
    const struct oe_jval *v, struct oe_mesh_joined *ret, struct oe_err *err)
{
	static const char *const ip[] = {
	    "virtual_ip", "virtualIp", "virtual_IP", NULL};
	static const char *const mask[] = {
	    "subnet_mask", "subnetMask", "mask", NULL};
	static const char *const ip6[] = {"virtual_ip_v6", "virtualIpV6", NULL};
	static const char *const prefix6[] = {
	    "subnet_prefix_v6", "subnetPrefixV6", NULL};
	static const char *const range6[] = {"ip_range_v6", "ipRangeV6", NULL};
	static const char *const community[] = {
	    "community_name", "cluster", NULL};
	static const char *const key[] = {"secret_key", "secretKey", NULL};
	static const char *const host[] = {"host", NULL};
	const char *address = oe_mesh_text_of(v, ip);
	struct oe_addr unused;

	if (!address || oe_addr_parse(address, &unused, NULL) < 0)
		return oe_err_set(err, OE_EPROTO,
		    "the control API's reply to joining has no address in it");
	ret->ip = oe_mem_strdup(address);
	ret->mask = copy(v, mask);
	ret->ip6 = copy(v, ip6);
	ret->range6 = copy(v, range6);
	ret->prefix6 = 0;
	(void)oe_mesh_int_of(v, prefix6, &ret->prefix6);
	ret->community = copy(v, community);
	ret->secret_key = copy(v, key);
	ret->server = copy(oe_jval_get(v, "server"), host);
	return 0;
}

int
oe_mesh_api_join(struct oe_mesh_api *a, const char *network_id,
    const char *device_id, struct oe_mesh_joined *ret, struct oe_err *err)
{
	char *path = path_of_member(network_id, device_id);
	/* a device keeps its address: joining twice changes nothing */
	const struct oe_mesh_call call = {
	    .method = "POST", .part = OE_MESH_V2, .path = path, .again = true};
	struct oe_mesh_answer ans;
	int r = oe_mesh_api_call(a, &call, &ans, err);

	if (r == 0)
		r = read_joined(ans.data, ret, err);
	oe_mesh_answer_done(&ans);
	free(path);
	return r;
}

void
oe_mesh_joined_done(struct oe_mesh_joined *j)
{
	oe_mem_free(&j->ip);
	oe_mem_free(&j->mask);
	oe_mem_free(&j->ip6);
	oe_mem_free(&j->range6);
	oe_mem_free(&j->community);
	oe_mem_free_secret(&j->secret_key);
	oe_mem_free(&j->server);
	memset(j, 0, sizeof *j);
}

int
oe_mesh_api_leave(struct oe_mesh_api *a, const char *network_id,
    const char *device_id, struct oe_err *err)
{
	char *path = path_of_member(network_id, device_id);
	int r = tell(a, "DELETE", path, NULL, false, err);

	free(path);
	return r;
}

int
oe_mesh_api_profile(
    struct oe_mesh_api *a, struct oe_mesh_profile *ret, struct oe_err *err)
{
	static const char *const id[] = {"id", "uuid", "user_id", NULL};
	static const char *const name[] = {"name", NULL};
	static const char *const email[] = {"email", NULL};
	const struct oe_mesh_call call = {
	    .part = OE_MESH_V2, .path = "/profile"};
	struct oe_mesh_answer ans;
	int r = oe_mesh_api_call(a, &call, &ans, err);

	if (r == 0) {
		ret->id = copy(ans.data, id);
		ret->name = copy(ans.data, name);
		ret->email = copy(ans.data, email);
		ret->one_time =
		    oe_jval_get_bool(ans.data, "one_time_password", false);
		if (!ret->id) {
			oe_mesh_profile_done(ret);
			r = oe_err_set(err, OE_EPROTO,
			    "the control API's profile has no id in it");
		}
	}
	oe_mesh_answer_done(&ans);
	return r;
}

void
oe_mesh_profile_done(struct oe_mesh_profile *p)
{
	oe_mem_free(&p->id);
	oe_mem_free(&p->name);
	oe_mem_free(&p->email);
}
