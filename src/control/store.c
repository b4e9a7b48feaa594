/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store.h"

#include <stdlib.h>
#include <string.h>

#include "control/store_internal.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"

static int
migrate_to(struct oe_ctl_tx *tx, int version, struct oe_err *err)
{
	const struct oe_ctl_dialect *dialect = &tx->store->backend->dialect;
	size_t i;
	char *sql;
	int rc = 0;

	for (i = 0; rc == 0; i++) {
		sql = oe_ctl_schema_text(version, i, dialect);
		if (sql == NULL)
			break;
		rc = oe_ctl_db_exec(tx, sql, NULL, NULL, err);
		free(sql);
	}
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO schema_versions (version, applied_at) "
		    "VALUES (?1, ?2)",
		    OE_CTL_VALUES(
			oe_ctl_i(version), oe_ctl_i(oe_time_wall_ms())),
		    NULL, err);
	return rc;
}

/* Which migrations the store has; makes the table that says so. */
static int
present_version(struct oe_ctl_tx *tx, int64_t *ret, struct oe_err *err)
{
	const struct oe_ctl_dialect *dialect = &tx->store->backend->dialect;
	char *sql =
	    oe_mem_printf("CREATE TABLE IF NOT EXISTS schema_versions "
			  "(version %s PRIMARY KEY, applied_at %s NOT NULL)%s",
		dialect->integer, dialect->integer, dialect->strict);
	int rc = oe_ctl_db_exec(tx, sql, NULL, NULL, err);

	free(sql);
	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT COALESCE(MAX(version), 0) FROM schema_versions",
		    NULL, ret, err);
	return rc;
}

static int
migrate(struct oe_ctl_store *store, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int64_t have = 0;
	int rc;

	rc = oe_ctl_begin(store, OE_CTL_WRITE, &tx, err);
	if (rc == 0)
		rc = oe_ctl_lock(tx, "schema", err);
	if (rc == 0)
		rc = present_version(tx, &have, err);
	if (rc == 0 && have > oe_ctl_schema_version())
		rc = oe_err_set(err, OE_ECONF,
		    "the store was made by a newer omniedge (version %d of "
		    "its tables; this one knows %d)",
		    (int)have, oe_ctl_schema_version());
	while (rc == 0 && have < oe_ctl_schema_version())
		rc = migrate_to(tx, (int)++have, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc ? oe_err_wrap(err, rc, "cannot prepare the store") : 0;
}

int
oe_ctl_store_open(
    const char *where, struct oe_ctl_store **ret, struct oe_err *err)
{
	struct oe_ctl_store *store = NULL;
	int rc;

	if (oe_str_starts(where, "postgres://") ||
	    oe_str_starts(where, "postgresql://"))
		rc = oe_ctl_pg_open(where, &store, err);
	else
		rc = oe_ctl_sqlite_open(where, &store, err);
	if (rc == 0)
		rc = migrate(store, err);
	if (rc)
		oe_ctl_store_close(&store);
	else
		*ret = store;
	return rc;
}

void
oe_ctl_store_close(struct oe_ctl_store **store)
{
	if (*store != NULL)
		(*store)->backend->close(*store);
	*store = NULL;
}

const char *
oe_ctl_store_kind(const struct oe_ctl_store *store)
{
	return store->backend->kind;
}

int
oe_ctl_store_check(struct oe_ctl_store *store, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int64_t n = 0;
	int rc = oe_ctl_begin(store, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_int(
		    tx, "SELECT COUNT(*) FROM schema_versions", NULL, &n, err);
	oe_ctl_rollback(&tx);
	return rc;
}

int
oe_ctl_begin(struct oe_ctl_store *store, enum oe_ctl_mode mode,
    struct oe_ctl_tx **ret, struct oe_err *err)
{
	return store->backend->begin(store, mode, ret, err);
}

int
oe_ctl_commit(struct oe_ctl_tx **tx, struct oe_err *err)
{
	struct oe_ctl_tx *it = *tx;

	*tx = NULL;
	return it->store->backend->commit(it, err);
}

void
oe_ctl_rollback(struct oe_ctl_tx **tx)
{
	struct oe_ctl_tx *it = *tx;

	*tx = NULL;
	if (it != NULL)
		it->store->backend->rollback(it);
}

int
oe_ctl_lock(struct oe_ctl_tx *tx, const char *name, struct oe_err *err)
{
	return tx->store->backend->lock(tx, name, err);
}

int
oe_ctl_db_exec(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret_changed, struct oe_err *err)
{
	return tx->store->backend->exec(tx, sql, values, ret_changed, err);
}

int
oe_ctl_db_query(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err)
{
	return tx->store->backend->query(tx, sql, values, ret, err);
}

int
oe_ctl_row_next(struct oe_ctl_rows *rows, struct oe_err *err)
{
	return rows->tx->store->backend->next(rows, err);
}

const char *
oe_ctl_row_text(struct oe_ctl_rows *rows, int column)
{
	return rows->tx->store->backend->text(rows, column);
}

int64_t
oe_ctl_row_int(struct oe_ctl_rows *rows, int column)
{
	return rows->tx->store->backend->integer(rows, column);
}

void
oe_ctl_rows_done(struct oe_ctl_rows **rows)
{
	struct oe_ctl_rows *it = *rows;

	*rows = NULL;
	if (it != NULL)
		it->tx->store->backend->done(it);
}

int
oe_ctl_db_one(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_ctl_rows **ret,
    struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_query(tx, sql, values, &rows, err);

	*ret = NULL;
	if (rc)
		return rc;
	rc = oe_ctl_row_next(rows, err);
	if (rc == 1)
		*ret = rows;
	else
		oe_ctl_rows_done(&rows);
	return rc == 1 ? 0 : rc < 0 ? rc : OE_ENOENT;
}

int
oe_ctl_db_int(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, int64_t *ret, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx, sql, values, &rows, err);

	if (rc == 0)
		*ret = oe_ctl_row_int(rows, 0);
	oe_ctl_rows_done(&rows);
	return rc;
}

int
oe_ctl_db_text(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, char **ret, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx, sql, values, &rows, err);

	if (rc == 0)
		*ret = oe_mem_strdup(oe_ctl_row_text(rows, 0));
	oe_ctl_rows_done(&rows);
	return rc;
}

int
oe_ctl_tell(struct oe_ctl_tx *tx, enum oe_ctl_topic topic, const char *id,
    struct oe_err *err)
{
	char *text = oe_mem_printf("%d %s", (int)topic, id);
	int rc = tx->store->backend->tell(tx, text, err);

	free(text);
	return rc;
}

void
oe_ctl_deliver(struct oe_ctl_store *store, const char *text)
{
	const struct oe_ctl_told *w = &store->watcher;

	/* "0 vnw_...": others may send what they like, it is no order */
	if (w->fn != NULL && text[0] >= '0' &&
	    text[0] <= '0' + OE_CTL_TOPIC_TOKENS && text[1] == ' ')
		w->fn(w->arg, (enum oe_ctl_topic)(text[0] - '0'), text + 2);
}

int
oe_ctl_store_watch(struct oe_ctl_store *store,
    void (*fn)(void *arg, enum oe_ctl_topic topic, const char *id), void *arg,
    struct oe_err *err)
{
	store->watcher.fn = fn;
	store->watcher.arg = arg;
	return store->backend->watch(store, err);
}
