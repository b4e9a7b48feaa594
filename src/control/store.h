/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store.h - where the control API keeps what it knows: one interface,
 * SQLite and PostgreSQL behind it.
 *
 * SQL is written once, in the dialect that both understand, with ?1 ?2 ...
 * for values, which never stand in the text itself.  Types are text and
 * 64-bit integers only: times are milliseconds since 1970, flags 0 and 1.
 * The tables are in store_schema.c.
 *
 * A transaction belongs to one thread from oe_ctl_begin() to oe_ctl_commit()
 * or oe_ctl_rollback(); a store belongs to all threads.  Writers of SQLite run
 * one after another and are committed together, so nothing slow (hashing a
 * password, waiting) happens between begin and commit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_ctl_store;
struct oe_ctl_tx;
struct oe_ctl_rows;

enum oe_ctl_mode {
	OE_CTL_READ,  /* single statements, each sees what is committed */
	OE_CTL_WRITE, /* all or nothing, durable when committed */
	/* reads only: all see the store as the first of them has seen it */
	OE_CTL_SNAPSHOT,
};

/* A value for a statement; made by oe_ctl_t() and oe_ctl_i(). */
struct oe_ctl_value {
	enum { OE_CTL_END, OE_CTL_NULL, OE_CTL_TEXT, OE_CTL_INT } kind;
	const char *text; /* borrowed until the statement is done */
	int64_t i;
};

/** OE_CTL_VALUES() - values in the order of ?1, ?2 ...; at least one. */
#define OE_CTL_VALUES(...)                                                     \
	((const struct oe_ctl_value[]){__VA_ARGS__, {OE_CTL_END, NULL, 0}})

/** oe_ctl_t() - a text; NULL is the null of SQL. */
static inline struct oe_ctl_value
oe_ctl_t(const char *text)
{
	return (struct oe_ctl_value){
	    text != NULL ? OE_CTL_TEXT : OE_CTL_NULL, text, 0};
}

static inline struct oe_ctl_value
oe_ctl_i(int64_t i)
{
	return (struct oe_ctl_value){OE_CTL_INT, NULL, i};
}

/** oe_ctl_i_or_null() - 0 and less is the null of SQL: a time not set. */
static inline struct oe_ctl_value
oe_ctl_i_or_null(int64_t i)
{
	return (struct oe_ctl_value){i > 0 ? OE_CTL_INT : OE_CTL_NULL, NULL, i};
}

/**
 * oe_ctl_store_open() - open, make or bring up to date.
 * @where: path of an SQLite file (made with mode 0600), or a URL beginning
 *         with postgres:// or postgresql://.
 * @ret: oe_ctl_store_close() it.
 * Return: 0; OE_ECONF (made by a newer program), OE_ESYS, OE_ELIB.
 */
int oe_ctl_store_open(const char *where, struct oe_ctl_store **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_close() - no transaction may be open; empties the pointer. */
void oe_ctl_store_close(struct oe_ctl_store **store);
/** oe_ctl_store_kind() - "sqlite" or "postgresql". */
const char *oe_ctl_store_kind(const struct oe_ctl_store *store);
/** oe_ctl_store_check() - answers a statement: 0, OE_ESYS or OE_ELIB. */
int oe_ctl_store_check(
    struct oe_ctl_store *store, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_ctl_begin() - a transaction of this thread; waits for the one writer
 * of SQLite, so a thread has at most one.
 * @ret: oe_ctl_rollback() it in any case, also after oe_ctl_commit().
 */
int oe_ctl_begin(struct oe_ctl_store *store, enum oe_ctl_mode mode,
    struct oe_ctl_tx **ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_commit() - returns when what was written is on disk; empties the
 * pointer in any case.  When it fails nothing was written.
 */
int oe_ctl_commit(struct oe_ctl_tx **tx, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_rollback() - forget what was written; empties the pointer. */
void oe_ctl_rollback(struct oe_ctl_tx **tx);
/**
 * oe_ctl_lock() - in a writing transaction: one at a time for this name,
 * across all control-servers, until the end of the transaction.
 */
int oe_ctl_lock(
    struct oe_ctl_tx *tx, const char *name, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_ctl_db_exec() - a statement without rows.
 * @values: OE_CTL_VALUES() or NULL.
 * @ret_changed: rows written; may be NULL.
 * Return: 0; OE_EEXIST (something unique is there), OE_EINVAL (what it
 * refers to is not there, or a value is not allowed), OE_ELIB.  After a
 * failure only oe_ctl_rollback() is of use.
 */
int oe_ctl_db_exec(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret_changed,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_db_query() - a statement with rows (also: ... RETURNING).
 * @ret: oe_ctl_rows_done() it before the transaction ends.
 * Return: as oe_ctl_db_exec().
 */
int oe_ctl_db_query(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_row_next() - 1 with a row, 0 after the last, or as oe_ctl_db_exec().
 */
int oe_ctl_row_next(struct oe_ctl_rows *rows, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_row_text() - column of the row, from 0; NULL for null; borrowed. */
const char *oe_ctl_row_text(struct oe_ctl_rows *rows, int column);
/** oe_ctl_row_int() - column of the row; 0 for null. */
int64_t oe_ctl_row_int(struct oe_ctl_rows *rows, int column);
void oe_ctl_rows_done(struct oe_ctl_rows **rows);

/**
 * oe_ctl_db_one() - the first row of a query.
 * @ret: standing on the row; oe_ctl_rows_done() it; NULL unless 0.
 * Return: 0, OE_ENOENT (no row; @err untouched), or as oe_ctl_db_exec().
 */
int oe_ctl_db_one(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_db_int() - first column of the first row; @ret untouched and
 * OE_ENOENT without one.
 */
int oe_ctl_db_int(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_db_text() - the same for a text; free() it; NULL for null. */
int oe_ctl_db_text(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, char **ret,
    struct oe_err *err) OE_MUST_CHECK;

/* Something changed that others wait for. */
enum oe_ctl_topic {
	OE_CTL_TOPIC_POLICY,    /* id: network */
	OE_CTL_TOPIC_DIRECTORY, /* id: network */
	OE_CTL_TOPIC_ORDERS,    /* id: device */
	OE_CTL_TOPIC_TOKENS,    /* id: user or family of tokens that ended */
};

/**
 * oe_ctl_tell() - tell every control-server of this store, this one as
 * well, once the transaction is committed.
 */
int oe_ctl_tell(struct oe_ctl_tx *tx, enum oe_ctl_topic topic, const char *id,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_watch() - call @fn, in whatever thread, for all that is told;
 * once, before the first transaction.  @fn returns quickly and begins no
 * transaction.
 * @id: NULL: messages may have been missed, look at everything.
 */
int oe_ctl_store_watch(struct oe_ctl_store *store,
    void (*fn)(void *arg, enum oe_ctl_topic topic, const char *id), void *arg,
    struct oe_err *err) OE_MUST_CHECK;
