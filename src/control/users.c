/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts of the server: /users, for its administrators.
 */
#include <string.h>

#include "control/auth.h"
#include "control/handlers.h"
#include "control/resource.h"
#include "control/server.h"
#include "control/store_users.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define PASSWORD_LEN 24
#define LIMIT_MAX    1000000

#define USER_SELECT                                                            \
	"SELECT id, email, name, status, admin, device_limit, "                \
	"network_limit, created_at FROM users"

static int
user_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_object();

	(void)call;
	(void)tx;
	oe_ctl_set_column(v, "id", rows, 0);
	oe_ctl_set_column(v, "email", rows, 1);
	oe_ctl_set_column(v, "name", rows, 2);
	oe_jval_set_int(v, "status", oe_ctl_row_int(rows, 3));
	oe_jval_set_bool(v, "server_admin", oe_ctl_row_int(rows, 4) != 0);
	oe_jval_set_int(v, "device_limit", oe_ctl_row_int(rows, 5));
	oe_jval_set_int(v, "network_limit", oe_ctl_row_int(rows, 6));
	oe_ctl_set_time(v, "created_at", oe_ctl_row_int(rows, 7));
	*ret = v;
	return 0;
}

static int
list_users(struct oe_ctl_call *call)
{
	return oe_ctl_list(
	    call, &(struct oe_ctl_list){
		      .count = "SELECT COUNT(*) FROM users",
		      .rows = USER_SELECT " ORDER BY created_at, id",
		      .row = user_row,
		  });
}

static int
one_user(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    struct oe_jval **ret)
{
	return oe_ctl_one(call, tx,
	    &(struct oe_ctl_one){
		.sql = USER_SELECT " WHERE id = ?1",
		.values = OE_CTL_VALUES(oe_ctl_t(id)),
		.row = user_row,
		.absent = "User",
	    },
	    ret);
}

/* -1: the body does not say. */
static int
read_flag(struct oe_ctl_call *call, const char *key)
{
	const struct oe_jval *v = oe_jval_get(call->json, key);
	bool flag = false;

	if (v == NULL)
		return -1;
	if (!oe_jval_bool(v, &flag))
		oe_ctl_invalid(call, key, "boolean", "true or false");
	return flag;
}

static bool
read_user(struct oe_ctl_call *call, struct oe_ctl_user *ret)
{
	(void)oe_ctl_text(call, "name", OE_CTL_NAME_MAX, ret->name);
	(void)oe_ctl_email(call, ret->email);
	ret->server_admin = read_flag(call, "server_admin") == 1;
	ret->one_time = true;
	return !oe_ctl_is_invalid(call);
}

static int
add_user(struct oe_ctl_call *call, const struct oe_ctl_user *user,
    const char *password)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_jval *v = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	if (rc == 0)
		rc = oe_ctl_user_insert(tx, user, call->now_ms, &call->err);
	if (rc == OE_EEXIST)
		rc = oe_err_set(&call->err, OE_EEXIST,
		    "There is a user with this email already");
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.user.create", NULL, user->id, NULL);
	if (rc == 0)
		rc = one_user(call, tx, user->id, &v);
	if (rc == 0)
		oe_jval_set_text(v, "one_time_password", password);
	return oe_ctl_end_data(call, &tx, rc, v);
}

/* The password is in this reply only, and must be changed at first. */
static int
create_user(struct oe_ctl_call *call)
{
	struct oe_ctl_user user = {.id = ""};
	char password[PASSWORD_LEN + 1];
	int rc;

	if (!read_user(call, &user))
		return oe_ctl_refuse_invalid(call);
	oe_random_text(password, PASSWORD_LEN);
	oe_ctl_id_make("usr", user.id);
	rc = oe_ctl_auth_hash(call, password, user.password);
	if (rc == 0)
		rc = add_user(call, &user, password);
	oe_mem_wipe(password, sizeof(password));
	oe_mem_wipe(&user, sizeof(user));
	return rc;
}

static int64_t
read_number(struct oe_ctl_call *call, const char *key, int64_t max)
{
	int64_t n = -1;

	if (oe_jval_get(call->json, key) == NULL)
		return -1;
	if (!oe_jval_int(oe_jval_get(call->json, key), &n) || n < 0 || n > max)
		oe_ctl_invalid(call, key, "range", "out of range");
	return n;
}

