/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/server_identity.h"

#include <string.h>

#include "core/base/time.h"
#include "server/policy.h"

void
oe_mesh__subject_done(struct oe_mesh__subject *s)
{
	oe_strs_done(&s->groups);
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
