/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of devices and groups of users.
 *
 * Policies give rights by them, so they are a network's own: an administrator
 * sets them in that network only.  Without "network_id" they are set in all
 * networks that the caller administers and the other is in.
 */
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "core/base/str.h"

#define LABELS_MAX     64
#define LABEL_SIZE_MAX 64

/* The two kinds. */
struct labels {
	const char *field;    /* of the body */
	const char *absent;   /* "Device" */
	const char *audit;    /* name of the event */
	const char *networks; /* those where ?1 is admin and ?2 is in */
	const char *remove;   /* of network ?1 and ?2 */
	const char *insert;   /* network ?1, ?2, label ?3 */
};

static const struct labels tags = {
    .field = "tags",
    .absent = "Device",
    .audit = "control.device.tags",
    .networks = "SELECT nd.network_id FROM network_devices nd "
		"JOIN members m ON m.network_id = nd.network_id "
		"WHERE m.user_id = ?1 AND m.role = 2 AND nd.device_id = ?2 "
		"AND (?3 = '' OR nd.network_id = ?3) ORDER BY nd.network_id",
    .remove = "DELETE FROM tags WHERE network_id = ?1 AND device_id = ?2",
    .insert = "INSERT INTO tags (network_id, device_id, tag) "
	      "VALUES (?1, ?2, ?3)",
};

static const struct labels groups = {
    .field = "groups",
    .absent = "User",
    .audit = "control.user.groups",
    .networks = "SELECT o.network_id FROM members o "
		"JOIN members m ON m.network_id = o.network_id "
		"WHERE m.user_id = ?1 AND m.role = 2 AND o.user_id = ?2 "
		"AND (?3 = '' OR o.network_id = ?3) ORDER BY o.network_id",
    .remove = "DELETE FROM groups_of WHERE network_id = ?1 AND user_id = ?2",
    .insert = "INSERT INTO groups_of (network_id, user_id, name) "
	      "VALUES (?1, ?2, ?3)",
};

static bool
is_label(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-");

	return n > 0 && n <= LABEL_SIZE_MAX && text[n] == '\0';
}

static bool
read_labels(
    struct oe_ctl_call *call, const struct labels *kind, struct oe_strs *ret)
{
	const struct oe_jval *list = oe_jval_get(call->json, kind->field);
	size_t i, n = oe_jval_size(list);
	const char *text;

	if (oe_jval_kind(list) != OE_JVAL_ARRAY || n > LABELS_MAX) {
		oe_ctl_invalid(
		    call, kind->field, "array", "an array of at most 64");
		return false;
	}
	for (i = 0; i < n; i++) {
		text = oe_jval_text(oe_jval_at(list, i));
		if (text == NULL || !is_label(text)) {
			oe_ctl_invalid(call, kind->field, "label",
			    "1 to 64 letters, digits, dots, colons, dashes "
			    "and underscores");
			return false;
		}
		if (!oe_strs_has(ret, text))
			oe_strs_add(ret, text);
	}
	return true;
}

static int
find_networks(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct labels *kind, const char *id, struct oe_strs *ret)
{
	const char *one = oe_jval_get_text(call->json, "network_id");
	int rc;

	if (one == NULL)
		one = oe_ctl_filter(call, "network_id");
	rc = oe_ctl_texts(tx, kind->networks,
	    OE_CTL_VALUES(
		oe_ctl_t(call->caller.id), oe_ctl_t(id), oe_ctl_t(one)),
	    ret, &call->err);
	if (rc == 0 && ret->n == 0)
		rc = oe_err_set(&call->err, OE_EPERM,
		    "%s not found in a virtual network that you administer",
		    kind->absent);
	return rc;
}

static int
set_in(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct labels *kind, const char *network, const char *id,
    const struct oe_strs *labels)
{
	struct oe_jval *detail, *list;
	size_t i;
	int rc = oe_ctl_lock(tx, network, &call->err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx, kind->remove,
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(id)), NULL,
		    &call->err);
	for (i = 0; rc == 0 && i < labels->n; i++)
		rc = oe_ctl_db_exec(tx, kind->insert,
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(id),
			oe_ctl_t(labels->v[i])),
		    NULL, &call->err);
	if (rc == 0)
		rc = oe_ctl_changed(tx, network, &call->err);
	if (rc)
		return rc;
	detail = oe_jval_object();
	list = oe_jval_array();
	for (i = 0; i < labels->n; i++)
		oe_jval_add(list, oe_jval_of_text(labels->v[i]));
	oe_jval_set(detail, kind->field, list);
	return oe_ctl_audit(call, tx, kind->audit, network, id, detail);
}

static int
put_labels(struct oe_ctl_call *call, const struct labels *kind)
{
	const char *id = oe_ctl_param(call, "id");
	struct oe_strs labels = {NULL, 0}, networks = {NULL, 0};
	struct oe_ctl_tx *tx = NULL;
	size_t i;
	int rc;

	if (!read_labels(call, kind, &labels)) {
		oe_strs_done(&labels);
		return oe_ctl_refuse_invalid(call);
	}
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = find_networks(call, tx, kind, id, &networks);
	for (i = 0; rc == 0 && i < networks.n; i++)
		rc = set_in(call, tx, kind, networks.v[i], id, &labels);
	oe_strs_done(&labels);
	oe_strs_done(&networks);
	return oe_ctl_end_message(call, &tx, rc, "Updated");
}

static int
put_tags(struct oe_ctl_call *call)
{
	return put_labels(call, &tags);
}

static int
put_groups(struct oe_ctl_call *call)
{
	return put_labels(call, &groups);
}

const struct oe_ctl_route oe_ctl_routes_labels[] = {
    {.method = "PUT",
	.pattern = "/api/ssh/v1/devices/:id/tags",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = put_tags,
	.what = "set the tags of a device"},
    {.method = "PUT",
	.pattern = "/api/ssh/v1/users/:id/groups",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = put_groups,
	.what = "set the groups of a user"},
    {.method = NULL},
};
