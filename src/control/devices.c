/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the caller: /devices.
 */
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "core/base/str.h"

#define PLATFORM_MAX 100

#define DEVICE_COLUMNS                                                         \
	"d.id, d.name, d.hardware_id, d.platform, d.last_seen, d.created_at"

/* A network as it stands inside a device. */
static int
nested_network(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "virtual_ip", rows, 2);
	oe_ctl_set_time(v, "last_seen", oe_ctl_row_int(rows, 3));
	*ret = v;
	return 0;
}

static int
device_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object(), *networks = oe_jval_array();
	int64_t seen = oe_ctl_row_int(rows, 4);
	struct oe_ctl_list nested = {
	    .rows = "SELECT n.id, n.name, nd.virtual_ip, d.last_seen "
		    "FROM network_devices nd "
		    "JOIN networks n ON n.id = nd.network_id "
		    "JOIN devices d ON d.id = nd.device_id "
		    "WHERE nd.device_id = ?1 ORDER BY nd.joined_at, n.id",
	    .values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_row_text(rows, 0))),
	    .row = nested_network,
	};
	int rc;

	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "hardware_id", rows, 2);
	oe_ctl_set_column(v, "platform", rows, 3);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_jval_set_bool(v, "online", call->now_ms - seen < OE_CTL_ONLINE_MS);
	oe_ctl_set_time(v, "last_seen", seen);
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 5));
	oe_jval_set_text(v, "ddb_uuid", NULL);
	rc = oe_ctl_rows_each(call, tx, &nested, networks);
	oe_jval_set(v, "virtual_networks", networks);
	if (rc)
		oe_jval_free(&v);
	*ret = v;
	return rc;
}

static int
one_device(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    struct oe_jval **ret)
{
	return oe_ctl_one(call, tx,
	    &(struct oe_ctl_one){
		.sql = "SELECT " DEVICE_COLUMNS " FROM devices d "
		       "WHERE d.id = ?1 AND d.user_id = ?2",
		.values =
		    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(call->caller.id)),
		.row = device_row,
		.absent = "Device",
	    },
	    ret);
}

/* replace() finds a text in another the same way in both stores. */
#define DEVICES_WHERE                                                          \
	" FROM devices d WHERE d.user_id = ?1 "                                \
	"AND (?2 = '' OR replace(d.name, ?2, '') <> d.name) "                  \
	"AND (?3 = '' OR replace(lower(d.platform), lower(?3), '') <> "        \
	"lower(d.platform))"

static int
list_devices(struct oe_ctl_call *call)
{
	const char *name = oe_ctl_filter(call, "name");
	const char *platform = oe_ctl_filter(call, "platform");

	return oe_ctl_list(
	    call, &(struct oe_ctl_list){
		      .count = "SELECT COUNT(*)" DEVICES_WHERE,
		      .rows = "SELECT " DEVICE_COLUMNS DEVICES_WHERE
			      " ORDER BY d.created_at, d.id",
		      .values = OE_CTL_VALUES(oe_ctl_t(call->caller.id),
			  oe_ctl_t(name), oe_ctl_t(platform)),
		      .row = device_row,
		  });
}

static int
get_device(struct oe_ctl_call *call)
{
	return oe_ctl_get(call, one_device);
}

struct machine {
	char name[OE_CTL_NAME_MAX + 1];
	char hardware[OE_CTL_NAME_MAX + 1]; /* lower case */
	char platform[PLATFORM_MAX + 1];
};

/* A machine that is there already needs no room. */
static int
check_limit(struct oe_ctl_call *call, struct oe_ctl_tx *tx)
{
	int64_t left = 0;
	int rc = oe_ctl_db_int(tx,
	    "SELECT u.device_limit - (SELECT COUNT(*) FROM devices d "
	    "WHERE d.user_id = u.id) FROM users u WHERE u.id = ?1",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &left, &call->err);

	if (rc == 0 && left <= 0)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "You have reached the limit of devices");
	return rc;
}

static int
insert_device(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct machine *m, char ret_id[OE_CTL_ID_SIZE])
{
	int rc = check_limit(call, tx);

	oe_ctl_id_make("dev", ret_id);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO devices (id, user_id, name, hardware_id, "
		    "platform, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		    OE_CTL_VALUES(oe_ctl_t(ret_id), oe_ctl_t(call->caller.id),
			oe_ctl_t(m->name), oe_ctl_t(m->hardware),
			oe_ctl_t(m->platform), oe_ctl_i(call->now_ms)),
		    NULL, &call->err);
	return rc;
}

static int
find_or_create(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct machine *m, char ret_id[OE_CTL_ID_SIZE])
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_lock(tx, call->caller.id, &call->err);

	if (rc == 0)
		rc = oe_ctl_db_one(tx,
		    "SELECT id FROM devices WHERE user_id = ?1 AND name = ?2 "
		    "AND hardware_id = ?3 AND platform = ?4",
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(m->name),
			oe_ctl_t(m->hardware), oe_ctl_t(m->platform)),
		    &rows, &call->err);
	if (rc == 0)
		(void)oe_str_copy(
		    ret_id, OE_CTL_ID_SIZE, oe_ctl_row_text(rows, 0));
	oe_ctl_rows_done(&rows);
	return rc == OE_ENOENT ? insert_device(call, tx, m, ret_id) : rc;
}

