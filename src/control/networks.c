/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks: /virtual-networks.
 */
#include <stdio.h>
#include <string.h>

#include "control/handlers.h"
#include "control/network_rows.h"
#include "control/range.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define COMMUNITY_SIZE 15
#define SECRET_BYTES   32
#define HOST_MAX       255

#define NETWORKS_WHERE " AND (?2 = '' OR replace(n.name, ?2, '') <> n.name)"

static int
list_networks(struct oe_ctl_call *call)
{
	return oe_ctl_list(
	    call, &(struct oe_ctl_list){
		      .count = "SELECT COUNT(*) FROM networks n JOIN members m "
			       "ON m.network_id = n.id AND m.user_id = ?1 "
			       "WHERE 1 = 1" NETWORKS_WHERE,
		      .rows = OE_CTL_NETWORK_SELECT NETWORKS_WHERE
		      " ORDER BY n.created_at, n.id",
		      .values = OE_CTL_VALUES(oe_ctl_t(call->caller.id),
			  oe_ctl_t(oe_ctl_filter(call, "name"))),
		      .row = oe_ctl_network_row,
		  });
}

/* A network with its devices and users. */
static int
whole_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	const char *id = oe_ctl_row_text(rows, 0);
	struct oe_jval *devices = oe_jval_array(), *users = oe_jval_array();
	struct oe_ctl_list peers = {
	    .rows = OE_CTL_PEER_SELECT " ORDER BY nd.joined_at, nd.device_id",
	    .values = OE_CTL_VALUES(oe_ctl_t(id)),
	    .row = oe_ctl_peer_row,
	};
	struct oe_ctl_list members = {
	    .rows = OE_CTL_MEMBER_SELECT " ORDER BY m.joined_at, u.id",
	    .values = OE_CTL_VALUES(oe_ctl_t(id)),
	    .row = oe_ctl_member_row,
	};
	int rc = oe_ctl_rows_each(call, tx, &peers, devices);

	if (rc == 0)
		rc = oe_ctl_rows_each(call, tx, &members, users);
	if (rc == 0)
		rc = oe_ctl_network_row(call, tx, rows, ret);
	if (rc == 0) {
		oe_jval_set(*ret, "devices", devices);
		oe_jval_set(*ret, "users", users);
	} else {
		oe_jval_free(&devices);
		oe_jval_free(&users);
	}
	return rc;
}

static int
list_all(struct oe_ctl_call *call)
{
	return oe_ctl_list_whole(call,
	    &(struct oe_ctl_list){
		.rows = OE_CTL_NETWORK_SELECT " ORDER BY n.created_at, n.id",
		.values = OE_CTL_VALUES(oe_ctl_t(call->caller.id)),
		.row = whole_row,
	    });
}

static int
one_network(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    struct oe_jval **ret)
{
	return oe_ctl_one(call, tx,
	    &(struct oe_ctl_one){
		.sql = OE_CTL_NETWORK_SELECT " AND n.id = ?2",
		.values =
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(id)),
		.row = oe_ctl_network_row,
		.absent = "Virtual network",
	    },
	    ret);
}

static int
get_network(struct oe_ctl_call *call)
{
	return oe_ctl_get(call, one_network);
}

struct network {
	char id[OE_CTL_ID_SIZE];
	char name[OE_CTL_NAME_MAX + 1];
	char range[OE_CTL_RANGE_TEXT_MAX];
	char host[HOST_MAX + 1]; /* of the server, or "" */
	char server[OE_CTL_ID_SIZE];
};

static void
read_range(struct oe_ctl_call *call, char ret[OE_CTL_RANGE_TEXT_MAX])
{
	struct oe_ctl_range range;
	struct oe_err err = OE_ERR_INIT;

	if (oe_ctl_text(call, "ip_range", OE_CTL_RANGE_TEXT_MAX - 1, ret) &&
	    oe_ctl_range_parse(ret, &range, &err))
		oe_ctl_invalid(call, "ip_range", "range", err.msg);
}

