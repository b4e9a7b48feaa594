/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live connections, as the events of devices tell them, and orders to end
 * one.
 */
#include <string.h>

#include "control/events.h"
#include "control/handlers.h"
#include "control/resource.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define REASON_MAX 255

static int
begin_session(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_event *e, const char *device, const char *network)
{
	char id[OE_CTL_ID_SIZE];

	oe_ctl_id_make("ses", id);
	return oe_ctl_db_exec(tx,
	    "INSERT INTO sessions (id, network_id, device_id, conn, body, "
	    "started_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
	    "ON CONFLICT (device_id, conn) DO UPDATE SET "
	    "body = excluded.body, seen_at = excluded.seen_at",
	    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(network), oe_ctl_t(device),
		oe_ctl_t(e->conn), oe_ctl_t(e->body), oe_ctl_i(e->time_ms),
		oe_ctl_i(call->now_ms)),
	    NULL, &call->err);
}

/* One connection, or all of the device when its server begins or ends. */
static int
end_sessions(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_event *e, const char *device, const char *conn)
{
	return oe_ctl_db_exec(tx,
	    "UPDATE sessions SET ended_at = ?1 WHERE device_id = ?2 AND "
	    "(?3 = '' OR conn = ?3) AND ended_at IS NULL AND started_at <= ?4",
	    OE_CTL_VALUES(oe_ctl_i(e->time_ms), oe_ctl_t(device),
		oe_ctl_t(conn), oe_ctl_i(e->time_ms)),
	    NULL, &call->err);
}

/* A program that took the place of another: what lived lives on. */
static bool
is_replaced(const struct oe_ctl_event *e)
{
	struct oe_jval *v = NULL;
	bool replaced;

	if (oe_jval_parse(e->body, strlen(e->body), &v, NULL) < 0)
		return false;
	replaced = oe_jval_get_bool(v, "replaced", false);
	oe_jval_free(&v);
	return replaced;
}

int
oe_ctl_session_note(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_event *e, const char *device, const char *network)
{
	if (oe_str_eq(e->name, "server.start") ||
	    oe_str_eq(e->name, "server.stop"))
		return is_replaced(e) ? 0
				      : end_sessions(call, tx, e, device, "");
	if (e->conn == NULL)
		return 0;
	if (oe_str_eq(e->name, "disconnect"))
		return end_sessions(call, tx, e, device, e->conn);
	if (oe_str_eq(e->name, "session.start") && network != NULL)
		return begin_session(call, tx, e, device, network);
	return 0;
}

static int
session_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	static const char *const fields[] = {
	    "user", "local_user", "src", "kind", "command", "rule"};
	const char *body = oe_ctl_row_text(rows, 6);
	struct oe_jval *v = oe_jval_object(), *event = NULL, *device;
	const char *text;
	size_t i;

	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "network_id", rows, 1);
	device = oe_jval_object();
	oe_ctl_set_column(device, "id", rows, 2);
	oe_ctl_set_column(device, "name", rows, 3);
	oe_jval_set_bool(device, "online",
	    call->now_ms - oe_ctl_row_int(rows, 4) < OE_CTL_ONLINE_MS);
	oe_jval_set(v, "device", device);
	oe_ctl_set_column(v, "conn", rows, 5);
	oe_ctl_set_time(v, "started_at", oe_ctl_row_int(rows, 7));
	(void)!oe_jval_parse(body, strlen(body), &event, NULL);
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		text = oe_jval_get_text(event, fields[i]);
		if (text != NULL)
			oe_jval_set_text(v, fields[i], text);
	}
	oe_jval_free(&event);
	*ret = v;
	return 0;
}

static int
list_sessions(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*) FROM sessions WHERE "
			 "network_id = ?1 AND ended_at IS NULL",
		.rows = "SELECT s.id, s.network_id, d.id, d.name, "
			"d.last_seen, s.conn, s.body, s.started_at "
			"FROM sessions s JOIN devices d ON d.id = s.device_id "
			"WHERE s.network_id = ?1 AND s.ended_at IS NULL "
			"ORDER BY s.started_at, s.id",
		.values =
		    OE_CTL_VALUES(oe_ctl_t(oe_ctl_query(call, "network_id"))),
		.row = session_row,
	    });
}

struct target {
	char network[OE_CTL_ID_SIZE], device[OE_CTL_ID_SIZE];
	char conn[OE_CTL_EVENT_CONN_MAX + 1];
};

