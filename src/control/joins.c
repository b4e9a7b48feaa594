/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices in networks: /virtual-networks/:id/devices.
 */
#include <stdlib.h>
#include <string.h>

#include "control/handlers.h"
#include "control/network_rows.h"
#include "control/range.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define PEERS_WHERE                                                            \
	" AND (?2 = '' OR replace(d.name, ?2, '') <> d.name) "                 \
	"AND (?3 = '' OR replace(lower(d.platform), lower(?3), '') <> "        \
	"lower(d.platform))"

/*
 * All of them: nothing is looked up of those that are not shown, so that a
 * page of a large network costs what a page of a small one does.
 */
static int
list_all_peers(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*) FROM network_devices WHERE "
			 "network_id = ?1",
		.rows =
		    OE_CTL_PEER_SELECT " ORDER BY nd.joined_at, nd.device_id",
		.values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "id"))),
		.row = oe_ctl_peer_row,
	    });
}

static int
list_peers(struct oe_ctl_call *call)
{
	if (!oe_ctl_filter(call, "name")[0] &&
	    !oe_ctl_filter(call, "platform")[0])
		return list_all_peers(call);
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*) FROM network_devices nd "
			 "JOIN devices d ON d.id = nd.device_id "
			 "WHERE nd.network_id = ?1" PEERS_WHERE,
		.rows = OE_CTL_PEER_SELECT PEERS_WHERE
		" ORDER BY nd.joined_at, nd.device_id",
		.values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "id")),
		    oe_ctl_t(oe_ctl_filter(call, "name")),
		    oe_ctl_t(oe_ctl_filter(call, "platform"))),
		.row = oe_ctl_peer_row,
	    });
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Addresses in use, in ascending order; free() them. */
static int
used_addresses(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, uint32_t **ret, size_t *ret_n)
{
	struct oe_ctl_rows *rows = NULL;
	uint32_t *used = NULL, a;
	size_t n = 0, size = 0;
	int rc = oe_ctl_db_query(tx,
	    "SELECT virtual_ip FROM network_devices WHERE network_id = ?1",
	    OE_CTL_VALUES(oe_ctl_t(network)), &rows, &call->err);

	while (rc == 0 && (rc = oe_ctl_row_next(rows, &call->err)) == 1) {
		rc = 0;
		if (!oe_ctl_address_parse(oe_ctl_row_text(rows, 0), &a))
			continue;
		if (n == size) {
			size = size ? 2 * size : 64;
			used = oe_mem_realloc_array(used, size, sizeof(*used));
		}
		used[n++] = a;
	}
	oe_ctl_rows_done(&rows);
	if (n > 0)
		qsort(used, n, sizeof(*used), compare);
	*ret = used;
	*ret_n = n;
	return rc;
}

/* A free address for a device that is not in the network yet. */
static int
assign(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *device, const struct oe_ctl_range *range)
{
	uint32_t *used = NULL, address;
	char text[16];
	size_t n = 0;
	int rc = used_addresses(call, tx, network, &used, &n);

	address = rc ? 0 : oe_ctl_range_pick(range, used, n, oe_mem_random);
	free(used);
	if (rc == 0 && address == 0)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "There is no free address in this virtual network");
	if (rc)
		return rc;
	oe_ctl_address_text(address, text);
	rc = oe_ctl_db_exec(tx,
	    "INSERT INTO network_devices (network_id, device_id, virtual_ip, "
	    "joined_at) VALUES (?1, ?2, ?3, ?4)",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(device), oe_ctl_t(text),
		oe_ctl_i(call->now_ms)),
	    NULL, &call->err);
	return rc ? rc : oe_ctl_changed(tx, network, &call->err);
}

static struct oe_jval *
join_json(struct oe_ctl_rows *rows, const struct oe_ctl_range *range)
{
	struct oe_jval *v = oe_jval_object();
	char mask[16];

	oe_ctl_range_mask(range, mask);
	oe_ctl_set_column(v, "community_name", rows, 0);
	oe_ctl_set_column(v, "cluster", rows, 0);
	oe_ctl_set_column(v, "secret_key", rows, 1);
	oe_ctl_set_column(v, "virtual_ip", rows, 2);
	oe_jval_set_text(v, "subnet_mask", mask);
	oe_jval_set_text(v, "virtual_ip_v6", NULL);
	oe_jval_set_text(v, "subnet_prefix_v6", NULL);
	oe_jval_set_text(v, "ip_range_v6", NULL);
	oe_jval_set(v, "server", oe_ctl_server_json(rows, 3));
	return v;
}