/* "server": {"host", "port"?}; kept as "host:port". */
static void
read_server(struct oe_ctl_call *call, char ret[HOST_MAX + 1])
{
	const struct oe_jval *server = oe_jval_get(call->json, "server");
	const char *host = oe_jval_get_text(server, "host");
	int64_t port = oe_jval_get_int(server, "port", 0);

	ret[0] = '\0';
	if (server == NULL || oe_jval_kind(server) == OE_JVAL_NULL)
		return;
	if (host == NULL || !*host || strlen(host) > HOST_MAX - 6 ||
	    host[strcspn(host, " \t\r\n/\\\"'<>")] || port < 0 ||
	    port > 65535) {
		oe_ctl_invalid(
		    call, "server", "server", "server validation failed");
		return;
	}
	if (port > 0)
		snprintf(ret, HOST_MAX + 1, "%s:%d", host, (int)port);
	else
		snprintf(ret, HOST_MAX + 1, "%s", host);
}

static int
insert_server(struct oe_ctl_call *call, struct oe_ctl_tx *tx, struct network *n)
{
	if (!n->host[0])
		return 0;
	oe_ctl_id_make("svr", n->server);
	return oe_ctl_db_exec(tx,
	    "INSERT INTO servers (id, name, host, type, created_at) "
	    "VALUES (?1, ?2, ?3, 1, ?4)",
	    OE_CTL_VALUES(oe_ctl_t(n->server), oe_ctl_t(n->host),
		oe_ctl_t(n->host), oe_ctl_i(call->now_ms)),
	    NULL, &call->err);
}

/* Name and secret of the mesh: known by joining only, derived from nothing. */
static int
insert_network(
    struct oe_ctl_call *call, struct oe_ctl_tx *tx, const struct network *n)
{
	uint8_t bytes[SECRET_BYTES];
	char community[COMMUNITY_SIZE + 1], secret[2 * SECRET_BYTES + 1];
	int rc;

	oe_random_text(community, COMMUNITY_SIZE);
	oe_random_bytes(bytes, sizeof(bytes));
	oe_hex_put(bytes, sizeof(bytes), secret);
	rc = oe_ctl_db_exec(tx,
	    "INSERT INTO networks (id, name, ip_range, community, secret, "
	    "server_id, owner_id, changed, created_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    OE_CTL_VALUES(oe_ctl_t(n->id), oe_ctl_t(n->name),
		oe_ctl_t(n->range), oe_ctl_t(community), oe_ctl_t(secret),
		oe_ctl_t(n->server[0] ? n->server : NULL),
		oe_ctl_t(call->caller.id), oe_ctl_i(call->now_ms / 1000),
		oe_ctl_i(call->now_ms)),
	    NULL, &call->err);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO members (network_id, user_id, role, "
		    "joined_at) VALUES (?1, ?2, 2, ?3)",
		    OE_CTL_VALUES(oe_ctl_t(n->id), oe_ctl_t(call->caller.id),
			oe_ctl_i(call->now_ms)),
		    NULL, &call->err);
	return rc;
}

static int
check_limit(struct oe_ctl_call *call, struct oe_ctl_tx *tx)
{
	int64_t left = 0;
	int rc = oe_ctl_lock(tx, call->caller.id, &call->err);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT u.network_limit - (SELECT COUNT(*) FROM networks "
		    "n WHERE n.owner_id = u.id) FROM users u WHERE u.id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &left,
		    &call->err);
	if (rc == 0 && left <= 0)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "You have reached the limit of virtual networks");
	return rc;
}

static int
create_network(struct oe_ctl_call *call)
{
	struct network n = {0};
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	(void)oe_ctl_text(call, "name", OE_CTL_NAME_MAX, n.name);
	read_range(call, n.range);
	read_server(call, n.host);
	if (oe_ctl_is_invalid(call))
		return oe_ctl_refuse_invalid(call);
	oe_ctl_id_make("vnw", n.id);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = check_limit(call, tx);
	if (rc == 0)
		rc = insert_server(call, tx, &n);
	if (rc == 0)
		rc = insert_network(call, tx, &n);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.network.create", n.id, n.id, NULL);
	if (rc == 0)
		rc = one_network(call, tx, n.id, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

/* Addresses that were given out are not taken back by a new range. */
static int
check_range(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    const char *range)
{
	int64_t n = 0;
	int rc = oe_ctl_db_int(tx,
	    "SELECT COUNT(*) FROM network_devices nd JOIN networks n "
	    "ON n.id = nd.network_id WHERE n.id = ?1 AND n.ip_range <> ?2",
	    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(range)), &n, &call->err);

	if (rc == 0 && n > 0)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "ip_range cannot change while devices have addresses "
		    "in it");
	return rc;
}

