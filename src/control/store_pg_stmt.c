/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of PostgreSQL, prepared once for each connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store_pg.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* Values of one statement, and prepared statements of one connection. */
#define VALUES_MAX   32
#define PREPARED_MAX 512
#define NUMBER_SIZE  24

struct pg_rows {
	struct oe_ctl_rows base;
	PGresult *result;
	int row, n;
};

struct pg_values {
	const char *text[VALUES_MAX];
	char numbers[VALUES_MAX][NUMBER_SIZE];
	int n;
};

/* "?1" is "$1" here; no text of ours has a question mark otherwise. */
static char *
translate(const char *sql)
{
	char *ret = oe_mem_strdup(sql), *p;

	for (p = strchr(ret, '?'); p != NULL; p = strchr(p, '?'))
		*p = '$';
	return ret;
}

static int
prepare(
    struct oe_ctl_pg_conn *conn, const char *sql, size_t i, struct oe_err *err)
{
	PGresult *result;
	char name[NUMBER_SIZE];
	char *text = translate(sql);
	int rc = 0;

	snprintf(name, sizeof(name), "s%zu", i);
	result = oe_ctl__pg()->PQprepare(conn->db, name, text, 0, NULL);
	if (oe_ctl__pg()->PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = oe_ctl_pg_fault(conn->db, result, err);
	else
		oe_strs_add(&conn->prepared, sql);
	oe_ctl__pg()->PQclear(result);
	free(text);
	return rc;
}

static int
put_values(const struct oe_ctl_value *values, struct pg_values *ret,
    struct oe_err *err)
{
	const struct oe_ctl_value *v;

	for (v = values; v != NULL && v->kind != OE_CTL_END; v++) {
		if (ret->n == VALUES_MAX)
			return oe_err_set(err, OE_ETOOBIG, "too many values");
		ret->text[ret->n] = v->text;
		if (v->kind == OE_CTL_INT) {
			snprintf(ret->numbers[ret->n], NUMBER_SIZE, "%lld",
			    (long long)v->i);
			ret->text[ret->n] = ret->numbers[ret->n];
		}
		ret->n++;
	}
	return 0;
}

/* A statement that is asked for once more often than kept is not kept. */
static int
execute(struct oe_ctl_pg_conn *conn, const char *sql, const struct pg_values *v,
    PGresult **ret, struct oe_err *err)
{
	char name[NUMBER_SIZE], *text;
	size_t i;
	int rc = 0;

	for (i = 0; i < conn->prepared.n; i++)
		if (!strcmp(conn->prepared.v[i], sql))
			break;
	if (i == PREPARED_MAX) {
		text = translate(sql);
		*ret = oe_ctl__pg()->PQexecParams(
		    conn->db, text, v->n, NULL, v->text, NULL, NULL, 0);
		free(text);
		return 0;
	}
	if (i == conn->prepared.n)
		rc = prepare(conn, sql, i, err);
	snprintf(name, sizeof(name), "s%zu", i);
	if (rc == 0)
		*ret = oe_ctl__pg()->PQexecPrepared(
		    conn->db, name, v->n, v->text, NULL, NULL, 0);
	return rc;
}

int
oe_ctl_pg_query(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err)
{
	struct oe_ctl_pg_conn *conn = ((struct oe_ctl_pg_tx *)tx)->conn;
	struct pg_values v = {.n = 0};
	struct pg_rows *rows;
	PGresult *result = NULL;
	int rc = put_values(values, &v, err);

	if (rc == 0)
		rc = execute(conn, sql, &v, &result, err);
	if (rc == 0 &&
	    oe_ctl__pg()->PQresultStatus(result) != PGRES_TUPLES_OK &&
	    oe_ctl__pg()->PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = oe_ctl_pg_fault(conn->db, result, err);
	if (rc) {
		oe_ctl__pg()->PQclear(result);
		return rc;
	}
	rows = oe_mem_zalloc(sizeof(*rows));
	rows->base.tx = tx;
	rows->result = result;
	rows->row = -1;
	rows->n = oe_ctl__pg()->PQntuples(result);
	*ret = &rows->base;
	return 0;
}

int
oe_ctl_pg_next(struct oe_ctl_rows *rows, struct oe_err *err)
{
	struct pg_rows *r = (struct pg_rows *)rows;

	(void)err;
	if (r->row + 1 >= r->n)
		return 0;
	r->row++;
	return 1;
}

const char *
oe_ctl_pg_text(struct oe_ctl_rows *rows, int column)
{
	struct pg_rows *r = (struct pg_rows *)rows;

	return oe_ctl__pg()->PQgetisnull(r->result, r->row, column)
		   ? NULL
		   : oe_ctl__pg()->PQgetvalue(r->result, r->row, column);
}

int64_t
oe_ctl_pg_int(struct oe_ctl_rows *rows, int column)
{
	const char *text = oe_ctl_pg_text(rows, column);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

void
oe_ctl_pg_done(struct oe_ctl_rows *rows)
{
	oe_ctl__pg()->PQclear(((struct pg_rows *)rows)->result);
	free(rows);
}

int
oe_ctl_pg_exec(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret_changed, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_pg_query(tx, sql, values, &rows, err);

	if (rc)
		return rc;
	if (ret_changed != NULL)
		*ret_changed = strtoll(
		    oe_ctl__pg()->PQcmdTuples(((struct pg_rows *)rows)->result),
		    NULL, 10);
	oe_ctl_pg_done(rows);
	return 0;
}
