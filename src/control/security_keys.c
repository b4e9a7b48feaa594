/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that agents log in with: /security-keys.
 */
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "control/server.h"
#include "control/store_users.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define KEY_NAME_MAX  60
#define KEYS_MAX      100 /* of one user */
#define PERMANENT     1
#define TEMPORARY     2
#define PERMANENT_LEN 64
#define TEMPORARY_LEN 32

/* A year, and half an hour. */
#define PERMANENT_MS (365 * INT64_C(86400000))
#define TEMPORARY_MS (30 * INT64_C(60000))

#define KEY_SELECT                                                             \
	"SELECT id, name, type, expires_at, created_at FROM security_keys "    \
	"WHERE user_id = ?1"

static int
key_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_jval_set_int(v, "type", oe_ctl_row_int(rows, 2));
	oe_ctl_set_time(v, "expires_at", oe_ctl_row_int(rows, 3));
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 4));
	*ret = v;
	return 0;
}

static int
list_keys(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count =
		    "SELECT COUNT(*) FROM security_keys WHERE user_id = ?1",
		.rows = KEY_SELECT " ORDER BY created_at, id",
		.values = OE_CTL_VALUES(oe_ctl_t(call->caller.id)),
		.row = key_row,
	    });
}

static int
one_key(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    struct oe_jval **ret)
{
	return oe_ctl_one(call, tx,
	    &(struct oe_ctl_one){
		.sql = KEY_SELECT " AND id = ?2",
		.values =
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(id)),
		.row = key_row,
		.absent = "Security key",
	    },
	    ret);
}

static int
get_key(struct oe_ctl_call *call)
{
	return oe_ctl_get(call, one_key);
}

static int
check_count(struct oe_ctl_call *call, struct oe_ctl_tx *tx)
{
	int64_t n = 0;
	int rc = oe_ctl_lock(tx, call->caller.id, &call->err);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT COUNT(*) FROM security_keys WHERE user_id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &n, &call->err);
	if (rc == 0 && n >= KEYS_MAX)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "You have reached the limit of security keys");
	return rc;
}

static int
insert_key(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    const char *name, int64_t type, const char *key)
{
	char hash[OE_CTL_HASH_SIZE];
	int64_t until =
	    call->now_ms + (type == TEMPORARY ? TEMPORARY_MS : PERMANENT_MS);

	oe_ctl_hash_text(key, hash);
	return oe_ctl_db_exec(tx,
	    "INSERT INTO security_keys (id, user_id, name, type, hash, "
	    "expires_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(call->caller.id),
		oe_ctl_t(name), oe_ctl_i(type), oe_ctl_t(hash), oe_ctl_i(until),
		oe_ctl_i(call->now_ms)),
	    NULL, &call->err);
}

/* The key itself is in this reply and nowhere else. */
static int
create_key(struct oe_ctl_call *call)
{
	int64_t type = oe_jval_get_int(call->json, "type", 0);
	char name[KEY_NAME_MAX + 1], id[OE_CTL_ID_SIZE];
	char key[PERMANENT_LEN + 1];
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	(void)oe_ctl_text(call, "name", KEY_NAME_MAX, name);
	if (type != PERMANENT && type != TEMPORARY)
		oe_ctl_invalid(call, "type", "enum", "enum validation failed");
	if (oe_ctl_is_invalid(call))
		return oe_ctl_refuse_invalid(call);
	oe_ctl_id_make("sck", id);
	oe_random_text(key, type == TEMPORARY ? TEMPORARY_LEN : PERMANENT_LEN);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = check_count(call, tx);
	if (rc == 0)
		rc = insert_key(call, tx, id, name, type, key);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.security_key.create", NULL, id, NULL);
	if (rc == 0)
		rc = one_key(call, tx, id, &v);
	if (rc == 0)
		oe_jval_set_text(v, "key", key);
	oe_mem_wipe(key, sizeof(key));
	return oe_ctl_end_data(call, &tx, rc, v);
}

static int
rename_key(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	char name[KEY_NAME_MAX + 1];
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (!oe_ctl_text(call, "name", KEY_NAME_MAX, name))
		return oe_ctl_refuse_invalid(call);
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE security_keys SET name = ?1 WHERE id = ?2 AND "
		    "user_id = ?3",
		    OE_CTL_VALUES(oe_ctl_t(name), oe_ctl_t(id),
			oe_ctl_t(call->caller.id)),
		    NULL, &call->err);
	if (rc == 0)
		rc = one_key(call, tx, id, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

static int
delete_key(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	if (rc == 0)
		rc = oe_ctl_change(call, tx,
		    "DELETE FROM security_keys WHERE id = ?1 AND user_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(call->caller.id)),
		    "Security key");
	if (rc == 0)
		rc = oe_ctl_tokens_end_key(tx, call->caller.id, id, &call->err);
	if (rc == 0)
		rc = oe_ctl_certs_end(tx, call->caller.id, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.security_key.delete", NULL, id, NULL);
	rc = oe_ctl_end_call(call, &tx, rc);
	if (rc)
		return rc;
	oe_ctl_auth_forget(call->server->auth, call->caller.id);
	return oe_ctl_message(call, 200, "Security key deleted");
}

const struct oe_ctl_route oe_ctl_routes_security_keys[] = {
    {.method = "GET",
	.pattern = "/api/v2/security-keys",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_NO_KEY,
	.fn = list_keys,
	.what = "list security keys"},
    {.method = "POST",
	.pattern = "/api/v2/security-keys",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT | OE_CTL_NO_KEY,
	.fn = create_key,
	.what = "make a security key"},
    {.method = "GET",
	.pattern = "/api/v2/security-keys/:id",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_NO_KEY,
	.fn = get_key,
	.what = "show a security key"},
    {.method = "PUT",
	.pattern = "/api/v2/security-keys/:id",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_NO_KEY,
	.fn = rename_key,
	.what = "rename a security key"},
    {.method = "DELETE",
	.pattern = "/api/v2/security-keys/:id",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_AUDIT | OE_CTL_NO_KEY,
	.fn = delete_key,
	.what = "delete a security key"},
    {.method = NULL},
};
