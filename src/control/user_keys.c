/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH keys that users log in with: /keys.
 *
 * A key names one user, in all networks: two users with one key could not be
 * told apart.
 */
#include <stdlib.h>
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "control/sshkeys.h"
#include "control/store_users.h"

#define KEYS_MAX 100 /* of one user */

#define KEY_SELECT                                                             \
	"SELECT id, name, key, fingerprint, expires_at, created_at "           \
	"FROM user_keys WHERE user_id = ?1"

static int
key_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "name", rows, 1);
	oe_ctl_set_column(v, "key", rows, 2);
	oe_ctl_set_column(v, "fingerprint", rows, 3);
	oe_ctl_set_time(v, "expires_at", oe_ctl_row_int(rows, 4));
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 5));
	*ret = v;
	return 0;
}

static int
list_keys(struct oe_ctl_call *call)
{
	return oe_ctl_list(call,
	    &(struct oe_ctl_list){
		.count = "SELECT COUNT(*) FROM user_keys WHERE user_id = ?1",
		.rows = KEY_SELECT " ORDER BY created_at, id",
		.values = OE_CTL_VALUES(oe_ctl_t(call->caller.id)),
		.row = key_row,
	    });
}

struct key {
	char id[OE_CTL_ID_SIZE];
	char name[OE_CTL_NAME_MAX + 1];
	char *line, *fingerprint;
	int64_t expires_ms; /* 0: never */
};

static bool
read_key(struct oe_ctl_call *call, struct key *ret)
{
	const char *text = oe_jval_get_text(call->json, "key");
	const struct oe_jval *until = oe_jval_get(call->json, "expires_at");
	struct oe_err err = OE_ERR_INIT;

	(void)oe_ctl_text(call, "name", OE_CTL_NAME_MAX, ret->name);
	if (text == NULL)
		oe_ctl_invalid(
		    call, "key", "required", "required validation failed");
	else if (oe_ctl_key_read(text, &ret->line, &ret->fingerprint, &err))
		oe_ctl_invalid(call, "key", "key", err.msg);
	if (oe_jval_kind(until) != OE_JVAL_NULL &&
	    (!oe_ctl_time_parse(oe_jval_text(until), &ret->expires_ms) ||
		ret->expires_ms <= call->now_ms))
		oe_ctl_invalid(call, "expires_at", "date",
		    "expires_at is no time to come, as in RFC 3339");
	return !oe_ctl_is_invalid(call);
}

static int
check_count(struct oe_ctl_call *call, struct oe_ctl_tx *tx)
{
	int64_t n = 0;
	int rc = oe_ctl_lock(tx, call->caller.id, &call->err);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT COUNT(*) FROM user_keys WHERE user_id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &n, &call->err);
	if (rc == 0 && n >= KEYS_MAX)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "You have reached the limit of keys");
	return rc;
}

/* A key that has expired makes room; it might come again with a new time. */
static int
insert_key(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const struct key *k)
{
	int rc = oe_ctl_db_exec(tx,
	    "DELETE FROM user_keys WHERE fingerprint = ?1 AND user_id = ?2 "
	    "AND expires_at <= ?3",
	    OE_CTL_VALUES(oe_ctl_t(k->fingerprint), oe_ctl_t(call->caller.id),
		oe_ctl_i(call->now_ms)),
	    NULL, &call->err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO user_keys (id, user_id, name, key, "
		    "fingerprint, expires_at, created_at) "
		    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		    OE_CTL_VALUES(oe_ctl_t(k->id), oe_ctl_t(call->caller.id),
			oe_ctl_t(k->name), oe_ctl_t(k->line),
			oe_ctl_t(k->fingerprint),
			oe_ctl_i_or_null(k->expires_ms),
			oe_ctl_i(call->now_ms)),
		    NULL, &call->err);
	if (rc == OE_EEXIST)
		rc = oe_err_set(
		    &call->err, OE_EEXIST, "This key is registered already");
	return rc;
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
		.absent = "Key",
	    },
	    ret);
}

static int
add_key(struct oe_ctl_call *call, const struct key *k)
{
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	if (rc == 0)
		rc = check_count(call, tx);
	if (rc == 0)
		rc = insert_key(call, tx, k);
	if (rc == 0)
		rc = oe_ctl_changed_user(tx, call->caller.id, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.key.create", NULL, k->fingerprint, NULL);
	if (rc == 0)
		rc = one_key(call, tx, k->id, &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

static int
create_key(struct oe_ctl_call *call)
{
	struct key k = {.expires_ms = 0};
	int rc;

	oe_ctl_id_make("key", k.id);
	if (read_key(call, &k))
		rc = add_key(call, &k);
	else
		rc = oe_ctl_refuse_invalid(call);
	free(k.line);
	free(k.fingerprint);
	return rc;
}

static int
delete_key(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	if (rc == 0)
		rc = oe_ctl_change(call, tx,
		    "DELETE FROM user_keys WHERE id = ?1 AND user_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(id), oe_ctl_t(call->caller.id)),
		    "Key");
	/* a key that is deleted may be in other hands, certified as well */
	if (rc == 0)
		rc = oe_ctl_certs_end(tx, call->caller.id, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.key.delete", NULL, id, NULL);
	return oe_ctl_end_message(call, &tx, rc, "Key deleted");
}

const struct oe_ctl_route oe_ctl_routes_user_keys[] = {
    {.method = "GET",
	.pattern = "/api/ssh/v1/keys",
	.need = OE_CTL_NEED_USER,
	.fn = list_keys,
	.what = "list SSH keys"},
    {.method = "POST",
	.pattern = "/api/ssh/v1/keys",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = create_key,
	.what = "register an SSH key"},
    {.method = "DELETE",
	.pattern = "/api/ssh/v1/keys/:id",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_AUDIT,
	.fn = delete_key,
	.what = "delete an SSH key"},
    {.method = NULL},
};
