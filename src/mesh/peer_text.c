/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/peer_text.h"

#include <stdio.h>
#include <string.h>

#include "core/base/jval.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/directory.h"
#include "core/mesh/resolve.h"

static void
put(struct oe_jval *j, const char *key, const char *text)
{
	oe_jval_set_text(j, key, text && *text ? text : NULL);
}

/* The lines of @text as an array. */
static struct oe_jval *
lines(const char *text)
{
	struct oe_jval *a = oe_jval_array();
	struct oe_strs l = {NULL, 0};
	size_t i;

	oe_strs_split(&l, text, '\n');
	for (i = 0; i < l.n; i++)
		oe_jval_add(a, oe_jval_of_text(l.v[i]));
	oe_strs_done(&l);
	return a;
}

struct oe_jval *
oe_peer_json(const struct oe_mesh_entry *e)
{
	struct oe_jval *j = oe_jval_object();
	char when[40];

	oe_jval_set_int(j, "v", 1);
	oe_jval_set_text(j, "type", "peer");
	oe_jval_set_text(j, "name", e->name);
	oe_jval_set_text(j, "device_id", e->id);
	oe_jval_set_text(j, "network", e->network_name);
	oe_jval_set_text(j, "network_id", e->network_id);
	put(j, "virtual_ip", e->ip);
	put(j, "virtual_ip_v6", e->ip6);
	if (e->ssh_port)
		oe_jval_set_int(j, "ssh_port", e->ssh_port);
	oe_jval_set(j, "online",
	    e->online == OE_MESH_ONLINE_UNKNOWN
		? oe_jval_null()
		: oe_jval_of_bool(e->online == OE_MESH_ONLINE_YES));
	oe_time_format(e->seen_ms, when, sizeof when);
	put(j, "last_seen", e->seen_ms ? when : NULL);
	put(j, "platform", e->platform);
	put(j, "owner", e->owner);
	oe_jval_set(j, "tags", lines(e->tags));
	oe_jval_set(j, "host_keys", lines(e->host_keys));
	return j;
}

const char *
oe_network_role(int64_t role, char *room, size_t size)
{
	if (role == 1)
		return "user";
	if (role == 2)
		return "admin";
	room[0] = '\0';
	if (role)
		snprintf(room, size, "%lld", (long long)role);
	return room;
}

struct oe_jval *
oe_network_json(const struct oe_mesh_entry_network *n)
{
	struct oe_jval *j = oe_jval_object();

	oe_jval_set_int(j, "v", 1);
	oe_jval_set_text(j, "type", "network");
	oe_jval_set_text(j, "name", n->name);
	oe_jval_set_text(j, "network_id", n->id);
	put(j, "ip_range", n->ip_range);
	put(j, "ip_range_v6", n->ip_range6);
	oe_jval_set_int(j, "role", n->role);
	oe_jval_set_int(j, "devices", (int64_t)n->devices);
	return j;
}

void
oe_peer_seen(int64_t now_ms, int64_t seen_ms, char *ret, size_t size)
{
	char age[40];

	ret[0] = '\0';
	if (!seen_ms)
		return;
	oe_mesh_age(now_ms - seen_ms, age, sizeof age);
	snprintf(ret, size, "%s ago", age);
}

bool
oe_peer_is_plain(const char *name)
{
	return *name && *name != '-' && *name != '.' &&
	       !name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-")];
}
