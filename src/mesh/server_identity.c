/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/server_identity.h"

#include <string.h>

#include "core/base/time.h"
#include "core/net/cidr.h"
#include "mesh/roster.h"
#include "server/policy.h"

void
oe_mesh__subject_done(struct oe_mesh__subject *s)
{
	oe_strs_done(&s->groups);
	oe_strs_done(&s->principals);
}

static void
alone_principals(const struct oe_strs *names, struct oe_mesh__subject *ret)
{
	const char *name;
	size_t i;

	for (i = 0; names && i < names->n; i++) {
		name = names->v[i];
		if (oe_str_starts(name, "group:"))
			oe_strs_add(&ret->groups, name + strlen("group:"));
		else if (oe_str_starts(name, "user:") && !ret->s.user_id)
			ret->s.user_id = name + strlen("user:");
		else if (strchr(name, '@') && !ret->s.user_email)
			ret->s.user_email = name;
	}
}

static void
alone_fill(const void *self, const struct oe_srv_identity *id,
    struct oe_mesh__subject *ret)
{
	(void)self;
	*ret = (struct oe_mesh__subject){
	    .by_key = OE_POLICY_FINGERPRINT,
	    .by_cert = OE_POLICY_CERT_PRINCIPAL | OE_POLICY_USER_EMAIL |
		       OE_POLICY_GROUP,
	    .until_s = INT64_MAX,
	};
	ret->s = (struct oe_policy_subject){
	    .requested_user = id->requested_user,
	    .source = id->addr,
	    .node_ip = id->addr,
	    .fingerprint = id->key_fingerprint,
	    .cert_principals = id->cert_principals,
	    .now_s = oe_time_wall_ms() / 1000,
	};
	alone_principals(id->cert_principals, ret);
	ret->s.groups = &ret->groups;
}

const struct oe_mesh__provider oe_mesh__identity_alone = {alone_fill, NULL};

/* --- with a directory --- */

/* The device behind an address that cannot have come another way. */
static const struct oe_roster_device *
network_device(
    const struct oe_mesh__network *n, const struct oe_srv_identity *id)
{
	const struct oe_roster_device *own, *d;
	size_t i;

	if (!n->interface || !oe_str_eq(id->interface, n->interface) ||
	    (id->shared_link && !n->trust_members) || !id->addr ||
	    !id->local_addr)
		return NULL;
	own = oe_roster_device(n->roster, n->device_id);
	for (i = 0; own && i < own->n_addr; i++)
		if (oe_addr_equal(&own->addr[i], id->local_addr))
			break;
	if (!own || i == own->n_addr)
		return NULL;
	d = oe_roster_at(n->roster, id->addr);
	return d == own ? NULL : d;
}

static const struct oe_roster_user *
network_cert_user(
    const struct oe_mesh__network *n, const struct oe_srv_identity *id)
{
	const struct oe_strs *names = id->cert_principals;
	const struct oe_roster_user *u = NULL;
	size_t i;

	for (i = 0; names && i < names->n && !u; i++)
		if (oe_str_starts(names->v[i], "user:"))
			u = oe_roster_user(
			    n->roster, names->v[i] + strlen("user:"));
	/* times beyond those that can be told are no certificate's of ours */
	if (u && (id->cert_valid_after_s > INT64_MAX ||
		     (int64_t)id->cert_valid_after_s <= u->certs_after_s))
		return NULL;
	return u;
}

/* A certificate is as old as it is: who left a group has it there still. */
static bool
is_still(const struct oe_roster_user *u, const char *name)
{
	if (oe_str_starts(name, "group:"))
		return oe_strs_has(&u->groups, name + strlen("group:"));
	if (oe_str_starts(name, "user:"))
		return oe_str_eq(u->id, name + strlen("user:"));
	return u->email && oe_str_eq(u->email, name);
}

static void
network_principals(const struct oe_roster_user *u, const struct oe_strs *names,
    struct oe_mesh__subject *ret)
{
	size_t i;

	for (i = 0; names && i < names->n; i++)
		if (is_still(u, names->v[i]))
			oe_strs_add(&ret->principals, names->v[i]);
	ret->s.cert_principals = &ret->principals;
}

static void
network_user(
    const struct oe_roster_user *u, unsigned how, struct oe_mesh__subject *ret)
{
	if (!u)
		return;
	ret->s.user_id = u->id;
	ret->s.user_email = u->email;
	ret->s.groups = &u->groups;
	ret->known |= how;
}

static void
network_who(const struct oe_mesh__network *n, const struct oe_srv_identity *id,
    const struct oe_roster_device *d, struct oe_mesh__subject *ret)
{
	const struct oe_roster_user *u;

	switch (id->method) {
	case OE_SRV_METHOD_PUBLICKEY:
		u = oe_roster_key(n->roster, id->key_fingerprint, ret->s.now_s,
		    &ret->until_s);
		network_user(u, OE_SRV_VOUCH_KEY, ret);
		break;
	case OE_SRV_METHOD_CERTIFICATE:
		/* whom the operator trusts is believed as without directory */
		if (id->cert_local) {
			alone_principals(id->cert_principals, ret);
			ret->s.groups = &ret->groups;
			ret->s.cert_principals = id->cert_principals;
			break;
		}
		u = network_cert_user(n, id);
		if (u)
			network_principals(u, id->cert_principals, ret);
		network_user(u, OE_SRV_VOUCH_CERT, ret);
		break;
	case OE_SRV_METHOD_NONE:
		/* the owner's, as long as they are in the network */
		u = d ? oe_roster_user(n->roster, d->owner_id) : NULL;
		network_user(u, OE_SRV_VOUCH_PLACE, ret);
		break;
	case OE_SRV_METHOD_PASSWORD:
	case OE_SRV_METHOD_KBDINT:
		break;
	}
}

static void
network_fill(const void *self, const struct oe_srv_identity *id,
    struct oe_mesh__subject *ret)
{
	const struct oe_mesh__network *n = self;
	const struct oe_roster_device *d = network_device(n, id);

	*ret = (struct oe_mesh__subject){
	    .by_key = OE_POLICY_FINGERPRINT,
	    .by_cert = OE_POLICY_CERT_PRINCIPAL,
	    .until_s = INT64_MAX,
	};
	if (id->cert_local)
		ret->by_cert |= OE_POLICY_USER_EMAIL | OE_POLICY_GROUP;
	ret->s = (struct oe_policy_subject){
	    .requested_user = id->requested_user,
	    .source = id->addr,
	    .fingerprint = id->key_fingerprint,
	    .now_s = oe_time_wall_ms() / 1000,
	};
	if (d) {
		ret->s.node_id = d->id;
		ret->s.node_name = d->name;
		ret->s.node_ip = id->addr;
		ret->s.tags = &d->tags;
	}
	network_who(n, id, d, ret);
	if (d || ret->known)
		ret->s.network_id = n->network_id;
}

struct oe_mesh__provider
oe_mesh__identity_network(const struct oe_mesh__network *n)
{
	struct oe_mesh__provider p = {network_fill, n};

	return p;
}