static int
update_network(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	bool with_range = oe_jval_get(call->json, "ip_range") != NULL;
	char name[OE_CTL_NAME_MAX + 1], range[OE_CTL_RANGE_TEXT_MAX] = "";
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	(void)oe_ctl_text(call, "name", OE_CTL_NAME_MAX, name);
	if (with_range)
		read_range(call, range);
	if (oe_ctl_is_invalid(call))
		return oe_ctl_refuse_invalid(call);
	rc = oe_ctl_begin_role(call, id, &tx);
	if (rc == 0 && with_range)
		rc = check_range(call, tx, id, range);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE networks SET name = ?1, ip_range = "
		    "CASE WHEN ?2 = '' THEN ip_range ELSE ?2 END WHERE id = ?3",
		    OE_CTL_VALUES(
			oe_ctl_t(name), oe_ctl_t(range), oe_ctl_t(id)),
		    NULL, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.network.update", id, id, NULL);
	if (rc == 0)
		rc = one_network(call, tx, id, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

/* With the server that was made for it. */
static int
remove_network(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id)
{
	char *server = NULL;
	int rc = oe_ctl_db_text(tx,
	    "DELETE FROM networks WHERE id = ?1 RETURNING server_id",
	    OE_CTL_VALUES(oe_ctl_t(id)), &server, &call->err);

	if (rc == OE_ENOENT)
		rc = oe_ctl_absent(call, "Virtual network");
	if (rc == 0 && server != NULL)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM servers WHERE id = ?1 AND is_default = 0 AND "
		    "NOT EXISTS (SELECT 1 FROM networks WHERE server_id = ?1)",
		    OE_CTL_VALUES(oe_ctl_t(server)), NULL, &call->err);
	oe_mem_free(&server);
	return rc;
}

static int
delete_network(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_role(call, id, &tx);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM sessions WHERE network_id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(id)), NULL, &call->err);
	if (rc == 0)
		rc = remove_network(call, tx, id);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.network.delete", id, id, NULL);
	if (rc == 0)
		rc = oe_ctl_tell(tx, OE_CTL_TOPIC_DIRECTORY, id, &call->err);
	return oe_ctl_end_message(call, &tx, rc, "Virtual network deleted");
}

static int
server_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	(void)call;
	(void)tx;
	*ret = oe_ctl_server_json(rows, 0);
	return 0;
}

/* Servers of the caller's networks, and those for everybody. */
static int
list_servers(struct oe_ctl_call *call)
{
	return oe_ctl_list_whole(call,
	    &(struct oe_ctl_list){
		.rows = "SELECT s.id, s.name, s.host, s.type, s.country "
			"FROM servers s WHERE s.is_default = 1 OR s.id IN "
			"(SELECT n.server_id FROM networks n JOIN members m "
			"ON m.network_id = n.id WHERE m.user_id = ?1 AND "
			"n.server_id IS NOT NULL) ORDER BY s.created_at, s.id",
		.values = OE_CTL_VALUES(oe_ctl_t(call->caller.id)),
		.row = server_row,
	    });
}

const struct oe_ctl_route oe_ctl_routes_networks[] = {
    {.method = "GET",
	.pattern = "/api/v2/virtual-networks",
	.need = OE_CTL_NEED_USER,
	.fn = list_networks,
	.what = "list networks"},
    {.method = "POST",
	.pattern = "/api/v2/virtual-networks",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = create_network,
	.what = "make a network"},
    {.method = "GET",
	.pattern = "/api/v2/virtual-networks/all/list",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_LONG,
	.fn = list_all,
	.what = "list networks with devices and users"},
    {.method = "GET",
	.pattern = "/api/v2/virtual-networks/:id",
	.need = OE_CTL_NEED_MEMBER,
	.fn = get_network,
	.what = "show a network"},
    {.method = "PUT",
	.pattern = "/api/v2/virtual-networks/:id",
	.need = OE_CTL_NEED_ADMIN,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = update_network,
	.what = "change a network"},
    {.method = "DELETE",
	.pattern = "/api/v2/virtual-networks/:id",
	.need = OE_CTL_NEED_ADMIN,
	.flags = OE_CTL_AUDIT,
	.fn = delete_network,
	.what = "delete a network"},
    {.method = "GET",
	.pattern = "/api/v2/servers",
	.need = OE_CTL_NEED_USER,
	.fn = list_servers,
	.what = "list servers of the mesh"},
    {.method = NULL},
};
