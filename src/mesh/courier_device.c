/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device itself: that it is there, its host keys, and orders for it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "mesh/courier_internal.h"

int
courier_heartbeat(struct courier *k, struct oe_err *err)
{
	struct oe_jval *body;
	struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_V2,
	    .path = "/devices/heartbeat",
	    .again = true};
	struct oe_mesh_answer ans = {0};
	int r;

	if (!k->plan.hardware)
		return 0;
	body = oe_jval_object();
	oe_jval_set_text(body, "hardware_id", k->plan.hardware);
	call.body = body;
	r = courier_call(k, &call, &ans, err);
	oe_mesh_answer_done(&ans);
	oe_jval_free(&body);
	return r;
}

int
courier_host_keys(struct courier *k, struct oe_err *err)
{
	char *id = oe_mesh_encode(k->plan.device_id);
	char *path = oe_mem_printf("/devices/%s/host-keys", id);
	struct oe_jval *body = oe_jval_object(), *keys = oe_jval_array();
	struct oe_mesh_call call = {.method = "PUT",
	    .part = OE_MESH_SSH,
	    .path = path,
	    .body = body,
	    .again = true};
	struct oe_mesh_answer ans = {0};
	size_t i;
	int r = 0;

	for (i = 0; i < k->plan.host_keys.n; i++)
		oe_jval_add(keys, oe_jval_of_text(k->plan.host_keys.v[i]));
	oe_jval_set(body, "keys", keys);
	if (k->plan.port)
		oe_jval_set_int(body, "ssh_port", k->plan.port);
	if (!k->keys_told && k->plan.host_keys.n) {
		r = courier_call(k, &call, &ans, err);
		k->keys_told = r == 0;
		oe_mesh_answer_done(&ans);
	}
	oe_jval_free(&body);
	free(path);
	free(id);
	return r;
}

static void
order_forget(struct courier *k, const char *id)
{
	char *device = oe_mesh_encode(k->plan.device_id);
	char *order = oe_mesh_encode(id);
	char *path = oe_mem_printf("/devices/%s/orders/%s", device, order);
	const struct oe_mesh_call call = {.method = "DELETE",
	    .part = OE_MESH_SSH,
	    .path = path,
	    .again = true};
	struct oe_mesh_answer ans = {0};
	struct oe_err err = OE_ERR_INIT;

	/* otherwise it comes again, and ends nothing more */
	if (courier_call(k, &call, &ans, &err) < 0)
		oe_log_debug(NULL, "order %s: %s", id, oe_err_text(&err));
	oe_mesh_answer_done(&ans);
	free(path);
	free(order);
	free(device);
}

static void
order_carry(struct courier *k, const struct oe_jval *v)
{
	const char *id = oe_jval_get_text(v, "id");
	const char *kind = oe_jval_get_text(v, "kind");
	const char *conn = oe_jval_get_text(v, "conn");
	const char *why = oe_jval_get_text(v, "reason");
	struct oe_logctx lc = {NULL, "conn", conn};
	struct oe_err err = OE_ERR_INIT;
	struct oe_ipc_msg m;

	if (!id || !kind || strcmp(kind, "kill") || !conn ||
	    strlen(conn) >= OE_KEEPER_ID_MAX)
		return;
	oe_log_info(&lc, "ended by order of the control API%s%s",
	    why && *why ? ": " : "", why ? why : "");
	oe_ipc_msg_init(&m, KEEPER_ORDER);
	(void)oe_buf_put_cstring(&m.payload, conn);
	if (courier_ask(k, &m, NULL, &err) == 0)
		order_forget(k, id);
}

int
courier_orders(struct courier *k, struct oe_err *err)
{
	char *id = oe_mesh_encode(k->plan.device_id);
	char *path = oe_mem_printf("/devices/%s/orders", id);
	const struct oe_mesh_call call = {.part = OE_MESH_SSH, .path = path};
	struct oe_mesh_answer ans = {0};
	const struct oe_jval *rows;
	int64_t last;
	size_t i;
	int r = courier_call(k, &call, &ans, err);

	rows = r == 0 ? oe_mesh_rows(ans.data, &last) : NULL;
	for (i = 0; i < oe_jval_size(rows); i++)
		order_carry(k, oe_jval_at(rows, i));
	oe_mesh_answer_done(&ans);
	free(path);
	free(id);
	return r;
}
