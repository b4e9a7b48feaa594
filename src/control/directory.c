/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a network: who and what is in it, with keys.  Rows come in
 * the order of ids from one query for each part, and are put together here.
 */

#include "control/ca.h"
#include "control/documents.h"
#include "control/resource.h"
#include "core/base/str.h"

static int
device_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object(), *owner = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "virtual_ip", rows, 2);
	if (oe_ctl_row_text(rows, 3) != NULL)
		oe_ctl_set_column(v, "virtual_ip_v6", rows, 3);
	oe_ctl_set_column(owner, "id", rows, 4);
	oe_ctl_set_column(owner, "email", rows, 5);
	oe_jval_set(v, "owner", owner);
	if (oe_ctl_row_int(rows, 6) > 0)
		oe_jval_set_int(v, "ssh_port", oe_ctl_row_int(rows, 6));
	oe_jval_set(v, "tags", oe_jval_array());
	oe_jval_set(v, "host_keys", oe_jval_array());
	*ret = v;
	return 0;
}

static int
user_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();
	int64_t after_s = oe_ctl_row_int(rows, 3);

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "email", rows, 1);
	oe_ctl_set_column(v, "name", rows, 2);
	oe_jval_set(v, "groups", oe_jval_array());
	if (after_s > 0)
		oe_ctl_set_time(v, "certificates_after",
		    (after_s - OE_CTL_CERT_SKEW_S) * 1000);
	*ret = v;
	return 0;
}

static int
key_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "user_id", rows, 0);
	oe_ctl_set_column(v, "fingerprint", rows, 1);
	oe_ctl_set_column(v, "key", rows, 2);
	oe_ctl_set_time(v, "expires_at", oe_ctl_row_int(rows, 3));
	*ret = v;
	return 0;
}

/* Rows of (id, text), ordered as @items are, into the @member of each item. */
static int
attach(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *sql,
    const char *network, const struct oe_jval *items, const char *member)
{
	const struct oe_jval *item = NULL;
	struct oe_ctl_rows *rows = NULL;
	struct oe_jval *list;
	size_t i = 0;
	int rc = oe_ctl_db_query(
	    tx, sql, OE_CTL_VALUES(oe_ctl_t(network)), &rows, &call->err);

	while (rc == 0 && (rc = oe_ctl_row_next(rows, &call->err)) == 1) {
		rc = 0;
		while ((item = oe_jval_at(items, i)) != NULL &&
		       !oe_str_eq(oe_jval_get_text(item, "id"),
			   oe_ctl_row_text(rows, 0)))
			i++;
		if (item == NULL)
			break;
		list = oe_jval_ref(oe_jval_get(item, member));
		oe_jval_add(list, oe_jval_of_text(oe_ctl_row_text(rows, 1)));
		oe_jval_free(&list);
	}
	oe_ctl_rows_done(&rows);
	return rc;
}

/* @sql has the network as ?1. */
static int
add_list(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *sql,
    const char *network,
    int (*row)(struct oe_ctl_call *, struct oe_ctl_tx *, struct oe_ctl_rows *,
	struct oe_jval **),
    struct oe_jval *ret)
{
	struct oe_ctl_list list = {
	    .rows = sql,
	    .values = OE_CTL_VALUES(oe_ctl_t(network)),
	    .row = row,
	};

	return oe_ctl_rows_each(call, tx, &list, ret);
}

static int
fill_devices(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, struct oe_jval *ret)
{
	int rc = add_list(call, tx,
	    "SELECT d.id, d.name, nd.virtual_ip, nd.virtual_ip_v6, u.id, "
	    "u.email, d.ssh_port FROM network_devices nd "
	    "JOIN devices d ON d.id = nd.device_id "
	    "JOIN users u ON u.id = d.user_id WHERE nd.network_id = ?1 "
	    "ORDER BY d.id",
	    network, device_row, ret);

	if (rc == 0)
		rc = attach(call, tx,
		    "SELECT device_id, tag FROM tags WHERE network_id = ?1 "
		    "ORDER BY device_id, tag",
		    network, ret, "tags");
	if (rc == 0)
		rc = attach(call, tx,
		    "SELECT k.device_id, k.key FROM host_keys k "
		    "JOIN network_devices nd ON nd.device_id = k.device_id "
		    "WHERE nd.network_id = ?1 ORDER BY k.device_id, k.place",
		    network, ret, "host_keys");
	return rc;
}

static int
fill_users(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    struct oe_jval *ret)
{
	int rc = add_list(call, tx,
	    "SELECT u.id, u.email, u.name, u.certs_after FROM members m "
	    "JOIN users u ON u.id = m.user_id "
	    "WHERE m.network_id = ?1 AND u.status = 1 ORDER BY u.id",
	    network, user_row, ret);

	if (rc == 0)
		rc = attach(call, tx,
		    "SELECT g.user_id, g.name FROM groups_of g "
		    "JOIN users u ON u.id = g.user_id "
		    "WHERE g.network_id = ?1 AND u.status = 1 "
		    "ORDER BY g.user_id, g.name",
		    network, ret, "groups");
	return rc;
}

/* Keys that expire while the document is cached have their time in it. */
static int
fill_keys(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    struct oe_jval *ret)
{
	return add_list(call, tx,
	    "SELECT k.user_id, k.fingerprint, k.key, k.expires_at "
	    "FROM user_keys k JOIN members m ON m.user_id = k.user_id "
	    "JOIN users u ON u.id = k.user_id "
	    "WHERE m.network_id = ?1 AND u.status = 1 "
	    "ORDER BY k.user_id, k.id",
	    network, key_row, ret);
}

static int
fill_directory(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, struct oe_jval *payload)
{
	struct oe_jval *devices = oe_jval_array(), *users = oe_jval_array();
	struct oe_jval *keys = oe_jval_array(), *ca = oe_jval_array();
	int rc = fill_devices(call, tx, network, devices);

	if (rc == 0)
		rc = fill_users(call, tx, network, users);
	if (rc == 0)
		rc = fill_keys(call, tx, network, keys);
	if (rc == 0)
		rc = oe_ctl_ca_line(call, tx, network, ca);
	oe_jval_set(payload, "devices", devices);
	oe_jval_set(payload, "users", users);
	oe_jval_set(payload, "keys", keys);
	oe_jval_set(payload, "user_ca", ca);
	return rc;
}

static int
prepare_directory(struct oe_ctl_call *call)
{
	return oe_ctl_ca_prepare(call->store, &call->err);
}

const struct oe_ctl_document_kind oe_ctl_directory_document = {
    .name = "directory",
    .version = "SELECT changed FROM networks WHERE id = ?1",
    .prepare = prepare_directory,
    .fill = fill_directory,
};