static int
joined(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *device, const struct oe_ctl_range *range, struct oe_jval **ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx,
	    "SELECT n.community, n.secret, nd.virtual_ip, s.id, s.name, "
	    "s.host, s.type, s.country FROM network_devices nd "
	    "JOIN networks n ON n.id = nd.network_id "
	    "LEFT JOIN servers s ON s.id = n.server_id "
	    "WHERE nd.network_id = ?1 AND nd.device_id = ?2",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(device)), &rows,
	    &call->err);

	if (rc == 0)
		*ret = join_json(rows, range);
	oe_ctl_rows_done(&rows);
	return rc;
}

/* A device keeps its address, however often it joins. */
static int
ensure(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *device, const struct oe_ctl_range *range, struct oe_jval **ret)
{
	int rc = joined(call, tx, network, device, range, ret);

	if (rc != OE_ENOENT)
		return rc;
	rc = assign(call, tx, network, device, range);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.device.join", network, device, NULL);
	return rc ? rc : joined(call, tx, network, device, range, ret);
}

static int
check_own(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device)
{
	int64_t n;
	int rc = oe_ctl_db_int(tx,
	    "SELECT 1 FROM devices WHERE id = ?1 AND user_id = ?2",
	    OE_CTL_VALUES(oe_ctl_t(device), oe_ctl_t(call->caller.id)), &n,
	    &call->err);

	return rc == OE_ENOENT ? oe_ctl_absent(call, "Device") : rc;
}

static int
read_range(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    struct oe_ctl_range *ret)
{
	char *text = NULL;
	int rc =
	    oe_ctl_db_text(tx, "SELECT ip_range FROM networks WHERE id = ?1",
		OE_CTL_VALUES(oe_ctl_t(network)), &text, &call->err);

	if (rc == OE_ENOENT)
		rc = oe_ctl_absent(call, "Virtual network");
	if (rc == 0)
		rc = oe_ctl_range_parse(text, ret, &call->err);
	free(text);
	return rc;
}

static int
join(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_param(call, "id");
	const char *device = oe_ctl_param(call, "device_id");
	struct oe_ctl_range range = {0, 0};
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_role(call, network, &tx);

	if (rc == 0)
		rc = check_own(call, tx, device);
	if (rc == 0)
		rc = read_range(call, tx, network, &range);
	if (rc == 0)
		rc = ensure(call, tx, network, device, &range, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

/* An administrator removes any device, a member one's own. */
static int
leave(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_param(call, "id");
	const char *device = oe_ctl_param(call, "device_id");
	struct oe_ctl_tx *tx = NULL;
	char *owner = NULL;
	int rc = oe_ctl_begin_role(call, network, &tx);

	if (rc == 0)
		rc = oe_ctl_db_text(tx,
		    "SELECT d.user_id FROM network_devices nd "
		    "JOIN devices d ON d.id = nd.device_id "
		    "WHERE nd.network_id = ?1 AND nd.device_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(device)), &owner,
		    &call->err);
	if (rc == OE_ENOENT && call->err.code == 0)
		rc = oe_ctl_absent(call, "Device");
	if (rc == 0 && call->role != OE_CTL_ROLE_ADMIN &&
	    !oe_str_eq(owner, call->caller.id))
		rc = oe_err_set(&call->err, OE_EPERM,
		    "Only an administrator may remove another's device");
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM network_devices WHERE network_id = ?1 AND "
		    "device_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(device)), NULL,
		    &call->err);
	/* the device has no events to send there any more that end them */
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM sessions WHERE network_id = ?1 AND "
		    "device_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(device)), NULL,
		    &call->err);
	if (rc == 0)
		rc = oe_ctl_changed(tx, network, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.device.leave", network, device, NULL);
	free(owner);
	return oe_ctl_end_message(
	    call, &tx, rc, "Device removed from virtual network");
}

const struct oe_ctl_route oe_ctl_routes_joins[] = {
    {.method = "GET",
	.pattern = "/api/v2/virtual-networks/:id/devices",
	.need = OE_CTL_NEED_ADMIN,
	.fn = list_peers,
	.what = "list devices of a network"},
    {.method = "POST",
	.pattern = "/api/v2/virtual-networks/:id/devices/:device_id",
	.need = OE_CTL_NEED_MEMBER,
	.fn = join,
	.what = "join a network"},
    {.method = "DELETE",
	.pattern = "/api/v2/virtual-networks/:id/devices/:device_id",
	.need = OE_CTL_NEED_MEMBER,
	.flags = OE_CTL_AUDIT,
	.fn = leave,
	.what = "remove a device from a network"},
    {.method = NULL},
};
