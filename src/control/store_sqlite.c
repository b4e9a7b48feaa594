/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"

#define BUSY_TIMEOUT_MS 10000

static void
conn_close(struct oe_ctl_sqlite_conn *conn)
{
	size_t i;

	if (conn == NULL)
		return;
	for (i = 0; i < OE_CTL_SQLITE_CACHE; i++)
		sqlite3_finalize(conn->cache[i].stmt);
	sqlite3_close(conn->db);
	free(conn);
}

/* Asked after so many steps of the machine in SQLite. */
#define STEPS 100000

static int
is_late(void *arg)
{
	const struct oe_ctl_sqlite_conn *conn = arg;

	return conn->until_ms > 0 && oe_time_mono_ms() > conn->until_ms;
}

/*
 * The schema of a file that somebody else wrote is not trusted; a statement
 * of a reader writes nothing.
 */
static int
conn_setup(struct oe_ctl_sqlite_conn *conn, bool writer, struct oe_err *err)
{
	static const char *const common[] = {
	    "PRAGMA foreign_keys = ON",
	    "PRAGMA trusted_schema = OFF",
	    "PRAGMA synchronous = FULL",
	};
	size_t i;
	int rc = 0;

	sqlite3_busy_timeout(conn->db, BUSY_TIMEOUT_MS);
	sqlite3_progress_handler(conn->db, STEPS, is_late, conn);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (writer)
		rc = oe_ctl_sqlite_run(conn, "PRAGMA journal_mode = WAL", err);
	for (i = 0; rc == 0 && i < sizeof(common) / sizeof(*common); i++)
		rc = oe_ctl_sqlite_run(conn, common[i], err);
	if (rc == 0 && !writer)
		rc = oe_ctl_sqlite_run(conn, "PRAGMA query_only = ON", err);
	return rc;
}

static int
conn_open(const char *path, bool writer, struct oe_ctl_sqlite_conn **ret,
    struct oe_err *err)
{
	struct oe_ctl_sqlite_conn *conn = oe_mem_zalloc(sizeof(*conn));
	int rc = 0;

	if (sqlite3_open_v2(path, &conn->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE,
		NULL) != SQLITE_OK)
		rc = oe_ctl_sqlite_fault(conn->db, err);
	if (rc == 0)
		rc = conn_setup(conn, writer, err);
	if (rc) {
		conn_close(conn);
		return oe_err_wrap(err, rc, "%s", path);
	}
	*ret = conn;
	return 0;
}

/*
 * SQLite makes its other files with the mode of the first, so that is made
 * here; a store that others could read is not used as if nothing had been.
 */
