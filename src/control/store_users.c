/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_users.h"

#include <string.h>

#include "core/base/str.h"

#define STATUS_BLOCKED 2

/* As the free plan of the real service has them, and more networks. */
#define DEVICE_LIMIT  "25"
#define NETWORK_LIMIT "10"

void
oe_ctl_copy_text(struct oe_ctl_rows *rows, int column, char *ret, size_t size)
{
	const char *text = oe_ctl_row_text(rows, column);

	(void)oe_str_copy(ret, size, text != NULL ? text : "");
}

void
oe_ctl_user_get(struct oe_ctl_rows *rows, int column, struct oe_ctl_user *ret)
{
	memset(ret, 0, sizeof(*ret));
	oe_ctl_copy_text(rows, column, ret->id, sizeof(ret->id));
	oe_ctl_copy_text(rows, column + 1, ret->email, sizeof(ret->email));
	oe_ctl_copy_text(rows, column + 2, ret->name, sizeof(ret->name));
	oe_ctl_copy_text(
	    rows, column + 3, ret->password, sizeof(ret->password));
	ret->server_admin = oe_ctl_row_int(rows, column + 4) != 0;
	ret->one_time = oe_ctl_row_int(rows, column + 5) != 0;
	ret->blocked = oe_ctl_row_int(rows, column + 6) == STATUS_BLOCKED;
}

static int
find_user(struct oe_ctl_store *s, const char *sql, const char *value,
    struct oe_ctl_user *ret, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_one(
		    tx, sql, OE_CTL_VALUES(oe_ctl_t(value)), &rows, err);
	if (rc == 0)
		oe_ctl_user_get(rows, 0, ret);
	oe_ctl_rows_done(&rows);
	oe_ctl_rollback(&tx);
	return rc;
}

int
oe_ctl_store_user_by_email(struct oe_ctl_store *s, const char *email,
    struct oe_ctl_user *ret, struct oe_err *err)
{
	return find_user(s,
	    "SELECT " OE_CTL_USER_COLUMNS " FROM users u WHERE u.email = ?1",
	    email, ret, err);
}

int
oe_ctl_store_user_by_id(struct oe_ctl_store *s, const char *id,
    struct oe_ctl_user *ret, struct oe_err *err)
{
	return find_user(s,
	    "SELECT " OE_CTL_USER_COLUMNS " FROM users u WHERE u.id = ?1", id,
	    ret, err);
}

int
oe_ctl_user_insert(struct oe_ctl_tx *tx, const struct oe_ctl_user *u,
    int64_t now_ms, struct oe_err *err)
{
	return oe_ctl_db_exec(tx,
	    "INSERT INTO users (id, email, name, password, admin, one_time, "
	    "status, device_limit, network_limit, created_at, updated_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, " DEVICE_LIMIT
	    ", " NETWORK_LIMIT ", ?8, ?9)",
	    OE_CTL_VALUES(oe_ctl_t(u->id), oe_ctl_t(u->email),
		oe_ctl_t(u->name),
		oe_ctl_t(u->password[0] ? u->password : NULL),
		oe_ctl_i(u->server_admin), oe_ctl_i(u->one_time),
		oe_ctl_i(u->blocked ? STATUS_BLOCKED : 1), oe_ctl_i(now_ms),
		oe_ctl_i(now_ms)),
	    NULL, err);
}

int
oe_ctl_store_user_add(struct oe_ctl_store *s, const struct oe_ctl_user *u,
    int64_t now_ms, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = oe_ctl_user_insert(tx, u, now_ms, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

int
oe_ctl_store_has_admin(struct oe_ctl_store *s, bool *ret, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int64_t n = 0;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT COUNT(*) FROM users WHERE admin = 1", NULL, &n,
		    err);
	oe_ctl_rollback(&tx);
	if (rc == 0)
		*ret = n > 0;
	return rc;
}

int
oe_ctl_store_user_password(struct oe_ctl_store *s, const char *id,
    const char *hash, bool one_time, const char *keep, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int64_t n = 0;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE users SET password = ?1, one_time = ?2 "
		    "WHERE id = ?3",
		    OE_CTL_VALUES(
			oe_ctl_t(hash), oe_ctl_i(one_time), oe_ctl_t(id)),
		    &n, err);
	if (rc == 0 && n == 0)
		rc = oe_err_set(err, OE_ENOENT, "no such user");
	if (rc == 0)
		rc = oe_ctl_tokens_end(tx, id, keep, err);
	if (rc == 0)
		rc = oe_ctl_certs_end(tx, id, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

int
oe_ctl_store_role(struct oe_ctl_store *s, const char *network_id,
    const char *user_id, enum oe_ctl_role *ret, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int64_t role = OE_CTL_ROLE_NONE;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT role FROM members WHERE network_id = ?1 AND "
		    "user_id = ?2",
		    OE_CTL_VALUES(oe_ctl_t(network_id), oe_ctl_t(user_id)),
		    &role, err);
	oe_ctl_rollback(&tx);
	if (rc != 0 && rc != OE_ENOENT)
		return rc;
	*ret = (enum oe_ctl_role)role;
	return 0;
}
