/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_pg.h - the PostgreSQL store: connections with their prepared
 * statements, and the one that listens.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "control/pg_lib.h"
#include "control/store_internal.h"
#include "core/base/str.h"

struct oe_ctl_pg_conn {
	PGconn *db;
	struct oe_strs prepared; /* texts; statement i is called "s<i>" */
	struct oe_ctl_pg_conn *next;
};

struct oe_ctl_pg_tx {
	struct oe_ctl_tx base;
	struct oe_ctl_pg_conn *conn;
};

struct oe_ctl_pg {
	struct oe_ctl_store base;
	char *url; /* holds a password */
	pthread_mutex_t lock;
	struct oe_ctl_pg_conn *pool;
	pthread_t listener;
	bool listening;
	PGconn *heard; /* of the listener; NULL: lost */
	int stop[2];   /* pipe: the listener ends when it is closed */
};

/**
 * oe_ctl_pg_connect() - a connection, set up.
 * @ret: PQfinish() it.
 * Return: 0 or OE_EAGAIN.
 */
int oe_ctl_pg_connect(const char *url, PGconn **ret, struct oe_err *err);
/** oe_ctl_pg_fault() - a failed result, or a lost connection, as ours. */
int
oe_ctl_pg_fault(const PGconn *db, const PGresult *result, struct oe_err *err);

/* store_pg_stmt.c: the calls of a backend on statements. */
int oe_ctl_pg_exec(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret_changed,
    struct oe_err *err);
int oe_ctl_pg_query(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err);
int oe_ctl_pg_next(struct oe_ctl_rows *rows, struct oe_err *err);
const char *oe_ctl_pg_text(struct oe_ctl_rows *rows, int column);
int64_t oe_ctl_pg_int(struct oe_ctl_rows *rows, int column);
void oe_ctl_pg_done(struct oe_ctl_rows *rows);

/* store_pg_listen.c */
int oe_ctl_pg_listen(struct oe_ctl_pg *s, struct oe_err *err);
/** oe_ctl_pg_listen_stop() - ends the thread and waits for it. */
void oe_ctl_pg_listen_stop(struct oe_ctl_pg *s);
