/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is behind an address or a key of a network.
 */
#include "control/handlers.h"
#include "control/resource.h"
#include "core/base/mem.h"
#include "core/base/str.h"

static int
add_labels(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *sql,
    const char *network, const char *id, struct oe_jval *ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_query(tx, sql,
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(id)), &rows, &call->err);

	while (rc == 0 && (rc = oe_ctl_row_next(rows, &call->err)) == 1) {
		oe_jval_add(ret, oe_jval_of_text(oe_ctl_row_text(rows, 0)));
		rc = 0;
	}
	oe_ctl_rows_done(&rows);
	return rc;
}

static int
add_user(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *id, struct oe_jval *ret)
{
	struct oe_jval *v = oe_jval_object(), *groups = oe_jval_array();
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx,
	    "SELECT u.id, u.email, u.name FROM members m JOIN users u ON "
	    "u.id = m.user_id WHERE m.network_id = ?1 AND u.id = ?2 AND "
	    "u.status = 1",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(id)), &rows, &call->err);

	if (rc == 0) {
		oe_ctl_set_column(v, "id", rows, 0);
		oe_ctl_set_column(v, "email", rows, 1);
		oe_ctl_set_column(v, "name", rows, 2);
	}
	oe_ctl_rows_done(&rows);
	if (rc == 0)
		rc = add_labels(call, tx,
		    "SELECT name FROM groups_of WHERE network_id = ?1 AND "
		    "user_id = ?2 ORDER BY name",
		    network, id, groups);
	oe_jval_set(v, "groups", groups);
	if (rc == 0)
		oe_jval_set(ret, "user", v);
	else
		oe_jval_free(&v);
	return rc == OE_ENOENT ? 0 : rc;
}

static void
set_device(struct oe_jval *v, struct oe_ctl_rows *rows)
{
	struct oe_jval *owner = oe_jval_object();

	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "virtual_ip", rows, 2);
	oe_ctl_set_column(owner, "id", rows, 3);
	oe_ctl_set_column(owner, "email", rows, 4);
	oe_jval_set(v, "owner", owner);
}

/* The device of a query, and its owner as the user. */
static int
add_device(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *where,
    const char *network, const char *value, struct oe_jval *ret)
{
	struct oe_jval *v = oe_jval_object(), *labels = oe_jval_array();
	struct oe_ctl_rows *rows = NULL;
	char *sql = oe_mem_printf(
	    "SELECT d.id, d.name, nd.virtual_ip, u.id, u.email "
	    "FROM network_devices nd JOIN devices d ON d.id = nd.device_id "
	    "JOIN users u ON u.id = d.user_id WHERE nd.network_id = ?1 AND %s",
	    where);
	int rc = oe_ctl_db_one(tx, sql,
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(value)), &rows,
	    &call->err);

	oe_mem_free(&sql);
	if (rc == 0) {
		set_device(v, rows);
		rc = add_labels(call, tx,
		    "SELECT tag FROM tags WHERE network_id = ?1 AND "
		    "device_id = ?2 ORDER BY tag",
		    network, oe_ctl_row_text(rows, 0), labels);
	}
	oe_jval_set(v, "tags", labels);
	if (rc == 0)
		rc = add_user(call, tx, network, oe_ctl_row_text(rows, 3), ret);
	oe_ctl_rows_done(&rows);
	if (rc == 0)
		oe_jval_set(ret, "device", v);
	else
		oe_jval_free(&v);
	return rc == OE_ENOENT ? 0 : rc;
}

/* A user's key, or a device's host key. */
static int
by_fingerprint(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, const char *fingerprint, struct oe_jval *ret)
{
	char *user = NULL;
	int rc = oe_ctl_db_text(tx,
	    "SELECT user_id FROM user_keys WHERE fingerprint = ?1 AND "
	    "(expires_at IS NULL OR expires_at > ?2)",
	    OE_CTL_VALUES(oe_ctl_t(fingerprint), oe_ctl_i(call->now_ms)), &user,
	    &call->err);

	if (rc == 0)
		rc = add_user(call, tx, network, user, ret);
	else if (rc == OE_ENOENT)
		rc = add_device(call, tx,
		    /* what two devices claim is neither's */
		    "d.id IN (SELECT MAX(k.device_id) FROM host_keys k JOIN "
		    "network_devices x ON x.device_id = k.device_id WHERE "
		    "x.network_id = ?1 AND k.fingerprint = ?2 "
		    "HAVING COUNT(*) = 1)",
		    network, fingerprint, ret);
	oe_mem_free(&user);
	return rc;
}

static int
whois(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_query(call, "network_id");
	const char *ip = oe_ctl_query(call, "ip");
	const char *fingerprint = oe_ctl_query(call, "fingerprint");
	struct oe_jval *v;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if ((ip == NULL) == (fingerprint == NULL)) {
		oe_ctl_invalid(
		    call, "ip", "required", "either ip or fingerprint");
		return oe_ctl_refuse_invalid(call);
	}
	v = oe_jval_object();
	oe_jval_set(v, "device", oe_jval_null());
	oe_jval_set(v, "user", oe_jval_null());
	rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);
	if (rc == 0 && ip != NULL)
		rc = add_device(call, tx,
		    "(nd.virtual_ip = ?2 OR nd.virtual_ip_v6 = ?2)", network,
		    ip, v);
	if (rc == 0 && fingerprint != NULL)
		rc = by_fingerprint(call, tx, network, fingerprint, v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

const struct oe_ctl_route oe_ctl_routes_whois[] = {
    {.method = "GET",
	.pattern = "/api/ssh/v1/whois",
	.need = OE_CTL_NEED_MEMBER,
	.network = OE_CTL_NETWORK_QUERY,
	.fn = whois,
	.what = "who is behind an address or a key"},
    {.method = NULL},
};
