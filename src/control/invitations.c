/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invitations into networks: by email, answered by whoever has that account.
 */
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "control/store_sweep.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define INVITATIONS_MAX 1000 /* of one network, answered ones as well */

enum {
	PENDING = 1,
	ACCEPTED = 2,
	REJECTED = 3,
};

#define INVITATION_SELECT                                                      \
	"SELECT i.id, i.email, i.status, i.created_at, n.id, n.name, u.id, "   \
	"u.name, u.email FROM invitations i "                                  \
	"JOIN networks n ON n.id = i.network_id "                              \
	"JOIN users u ON u.id = i.inviter_id WHERE "

static int
invitation_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object(), *network = oe_jval_object();
	struct oe_jval *by = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "email", rows, 1);
	oe_jval_set_int(v, "status", oe_ctl_row_int(rows, 2));
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 3));
	oe_ctl_set_column(network, "id", rows, 4);
	oe_ctl_set_column(network, "name", rows, 5);
	oe_jval_set(v, "virtual_network", network);
	oe_ctl_set_column(by, "id", rows, 6);
	oe_ctl_set_column(by, "name", rows, 7);
	oe_ctl_set_column(by, "email", rows, 8);
	oe_jval_set(v, "invited_by", by);
	*ret = v;
	return 0;
}

static int
list_of_network(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count =
		    "SELECT COUNT(*) FROM invitations WHERE network_id = ?1",
		.rows = INVITATION_SELECT
		"i.network_id = ?1 ORDER BY i.created_at, i.id",
		.values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "id"))),
		.row = invitation_row,
	    });
}

static int
list_mine(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*) FROM invitations WHERE email = ?1",
		.rows = INVITATION_SELECT
		"i.email = ?1 ORDER BY i.created_at, i.id",
		.values = OE_CTL_VALUES(oe_ctl_t(call->caller.email)),
		.row = invitation_row,
	    });
}

static int
check_new(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *email)
{
	int64_t n = 0;
	int rc = oe_ctl_db_int(tx,
	    "SELECT (SELECT COUNT(*) FROM members m JOIN users u ON "
	    "u.id = m.user_id WHERE m.network_id = ?1 AND u.email = "
	    "?2) + (SELECT COUNT(*) FROM invitations WHERE "
	    "network_id = ?1 AND email = ?2 AND status = 1 AND "
	    "created_at > ?3)",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(email),
		oe_ctl_i(call->now_ms - OE_CTL_INVITATION_MS)),
	    &n, &call->err);

	if (rc == 0 && n > 0)
		rc = oe_err_set(&call->err, OE_EEXIST,
		    "This user is a member or has been invited already");
	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT COUNT(*) FROM invitations WHERE network_id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(network)), &n, &call->err);
	if (rc == 0 && n >= INVITATIONS_MAX)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "There are too many invitations: delete some");
	return rc;
}

static int
one_invitation(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    struct oe_jval **ret)
{
	return oe_ctl_one(call, tx,
	    &(struct oe_ctl_one){
		.sql = INVITATION_SELECT "i.id = ?1",
		.values = OE_CTL_VALUES(oe_ctl_t(id)),
		.row = invitation_row,
		.absent = "Invitation",
	    },
	    ret);
}

static int
invite(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_param(call, "id");
	char email[256], id[OE_CTL_ID_SIZE];
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (!oe_ctl_email(call, email))
		return oe_ctl_refuse_invalid(call);
	oe_ctl_id_make("inv", id);
	rc = oe_ctl_begin_role(call, network, &tx);
	if (rc == 0)
		rc = check_new(call, tx, network, email);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO invitations (id, network_id, email, "
		    "inviter_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
		    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(network),
			oe_ctl_t(email), oe_ctl_t(call->caller.id),
			oe_ctl_i(call->now_ms)),
		    NULL, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.invitation.create", network, id, NULL);
	if (rc == 0)
		rc = one_invitation(call, tx, id, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

static int
withdraw(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_param(call, "id");
	const char *id = oe_ctl_param(call, "invitation_id");
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_role(call, network, &tx);

	if (rc == 0)
		rc = oe_ctl_change(call, tx,
		    "DELETE FROM invitations WHERE id = ?1 AND "
		    "network_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(network)),
		    "Invitation");
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.invitation.delete", network, id, NULL);
	return oe_ctl_end_message(call, &tx, rc, "Invitation deleted");
}

/* Pending, and for the caller: whoever sets the status has it. */
static int
take(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    int64_t status, char ret_network[OE_CTL_ID_SIZE])
{
	char *network = NULL;
	int rc = oe_ctl_db_text(tx,
	    "UPDATE invitations SET status = ?1 WHERE id = ?2 AND email = ?3 "
	    "AND status = 1 AND created_at > ?4 RETURNING network_id",
	    OE_CTL_VALUES(oe_ctl_i(status), oe_ctl_t(id),
		oe_ctl_t(call->caller.email),
		oe_ctl_i(call->now_ms - OE_CTL_INVITATION_MS)),
	    &network, &call->err);

	if (rc == 0)
		(void)oe_str_copy(ret_network, OE_CTL_ID_SIZE, network);
	oe_mem_free(&network);
	return rc == OE_ENOENT ? oe_ctl_absent(call, "Invitation") : rc;
}

static int
respond(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	int64_t status = oe_jval_get_int(call->json, "status", 0);
	char network[OE_CTL_ID_SIZE] = "";
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (status != ACCEPTED && status != REJECTED) {
		oe_ctl_invalid(
		    call, "status", "enum", "enum validation failed");
		return oe_ctl_refuse_invalid(call);
	}
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = take(call, tx, id, status, network);
	if (rc == 0 && status == ACCEPTED)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO members (network_id, user_id, role, "
		    "joined_at) VALUES (?1, ?2, 1, ?3) "
		    "ON CONFLICT (network_id, user_id) DO NOTHING",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(call->caller.id),
			oe_ctl_i(call->now_ms)),
		    NULL, &call->err);
	if (rc == 0 && status == ACCEPTED)
		rc = oe_ctl_changed(tx, network, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(call, tx,
		    status == ACCEPTED ? "control.invitation.accept"
				       : "control.invitation.reject",
		    network, id, NULL);
	return oe_ctl_end_message(call, &tx, rc, "Invitation updated");
}

const struct oe_ctl_route oe_ctl_routes_invitations[] = {
    {.method = "GET",
	.pattern = "/api/v2/virtual-networks/:id/invitations",
	.need = OE_CTL_NEED_ADMIN,
	.fn = list_of_network,
	.what = "list invitations of a network"},
    {.method = "POST",
	.pattern = "/api/v2/virtual-networks/:id/invitations",
	.need = OE_CTL_NEED_ADMIN,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = invite,
	.what = "invite into a network"},
    {.method = "DELETE",
	.pattern = "/api/v2/virtual-networks/:id/invitations/:invitation_id",
	.need = OE_CTL_NEED_ADMIN,
	.flags = OE_CTL_AUDIT,
	.fn = withdraw,
	.what = "withdraw an invitation"},
    {.method = "GET",
	.pattern = "/api/v2/invitations",
	.need = OE_CTL_NEED_USER,
	.fn = list_mine,
	.what = "list one's invitations"},
    {.method = "PUT",
	.pattern = "/api/v2/invitations/:id",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.fn = respond,
	.what = "accept or reject an invitation"},
    {.method = NULL},
};
