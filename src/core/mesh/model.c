/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/model.h"

#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/cidr.h"

const char *
oe_mesh_online_text(enum oe_mesh_online o)
{
	switch (o) {
	case OE_MESH_ONLINE_YES:
		return "yes";
	case OE_MESH_ONLINE_NO:
		return "no";
	case OE_MESH_ONLINE_UNKNOWN:
		break;
	}
	return "unknown";
}

bool
oe_mesh_is_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ_-");

	return n > 0 && n <= OE_MESH_ID_MAX && !text[n] && *text != '-';
}

void
oe_mesh_device_done(struct oe_mesh_device *d)
{
	oe_mem_free(&d->id);
	oe_mem_free(&d->name);
	oe_mem_free(&d->ip);
	oe_mem_free(&d->ip6);
	oe_mem_free(&d->platform);
	oe_mem_free(&d->hardware_id);
	oe_mem_free(&d->owner_id);
	oe_mem_free(&d->owner);
	oe_strs_done(&d->tags);
	oe_strs_done(&d->host_keys);
	memset(d, 0, sizeof *d);
}

void
oe_mesh_network_done(struct oe_mesh_network *n)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		oe_mesh_device_done(&n->devices[i]);
	oe_mem_free(&n->devices);
	oe_mem_free(&n->id);
	oe_mem_free(&n->name);
	oe_mem_free(&n->ip_range);
	oe_mem_free(&n->ip_range6);
	memset(n, 0, sizeof *n);
}

void
oe_mesh_networks_done(struct oe_mesh_networks *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		oe_mesh_network_done(&l->v[i]);
	oe_mem_free(&l->v);
	l->n = 0;
}

/* Room for one more in an array that grows by doubling. */
static bool
must_grow(size_t n)
{
	return (n & (n - 1)) == 0;
}

int
oe_mesh_network_add(struct oe_mesh_network *n, struct oe_mesh_device *d)
{
	if (n->n >= OE_MESH_DEVICES_MAX)
		return OE_ETOOBIG;
	if (must_grow(n->n))
		n->devices = oe_mem_realloc_array(
		    n->devices, n->n ? 2 * n->n : 1, sizeof *n->devices);
	n->devices[n->n++] = *d;
	memset(d, 0, sizeof *d);
	return 0;
}

int
oe_mesh_networks_add(struct oe_mesh_networks *l, struct oe_mesh_network *n)
{
	if (l->n >= OE_MESH_NETWORKS_MAX)
		return OE_ETOOBIG;
	if (must_grow(l->n))
		l->v = oe_mem_realloc_array(
		    l->v, l->n ? 2 * l->n : 1, sizeof *l->v);
	l->v[l->n++] = *n;
	memset(n, 0, sizeof *n);
	return 0;
}

const char *
oe_mesh_text_of(const struct oe_jval *v, const char *const *names)
{
	const char *s;

	for (; *names; names++) {
		s = oe_jval_get_text(v, *names);
		if (s && *s)
			return s;
	}
	return NULL;
}

bool
oe_mesh_int_of(const struct oe_jval *v, const char *const *names, int64_t *ret)
{
	const struct oe_jval *m;
	const char *s;

	for (; *names; names++) {
		m = oe_jval_get(v, *names);
		if (oe_jval_int(m, ret))
			return true;
		s = oe_jval_text(m);
		if (s && !oe_str_parse_int(s, INT64_MIN, INT64_MAX, ret))
			return true;
	}
	return false;
}

/* A copy of a field, or NULL when it is not there or not sane. */
static char *
copy_of(const struct oe_jval *v, const char *const *names, size_t max)
{
	const char *s = oe_mesh_text_of(v, names);

	return s && strlen(s) <= max ? oe_mem_strdup(s) : NULL;
}

/* An address in its canonical text; another family is none. */
static char *
address_of(const struct oe_jval *v, const char *const *names, int v6)
{
	const char *s = oe_mesh_text_of(v, names);
	char text[OE_ADDR_TEXT_MAX];
	struct oe_addr a;

	if (!s || oe_addr_parse(s, &a, NULL) < 0)
		return NULL;
	oe_addr_format(&a, text);
	return !strchr(text, ':') == !v6 ? oe_mem_strdup(text) : NULL;
}

static void
texts_of(const struct oe_jval *list, size_t max, struct oe_strs *ret)
{
	const char *s;
	size_t i;

	for (i = 0; i < oe_jval_size(list) && ret->n < max; i++) {
		s = oe_jval_text(oe_jval_at(list, i));
		if (s && *s && strlen(s) <= OE_MESH_TEXT_MAX)
			oe_strs_add(ret, s);
	}
}

static enum oe_mesh_online
online_of(const struct oe_jval *v, int64_t seen_ms, int64_t now_ms)
{
	static const char *const names[] = {"online", "isOnline", NULL};
	int64_t n;
	bool yes;
	size_t i;

	for (i = 0; names[i]; i++)
		if (oe_jval_bool(oe_jval_get(v, names[i]), &yes))
			return yes ? OE_MESH_ONLINE_YES : OE_MESH_ONLINE_NO;
	if (oe_mesh_int_of(v, names, &n))
		return n ? OE_MESH_ONLINE_YES : OE_MESH_ONLINE_NO;
	if (!seen_ms)
		return OE_MESH_ONLINE_UNKNOWN;
	return now_ms - seen_ms < OE_MESH_SEEN_S * 1000 ? OE_MESH_ONLINE_YES
							: OE_MESH_ONLINE_NO;
}

