/* SPDX-License-Identifier: Apache-2.0 */
#include "server/policy.h"

#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "server/usermap.h"

const char *
oe_srv_method_text(enum oe_srv_method m)
{
	switch (m) {
	case OE_SRV_METHOD_NONE:
		return "none";
	case OE_SRV_METHOD_PASSWORD:
		return "password";
	case OE_SRV_METHOD_KBDINT:
		return "keyboard-interactive";
	case OE_SRV_METHOD_PUBLICKEY:
		return "publickey";
	case OE_SRV_METHOD_CERTIFICATE:
		break;
	}
	return "certificate";
}

bool
oe_srv_policy_may_be(enum oe_srv_method method, uid_t uid)
{
	switch (method) {
	case OE_SRV_METHOD_PUBLICKEY:
	case OE_SRV_METHOD_CERTIFICATE:
		return true;
	case OE_SRV_METHOD_NONE:
	case OE_SRV_METHOD_PASSWORD:
	case OE_SRV_METHOD_KBDINT:
		break;
	}
	return uid != 0;
}

int
oe_srv_policy_decide(const struct oe_srv_policy *p,
    const struct oe_srv_identity *id, struct oe_srv_rule *ret,
    struct oe_err *err)
{
	int rc;

	oe_srv_rule_init(ret);
	rc = p->decide(p->self, id, ret, err);
	if (rc != 0)
		return rc;
	if (ret->local_user == NULL || ret->local_user[0] == '\0')
		return oe_err_set(
		    err, OE_EPERM, "the rule names no local user");
	if (oe_str_eq(ret->local_user, "root") &&
	    (!ret->root || !oe_srv_policy_may_be(id->method, 0)))
		return oe_err_set(err, OE_EPERM, "root is never reached by %s",
		    oe_srv_method_text(id->method));
	return 0;
}

void
oe_srv_rule_init(struct oe_srv_rule *r)
{
	*r = (struct oe_srv_rule){
	    .until_s = INT64_MAX,
	    .files = true,
	    .forward_local = true,
	    .forward_remote = true,
	};
	oe_grant_init(&r->grant, true);
}

void
oe_srv_rule_done(struct oe_srv_rule *r)
{
	oe_mem_free(&r->local_user);
	oe_grant_done(&r->grant);
	oe_mem_free(&r->id);
	oe_mem_free(&r->message);
	oe_mem_free(&r->barred);
	oe_strs_done(&r->roots);
	oe_strs_done(&r->permit_open);
	oe_strs_done(&r->permit_listen);
	oe_mem_free(&r->accept_env);
}

void
oe_srv_identity_own(
    struct oe_srv_identity_own *to, const struct oe_srv_identity *id)
{
	size_t i;

	memset(to, 0, sizeof(*to));
	to->id = *id;
	to->id.requested_user = to->requested_user =
	    oe_mem_strdup(id->requested_user);
	to->id.source = to->source = oe_mem_strdup(id->source);
	to->id.interface = to->interface = oe_mem_strdup(id->interface);
	to->id.key_fingerprint = to->key_fingerprint =
	    oe_mem_strdup(id->key_fingerprint);
	to->id.cert_key_id = to->cert_key_id = oe_mem_strdup(id->cert_key_id);
	to->id.ca_fingerprint = to->ca_fingerprint =
	    oe_mem_strdup(id->ca_fingerprint);
	if (id->cert_principals == NULL)
		return;
	for (i = 0; i < id->cert_principals->n; i++)
		oe_strs_add(&to->cert_principals, id->cert_principals->v[i]);
	to->id.cert_principals = &to->cert_principals;
}

void
oe_srv_identity_own_done(struct oe_srv_identity_own *o)
{
	oe_mem_free(&o->requested_user);
	oe_mem_free(&o->source);
	oe_mem_free(&o->key_fingerprint);
	oe_mem_free(&o->cert_key_id);
	oe_mem_free(&o->ca_fingerprint);
	oe_mem_free(&o->interface);
	oe_strs_done(&o->cert_principals);
	memset(&o->id, 0, sizeof(o->id));
}

void
oe_srv_standalone_init(
    struct oe_srv_standalone *s, const struct oe_srv_usermap *users)
{
	memset(s, 0, sizeof(*s));
	s->users = users;
	oe_grant_init(&s->grant, true);
}

void
oe_srv_standalone_done(struct oe_srv_standalone *s)
{
	oe_grant_done(&s->grant);
}

static int
standalone_decide(const void *self, const struct oe_srv_identity *id,
    struct oe_srv_rule *ret, struct oe_err *err)
{
	const struct oe_srv_standalone *s = self;
	const char *local;

	if (id->method == OE_SRV_METHOD_NONE && !s->trust_network)
		return oe_err_set(err, OE_EPERM,
		    "nothing was proven, and --trust-network is off");
	local = oe_srv_usermap_name(s->users, id->requested_user);
	if (local == NULL)
		return oe_err_set(err, OE_EPERM,
		    "the requested user cannot be reached on this server");
	ret->local_user = oe_mem_strdup(local);
	ret->root = true; /* the map of users has judged that */
	oe_grant_done(&ret->grant);
	oe_grant_copy(&ret->grant, &s->grant);
	ret->max_sessions = s->max_sessions;
	ret->idle_timeout_s = s->idle_timeout_s;
	ret->id = oe_mem_strdup("standalone");
	return 0;
}

struct oe_srv_policy
oe_srv_standalone_policy(const struct oe_srv_standalone *s)
{
	struct oe_srv_policy p = {.decide = standalone_decide, .self = s};

	return p;
}
