/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users of a network: /virtual-networks/:id/users.
 */
#include "control/handlers.h"
#include "control/network_rows.h"
#include "core/base/str.h"

static int
list_members(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*) FROM members WHERE network_id = ?1",
		.rows = OE_CTL_MEMBER_SELECT " ORDER BY m.joined_at, u.id",
		.values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "id"))),
		.row = oe_ctl_member_row,
	    });
}

/* A network keeps an administrator: others than @user, counted. */
static int
check_last(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *user)
{
	int64_t role = 0, others = 0;
	int rc = oe_ctl_db_int(tx,
	    "SELECT role FROM members WHERE network_id = ?1 AND user_id = ?2",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), &role,
	    &call->err);

	if (rc == OE_ENOENT)
		return oe_ctl_absent(call, "User");
	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT COUNT(*) FROM members WHERE network_id = ?1 AND "
		    "user_id <> ?2 AND role = 2",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), &others,
		    &call->err);
	if (rc == 0 && role == OE_CTL_ROLE_ADMIN && others == 0)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "A virtual network keeps at least one administrator");
	return rc;
}

/* Who is no administrator any more lets nobody in later. */
static int
withdraw_invitations(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, const char *user)
{
	return oe_ctl_db_exec(tx,
	    "DELETE FROM invitations WHERE network_id = ?1 AND "
	    "inviter_id = ?2 AND status = 1",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), NULL, &call->err);
}

static int
set_role(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_param(call, "id");
	const char *user = oe_ctl_param(call, "user_id");
	int64_t role = oe_jval_get_int(call->json, "role", 0);
	struct oe_jval *detail;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (role != OE_CTL_ROLE_USER && role != OE_CTL_ROLE_ADMIN) {
		oe_ctl_invalid(call, "role", "enum", "enum validation failed");
		return oe_ctl_refuse_invalid(call);
	}
	rc = oe_ctl_begin_role(call, network, &tx);
	if (rc == 0 && role == OE_CTL_ROLE_USER)
		rc = check_last(call, tx, network, user);
	if (rc == 0)
		rc = oe_ctl_change(call, tx,
		    "UPDATE members SET role = ?1 WHERE network_id = ?2 AND "
		    "user_id = ?3",
		    OE_CTL_VALUES(
			oe_ctl_i(role), oe_ctl_t(network), oe_ctl_t(user)),
		    "User");
	if (rc == 0 && role == OE_CTL_ROLE_USER)
		rc = withdraw_invitations(call, tx, network, user);
	if (rc == 0) {
		detail = oe_jval_object();
		oe_jval_set_int(detail, "role", role);
		rc = oe_ctl_audit(
		    call, tx, "control.member.role", network, user, detail);
	}
	return oe_ctl_end_message(call, &tx, rc, "Role updated");
}

/*
 * With the user go the user's devices, tags, and groups there; no event will
 * end their sessions, since they have none to send there any more.
 */
static int
delete_member(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, const char *user)
{
	int rc = withdraw_invitations(call, tx, network, user);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM sessions WHERE network_id = ?1 AND device_id "
		    "IN (SELECT id FROM devices WHERE user_id = ?2)",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), NULL,
		    &call->err);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM network_devices WHERE network_id = ?1 AND "
		    "device_id "
		    "IN (SELECT id FROM devices WHERE user_id = ?2)",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), NULL,
		    &call->err);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM members WHERE network_id = ?1 AND "
		    "user_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), NULL,
		    &call->err);
	return rc ? rc : oe_ctl_changed(tx, network, &call->err);
}

/* An administrator removes anybody, a member oneself. */
static int
remove_member(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_param(call, "id");
	const char *user = oe_ctl_param(call, "user_id");
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_role(call, network, &tx);

	if (rc == 0 && call->role != OE_CTL_ROLE_ADMIN &&
	    !oe_str_eq(user, call->caller.id))
		rc = oe_err_set(&call->err, OE_EPERM,
		    "Only an administrator may remove another user");
	if (rc == 0)
		rc = check_last(call, tx, network, user);
	if (rc == 0)
		rc = delete_member(call, tx, network, user);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.member.remove", network, user, NULL);
	return oe_ctl_end_message(
	    call, &tx, rc, "User removed from virtual network");
}

const struct oe_ctl_route oe_ctl_routes_members[] = {
    {.method = "GET",
	.pattern = "/api/v2/virtual-networks/:id/users",
	.need = OE_CTL_NEED_MEMBER,
	.fn = list_members,
	.what = "list users of a network"},
    {.method = "PUT",
	.pattern = "/api/v2/virtual-networks/:id/users/:user_id",
	.need = OE_CTL_NEED_ADMIN,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = set_role,
	.what = "change the role of a user"},
    {.method = "DELETE",
	.pattern = "/api/v2/virtual-networks/:id/users/:user_id",
	.need = OE_CTL_NEED_MEMBER,
	.flags = OE_CTL_AUDIT,
	.fn = remove_member,
	.what = "remove a user from a network"},
    {.method = NULL},
};
