/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_internal.h - what the two stores have in common, and the calls
 * that each has of its own.
 */
#pragma once

#include "control/store.h"
#include "control/store_schema.h"
#include "core/base/str.h"

/* What is told when a transaction is committed: a topic digit and an id. */
struct oe_ctl_told {
	void (*fn)(void *arg, enum oe_ctl_topic topic, const char *id);
	void *arg;
};

struct oe_ctl_tx {
	struct oe_ctl_store *store;
	enum oe_ctl_mode mode;
};

struct oe_ctl_rows {
	struct oe_ctl_tx *tx;
};

struct oe_ctl_backend {
	const char *kind;
	struct oe_ctl_dialect dialect;
	void (*close)(struct oe_ctl_store *store);
	int (*watch)(struct oe_ctl_store *store, struct oe_err *err);
	int (*begin)(struct oe_ctl_store *store, enum oe_ctl_mode mode,
	    struct oe_ctl_tx **ret, struct oe_err *err);
	/* commit and rollback free the transaction */
	int (*commit)(struct oe_ctl_tx *tx, struct oe_err *err);
	void (*rollback)(struct oe_ctl_tx *tx);
	int (*lock)(struct oe_ctl_tx *tx, const char *name, struct oe_err *err);
	int (*tell)(struct oe_ctl_tx *tx, const char *text, struct oe_err *err);
	int (*exec)(struct oe_ctl_tx *tx, const char *sql,
	    const struct oe_ctl_value *values, int64_t *ret_changed,
	    struct oe_err *err);
	int (*query)(struct oe_ctl_tx *tx, const char *sql,
	    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
	    struct oe_err *err);
	int (*next)(struct oe_ctl_rows *rows, struct oe_err *err);
	const char *(*text)(struct oe_ctl_rows *rows, int column);
	int64_t (*integer)(struct oe_ctl_rows *rows, int column);
	void (*done)(struct oe_ctl_rows *rows);
};

struct oe_ctl_store {
	const struct oe_ctl_backend *backend;
	struct oe_ctl_told watcher;
};

int oe_ctl_sqlite_open(
    const char *path, struct oe_ctl_store **ret, struct oe_err *err);
int
oe_ctl_pg_open(const char *url, struct oe_ctl_store **ret, struct oe_err *err);

/** oe_ctl_deliver() - hand what oe_ctl_tell() made to the watcher. */
void oe_ctl_deliver(struct oe_ctl_store *store, const char *text);
