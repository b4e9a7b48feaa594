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
	struct oe_srv_rule r;
	int rc;

	memset(&r, 0, sizeof(r));
	rc = p->decide(p->self, id, &r, err);
	if (rc != 0)
		return rc;
	if (r.local_user == NULL || r.local_user[0] == '\0')
		rc = oe_err_set(err, OE_EPERM, "the rule names no local user");
	else if (oe_str_eq(r.local_user, "root") &&
		 !oe_srv_policy_may_be(id->method, 0))
		rc = oe_err_set(err, OE_EPERM, "root is never reached by %s",
		    oe_srv_method_text(id->method));
	if (rc != 0) {
		oe_srv_rule_done(&r);
		return rc;
	}
	*ret = r;
	return 0;
}

void
oe_srv_rule_done(struct oe_srv_rule *r)
{
	oe_mem_free(&r->local_user);
	oe_grant_done(&r->grant);
	oe_mem_free(&r->id);
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
	memset(ret, 0, sizeof(*ret));
	ret->local_user = oe_mem_strdup(local);
	oe_grant_copy(&ret->grant, &s->grant);
	ret->max_sessions = s->max_sessions;
	ret->idle_timeout_s = s->idle_timeout_s;
	ret->id = oe_mem_strdup("standalone");
	return 0;
}

struct oe_srv_policy
oe_srv_standalone_policy(const struct oe_srv_standalone *s)
{
	struct oe_srv_policy p = {standalone_decide, s};

	return p;
}
