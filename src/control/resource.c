/* SPDX-License-Identifier: Apache-2.0 */
#include "control/resource.h"

#include "control/login.h"
#include "control/store_users.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crypto.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define ID_RANDOM 20
#define EMAIL_MAX 254

void
oe_ctl_id_make(const char *prefix, char ret[OE_CTL_ID_SIZE])
{
	memcpy(ret, prefix, 3);
	ret[3] = '_';
	oe_random_text(ret + 4, ID_RANDOM);
}

void
oe_ctl_set_time(struct oe_jval *v, const char *key, int64_t ms)
{
	char text[40];

	oe_time_format(ms, text, sizeof(text));
	oe_jval_set_text(v, key, ms > 0 ? text : NULL);
}

bool
oe_ctl_time_parse(const char *text, int64_t *ret_ms)
{
	int64_t ms;

	if (text == NULL || oe_time_parse(text, &ms) || ms < 0)
		return false;
	*ret_ms = ms;
	return true;
}

void
oe_ctl_set_column(
    struct oe_jval *v, const char *key, struct oe_ctl_rows *rows, int column)
{
	oe_jval_set_text(v, key, oe_ctl_row_text(rows, column));
}

int
oe_ctl_rows_each(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_list *list, struct oe_jval *ret)
{
	struct oe_ctl_rows *rows = NULL;
	struct oe_jval *v;
	int rc =
	    oe_ctl_db_query(tx, list->rows, list->values, &rows, &call->err);

	while (rc == 0 && (rc = oe_ctl_row_next(rows, &call->err)) == 1) {
		v = NULL;
		rc = list->row(call, tx, rows, &v);
		if (rc == 0 && v != NULL)
			oe_jval_add(ret, v);
	}
	oe_ctl_rows_done(&rows);
	return rc;
}

/* The rows of one page: two values more. */
static int
page_rows(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_list *list, struct oe_jval *ret)
{
	struct oe_ctl_value values[OE_CTL_LIST_VALUES_MAX + 3] = {0};
	struct oe_ctl_list page = *list;
	int64_t n, per_page;
	char *sql;
	int i = 0, rc;

	oe_ctl_page(call, &n, &per_page);
	while (list->values != NULL && list->values[i].kind != OE_CTL_END &&
	       i < OE_CTL_LIST_VALUES_MAX) {
		values[i] = list->values[i];
		i++;
	}
	values[i] = oe_ctl_i(per_page);
	values[i + 1] = oe_ctl_i((n - 1) * per_page);
	values[i + 2].kind = OE_CTL_END;
	sql =
	    oe_mem_printf("%s LIMIT ?%d OFFSET ?%d", list->rows, i + 1, i + 2);
	page.rows = sql;
	page.values = values;
	rc = oe_ctl_rows_each(call, tx, &page, ret);
	free(sql);
	return rc;
}

int
oe_ctl_list(struct oe_ctl_call *call, const struct oe_ctl_list *list)
{
	struct oe_jval *rows = oe_jval_array();
	struct oe_ctl_tx *tx = NULL;
	int64_t total = 0;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = oe_ctl_db_int(
		    tx, list->count, list->values, &total, &call->err);
	if (rc == 0)
		rc = page_rows(call, tx, list, rows);
	oe_ctl_rollback(&tx);
	if (rc == 0)
		return oe_ctl_data_page(call, rows, total);
	oe_jval_free(&rows);
	return rc;
}

int
oe_ctl_list_whole(struct oe_ctl_call *call, const struct oe_ctl_list *list)
{
	struct oe_jval *rows = oe_jval_array();
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = oe_ctl_rows_each(call, tx, list, rows);
	return oe_ctl_end_data(call, &tx, rc, rows);
}

int
oe_ctl_texts(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_strs *ret, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_query(tx, sql, values, &rows, err);

	while (rc == 0 && (rc = oe_ctl_row_next(rows, err)) == 1) {
		oe_strs_add(ret, oe_ctl_row_text(rows, 0));
		rc = 0;
	}
	oe_ctl_rows_done(&rows);
	return rc;
}

int
oe_ctl_one(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_one *one, struct oe_jval **ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx, one->sql, one->values, &rows, &call->err);

	if (rc == 0)
		rc = one->row(call, tx, rows, ret);
	oe_ctl_rows_done(&rows);
	return rc == OE_ENOENT ? oe_ctl_absent(call, one->absent) : rc;
}

int
oe_ctl_get(struct oe_ctl_call *call,
    int (*one)(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
	struct oe_jval **ret))
{
	struct oe_jval *v = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = one(call, tx, oe_ctl_param(call, "id"), &v);
	return oe_ctl_end_data(call, &tx, rc, v);
}

const char *
oe_ctl_filter(const struct oe_ctl_call *call, const char *name)
{
	const char *text = oe_ctl_query(call, name);

	return text != NULL ? text : "";
}

/*
 * Versions follow the clock, so that a store that was restored from an older
 * copy does not give out a version that was in use already.
 */
