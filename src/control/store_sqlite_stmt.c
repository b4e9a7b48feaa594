/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of SQLite, kept prepared for each connection.
 */
#include <stdlib.h>
#include <string.h>

#include "control/store_sqlite.h"
#include "core/base/mem.h"
#include "core/base/time.h"

/* Of one row; as long as PostgreSQL has for a statement. */
#define STATEMENT_MS 30000

struct sqlite_rows {
	struct oe_ctl_rows base;
	sqlite3 *db;
	struct oe_ctl_sqlite_stmt *kept; /* NULL: of this query only */
	sqlite3_stmt *stmt;
};

int
oe_ctl_sqlite_fault(sqlite3 *db, struct oe_err *err)
{
	int rc;

	switch (sqlite3_extended_errcode(db)) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return oe_err_set(err, OE_EEXIST, "it is already there");
	default:
		break;
	}
	switch (sqlite3_errcode(db)) {
	case SQLITE_CONSTRAINT:
		return oe_err_set(
		    err, OE_EINVAL, "a value is not allowed or has gone");
	case SQLITE_INTERRUPT:
		return oe_err_set(
		    err, OE_ETIMEOUT, "SQLite: a statement took too long");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		rc = OE_EAGAIN;
		break;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		rc = OE_ESYS;
		break;
	default:
		rc = OE_ELIB;
		break;
	}
	return oe_err_set(err, rc, "SQLite: %s", sqlite3_errmsg(db));
}

/* FNV-1a: spreads the texts of our own statements. */
static size_t
slot_of(const char *sql)
{
	uint64_t h = 14695981039346656037u;

	for (; *sql; sql++)
		h = (h ^ (unsigned char)*sql) * 1099511628211u;
	return (size_t)(h % OE_CTL_SQLITE_CACHE);
}

/* A prepared statement: the kept one when it is free. */
static int
prepare(struct oe_ctl_sqlite_conn *conn, const char *sql,
    struct oe_ctl_sqlite_stmt **ret_kept, sqlite3_stmt **ret,
    struct oe_err *err)
{
	struct oe_ctl_sqlite_stmt *c;
	sqlite3_stmt *stmt = NULL;
	size_t at = slot_of(sql), i;

	*ret_kept = NULL;
	for (i = 0; i < OE_CTL_SQLITE_CACHE; i++) {
		c = &conn->cache[(at + i) % OE_CTL_SQLITE_CACHE];
		if (c->stmt == NULL ||
		    (!c->used && !strcmp(sqlite3_sql(c->stmt), sql)))
			break;
	}
	if (i < OE_CTL_SQLITE_CACHE && c->stmt != NULL) {
		*ret_kept = c;
		*ret = c->stmt;
	} else if (sqlite3_prepare_v3(conn->db, sql, -1,
		       SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
		return oe_ctl_sqlite_fault(conn->db, err);
	} else {
		*ret = stmt;
		if (i < OE_CTL_SQLITE_CACHE) {
			c->stmt = stmt;
			*ret_kept = c;
		}
	}
	if (*ret_kept != NULL)
		(*ret_kept)->used = true;
	return 0;
}

static int
bind_one(sqlite3_stmt *stmt, int place, const struct oe_ctl_value *v)
{
	if (v->kind == OE_CTL_TEXT)
		return sqlite3_bind_text(
		    stmt, place, v->text, -1, SQLITE_TRANSIENT);
	if (v->kind == OE_CTL_INT)
		return sqlite3_bind_int64(stmt, place, v->i);
	return sqlite3_bind_null(stmt, place);
}

int
oe_ctl_sqlite_query(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err)
{
	struct oe_ctl_sqlite_conn *conn = ((struct oe_ctl_sqlite_tx *)tx)->conn;
	struct sqlite_rows *rows;
	struct oe_ctl_sqlite_stmt *kept;
	sqlite3_stmt *stmt = NULL;
	struct oe_ctl_rows *base;
	int i, rc = prepare(conn, sql, &kept, &stmt, err);

	if (rc)
		return rc;
	rows = oe_mem_zalloc(sizeof(*rows));
	base = &rows->base;
	base->tx = tx;
	rows->db = conn->db;
	rows->kept = kept;
	rows->stmt = stmt;
	for (i = 0; values != NULL && values[i].kind != OE_CTL_END; i++)
		if (bind_one(stmt, i + 1, &values[i]) != SQLITE_OK)
			rc = oe_ctl_sqlite_fault(conn->db, err);
	if (rc)
		oe_ctl_sqlite_done(base);
	else
		*ret = base;
	return rc;
}

int
oe_ctl_sqlite_next(struct oe_ctl_rows *rows, struct oe_err *err)
{
	struct sqlite_rows *r = (struct sqlite_rows *)rows;
	struct oe_ctl_sqlite_tx *tx = (struct oe_ctl_sqlite_tx *)rows->tx;

	/* a write that is broken off would take others of its batch along */
	tx->conn->until_ms =
	    tx->base.mode == OE_CTL_READ ? oe_time_mono_ms() + STATEMENT_MS : 0;
	switch (sqlite3_step(r->stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return oe_ctl_sqlite_fault(r->db, err);
	}
}

const char *
oe_ctl_sqlite_text(struct oe_ctl_rows *rows, int column)
{
	struct sqlite_rows *r = (struct sqlite_rows *)rows;

	return (const char *)sqlite3_column_text(r->stmt, column);
}

int64_t
oe_ctl_sqlite_int(struct oe_ctl_rows *rows, int column)
{
	struct sqlite_rows *r = (struct sqlite_rows *)rows;

	return sqlite3_column_int64(r->stmt, column);
}

void
oe_ctl_sqlite_done(struct oe_ctl_rows *rows)
{
	struct sqlite_rows *r = (struct sqlite_rows *)rows;

	if (r->kept != NULL) {
		sqlite3_reset(r->stmt);
		/* what was bound is not kept: it may be a secret's hash */
		sqlite3_clear_bindings(r->stmt);
		r->kept->used = false;
	} else {
		sqlite3_finalize(r->stmt);
	}
	free(r);
}

int
oe_ctl_sqlite_exec(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret_changed, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_sqlite_query(tx, sql, values, &rows, err);

	if (rc)
		return rc;
	do
		rc = oe_ctl_sqlite_next(rows, err);
	while (rc == 1);
	if (rc == 0 && ret_changed != NULL)
		*ret_changed =
		    sqlite3_changes64(((struct sqlite_rows *)rows)->db);
	oe_ctl_sqlite_done(rows);
	return rc;
}

int
oe_ctl_sqlite_run(
    struct oe_ctl_sqlite_conn *conn, const char *sql, struct oe_err *err)
{
	struct oe_ctl_sqlite_stmt *kept;
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(conn, sql, &kept, &stmt, err), step;

	if (rc)
		return rc;
	conn->until_ms = 0;
	do
		step = sqlite3_step(stmt);
	while (step == SQLITE_ROW);
	if (step != SQLITE_DONE)
		rc = oe_ctl_sqlite_fault(conn->db, err);
	if (kept != NULL) {
		sqlite3_reset(stmt);
		kept->used = false;
	} else {
		sqlite3_finalize(stmt);
	}
	return rc;
}
