/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller: /profile.
 */
#include "control/handlers.h"
#include "control/resource.h"

static struct oe_jval *
limit(int64_t max, int64_t used)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "limit", max);
	oe_jval_set_int(v, "usage", used);
	return v;
}

/* There are no plans here: the shape is that of the real service. */
static struct oe_jval *
subscription(void)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_text(v, "title", "Self-hosted");
	oe_jval_set_text(v, "slug", "self-hosted");
	oe_jval_set_text(v, "start_at", NULL);
	oe_jval_set_text(v, "end_at", NULL);
	oe_jval_set_text(v, "cancel_at", NULL);
	return v;
}

static struct oe_jval *
profile_json(const struct oe_ctl_call *call, struct oe_ctl_rows *rows)
{
	struct oe_jval *v = oe_jval_object(), *limits = oe_jval_object();

	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "email", rows, 2);
	oe_ctl_set_column(v, "picture", rows, 3);
	oe_jval_set(v, "identities", oe_jval_array());
	oe_jval_set(v, "subscription", subscription());
	oe_jval_set(limits, "devices",
	    limit(oe_ctl_row_int(rows, 4), oe_ctl_row_int(rows, 5)));
	oe_jval_set(limits, "virtual_networks",
	    limit(oe_ctl_row_int(rows, 6), oe_ctl_row_int(rows, 7)));
	oe_jval_set(v, "usage_limits", limits);
	oe_jval_set_text(v, "referral_code", NULL);
	oe_jval_set_bool(v, "server_admin", call->caller.server_admin);
	return v;
}

static int
get_profile(struct oe_ctl_call *call)
{
	struct oe_jval *v = NULL;
	struct oe_ctl_rows *rows = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = oe_ctl_db_one(tx,
		    "SELECT u.id, u.name, u.email, u.picture, u.device_limit, "
		    "(SELECT COUNT(*) FROM devices d WHERE d.user_id = u.id), "
		    "u.network_limit, (SELECT COUNT(*) FROM networks n WHERE "
		    "n.owner_id = u.id) FROM users u WHERE u.id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &rows,
		    &call->err);
	if (rc == 0)
		v = profile_json(call, rows);
	oe_ctl_rows_done(&rows);
	oe_ctl_rollback(&tx);
	if (rc == OE_ENOENT)
		return oe_ctl_unauthorized(call);
	return rc ? rc : oe_ctl_data(call, v);
}

const struct oe_ctl_route oe_ctl_routes_profile[] = {
    {.method = "GET",
	.pattern = "/api/v2/profile",
	.need = OE_CTL_NEED_USER,
	.fn = get_profile,
	.what = "show the caller"},
    {.method = NULL},
};
