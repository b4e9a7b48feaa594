/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One's own account (reference, section 1.6).
 */
#include <string.h>

#include "control/login.h"
#include "control/server.h"
#include "control/store.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* both are in messages, too */
#define PASSWORD_MIN 10
#define PASSWORD_MAX 1024
#define BODY_MAX     8192

static struct oe_jval *
limit(int64_t max, int64_t used)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "limit", max);
	oe_jval_set_int(v, "usage", used);
	return v;
}

static int
read_limits(struct oe_ctl_call *call, struct oe_jval *limits)
{
	struct oe_ctl_rows *rows = NULL;
	struct oe_ctl_tx *tx = NULL;
	int r = oe_ctl_begin(call->store, OE_CTL_READ, &tx, &call->err);

	if (r == 0)
		r = oe_ctl_db_one(tx,
		    "SELECT u.device_limit, u.network_limit, "
		    "(SELECT COUNT(*) FROM devices d WHERE d.user_id = u.id), "
		    "(SELECT COUNT(*) FROM networks n "
		    "WHERE n.owner_id = u.id) "
		    "FROM users u WHERE u.id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &rows,
		    &call->err);
	if (r == 0) {
		oe_jval_set(limits, "devices",
		    limit(oe_ctl_row_int(rows, 0), oe_ctl_row_int(rows, 2)));
		oe_jval_set(limits, "virtual_networks",
		    limit(oe_ctl_row_int(rows, 1), oe_ctl_row_int(rows, 3)));
	}
	oe_ctl_rows_done(&rows);
	oe_ctl_rollback(&tx);
	return r;
}

static int
get_profile(struct oe_ctl_call *call)
{
	struct oe_jval *limits = oe_jval_object(), *v;
	int r = read_limits(call, limits);

	if (r < 0) {
		oe_jval_free(&limits);
		return r;
	}
	v = oe_jval_object();
	oe_jval_set_text(v, "id", call->caller.id);
	oe_jval_set_text(v, "name", call->caller.name);
	oe_jval_set_text(v, "email", call->caller.email);
	oe_jval_set_text(v, "picture", NULL);
	oe_jval_set(v, "identities", oe_jval_array());
	oe_jval_set(v, "subscription", oe_jval_null());
	oe_jval_set(v, "usage_limits", limits);
	oe_jval_set_text(v, "referral_code", NULL);
	oe_jval_set_bool(v, "server_admin", call->caller.server_admin);
	oe_jval_set_bool(v, "one_time_password", call->caller.one_time);
	return oe_ctl_data(call, v);
}

static void
check_passwords(struct oe_ctl_call *call, const char *old, const char *password)
{
	if (!old || !*old || strlen(old) > PASSWORD_MAX)
		oe_ctl_invalid(call, "old_password", "required",
		    "required validation failed");
	if (!password || strlen(password) < PASSWORD_MIN)
		oe_ctl_invalid(call, "password", "minLength",
		    "must have at least 10 characters");
	else if (strlen(password) > PASSWORD_MAX)
		oe_ctl_invalid(call, "password", "maxLength",
		    "must have at most 1024 bytes");
}

static int
change(struct oe_ctl_call *call, const char *password)
{
	char hash[OE_PASSWORD_HASH_MAX];
	struct oe_event e;
	int r;

	r = oe_ctl_auth_hash(call, password, hash);
	if (r == 0)
		r = oe_ctl_store_user_password(call->store, call->caller.id,
		    hash, false, call->caller.token_id, &call->err);
	oe_mem_wipe(hash, sizeof hash);
	if (r < 0)
		return r;
	oe_ctl_auth_forget(call->server->auth, call->caller.id);
	oe_ctl_event(&e, call, "control.password_changed");
	oe_ctl_event_end(&e, call);
	return oe_ctl_message(call, 200, "Password changed");
}

static int
put_password(struct oe_ctl_call *call)
{
	const char *old = oe_jval_get_text(call->json, "old_password"),
		   *password = oe_jval_get_text(call->json, "password");
	struct oe_ctl_user u;
	bool known = false;
	int r;

	check_passwords(call, old, password);
	if (oe_ctl_is_invalid(call))
		return oe_ctl_refuse_invalid(call);
	if (oe_str_eq(old, password))
		return oe_ctl_fail(call, 400, "E_NEW_PASSWORD_SAME",
		    "The new password is the old one", NULL);
	r = oe_ctl_auth_password(call, call->caller.email, old, &u, &known);
	oe_mem_wipe(&u, sizeof u);
	if (r == OE_EAGAIN)
		return oe_ctl_auth_too_often(call);
	if (r == OE_EAUTH)
		return oe_ctl_fail(call, 400, "E_INVALID_AUTH_PASSWORD",
		    "The old password is wrong", NULL);
	return r < 0 ? r : change(call, password);
}

const struct oe_ctl_route oe_ctl_routes_profile[] = {
    {.method = "GET",
	.pattern = "/api/v2/profile",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_EARLY,
	.fn = get_profile,
	.what = "show one's own account"},
    {.method = "PUT",
	.pattern = "/api/v2/profile/password",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.max = BODY_MAX,
	.flags = OE_CTL_EARLY,
	.fn = put_password,
	.what = "change one's own password"},
    {.method = NULL},
};