struct change {
	int64_t status, admin, devices, networks; /* -1: as it is */
};

static bool
read_change(struct oe_ctl_call *call, struct change *ret)
{
	ret->status = read_number(call, "status", 2);
	if (ret->status == 0)
		oe_ctl_invalid(call, "status", "enum", "1 or 2");
	ret->devices = read_number(call, "device_limit", LIMIT_MAX);
	ret->networks = read_number(call, "network_limit", LIMIT_MAX);
	ret->admin = read_flag(call, "server_admin");
	return !oe_ctl_is_invalid(call);
}

static int
apply(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
    const struct change *c)
{
	int rc = oe_ctl_change(call, tx,
	    "UPDATE users SET "
	    "status = CASE WHEN ?1 < 0 THEN status ELSE ?1 END, "
	    "admin = CASE WHEN ?2 < 0 THEN admin ELSE ?2 END, "
	    "device_limit = CASE WHEN ?3 < 0 THEN device_limit ELSE ?3 END, "
	    "network_limit = CASE WHEN ?4 < 0 THEN network_limit ELSE ?4 END, "
	    "updated_at = ?5 WHERE id = ?6",
	    OE_CTL_VALUES(oe_ctl_i(c->status), oe_ctl_i(c->admin),
		oe_ctl_i(c->devices), oe_ctl_i(c->networks),
		oe_ctl_i(call->now_ms), oe_ctl_t(id)),
	    "User");

	if (rc == 0 && c->status == 2)
		rc = oe_ctl_tokens_end(tx, id, "", &call->err);
	if (rc == 0 && c->status == 2)
		rc = oe_ctl_certs_end(tx, id, &call->err);
	return rc ? rc : oe_ctl_changed_user(tx, id, &call->err);
}

/* Two administrators who end each other at once: the second fails. */
static int
check_last(struct oe_ctl_call *call, struct oe_ctl_tx *tx)
{
	int64_t n = 0;
	int rc = oe_ctl_db_int(tx,
	    "SELECT COUNT(*) FROM users WHERE admin = 1 AND status = 1", NULL,
	    &n, &call->err);

	if (rc == 0 && n == 0)
		rc = oe_err_set(&call->err, OE_EINVAL,
		    "An administrator of the server has to stay");
	return rc;
}

/* Nobody locks oneself out. */
static int
check_self(struct oe_ctl_call *call, const char *id, const struct change *c)
{
	if (oe_str_eq(id, call->caller.id) && (c->status == 2 || c->admin == 0))
		return oe_err_set(&call->err, OE_EINVAL,
		    "Another administrator has to do this to you");
	return 0;
}

static int
update_user(struct oe_ctl_call *call)
{
	const char *id = oe_ctl_param(call, "id");
	struct change c;
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (!read_change(call, &c))
		return oe_ctl_refuse_invalid(call);
	rc = check_self(call, id, &c);
	if (rc == 0)
		rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = oe_ctl_lock(tx, "administrators", &call->err);
	if (rc == 0)
		rc = apply(call, tx, id, &c);
	if (rc == 0)
		rc = check_last(call, tx);
	if (rc == 0)
		rc = oe_ctl_tell(tx, OE_CTL_TOPIC_TOKENS, id, &call->err);
	if (rc == 0)
		rc = oe_ctl_audit(
		    call, tx, "control.user.update", NULL, id, NULL);
	if (rc == 0)
		rc = one_user(call, tx, id, &v);
	rc = oe_ctl_end_data(call, &tx, rc, v);
	if (rc == 0)
		oe_ctl_auth_forget(call->server->auth, id);
	return rc;
}

const struct oe_ctl_route oe_ctl_routes_users[] = {
    {.method = "GET",
	.pattern = "/api/ssh/v1/users",
	.need = OE_CTL_NEED_SERVER,
	.fn = list_users,
	.what = "list accounts"},
    {.method = "POST",
	.pattern = "/api/ssh/v1/users",
	.need = OE_CTL_NEED_SERVER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = create_user,
	.what = "make an account"},
    {.method = "PUT",
	.pattern = "/api/ssh/v1/users/:id",
	.need = OE_CTL_NEED_SERVER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = update_user,
	.what = "change an account"},
    {.method = NULL},
};