static bool
read_machine(struct oe_ctl_call *call, struct machine *ret)
{
	(void)oe_ctl_text(call, "name", OE_CTL_NAME_MAX, ret->name);
	(void)oe_ctl_text(
	    call, "hardware_uuid", OE_CTL_NAME_MAX, ret->hardware);
	(void)oe_ctl_text(call, "platform", PLATFORM_MAX, ret->platform);
	oe_str_lower(ret->hardware);
	return !oe_ctl_is_invalid(call);
}

static int
register_device(struct oe_ctl_call *call)
{
	struct machine m;
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	char id[OE_CTL_ID_SIZE];
	int rc;

	if (!read_machine(call, &m))
		return oe_ctl_refuse_invalid(call);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = find_or_create(call, tx, &m, id);
	if (rc == 0)
		rc = one_device(call, tx, id, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

static int
rename_device(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	char name[OE_CTL_NAME_MAX + 1];
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (!oe_ctl_text(call, "name", OE_CTL_NAME_MAX, name))
		return oe_ctl_refuse_invalid(call);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE devices SET name = ?1 WHERE id = ?2 AND "
		    "user_id = ?3",
		    OE_CTL_VALUES(oe_ctl_t(name), oe_ctl_t(id),
			oe_ctl_t(call->caller.id)),
		    NULL, &call->err);
	if (rc == OE_EEXIST)
		rc = oe_err_set(&call->err, OE_EEXIST,
		    "This machine is registered by that name already");
	if (rc == 0)
		rc = one_device(call, tx, id, &v);
	if (rc == 0)
		rc = oe_ctl_changed_device(tx, id, &call->err);
	return oe_ctl_end_data(call, &tx, rc, v);
}

static int
delete_device(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	/* its networks are told while it is in them */
	if (rc == 0)
		rc = one_device(call, tx, id, &v);
	oe_jval_free(&v);
	if (rc == 0)
		rc = oe_ctl_audit_device(
		    call, tx, "control.device.delete", id, NULL);
	if (rc == 0)
		rc = oe_ctl_changed_device(tx, id, &call->err);
	if (rc == 0)
		rc = oe_ctl_change(call, tx,
		    "DELETE FROM devices WHERE id = ?1 AND user_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(call->caller.id)),
		    "Device");
	return oe_ctl_end_message(call, &tx, rc, "Device deleted");
}

/*
 * The real service calls it hardware_id; real clients send the device's id.
 * Two statements: an OR would make SQLite look at all devices of a user.
 */
static int
seen(struct oe_ctl_call *call, struct oe_ctl_tx *tx, char *which)
{
	const struct oe_ctl_value values[] = {oe_ctl_i(call->now_ms),
	    oe_ctl_t(call->caller.id), oe_ctl_t(which), {OE_CTL_END, NULL, 0}};
	int64_t n = 0;
	int rc = oe_ctl_db_exec(tx,
	    "UPDATE devices SET last_seen = ?1 WHERE id = ?3 AND user_id = ?2",
	    values, &n, &call->err);

	if (rc || n > 0)
		return rc;
	oe_str_lower(which);
	return oe_ctl_change(call, tx,
	    "UPDATE devices SET last_seen = ?1 WHERE user_id = ?2 AND "
	    "hardware_id = ?3",
	    values, "Device");
}

static int
heartbeat(struct oe_ctl_call *call)
{
	char which[OE_CTL_NAME_MAX + 1];
	struct oe_jval *v;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (!oe_ctl_text(call, "hardware_id", OE_CTL_NAME_MAX, which))
		return oe_ctl_refuse_invalid(call);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = seen(call, tx, which);
	v = oe_jval_object();
	oe_jval_set_text(v, "message", "Heartbeat received");
	oe_ctl_set_time(v, "last_seen", call->now_ms);
	oe_jval_set(v, "exit_nodes", oe_jval_object());
	return oe_ctl_end_data(call, &tx, rc, v);
}

const struct oe_ctl_route oe_ctl_routes_devices[] = {
    {.method = "POST",
	.pattern = "/api/v2/devices",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.fn = register_device,
	.what = "register a device"},
    {.method = "GET",
	.pattern = "/api/v2/devices",
	.need = OE_CTL_NEED_USER,
	.fn = list_devices,
	.what = "list devices"},
    {.method = "POST",
	.pattern = "/api/v2/devices/heartbeat",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.fn = heartbeat,
	.what = "tell that a device is online"},
    {.method = "GET",
	.pattern = "/api/v2/devices/:id",
	.need = OE_CTL_NEED_USER,
	.fn = get_device,
	.what = "show a device"},
    {.method = "PUT",
	.pattern = "/api/v2/devices/:id",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.fn = rename_device,
	.what = "rename a device"},
    {.method = "DELETE",
	.pattern = "/api/v2/devices/:id",
	.need = OE_CTL_NEED_USER,
	.fn = delete_device,
	.what = "delete a device"},
    {.method = NULL},
};
