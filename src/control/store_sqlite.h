/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_sqlite.h - the SQLite store: connections with their prepared
 * statements, and writers that are committed together.
 */
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/store_internal.h"
#include "core/base/err.h"
#include "core/base/str.h"

/* Statements that a connection keeps prepared; ours are some hundred. */
#define OE_CTL_SQLITE_CACHE 512
/* Transactions that one fsync makes durable. */
#define OE_CTL_SQLITE_BATCH 128

struct oe_ctl_sqlite_stmt {
	sqlite3_stmt *stmt;
	bool used; /* between query and done */
};

struct oe_ctl_sqlite_conn {
	sqlite3 *db;
	struct oe_ctl_sqlite_stmt cache[OE_CTL_SQLITE_CACHE];
	struct oe_ctl_sqlite_conn *next; /* in the pool */
	int64_t until_ms; /* monotonic: the next row comes by then; 0: any */
};

struct oe_ctl_sqlite_tx {
	struct oe_ctl_tx base;
	struct oe_ctl_sqlite_conn *conn;
	struct oe_strs told;
	/* a writer that waits for its batch: under the lock of the store */
	struct oe_ctl_sqlite_tx *next;
	bool done;
	int rc;
	struct oe_err err;
};

/* Writers take turns at one connection; see store_sqlite_batch.c. */
struct oe_ctl_sqlite_batch {
	pthread_mutex_t lock;
	pthread_cond_t turn;   /* busy or full changed */
	pthread_cond_t idle;   /* the same, for the one that commits */
	pthread_cond_t commit; /* a batch is done */
	/* of who is busy, without the lock: */
	struct oe_ctl_sqlite_conn *conn;
	bool open; /* BEGIN was said */
	/* under the lock: */
	struct oe_ctl_sqlite_tx *members; /* released, not yet committed */
	unsigned n, waiting;
	bool busy;    /* somebody is at the connection */
	bool leading; /* somebody is going to commit */
	bool full;    /* nobody joins any more */
};

struct oe_ctl_sqlite {
	struct oe_ctl_store base;
	char *path;
	pthread_mutex_t pool_lock;
	struct oe_ctl_sqlite_conn *pool; /* readers at rest */
	struct oe_ctl_sqlite_batch batch;
};

/** oe_ctl_sqlite_fault() - the last failure of a connection as ours. */
int oe_ctl_sqlite_fault(sqlite3 *db, struct oe_err *err);
/** oe_ctl_sqlite_run() - a statement without values and rows. */
int oe_ctl_sqlite_run(
    struct oe_ctl_sqlite_conn *conn, const char *sql, struct oe_err *err);

/* store_sqlite_stmt.c: the calls of a backend on statements. */
int oe_ctl_sqlite_exec(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret_changed,
    struct oe_err *err);
int oe_ctl_sqlite_query(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err);
int oe_ctl_sqlite_next(struct oe_ctl_rows *rows, struct oe_err *err);
const char *oe_ctl_sqlite_text(struct oe_ctl_rows *rows, int column);
int64_t oe_ctl_sqlite_int(struct oe_ctl_rows *rows, int column);
void oe_ctl_sqlite_done(struct oe_ctl_rows *rows);

/* store_sqlite_batch.c: the transactions that write. */
void oe_ctl_sqlite_batch_init(
    struct oe_ctl_sqlite_batch *b, struct oe_ctl_sqlite_conn *conn);
void oe_ctl_sqlite_batch_done(struct oe_ctl_sqlite_batch *b);
/** oe_ctl_sqlite_batch_begin() - waits for the turn of @tx. */
int oe_ctl_sqlite_batch_begin(struct oe_ctl_sqlite_batch *b,
    struct oe_ctl_sqlite_tx *tx, struct oe_err *err);
int oe_ctl_sqlite_batch_commit(struct oe_ctl_sqlite_batch *b,
    struct oe_ctl_sqlite_tx *tx, struct oe_err *err);
void oe_ctl_sqlite_batch_rollback(
    struct oe_ctl_sqlite_batch *b, struct oe_ctl_sqlite_tx *tx);