int
oe_ctl_changed(struct oe_ctl_tx *tx, const char *network_id, struct oe_err *err)
{
	int64_t now_s = oe_time_wall_ms() / 1000;
	int rc = oe_ctl_db_exec(tx,
	    "UPDATE networks SET changed = CASE WHEN changed < ?1 THEN ?2 "
	    "ELSE changed + 1 END WHERE id = ?3",
	    OE_CTL_VALUES(
		oe_ctl_i(now_s), oe_ctl_i(now_s), oe_ctl_t(network_id)),
	    NULL, err);

	return rc ? rc
		  : oe_ctl_tell(tx, OE_CTL_TOPIC_DIRECTORY, network_id, err);
}

/* Each network that a query names, in an order that is always the same. */
static int
changed_each(
    struct oe_ctl_tx *tx, const char *sql, const char *id, struct oe_err *err)
{
	struct oe_strs ids = {NULL, 0};
	size_t i;
	int rc = oe_ctl_texts(tx, sql, OE_CTL_VALUES(oe_ctl_t(id)), &ids, err);

	for (i = 0; rc == 0 && i < ids.n; i++)
		rc = oe_ctl_changed(tx, ids.v[i], err);
	oe_strs_done(&ids);
	return rc;
}

int
oe_ctl_changed_device(
    struct oe_ctl_tx *tx, const char *device_id, struct oe_err *err)
{
	return changed_each(tx,
	    "SELECT network_id FROM network_devices WHERE device_id = ?1 "
	    "ORDER BY network_id",
	    device_id, err);
}

int
oe_ctl_changed_user(
    struct oe_ctl_tx *tx, const char *user_id, struct oe_err *err)
{
	return changed_each(tx,
	    "SELECT network_id FROM members WHERE user_id = ?1 "
	    "ORDER BY network_id",
	    user_id, err);
}

int
oe_ctl_certs_end(struct oe_ctl_tx *tx, const char *user_id, struct oe_err *err)
{
	int64_t now_s = oe_time_wall_ms() / 1000;
	int rc = oe_ctl_db_exec(tx,
	    "UPDATE users SET certs_after = CASE WHEN certs_after < ?1 "
	    "THEN ?1 ELSE certs_after END WHERE id = ?2",
	    OE_CTL_VALUES(oe_ctl_i(now_s), oe_ctl_t(user_id)), NULL, err);

	return rc ? rc : oe_ctl_changed_user(tx, user_id, err);
}

int
oe_ctl_begin_call(
    struct oe_ctl_call *call, enum oe_ctl_mode mode, struct oe_ctl_tx **ret)
{
	return oe_ctl_begin(call->store, mode, ret, &call->err);
}

int
oe_ctl_end_call(struct oe_ctl_call *call, struct oe_ctl_tx **tx, int rc)
{
	if (rc == 0 && *tx != NULL)
		rc = oe_ctl_commit(tx, &call->err);
	oe_ctl_rollback(tx);
	return rc;
}

int
oe_ctl_begin_role(
    struct oe_ctl_call *call, const char *network_id, struct oe_ctl_tx **ret)
{
	int64_t role = OE_CTL_ROLE_NONE;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, ret);

	if (rc == 0)
		rc = oe_ctl_lock(*ret, network_id, &call->err);
	if (rc == 0)
		rc = oe_ctl_db_int(*ret,
		    "SELECT role FROM members WHERE network_id = ?1 AND "
		    "user_id = ?2",
		    OE_CTL_VALUES(
			oe_ctl_t(network_id), oe_ctl_t(call->caller.id)),
		    &role, &call->err);
	if (rc == OE_ENOENT)
		return oe_ctl_absent(call, "Virtual network");
	if (rc == 0 && call->route->need == OE_CTL_NEED_ADMIN &&
	    role != OE_CTL_ROLE_ADMIN)
		return oe_err_set(
		    &call->err, OE_EPERM, "Administrators of the network only");
	call->role = (enum oe_ctl_role)role;
	return rc;
}

int
oe_ctl_end_data(struct oe_ctl_call *call, struct oe_ctl_tx **tx, int rc,
    struct oe_jval *data)
{
	rc = oe_ctl_end_call(call, tx, rc);
	if (rc == 0)
		return oe_ctl_data(call, data);
	oe_jval_free(&data);
	return rc;
}

int
oe_ctl_end_message(
    struct oe_ctl_call *call, struct oe_ctl_tx **tx, int rc, const char *text)
{
	rc = oe_ctl_end_call(call, tx, rc);
	return rc ? rc : oe_ctl_message(call, 200, text);
}

int
oe_ctl_change(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, const char *what)
{
	int64_t n = 0;
	int rc = oe_ctl_db_exec(tx, sql, values, &n, &call->err);

	return rc == 0 && n == 0 ? oe_ctl_absent(call, what) : rc;
}

bool
oe_ctl_email(struct oe_ctl_call *call, char ret[256])
{
	char typed[EMAIL_MAX + 1];

	if (!oe_ctl_text(call, "email", EMAIL_MAX, typed))
		return false;
	/* a colon stands in other principals than an address: "group:ops" */
	if (oe_ctl_email_read(typed, ret) && !strpbrk(ret, ",:\"'<>"))
		return true;
	oe_ctl_invalid(call, "email", "email", "email validation failed");
	return false;
}

int
oe_ctl_absent(struct oe_ctl_call *call, const char *what)
{
	return oe_err_set(&call->err, OE_ENOENT, "%s not found", what);
}
