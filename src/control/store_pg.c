/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_pg.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/mem.h"

int
oe_ctl_pg_fault(const PGconn *db, const PGresult *result, struct oe_err *err)
{
	const char *state = NULL, *text = oe_ctl__pg()->PQerrorMessage(db);
	size_t n = strcspn(text, "\n");
	int rc = OE_ELIB;

	if (result != NULL)
		state =
		    oe_ctl__pg()->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (state == NULL || oe_ctl__pg()->PQstatus(db) != CONNECTION_OK)
		rc = OE_EAGAIN;
	else if (!strcmp(state, "23505"))
		return oe_err_set(err, OE_EEXIST, "it is already there");
	else if (oe_str_starts(state, "23") || oe_str_starts(state, "22"))
		return oe_err_set(
		    err, OE_EINVAL, "a value is not allowed or has gone");
	else if (oe_str_starts(state, "40") || oe_str_starts(state, "57") ||
		 oe_str_starts(state, "53"))
		rc = OE_EAGAIN;
	return oe_err_set(err, rc, "PostgreSQL: %.*s", (int)n, text);
}

/* Notices of a server are for its log. */
static void
be_quiet(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

int
oe_ctl_pg_connect(const char *url, PGconn **ret, struct oe_err *err)
{
	static const char *const setup =
	    "SET synchronous_commit = on; SET standard_conforming_strings = "
	    "on; "
	    "SET client_encoding = 'UTF8'; SET statement_timeout = '30s'; "
	    "SET idle_in_transaction_session_timeout = '60s'";
	const char *keys[] = {"dbname", "connect_timeout",
	    "fallback_application_name", "tcp_user_timeout", "keepalives_idle",
	    "keepalives_interval", "keepalives_count", NULL};
	/* the one that listens says nothing by itself: is there anybody? */
	const char *values[] = {
	    url, "10", "omniedge", "15000", "15", "5", "3", NULL};
	PGconn *db = oe_ctl__pg()->PQconnectdbParams(keys, values, 1);
	PGresult *result = NULL;
	int rc = 0;

	if (oe_ctl__pg()->PQstatus(db) != CONNECTION_OK) {
		rc = oe_ctl_pg_fault(db, NULL, err);
	} else {
		oe_ctl__pg()->PQsetNoticeReceiver(db, be_quiet, NULL);
		result = oe_ctl__pg()->PQexec(db, setup);
		if (oe_ctl__pg()->PQresultStatus(result) != PGRES_COMMAND_OK)
			rc = oe_ctl_pg_fault(db, result, err);
		oe_ctl__pg()->PQclear(result);
	}
	if (rc)
		oe_ctl__pg()->PQfinish(db);
	else
		*ret = db;
	return rc;
}

static void
conn_close(struct oe_ctl_pg_conn *conn)
{
	oe_ctl__pg()->PQfinish(conn->db);
	oe_strs_done(&conn->prepared);
	free(conn);
}

/* A connection at rest has nothing to read, unless the server ended it. */
static bool
is_alive(const struct oe_ctl_pg_conn *conn)
{
	struct pollfd p = {oe_ctl__pg()->PQsocket(conn->db), POLLIN, 0};

	return oe_ctl__pg()->PQstatus(conn->db) == CONNECTION_OK &&
	       poll(&p, 1, 0) == 0;
}

static struct oe_ctl_pg_conn *
pool_take(struct oe_ctl_pg *s)
{
	struct oe_ctl_pg_conn *conn;

	pthread_mutex_lock(&s->lock);
	conn = s->pool;
	if (conn != NULL)
		s->pool = conn->next;
	pthread_mutex_unlock(&s->lock);
	return conn;
}

static void
pool_give(struct oe_ctl_pg *s, struct oe_ctl_pg_conn *conn)
{
	if (oe_ctl__pg()->PQstatus(conn->db) != CONNECTION_OK ||
	    oe_ctl__pg()->PQtransactionStatus(conn->db) != PQTRANS_IDLE) {
		conn_close(conn);
		return;
	}
	pthread_mutex_lock(&s->lock);
	conn->next = s->pool;
	s->pool = conn;
	pthread_mutex_unlock(&s->lock);
}

static int
conn_get(struct oe_ctl_pg *s, struct oe_ctl_pg_conn **ret, struct oe_err *err)
{
	struct oe_ctl_pg_conn *conn;
	PGconn *db = NULL;
	int rc;

	while ((conn = pool_take(s)) != NULL && !is_alive(conn))
		conn_close(conn);
	if (conn == NULL) {
		rc = oe_ctl_pg_connect(s->url, &db, err);
		if (rc)
			return rc;
		conn = oe_mem_zalloc(sizeof(*conn));
		conn->db = db;
	}
	*ret = conn;
	return 0;
}

/* A command; @expected is its tag. */
static int
command(struct oe_ctl_pg_conn *conn, const char *sql, const char *expected,
    struct oe_err *err)
{
	PGresult *result = oe_ctl__pg()->PQexec(conn->db, sql);
	int rc = 0;

	if (oe_ctl__pg()->PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = oe_ctl_pg_fault(conn->db, result, err);
	else if (strcmp(oe_ctl__pg()->PQcmdStatus(result), expected) != 0)
		rc = oe_err_set(
		    err, OE_ELIB, "PostgreSQL: the transaction had failed");
	oe_ctl__pg()->PQclear(result);
	return rc;
}

static void
pg_close(struct oe_ctl_store *store)
{
	struct oe_ctl_pg *s = (struct oe_ctl_pg *)store;
	struct oe_ctl_pg_conn *conn;

	oe_ctl_pg_listen_stop(s);
	while ((conn = pool_take(s)) != NULL)
		conn_close(conn);
	pthread_mutex_destroy(&s->lock);
	oe_mem_free_secret(&s->url);
	free(s);
}

static int
pg_watch(struct oe_ctl_store *store, struct oe_err *err)
{
	return oe_ctl_pg_listen((struct oe_ctl_pg *)store, err);
}

static int
pg_begin(struct oe_ctl_store *store, enum oe_ctl_mode mode,
    struct oe_ctl_tx **ret, struct oe_err *err)
{
	struct oe_ctl_pg *s = (struct oe_ctl_pg *)store;
	struct oe_ctl_pg_conn *conn = NULL;
	struct oe_ctl_pg_tx *tx;
	struct oe_ctl_tx *base;
	int rc = conn_get(s, &conn, err);

	if (rc == 0 && mode != OE_CTL_READ) {
		rc = command(conn,
		    mode == OE_CTL_WRITE ? "BEGIN"
					 : "BEGIN ISOLATION LEVEL REPEATABLE "
					   "READ, READ ONLY",
		    "BEGIN", err);
		if (rc)
			conn_close(conn);
	}
	if (rc)
		return rc;
	tx = oe_mem_zalloc(sizeof(*tx));
	base = &tx->base;
	base->store = store;
	base->mode = mode;
	tx->conn = conn;
	*ret = base;
	return 0;
}

static void
pg_rollback(struct oe_ctl_tx *base)
{
	struct oe_ctl_pg_tx *tx = (struct oe_ctl_pg_tx *)base;

	if (base->mode != OE_CTL_READ)
		(void)command(tx->conn, "ROLLBACK", "ROLLBACK", NULL);
	pool_give((struct oe_ctl_pg *)base->store, tx->conn);
	free(tx);
}

static int
pg_commit(struct oe_ctl_tx *base, struct oe_err *err)
{
	struct oe_ctl_pg_tx *tx = (struct oe_ctl_pg_tx *)base;
	int rc = 0;

	if (base->mode != OE_CTL_READ)
		rc = command(tx->conn, "COMMIT", "COMMIT", err);
	pool_give((struct oe_ctl_pg *)base->store, tx->conn);
	free(tx);
	return rc;
}

/* Names of locks are hashed by the server; two that meet only wait longer. */
static int
pg_lock(struct oe_ctl_tx *tx, const char *name, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx,
	    "SELECT pg_advisory_xact_lock(hashtextextended(?1, 0))",
	    OE_CTL_VALUES(oe_ctl_t(name)), &rows, err);

	oe_ctl_rows_done(&rows);
	return rc;
}

static int
pg_tell(struct oe_ctl_tx *tx, const char *text, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx, "SELECT pg_notify('omniedge', ?1)",
	    OE_CTL_VALUES(oe_ctl_t(text)), &rows, err);

	oe_ctl_rows_done(&rows);
	return rc;
}

static const struct oe_ctl_backend backend = {
    .kind = "postgresql",
    .dialect = {"BIGINT", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	""},
    .close = pg_close,
    .watch = pg_watch,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .lock = pg_lock,
    .tell = pg_tell,
    .exec = oe_ctl_pg_exec,
    .query = oe_ctl_pg_query,
    .next = oe_ctl_pg_next,
    .text = oe_ctl_pg_text,
    .integer = oe_ctl_pg_int,
    .done = oe_ctl_pg_done,
};

int
oe_ctl_pg_open(const char *url, struct oe_ctl_store **ret, struct oe_err *err)
{
	struct oe_ctl_pg *s;
	struct oe_ctl_store *base;
	struct oe_ctl_pg_conn *conn = NULL;
	int rc = oe_ctl__pg_load(err);

	if (rc)
		return rc;
	s = oe_mem_zalloc(sizeof(*s));
	base = &s->base;
	base->backend = &backend;
	s->url = oe_mem_strdup(url);
	s->stop[0] = s->stop[1] = -1;
	pthread_mutex_init(&s->lock, NULL);
	rc = conn_get(s, &conn, err);
	if (rc) {
		pg_close(base);
		return rc;
	}
	pool_give(s, conn);
	*ret = base;
	return 0;
}
