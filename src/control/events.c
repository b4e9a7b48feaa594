/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: /events.  Devices send them in batches, which may come again; a
 * network's administrators read them.
 */
#include "control/events.h"

#include <stdio.h>
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "control/store_auth.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* Where the events of a batch come from; checked once for each change. */
struct origin {
	char device[OE_CTL_ID_SIZE], network[OE_CTL_ID_SIZE]; /* as asked */
	bool known, good;
	char stored_network[OE_CTL_ID_SIZE]; /* "" : none */
};

/*
 * A device is the caller's; a network has the device in it, or the caller.
 * A device that is in one network only needs not say which.
 */
static int
check_origin(struct oe_ctl_call *call, struct oe_ctl_tx *tx, struct origin *o)
{
	static const char *const by_device =
	    "SELECT MAX(nd.network_id), COUNT(nd.network_id) FROM devices d "
	    "LEFT JOIN network_devices nd ON nd.device_id = d.id AND "
	    "(?3 = '' OR nd.network_id = ?3) "
	    "WHERE d.user_id = ?1 AND d.id = ?2 GROUP BY d.id";
	static const char *const by_user =
	    "SELECT m.network_id, 1 FROM members m WHERE m.user_id = ?1 AND "
	    "?2 = '' AND m.network_id = ?3";
	struct oe_ctl_rows *rows = NULL;
	int rc;

	o->known = true;
	o->stored_network[0] = '\0';
	o->good = !o->device[0] && !o->network[0];
	if (o->good)
		return 0;
	rc = oe_ctl_db_one(tx, o->device[0] ? by_device : by_user,
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(o->device),
		oe_ctl_t(o->network)),
	    &rows, &call->err);
	if (rc == 0 && oe_ctl_row_int(rows, 1) == 1)
		(void)oe_str_copy(o->stored_network, sizeof(o->stored_network),
		    oe_ctl_row_text(rows, 0));
	o->good = rc == 0 && (!o->network[0] || o->stored_network[0]);
	oe_ctl_rows_done(&rows);
	return rc == OE_ENOENT ? 0 : rc;
}

static int
find_origin(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_event *e, struct origin *o)
{
	const char *device = e->device_id, *network = e->network_id;

	if (device == NULL)
		device = oe_ctl_filter(call, "device_id");
	if (network == NULL)
		network = oe_ctl_filter(call, "network_id");
	if (o->known && oe_str_eq(device, o->device) &&
	    oe_str_eq(network, o->network))
		return 0;
	o->known = o->good = false;
	/* what is cut is nobody's */
	if (!oe_str_copy(o->device, sizeof(o->device), device) ||
	    !oe_str_copy(o->network, sizeof(o->network), network))
		return 0;
	return check_origin(call, tx, o);
}

static const char *
or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static int
insert_event(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_event *e, const struct origin *o, int64_t *ret_new)
{
	int rc = oe_ctl_db_exec(tx,
	    "INSERT INTO events (sender_id, uid, network_id, device_id, name, "
	    "conn, time_at, received_at, body) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
	    "ON CONFLICT (sender_id, uid) DO NOTHING",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(e->uid),
		oe_ctl_t(or_null(o->stored_network)),
		oe_ctl_t(or_null(o->device)), oe_ctl_t(e->name),
		oe_ctl_t(e->conn), oe_ctl_i(e->time_ms), oe_ctl_i(call->now_ms),
		oe_ctl_t(e->body)),
	    ret_new, &call->err);

	if (rc == 0 && *ret_new > 0 && o->device[0])
		rc = oe_ctl_session_note(
		    call, tx, e, o->device, or_null(o->stored_network));
	return rc;
}

struct outcome {
	int64_t accepted, duplicates;
	struct oe_jval *refused; /* {"line","why"} */
};

static void
refuse(struct outcome *o, size_t line, const char *why)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "line", (int64_t)line);
	oe_jval_set_text(v, "why", why);
	oe_jval_add(o->refused, v);
}

static int
store_events(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_events *events, struct outcome *ret)
{
	struct origin origin = {.known = false};
	const struct oe_ctl_event *e;
	int64_t is_new;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < events->n; i++) {
		e = &events->v[i];
		if (e->body == NULL) {
			refuse(ret, i + 1, e->why);
			continue;
		}
		rc = find_origin(call, tx, e, &origin);
		if (rc == 0 && !origin.good) {
			refuse(ret, i + 1,
			    "not a device of yours, or not in that network");
			continue;
		}
		is_new = 0;
		if (rc == 0)
			rc = insert_event(call, tx, e, &origin, &is_new);
		ret->accepted += is_new > 0;
		ret->duplicates += is_new == 0;
	}
	return rc;
}

