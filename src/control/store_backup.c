/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <unistd.h>

#include "control/store.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

/* Pages in one step; writers get their turn between two. */
#define STEP_PAGES    1024
#define BUSY_SLEEP_MS 20
#define BUSY_MS       10000

static int
check_where(const char *where, struct oe_err *err)
{
	if (oe_str_starts(where, "postgres://") ||
	    oe_str_starts(where, "postgresql://"))
		return oe_err_set(err, OE_EINVAL,
		    "backup and restore are for SQLite: use pg_dump and "
		    "pg_restore with PostgreSQL");
	return 0;
}

static int
check_absent(const char *path, struct oe_err *err)
{
	if (access(path, F_OK) == 0)
		return oe_err_set(err, OE_EEXIST,
		    "'%s' is there already: move it away first", path);
	return 0;
}

/*
 * What lies beside a store belongs to it: SQLite would put the last writes of
 * the old one into the new.  They are there while a server has it open.
 */
static int
check_beside(const char *where, struct oe_err *err)
{
	static const char *const ends[] = {"-wal", "-shm", "-journal"};
	char *path;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(ends) / sizeof(*ends); i++) {
		path = oe_mem_printf("%s%s", where, ends[i]);
		if (access(path, F_OK) == 0)
			rc = oe_err_set(err, OE_EEXIST,
			    "'%s' is there still, of the store that was moved "
			    "away: stop its server, and move this away too",
			    path);
		free(path);
	}
	return rc;
}

static int
fault(sqlite3 *db, const char *path, struct oe_err *err)
{
	return oe_err_set(err, OE_ELIB, "%s: SQLite: %s", path,
	    db != NULL ? sqlite3_errmsg(db) : "no memory");
}

static int
copy_pages(sqlite3 *from, sqlite3 *to, const char *path, struct oe_err *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (b == NULL)
		return fault(to, path, err);
	do {
		rc = sqlite3_backup_step(b, STEP_PAGES);
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			sqlite3_sleep(BUSY_SLEEP_MS);
	} while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	return sqlite3_backup_finish(b) == SQLITE_OK ? 0 : fault(to, path, err);
}

/*
 * From here on @db shows the store as it is now: else the copy of a store that
 * is written to all the time would begin again with each write.
 */
static int
hold_still(sqlite3 *db, const char *path, struct oe_err *err)
{
	sqlite3_busy_timeout(db, BUSY_MS);
	return sqlite3_exec(db, "BEGIN; SELECT COUNT(*) FROM sqlite_schema",
		   NULL, NULL, NULL) == SQLITE_OK
		   ? 0
		   : fault(db, path, err);
}

/* The first column of the first row of @sql, or NULL; free() it. */
static char *
ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	char *ret = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		ret = oe_mem_strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return ret;
}

/* A file is a store when SQLite finds it whole and our tables are in it. */
static int
check_store(sqlite3 *db, const char *path, struct oe_err *err)
{
	char *whole, *version;
	int rc = 0;

	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	whole = ask(db, "PRAGMA quick_check(1)");
	version = ask(db, "SELECT MAX(version) FROM schema_versions");
	if (!oe_str_eq(whole, "ok") || version == NULL)
		rc = oe_err_set(err, OE_EINVAL,
		    "'%s' is no whole store of a control-server", path);
	free(whole);
	free(version);
	return rc;
}

static int
make_file(const char *path, struct oe_err *err)
{
	int fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return errno == EEXIST ? check_absent(path, err)
				       : oe_err_sys(err, "'%s'", path);
	oe_fd_close(&fd);
	return 0;
}