/* A live session of a network that the caller administers. */
static int
find_target(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    struct target *ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx,
	    "SELECT s.network_id, s.device_id, s.conn, m.role "
	    "FROM sessions s JOIN members m ON m.network_id = s.network_id "
	    "AND m.user_id = ?1 WHERE s.id = ?2 AND s.ended_at IS NULL",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(id)), &rows,
	    &call->err);

	if (rc == OE_ENOENT)
		return oe_ctl_absent(call, "Session");
	if (rc)
		return rc;
	(void)oe_str_copy(
	    ret->network, sizeof(ret->network), oe_ctl_row_text(rows, 0));
	(void)oe_str_copy(
	    ret->device, sizeof(ret->device), oe_ctl_row_text(rows, 1));
	(void)oe_str_copy(
	    ret->conn, sizeof(ret->conn), oe_ctl_row_text(rows, 2));
	if (oe_ctl_row_int(rows, 3) != OE_CTL_ROLE_ADMIN)
		rc = oe_err_set(&call->err, OE_EPERM,
		    "Only an administrator may end a session");
	oe_ctl_rows_done(&rows);
	return rc;
}

static int
insert_order(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct target *t, const char *id, const char *reason)
{
	int rc = oe_ctl_db_exec(tx,
	    "INSERT INTO orders (id, device_id, kind, conn, reason, actor_id, "
	    "created_at) VALUES (?1, ?2, 'kill', ?3, ?4, ?5, ?6)",
	    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(t->device), oe_ctl_t(t->conn),
		oe_ctl_t(reason), oe_ctl_t(call->caller.id),
		oe_ctl_i(call->now_ms)),
	    NULL, &call->err);

	if (rc == 0)
		rc =
		    oe_ctl_tell(tx, OE_CTL_TOPIC_ORDERS, t->device, &call->err);
	return rc;
}

static int
kill_session(struct oe_ctl_call *call)
{
	const char *session = oe_ctl_param(call, "id");
	char id[OE_CTL_ID_SIZE], reason[REASON_MAX + 1] = "";
	struct target t;
	struct oe_jval *v;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (oe_jval_get(call->json, "reason") != NULL &&
	    !oe_ctl_text(call, "reason", REASON_MAX, reason))
		return oe_ctl_refuse_invalid(call);
	oe_ctl_id_make("ord", id);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = find_target(call, tx, session, &t);
	if (rc == 0)
		rc = insert_order(call, tx, &t, id, reason);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.session.kill", t.network, session, NULL);
	rc = oe_ctl_end_call(call, &tx, rc);
	if (rc)
		return rc;
	v = oe_jval_object();
	oe_jval_set_text(v, "order_id", id);
	return oe_ctl_data(call, v);
}

static int
order_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "kind", rows, 1);
	oe_ctl_set_column(v, "conn", rows, 2);
	oe_ctl_set_column(v, "reason", rows, 3);
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 4));
	*ret = v;
	return 0;
}

/* Few, and all of them at once: a device does not page. */
static int
list_orders(struct oe_ctl_call *call)
{
	return oe_ctl_list_whole(call,
	    &(struct oe_ctl_list){
		.rows = "SELECT o.id, o.kind, o.conn, o.reason, o.created_at "
			"FROM orders o JOIN devices d ON d.id = o.device_id "
			"WHERE o.device_id = ?1 AND d.user_id = ?2 "
			"ORDER BY o.created_at, o.id LIMIT 1000",
		.values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "id")),
		    oe_ctl_t(call->caller.id)),
		.row = order_row,
	    });
}

static int
acknowledge(struct oe_ctl_call *call)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	if (rc == 0)
		rc = oe_ctl_change(call, tx,
		    "DELETE FROM orders WHERE id = ?1 AND device_id IN "
		    "(SELECT id FROM devices WHERE id = ?2 AND user_id = ?3)",
		    OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "order_id")),
			oe_ctl_t(oe_ctl_param(call, "id")),
			oe_ctl_t(call->caller.id)),
		    "Order");
	return oe_ctl_end_message(call, &tx, rc, "Order acknowledged");
}

const struct oe_ctl_route oe_ctl_routes_sessions[] = {
    {.method = "GET",
	.pattern = "/api/ssh/v1/sessions",
	.need = OE_CTL_NEED_ADMIN,
	.network = OE_CTL_NETWORK_QUERY,
	.fn = list_sessions,
	.what = "list live sessions"},
    {.method = "POST",
	.pattern = "/api/ssh/v1/sessions/:id/kill",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = kill_session,
	.what = "end a session"},
    {.method = "GET",
	.pattern = "/api/ssh/v1/devices/:id/orders",
	.need = OE_CTL_NEED_USER,
	.fn = list_orders,
	.what = "orders for a device"},
    {.method = "DELETE",
	.pattern = "/api/ssh/v1/devices/:id/orders/:order_id",
	.need = OE_CTL_NEED_USER,
	.fn = acknowledge,
	.what = "acknowledge an order"},
    {.method = NULL},
};