static int64_t
seen_of(const struct oe_jval *v)
{
	static const char *const names[] = {"last_seen", "lastSeen", NULL};
	const char *s = oe_mesh_text_of(v, names);
	int64_t ms = 0;

	if (s)
		(void)oe_time_parse(s, &ms);
	else if (oe_mesh_int_of(v, names, &ms))
		ms = ms > 0 && ms < INT64_C(100000000000) ? ms * 1000 : 0;
	return ms;
}

static int
port_of(const struct oe_jval *v)
{
	static const char *const names[] = {"ssh_port", NULL};
	int64_t n = 0;

	if (!oe_mesh_int_of(v, names, &n) || n < 1 || n > 65535)
		return 0;
	return (int)n;
}

static const char *const id_names[] = {"id", "uuid", NULL};

bool
oe_mesh_device_read(
    const struct oe_jval *v, int64_t now_ms, struct oe_mesh_device *ret)
{
	static const char *const name[] = {"name", "device_name", NULL};
	static const char *const ip[] = {
	    "virtual_ip", "virtualIp", "virtual_IP", NULL};
	static const char *const ip6[] = {
	    "virtual_ip_v6", "virtualIpV6", "virtual_ipv6", NULL};
	static const char *const platform[] = {"platform", "os", NULL};
	static const char *const hardware[] = {
	    "hardware_id", "hardwareId", "hardware_uuid", NULL};
	static const char *const email[] = {"email", NULL};
	const struct oe_jval *owner = oe_jval_get(v, "owner");
	const char *id = oe_mesh_text_of(v, id_names);

	if (!id || !oe_mesh_is_id(id))
		return false;
	memset(ret, 0, sizeof *ret);
	ret->id = oe_mem_strdup(id);
	ret->name = copy_of(v, name, OE_MESH_NAME_MAX);
	if (!ret->name)
		ret->name = oe_mem_strdup(id);
	ret->ip = address_of(v, ip, false);
	ret->ip6 = address_of(v, ip6, true);
	ret->platform = copy_of(v, platform, OE_MESH_TEXT_MAX);
	ret->hardware_id = copy_of(v, hardware, OE_MESH_TEXT_MAX);
	ret->owner_id = copy_of(owner, id_names, OE_MESH_ID_MAX);
	ret->owner = copy_of(owner, email, OE_MESH_TEXT_MAX);
	texts_of(oe_jval_get(v, "tags"), OE_MESH_TAGS_MAX, &ret->tags);
	texts_of(
	    oe_jval_get(v, "host_keys"), OE_MESH_KEYS_MAX, &ret->host_keys);
	ret->ssh_port = port_of(v);
	ret->seen_ms = seen_of(v);
	ret->online = online_of(v, ret->seen_ms, now_ms);
	return true;
}

static int
read_devices(
    const struct oe_jval *list, int64_t now_ms, struct oe_mesh_network *n)
{
	struct oe_mesh_device d;
	size_t i;

	for (i = 0; i < oe_jval_size(list); i++) {
		if (!oe_mesh_device_read(oe_jval_at(list, i), now_ms, &d))
			continue;
		if (oe_mesh_network_add(n, &d) < 0) {
			oe_mesh_device_done(&d);
			return OE_ETOOBIG;
		}
	}
	return 0;
}

int
oe_mesh_network_read(
    const struct oe_jval *v, int64_t now_ms, struct oe_mesh_network *ret)
{
	static const char *const name[] = {"name", NULL};
	static const char *const range[] = {"ip_range", "ipRange", NULL};
	static const char *const range6[] = {"ip_range_v6", "ipRangeV6", NULL};
	static const char *const role[] = {"role", NULL};
	static const char *const users[] = {"users_count", "usersCount", NULL};
	static const char *const devices[] = {
	    "devices_count", "devicesCount", NULL};
	const struct oe_jval *list = oe_jval_get(v, "devices");
	const char *id = oe_mesh_text_of(v, id_names);
	struct oe_mesh_network n = {.users = -1, .devices_told = -1};
	int r;

	if (!id || !oe_mesh_is_id(id))
		return OE_EPROTO;
	n.id = oe_mem_strdup(id);
	n.name = copy_of(v, name, OE_MESH_NAME_MAX);
	if (!n.name)
		n.name = oe_mem_strdup(id);
	n.ip_range = copy_of(v, range, OE_MESH_TEXT_MAX);
	n.ip_range6 = copy_of(v, range6, OE_MESH_TEXT_MAX);
	(void)oe_mesh_int_of(v, role, &n.role);
	(void)oe_mesh_int_of(v, users, &n.users);
	(void)oe_mesh_int_of(v, devices, &n.devices_told);
	n.has_devices = oe_jval_kind(list) == OE_JVAL_ARRAY;
	r = read_devices(list, now_ms, &n);
	if (r < 0)
		oe_mesh_network_done(&n);
	else
		*ret = n;
	return r;
}
