/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens between a request and its handler: each route's own demands,
 * in one place.
 */
#include <stdlib.h>
#include <string.h>

#include "control/request.h"
#include "control/server.h"
#include "core/base/jval.h"
#include "core/base/str.h"

static bool
admit_type(struct oe_ctl_call *call, const struct oe_ctl_request *r)
{
	const char *type = r->h.type;
	bool ok = true;

	switch (call->route->body) {
	case OE_CTL_BODY_JSON:
		/* the real clients always say so; no body needs no type */
		ok = oe_ctl_type_is(type, "application/json") ||
		     (!type && r->body_want == 0);
		break;
	case OE_CTL_BODY_NDJSON:
		ok = oe_ctl_type_is(type, "application/x-ndjson");
		break;
	case OE_CTL_BODY_FORM:
		ok = oe_ctl_type_is(type, "application/json") ||
		     oe_ctl_type_is(type, "application/x-www-form-urlencoded");
		break;
	case OE_CTL_BODY_NONE:
	case OE_CTL_BODY_BYTES:
		break;
	}
	if (!ok)
		oe_ctl_message(call, 415, "Unsupported media type");
	return ok;
}

static bool
admit_caller(struct oe_ctl_call *call)
{
	int r;

	if (call->route->need == OE_CTL_NEED_NOBODY)
		return true;
	r = oe_ctl_auth_caller(call, &call->caller);
	if (r == OE_EAUTH) {
		oe_ctl_unauthorized(call);
		return false;
	}
	if (r < 0) {
		call->reply.status = 0;
		return false;
	}
	if (call->caller.one_time && !(call->route->flags & OE_CTL_EARLY)) {
		oe_ctl_fail(call, 403, "E_PASSWORD_CHANGE_REQUIRED",
		    "The one-time password must be changed first "
		    "(PUT /api/v2/profile/password)",
		    NULL);
		return false;
	}
	if (call->caller.by_key && (call->route->flags & OE_CTL_NO_KEY)) {
		oe_ctl_message(call, 403, "Not for a login by a security key");
		return false;
	}
	if (call->route->need == OE_CTL_NEED_SERVER &&
	    !call->caller.server_admin) {
		oe_ctl_message(call, 403, "Administrators of the server only");
		return false;
	}
	return true;
}

static bool
admit_json(struct oe_ctl_call *call, const struct oe_ctl_request *r,
    struct oe_jval **ret)
{
	struct oe_jval *v = NULL;
	bool form = call->route->body == OE_CTL_BODY_FORM &&
		    !oe_ctl_type_is(r->h.type, "application/json");

	if ((call->route->body != OE_CTL_BODY_JSON &&
		call->route->body != OE_CTL_BODY_FORM) ||
	    form)
		return true;
	if (call->body_len == 0) {
		v = oe_jval_object();
	} else if (oe_jval_parse(call->body, call->body_len, &v, &call->err) <
		   0) {
		oe_ctl_fail(
		    call, 400, "E_INVALID_JSON", oe_err_text(&call->err), NULL);
		return false;
	}
	if (oe_jval_kind(v) != OE_JVAL_OBJECT) {
		oe_jval_free(&v);
		oe_ctl_fail(call, 400, "E_INVALID_JSON",
		    "The body must be an object", NULL);
		return false;
	}
	*ret = v;
	call->json = v;
	return true;
}

static const char *
network_of(const struct oe_ctl_call *call)
{
	switch (call->route->network) {
	case OE_CTL_NETWORK_PATH:
		return oe_ctl_param(call, "id");
	case OE_CTL_NETWORK_QUERY:
		return oe_ctl_query(call, "network_id");
	case OE_CTL_NETWORK_BODY:
		return oe_jval_get_text(call->json, "network_id");
	}
	return NULL;
}

static bool
admit_role(struct oe_ctl_call *call)
{
	enum oe_ctl_need need = call->route->need;
	const char *id = network_of(call);
	bool server = call->caller.server_admin &&
		      (call->route->flags & OE_CTL_OR_SERVER);

	if (need != OE_CTL_NEED_MEMBER && need != OE_CTL_NEED_ADMIN)
		return true;
	if (!id) {
		oe_ctl_invalid(call, "network_id", "required",
		    "required validation failed");
		oe_ctl_refuse_invalid(call);
		return false;
	}
	if (oe_ctl_store_role(call->store, id, call->caller.id, &call->role,
		&call->err) < 0) {
		call->reply.status = 0;
		return false;
	}
	if (call->role == OE_CTL_ROLE_NONE && !server) {
		oe_ctl_message(call, 404, "Virtual network not found");
		return false;
	}
	if (need == OE_CTL_NEED_ADMIN && call->role != OE_CTL_ROLE_ADMIN &&
	    !server) {
		oe_ctl_message(call, 403, "Administrators of the network only");
		return false;
	}
	return true;
}

bool
oe_ctl_admit(struct oe_ctl_call *call, const struct oe_ctl_request *r,
    struct oe_jval **ret_json)
{
	return admit_caller(call) && admit_type(call, r) &&
	       admit_json(call, r, ret_json) && admit_role(call);
}