static int
make_file(const char *path, struct oe_err *err)
{
	struct stat st;
	int rc = 0;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return oe_err_sys(err, "cannot open the store '%s'", path);
	if (fstat(fd, &st))
		rc = oe_err_sys(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		rc = oe_err_set(
		    err, OE_ECONF, "the store '%s' is no file", path);
	else if (st.st_mode & 077)
		rc = oe_err_set(err, OE_ECONF,
		    "the store '%s' can be read or written by others: run "
		    "chmod 600 on it",
		    path);
	oe_fd_close(&fd);
	return rc;
}

static struct oe_ctl_sqlite_conn *
pool_take(struct oe_ctl_sqlite *s)
{
	struct oe_ctl_sqlite_conn *conn;

	pthread_mutex_lock(&s->pool_lock);
	conn = s->pool;
	if (conn != NULL)
		s->pool = conn->next;
	pthread_mutex_unlock(&s->pool_lock);
	return conn;
}

static void
pool_give(struct oe_ctl_sqlite *s, struct oe_ctl_sqlite_conn *conn)
{
	pthread_mutex_lock(&s->pool_lock);
	conn->next = s->pool;
	s->pool = conn;
	pthread_mutex_unlock(&s->pool_lock);
}

static void
sqlite_close(struct oe_ctl_store *store)
{
	struct oe_ctl_sqlite *s = (struct oe_ctl_sqlite *)store;
	struct oe_ctl_sqlite_conn *conn;

	while ((conn = pool_take(s)) != NULL)
		conn_close(conn);
	conn_close(s->batch.conn);
	oe_ctl_sqlite_batch_done(&s->batch);
	pthread_mutex_destroy(&s->pool_lock);
	free(s->path);
	free(s);
}

static int
sqlite_watch(struct oe_ctl_store *store, struct oe_err *err)
{
	(void)store;
	(void)err;
	return 0;
}

static int
read_begin(struct oe_ctl_sqlite *s, enum oe_ctl_mode mode,
    struct oe_ctl_sqlite_tx *tx, struct oe_err *err)
{
	int rc = 0;

	tx->conn = pool_take(s);
	if (tx->conn == NULL)
		rc = conn_open(s->path, false, &tx->conn, err);
	if (rc == 0 && mode == OE_CTL_SNAPSHOT) {
		rc = oe_ctl_sqlite_run(tx->conn, "BEGIN", err);
		if (rc)
			pool_give(s, tx->conn);
	}
	return rc;
}

static void
read_end(struct oe_ctl_sqlite *s, struct oe_ctl_sqlite_tx *tx)
{
	/* it has written nothing, so it cannot fail at that */
	if (!sqlite3_get_autocommit(tx->conn->db))
		(void)oe_ctl_sqlite_run(tx->conn, "ROLLBACK", NULL);
	pool_give(s, tx->conn);
}

static int
sqlite_begin(struct oe_ctl_store *store, enum oe_ctl_mode mode,
    struct oe_ctl_tx **ret, struct oe_err *err)
{
	struct oe_ctl_sqlite *s = (struct oe_ctl_sqlite *)store;
	struct oe_ctl_sqlite_tx *tx = oe_mem_zalloc(sizeof(*tx));
	int rc = 0;

	tx->base.store = store;
	tx->base.mode = mode;
	if (mode == OE_CTL_WRITE)
		rc = oe_ctl_sqlite_batch_begin(&s->batch, tx, err);
	else
		rc = read_begin(s, mode, tx, err);
	if (rc)
		free(tx);
	else
		*ret = &tx->base;
	return rc;
}

static void
tx_free(struct oe_ctl_sqlite_tx *tx)
{
	oe_strs_done(&tx->told);
	free(tx);
}

static void
sqlite_rollback(struct oe_ctl_tx *base)
{
	struct oe_ctl_sqlite *s = (struct oe_ctl_sqlite *)base->store;
	struct oe_ctl_sqlite_tx *tx = (struct oe_ctl_sqlite_tx *)base;

	if (base->mode == OE_CTL_WRITE)
		oe_ctl_sqlite_batch_rollback(&s->batch, tx);
	else
		read_end(s, tx);
	tx_free(tx);
}

static int
sqlite_commit(struct oe_ctl_tx *base, struct oe_err *err)
{
	struct oe_ctl_sqlite *s = (struct oe_ctl_sqlite *)base->store;
	struct oe_ctl_sqlite_tx *tx = (struct oe_ctl_sqlite_tx *)base;
	size_t i;
	int rc = 0;

	if (base->mode == OE_CTL_WRITE)
		rc = oe_ctl_sqlite_batch_commit(&s->batch, tx, err);
	else
		read_end(s, tx);
	for (i = 0; rc == 0 && i < tx->told.n; i++)
		oe_ctl_deliver(base->store, tx->told.v[i]);
	tx_free(tx);
	return rc;
}

/* There is one writer at a time, across processes as well. */
static int
sqlite_lock(struct oe_ctl_tx *tx, const char *name, struct oe_err *err)
{
	(void)tx;
	(void)name;
	(void)err;
	return 0;
}

static int
sqlite_tell(struct oe_ctl_tx *tx, const char *text, struct oe_err *err)
{
	(void)err;
	oe_strs_add(&((struct oe_ctl_sqlite_tx *)tx)->told, text);
	return 0;
}

static const struct oe_ctl_backend backend = {
    .kind = "sqlite",
    .dialect = {"INTEGER", "INTEGER PRIMARY KEY AUTOINCREMENT", " STRICT"},
    .close = sqlite_close,
    .watch = sqlite_watch,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .lock = sqlite_lock,
    .tell = sqlite_tell,
    .exec = oe_ctl_sqlite_exec,
    .query = oe_ctl_sqlite_query,
    .next = oe_ctl_sqlite_next,
    .text = oe_ctl_sqlite_text,
    .integer = oe_ctl_sqlite_int,
    .done = oe_ctl_sqlite_done,
};

int
oe_ctl_sqlite_open(
    const char *path, struct oe_ctl_store **ret, struct oe_err *err)
{
	struct oe_ctl_sqlite_conn *conn = NULL;
	struct oe_ctl_sqlite *s;
	int rc = make_file(path, err);

	if (rc == 0)
		rc = conn_open(path, true, &conn, err);
	if (rc)
		return rc;
	s = oe_mem_zalloc(sizeof(*s));
	s->base.backend = &backend;
	s->path = oe_mem_strdup(path);
	pthread_mutex_init(&s->pool_lock, NULL);
	oe_ctl_sqlite_batch_init(&s->batch, conn);
	*ret = &s->base;
	return 0;
}
