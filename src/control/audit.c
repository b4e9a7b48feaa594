/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What administrators and owners do, kept beside the events of devices.
 */
#include <stdlib.h>

#include "control/resource.h"
#include "core/base/jval.h"
#include "core/base/time.h"

int
oe_ctl_audit_device(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *name, const char *device_id, struct oe_jval *detail)
{
	struct oe_strs in = {NULL, 0};
	size_t i;
	int rc = oe_ctl_texts(tx,
	    "SELECT network_id FROM network_devices WHERE device_id = ?1 "
	    "ORDER BY network_id",
	    OE_CTL_VALUES(oe_ctl_t(device_id)), &in, &call->err);

	if (rc == 0 && in.n == 0)
		rc = oe_ctl_audit(
		    call, tx, name, NULL, device_id, oe_jval_ref(detail));
	for (i = 0; rc == 0 && i < in.n; i++)
		rc = oe_ctl_audit(
		    call, tx, name, in.v[i], device_id, oe_jval_ref(detail));
	oe_strs_done(&in);
	oe_jval_free(&detail);
	return rc;
}

/* Sender of the server's own events: no user has this id. */
#define SELF "control"

int
oe_ctl_audit(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *name,
    const char *network_id, const char *subject, struct oe_jval *detail)
{
	struct oe_jval *v = oe_jval_object();
	int64_t now = oe_time_wall_ms();
	char uid[OE_CTL_ID_SIZE], *body;
	int rc;

	oe_ctl_id_make("evt", uid);
	oe_jval_set_int(v, "v", 1);
	oe_ctl_set_time(v, "ts", now);
	oe_jval_set_text(v, "event", name);
	oe_jval_set_text(v, "uid", uid);
	oe_jval_set_text(v, "actor", call->caller.id);
	oe_jval_set_text(v, "actor_email", call->caller.email);
	oe_jval_set_text(v, "src", call->client.address);
	oe_jval_set_text(v, "request", call->request_id);
	if (subject != NULL)
		oe_jval_set_text(v, "subject", subject);
	if (detail != NULL)
		oe_jval_set(v, "detail", detail);
	body = oe_jval_dump(v, 0);
	rc = oe_ctl_db_exec(tx,
	    "INSERT INTO events (sender_id, uid, network_id, name, time_at, "
	    "received_at, body) VALUES ('" SELF "', ?1, ?2, ?3, ?4, ?5, ?6)",
	    OE_CTL_VALUES(oe_ctl_t(uid), oe_ctl_t(network_id), oe_ctl_t(name),
		oe_ctl_i(now), oe_ctl_i(now), oe_ctl_t(body)),
	    NULL, &call->err);
	free(body);
	oe_jval_free(&v);
	return rc;
}
