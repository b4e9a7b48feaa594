/* SPDX-License-Identifier: Apache-2.0 */
#include "control/network_rows.h"

struct oe_jval *
oe_ctl_server_json(struct oe_ctl_rows *rows, int column)
{
	struct oe_jval *v;

	if (oe_ctl_row_text(rows, column) == NULL)
		return oe_jval_null();
	v = oe_jval_object();
	oe_ctl_set_column(v, "id", rows, column);
	oe_ctl_set_column(v, "name", rows, column + 1);
	oe_ctl_set_column(v, "host", rows, column + 2);
	oe_jval_set_int(v, "type", oe_ctl_row_int(rows, column + 3));
	oe_ctl_set_column(v, "country", rows, column + 4);
	return v;
}

int
oe_ctl_network_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "ip_range", rows, 2);
	oe_jval_set_text(v, "ddb_uuid", NULL);
	oe_jval_set_int(v, "role", oe_ctl_row_int(rows, 3));
	oe_jval_set_int(v, "users_count", oe_ctl_row_int(rows, 4));
	oe_jval_set_int(v, "devices_count", oe_ctl_row_int(rows, 5));
	oe_jval_set(v, "server", oe_ctl_server_json(rows, 6));
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 11));
	*ret = v;
	return 0;
}

int
oe_ctl_peer_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();
	int64_t seen = oe_ctl_row_int(rows, 5);

	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "platform", rows, 2);
	oe_ctl_set_column(v, "virtual_ip", rows, 3);
	oe_ctl_set_column(v, "virtual_ip_v6", rows, 4);
	oe_ctl_set_time(v, "last_seen", seen);
	oe_jval_set_bool(v, "online", call->now_ms - seen < OE_CTL_ONLINE_MS);
	oe_ctl_set_column(v, "hardware_id", rows, 6);
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 7));
	*ret = v;
	return 0;
}

int
oe_ctl_member_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "email", rows, 2);
	oe_ctl_set_column(v, "picture", rows, 3);
	oe_jval_set_int(v, "status", oe_ctl_row_int(rows, 4));
	oe_jval_set_int(v, "role", oe_ctl_row_int(rows, 5));
	oe_ctl_set_time(v, "joined_at", oe_ctl_row_int(rows, 6));
	*ret = v;
	return 0;
}