static int
post_events(struct oe_ctl_call *call)
{
	struct oe_ctl_events events;
	struct outcome o = {0, 0, oe_jval_array()};
	struct oe_jval *v;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_events_read(
	    call->body, call->body_len, call->now_ms, &events);

	if (rc == OE_ETOOBIG) {
		oe_ctl_events_done(&events);
		oe_jval_free(&o.refused);
		return oe_ctl_message(call, 413, "More than 1000 events");
	}
	if (rc == 0)
		rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = store_events(call, tx, &events, &o);
	rc = oe_ctl_end_call(call, &tx, rc);
	oe_ctl_events_done(&events);
	if (rc) {
		oe_jval_free(&o.refused);
		return rc;
	}
	v = oe_jval_object();
	oe_jval_set_int(v, "accepted", o.accepted);
	oe_jval_set_int(v, "duplicates", o.duplicates);
	oe_jval_set(v, "refused", o.refused);
	return oe_ctl_data(call, v);
}

static int
event_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	const char *body = oe_ctl_row_text(rows, 5);
	int rc = oe_jval_parse(body, strlen(body), ret, &call->err);

	(void)tx;
	if (rc)
		return rc;
	oe_jval_set_int(*ret, "seq", oe_ctl_row_int(rows, 0));
	oe_ctl_set_column(*ret, "sender_id", rows, 1);
	oe_ctl_set_column(*ret, "network_id", rows, 2);
	oe_ctl_set_column(*ret, "device_id", rows, 3);
	oe_ctl_set_time(*ret, "received_at", oe_ctl_row_int(rows, 4));
	return 0;
}

/* "session." and "session.*" are all names that begin so. */
static void
split_name(const char *name, char exact[OE_CTL_EVENT_NAME_MAX + 1],
    char prefix[OE_CTL_EVENT_NAME_MAX + 1])
{
	size_t n = strlen(name);
	bool open = n > 0 && (name[n - 1] == '*' || name[n - 1] == '.');

	exact[0] = prefix[0] = '\0';
	snprintf(open ? prefix : exact, OE_CTL_EVENT_NAME_MAX + 1, "%.*s",
	    (int)(n > 0 && name[n - 1] == '*' ? n - 1 : n), name);
}

#define EVENTS_WHERE                                                           \
	" FROM events e WHERE (e.network_id = ?1 OR "                          \
	"(?1 = '' AND e.network_id IS NULL)) AND e.time_at >= ?2 "             \
	"AND ((?3 = '' AND ?4 = '') OR e.name = ?3 OR "                        \
	"(?4 <> '' AND substr(e.name, 1, length(?4)) = ?4)) "                  \
	"AND (?5 = '' OR e.conn = ?5) AND (?6 = '' OR e.device_id = ?6) "      \
	"AND e.seq > ?7"

/*
 * Those of a network are for its administrators, and those of the server;
 * those of no network for the latter only.
 */
static int
check_reader(struct oe_ctl_call *call)
{
	const char *network = oe_ctl_filter(call, "network_id");
	enum oe_ctl_role role = OE_CTL_ROLE_NONE;
	int rc = 0;

	if (call->caller.server_admin)
		return 0;
	if (network[0])
		rc = oe_ctl_store_role(
		    call->store, network, call->caller.id, &role, &call->err);
	if (rc == 0 && network[0] && role == OE_CTL_ROLE_NONE)
		return oe_ctl_absent(call, "Virtual network");
	if (rc == 0 && role != OE_CTL_ROLE_ADMIN)
		rc = oe_err_set(
		    &call->err, OE_EPERM, "Events are for administrators");
	return rc;
}

static int
list_events(struct oe_ctl_call *call)
{
	const char *since = oe_ctl_query(call, "since");
	char exact[OE_CTL_EVENT_NAME_MAX + 1];
	char prefix[OE_CTL_EVENT_NAME_MAX + 1];
	int64_t since_ms = 0;
	int rc = check_reader(call);

	if (rc)
		return rc;
	if (since != NULL && !oe_ctl_time_parse(since, &since_ms)) {
		oe_ctl_invalid(
		    call, "since", "date", "since is no time as in RFC 3339");
		return oe_ctl_refuse_invalid(call);
	}
	split_name(oe_ctl_filter(call, "name"), exact, prefix);
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*)" EVENTS_WHERE,
		.rows = "SELECT e.seq, e.sender_id, e.network_id, "
			"e.device_id, e.received_at, e.body" EVENTS_WHERE
			" ORDER BY e.seq",
		.values = OE_CTL_VALUES(
		    oe_ctl_t(oe_ctl_filter(call, "network_id")),
		    oe_ctl_i(since_ms), oe_ctl_t(exact), oe_ctl_t(prefix),
		    oe_ctl_t(oe_ctl_filter(call, "conn")),
		    oe_ctl_t(oe_ctl_filter(call, "device_id")),
		    oe_ctl_i(oe_ctl_query_int(call, "after", 0, INT64_MAX, 0))),
		.row = event_row,
	    });
}

const struct oe_ctl_route oe_ctl_routes_events[] = {
    {.method = "POST",
	.pattern = "/api/ssh/v1/events",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_NDJSON,
	.fn = post_events,
	.what = "send events"},
    {.method = "GET",
	.pattern = "/api/ssh/v1/events",
	.need = OE_CTL_NEED_USER,
	.fn = list_events,
	.what = "read events of a network"},
    {.method = NULL},
};