/* @to is a file that is empty. */
static int
copy_store(const char *from, const char *to, struct oe_err *err)
{
	sqlite3 *in = NULL, *out = NULL;
	char *mode;
	int rc = 0;

	if (sqlite3_open_v2(from, &in, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		rc = fault(in, from, err);
	if (rc == 0)
		rc = hold_still(in, from, err);
	if (rc == 0)
		rc = check_store(in, from, err);
	if (rc == 0 &&
	    sqlite3_open_v2(to, &out, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		rc = fault(out, to, err);
	if (rc == 0)
		rc = copy_pages(in, out, to, err);
	/* one file has all of it */
	if (rc == 0) {
		mode = ask(out, "PRAGMA journal_mode = DELETE");
		if (!oe_str_eq(mode, "delete"))
			rc = fault(out, to, err);
		free(mode);
	}
	sqlite3_close(in);
	sqlite3_close(out);
	return rc;
}

static int
sync_path(const char *path, int flags, struct oe_err *err)
{
	int fd = open(path, flags | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd))
		rc = oe_err_sys(err, "cannot write '%s' out", path);
	oe_fd_close(&fd);
	return rc;
}

/* The file and its name are on disk. */
static int
sync_file(const char *path, struct oe_err *err)
{
	char *folder = oe_mem_strdup(path), *slash = strrchr(folder, '/');
	int rc = sync_path(path, O_RDONLY, err);

	if (slash != NULL)
		slash[slash == folder] = '\0';
	if (rc == 0)
		rc = sync_path(
		    slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY, err);
	free(folder);
	return rc;
}

int
oe_ctl_store_backup(const char *where, const char *file, struct oe_err *err)
{
	int rc = check_where(where, err);

	if (rc == 0 && access(where, R_OK))
		rc = oe_err_sys(err, "'%s'", where);
	if (rc == 0)
		rc = check_absent(file, err);
	if (rc == 0)
		rc = make_file(file, err);
	if (rc)
		return rc;
	rc = copy_store(where, file, err);
	if (rc == 0)
		rc = sync_file(file, err);
	if (rc)
		(void)unlink(file);
	return rc;
}

static int
freshen(struct oe_ctl_tx *tx, struct oe_err *err)
{
	static const char *const ended[] = {
	    "DELETE FROM tokens",
	    "DELETE FROM grants",
	    "DELETE FROM security_keys WHERE type = 2",
	    "DELETE FROM documents",
	};
	int64_t now_ms = oe_time_wall_ms(), now_s = now_ms / 1000;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(ended) / sizeof(*ended); i++)
		rc = oe_ctl_db_exec(tx, ended[i], NULL, NULL, err);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE networks SET changed = "
		    "CASE WHEN changed < ?1 THEN ?1 ELSE changed + 1 END",
		    OE_CTL_VALUES(oe_ctl_i(now_s)), NULL, err);
	/* none knows which of those that were given out since were voided */
	if (rc == 0)
		rc = oe_ctl_db_exec(tx, "UPDATE users SET certs_after = ?1",
		    OE_CTL_VALUES(oe_ctl_i(now_s)), NULL, err);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO policies (network_id, version, body, "
		    "author_id, created_at) SELECT p.network_id, "
		    "CASE WHEN p.version < ?1 THEN ?1 ELSE p.version + 1 END, "
		    "p.body, p.author_id, ?2 FROM policies p WHERE p.version = "
		    "(SELECT MAX(q.version) FROM policies q WHERE "
		    "q.network_id = p.network_id)",
		    OE_CTL_VALUES(oe_ctl_i(now_s), oe_ctl_i(now_ms)), NULL,
		    err);
	return rc;
}

/* Brings the tables up to date as well. */
static int
prepare(const char *path, struct oe_err *err)
{
	struct oe_ctl_store *store = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_store_open(path, &store, err);

	if (rc == 0)
		rc = oe_ctl_begin(store, OE_CTL_WRITE, &tx, err);
	if (rc == 0)
		rc = freshen(tx, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	oe_ctl_store_close(&store);
	return rc;
}

int
oe_ctl_store_restore(const char *where, const char *file, struct oe_err *err)
{
	char *path;
	int rc = check_where(where, err);

	if (rc == 0)
		rc = check_absent(where, err);
	if (rc == 0)
		rc = check_beside(where, err);
	if (rc)
		return rc;
	path = oe_mem_printf("%s.restore", where);
	rc = make_file(path, err);
	if (rc == 0) {
		rc = copy_store(file, path, err);
		if (rc == 0)
			rc = prepare(path, err);
		if (rc == 0)
			rc = sync_path(path, O_RDONLY, err);
		/* all of it is in the one file */
		if (rc == 0)
			rc = check_beside(path, err);
		/* nobody's store is replaced, not even one made just now */
		if (rc == 0 && link(path, where))
			rc = oe_err_sys(err, "'%s'", where);
		(void)unlink(path);
		if (rc == 0)
			rc = sync_file(where, err);
	}
	free(path);
	return rc;
}
