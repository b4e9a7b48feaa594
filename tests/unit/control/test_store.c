/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stores.h"
#include "control/store_auth.h"
#include "control/store_schema.h"
#include "core/base/str.h"
#include "core/base/time.h"

#include <sqlite3.h>

#define NOW     1800000000000
#define THREADS 8
#define ROUNDS  40

static struct stores stores;

/* Each test runs with one store, told by its initial state. */
static struct oe_ctl_store *
open_store(void **state)
{
	const char *where = *(char **)*state;
	struct oe_ctl_store *s = NULL;
	struct oe_err err = OE_ERR_INIT;

	if (where == NULL)
		skip();
	if (oe_ctl_store_open(where, &s, &err))
		fail_msg("%s: %s", where, err.msg);
	return s;
}

static void
good(int rc, const struct oe_err *err)
{
	if (rc)
		fail_msg("%d: %s", rc, err->msg);
}

static void
exec(struct oe_ctl_store *s, const char *sql, const struct oe_ctl_value *v)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;

	good(oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err), &err);
	good(oe_ctl_db_exec(tx, sql, v, NULL, &err), &err);
	good(oe_ctl_commit(&tx, &err), &err);
	assert_null(tx);
}

static int64_t
number(struct oe_ctl_store *s, const char *sql, const struct oe_ctl_value *v)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;
	int64_t n = -1;

	good(oe_ctl_begin(s, OE_CTL_READ, &tx, &err), &err);
	good(oe_ctl_db_int(tx, sql, v, &n, &err), &err);
	oe_ctl_rollback(&tx);
	return n;
}

#define COUNT_SETTING "SELECT COUNT(*) FROM settings WHERE name = ?1"
#define ADD_SETTING   "INSERT INTO settings (name, value) VALUES (?1, ?2)"

static void
test_values(void **state)
{
	static const char *const texts[] = {"", "'; DROP TABLE settings; --",
	    "?1 $1 :x", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "a\tb\nc\\d"};
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tx *tx = NULL;
	struct oe_ctl_rows *rows = NULL;
	struct oe_err err = OE_ERR_INIT;
	char name[16];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		snprintf(name, sizeof(name), "text%zu", i);
		exec(s, ADD_SETTING,
		    OE_CTL_VALUES(oe_ctl_t(name), oe_ctl_t(texts[i])));
	}
	good(oe_ctl_begin(s, OE_CTL_READ, &tx, &err), &err);
	good(oe_ctl_db_query(tx,
		 "SELECT value, NULL, 7 FROM settings WHERE name LIKE ?1 "
		 "ORDER BY name",
		 OE_CTL_VALUES(oe_ctl_t("text_")), &rows, &err),
	    &err);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(oe_ctl_row_next(rows, &err), 1);
		assert_string_equal(oe_ctl_row_text(rows, 0), texts[i]);
		assert_null(oe_ctl_row_text(rows, 1));
		assert_int_equal(oe_ctl_row_int(rows, 1), 0);
		assert_int_equal(oe_ctl_row_int(rows, 2), 7);
	}
	assert_int_equal(oe_ctl_row_next(rows, &err), 0);
	oe_ctl_rows_done(&rows);
	assert_null(rows);
	oe_ctl_rollback(&tx);
	oe_ctl_store_close(&s);
}

/* Reads that belong together see one state, and write nothing. */
static void
test_snapshot(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	const struct oe_ctl_value *name = OE_CTL_VALUES(oe_ctl_t("snap"));
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;
	int64_t n = -1;
	int i;

	for (i = 0; i < 2; i++) {
		good(oe_ctl_begin(s, OE_CTL_SNAPSHOT, &tx, &err), &err);
		good(oe_ctl_db_int(tx, COUNT_SETTING, name, &n, &err), &err);
		assert_int_equal(n, i);
		if (i == 0)
			exec(s, ADD_SETTING,
			    OE_CTL_VALUES(oe_ctl_t("snap"), oe_ctl_t("")));
		good(oe_ctl_db_int(tx, COUNT_SETTING, name, &n, &err), &err);
		assert_int_equal(n, i);
		if (i == 1)
			assert_true(
			    oe_ctl_db_exec(tx, ADD_SETTING,
				OE_CTL_VALUES(oe_ctl_t("no"), oe_ctl_t("")),
				NULL, &err) < 0);
		oe_ctl_rollback(&tx);
	}
	assert_int_equal(number(s, COUNT_SETTING, name), 1);
	oe_ctl_store_close(&s);
}

static void
test_rollback(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;

	good(oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err), &err);
	good(oe_ctl_db_exec(tx, ADD_SETTING,
		 OE_CTL_VALUES(oe_ctl_t("gone"), oe_ctl_t("x")), NULL, &err),
	    &err);
	oe_ctl_rollback(&tx);
	oe_ctl_rollback(&tx);
	assert_int_equal(
	    number(s, COUNT_SETTING, OE_CTL_VALUES(oe_ctl_t("gone"))), 0);
	oe_ctl_store_close(&s);
}

static void
test_constraints(void **state)
{
	static const struct {
		const char *sql;
		int rc;
	} cases[] = {
	    {"INSERT INTO settings (name, value) VALUES ('once', 'y')",
		OE_EEXIST},
	    {"INSERT INTO settings (name, value) VALUES ('null', NULL)",
		OE_EINVAL},
	    {"INSERT INTO devices (id, user_id, name, hardware_id, platform, "
	     "created_at) VALUES ('d', 'nobody', 'n', 'h', 'p', 1)",
		OE_EINVAL},
	    {"INSERT INTO nowhere (a) VALUES (1)", OE_ELIB},
	};
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	exec(
	    s, "INSERT INTO settings (name, value) VALUES ('once', 'x')", NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		good(oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err), &err);
		assert_int_equal(
		    oe_ctl_db_exec(tx, cases[i].sql, NULL, NULL, &err),
		    cases[i].rc);
		oe_ctl_rollback(&tx);
	}
	oe_ctl_store_close(&s);
}

struct writer {
	struct oe_ctl_store *store;
	atomic_int done, refused;
	int id;
};

/* Every third transaction fails on purpose amid those of the others. */
static void *
write_rows(void *arg)
{
	struct writer *w = arg;
	struct oe_ctl_tx *tx;
	char name[32];
	int i, rc;

	for (i = 0; i < ROUNDS; i++) {
		tx = NULL;
		snprintf(name, sizeof(name), "w%d-%d", w->id, i);
		rc = oe_ctl_begin(w->store, OE_CTL_WRITE, &tx, NULL);
		if (rc == 0)
			rc = oe_ctl_db_exec(tx, ADD_SETTING,
			    OE_CTL_VALUES(oe_ctl_t(name), oe_ctl_t("x")), NULL,
			    NULL);
		if (rc == 0 && i % 3 == 0)
			rc = oe_ctl_db_exec(tx, ADD_SETTING,
			    OE_CTL_VALUES(oe_ctl_t(name), oe_ctl_t("y")), NULL,
			    NULL);
		if (rc == 0)
			rc = oe_ctl_commit(&tx, NULL);
		oe_ctl_rollback(&tx);
		atomic_fetch_add(rc == 0 ? &w->done : &w->refused, 1);
	}
	return NULL;
}

static void
test_many_writers(void **state)
{
	struct writer w[THREADS];
	pthread_t threads[THREADS];
	struct oe_ctl_store *s = open_store(state);
	int i, done = 0, refused = 0;

	for (i = 0; i < THREADS; i++) {
		memset(&w[i], 0, sizeof(w[i]));
		w[i].store = s;
		w[i].id = i;
		pthread_create(&threads[i], NULL, write_rows, &w[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		done += w[i].done;
		refused += w[i].refused;
	}
	assert_int_equal(refused, THREADS * ((ROUNDS + 2) / 3));
	assert_int_equal(done, THREADS * ROUNDS - refused);
	assert_int_equal(
	    number(s, "SELECT COUNT(*) FROM settings WHERE name LIKE 'w%-%'",
		NULL),
	    done);
	oe_ctl_store_close(&s);
}

static void
test_again(void **state)
{
	struct oe_ctl_store *s = open_store(state), *other;
	struct oe_err err = OE_ERR_INIT;
	int64_t n = number(s, "SELECT COUNT(*) FROM schema_versions", NULL);

	other = open_store(state);
	good(oe_ctl_store_check(other, &err), &err);
	assert_int_equal(
	    number(other, "SELECT COUNT(*) FROM schema_versions", NULL), n);
	exec(s,
	    "INSERT INTO schema_versions (version, applied_at) "
	    "VALUES (1000, 1)",
	    NULL);
	oe_ctl_store_close(&other);
	assert_int_equal(
	    oe_ctl_store_open(*(char **)*state, &other, &err), OE_ECONF);
	assert_non_null(strstr(err.msg, "newer"));
	exec(s, "DELETE FROM schema_versions WHERE version = 1000", NULL);
	oe_ctl_store_close(&s);
}

struct heard {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	char last[64];
	int n;
};

static void
hear(void *arg, enum oe_ctl_topic topic, const char *id)
{
	struct heard *h = arg;

	if (id == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	snprintf(h->last, sizeof(h->last), "%d %s", (int)topic, id);
	h->n++;
	pthread_cond_signal(&h->cond);
	pthread_mutex_unlock(&h->lock);
}

static void
test_tell(void **state)
{
	struct heard h = {.n = 0};
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;
	int i;

	pthread_mutex_init(&h.lock, NULL);
	pthread_cond_init(&h.cond, NULL);
	good(oe_ctl_store_watch(s, hear, &h, &err), &err);
	for (i = 0; i < 2; i++) {
		good(oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err), &err);
		good(oe_ctl_tell(
			 tx, OE_CTL_TOPIC_TOKENS, i ? "dev_2" : "dev_1", &err),
		    &err);
		if (i)
			good(oe_ctl_commit(&tx, &err), &err);
		oe_ctl_rollback(&tx);
	}
	pthread_mutex_lock(&h.lock);
	while (h.n == 0)
		pthread_cond_wait(&h.cond, &h.lock);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.last, "3 dev_2");
	pthread_mutex_unlock(&h.lock);
	oe_ctl_store_close(&s);
}

static atomic_bool over;

/* Time flies until the statement has ended. */
static void *
run_clock(void *arg)
{
	int64_t ms = 1000;

	(void)arg;
	while (!atomic_load(&over))
		oe_time_fake(ms += 1000);
	return NULL;
}

/* A query that has no end is ended. */
static void
test_deadline(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tx *tx = NULL;
	struct oe_err err = OE_ERR_INIT;
	pthread_t clock;
	int64_t n;

	good(oe_ctl_begin(s, OE_CTL_READ, &tx, &err), &err);
	pthread_create(&clock, NULL, run_clock, NULL);
	assert_int_equal(oe_ctl_db_int(tx,
			     "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL "
			     "SELECT 1 - i FROM c) SELECT COUNT(*) FROM c",
			     NULL, &n, &err),
	    OE_ETIMEOUT);
	atomic_store(&over, true);
	pthread_join(clock, NULL);
	oe_time_fake(-1);
	assert_int_equal(oe_ctl_db_int(tx, "SELECT 7", NULL, &n, &err), 0);
	assert_int_equal(n, 7);
	oe_ctl_rollback(&tx);
	oe_ctl_store_close(&s);
}

/* A store of each version that there was, with a row of its time. */
static void
test_migrations(void **state)
{
	char *path = oe_mem_printf("%s.old", stores.sqlite), *sql;
	const struct oe_ctl_dialect dialect = {
	    "INTEGER", "INTEGER PRIMARY KEY AUTOINCREMENT", " STRICT"};
	struct oe_ctl_store *s = NULL;
	struct oe_err err = OE_ERR_INIT;
	int version, v;
	sqlite3 *db;
	size_t i;

	(void)state;
	for (version = 1; version < oe_ctl_schema_version(); version++) {
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(
		    sqlite3_exec(db,
			"CREATE TABLE schema_versions (version INTEGER PRIMARY "
			"KEY, applied_at INTEGER NOT NULL) STRICT",
			NULL, NULL, NULL),
		    SQLITE_OK);
		for (v = 1; v <= version; v++) {
			for (i = 0;; i++) {
				sql = oe_ctl_schema_text(v, i, &dialect);
				if (sql == NULL)
					break;
				assert_int_equal(
				    sqlite3_exec(db, sql, NULL, NULL, NULL),
				    SQLITE_OK);
				free(sql);
			}
			sql = oe_mem_printf(
			    "INSERT INTO schema_versions VALUES (%d, 1)", v);
			sqlite3_exec(db, sql, NULL, NULL, NULL);
			free(sql);
		}
		assert_int_equal(
		    sqlite3_exec(db,
			"INSERT INTO users (id, email, name, device_limit, "
			"network_limit, created_at, updated_at) VALUES "
			"('u', 'e', 'n', 1, 1, 1, 1); INSERT INTO tokens (id, "
			"user_id, family, access, refresh, access_expires_at, "
			"refresh_expires_at, created_at) VALUES "
			"('t', 'u', 't', 'a', 'r', 2, 2, 1)",
			NULL, NULL, NULL),
		    SQLITE_OK);
		sqlite3_close(db);
		assert_int_equal(chmod(path, 0600), 0);
		good(oe_ctl_store_open(path, &s, &err), &err);
		assert_int_equal(
		    number(s, "SELECT MAX(version) FROM schema_versions", NULL),
		    oe_ctl_schema_version());
		assert_int_equal(number(s,
				     "SELECT COUNT(*) FROM users u JOIN tokens "
				     "t ON t.user_id = u.id WHERE certs_after "
				     "= 0 AND t.key_id IS NULL",
				     NULL),
		    1);
		oe_ctl_store_close(&s);
		assert_int_equal(unlink(path), 0);
	}
	free(path);
}

/* What is no store, or a broken one, is refused and left as it is. */
static void
test_broken(void **state)
{
	char *path = oe_mem_printf("%s.broken", stores.sqlite);
	struct oe_ctl_store *s = NULL;
	struct oe_err err = OE_ERR_INIT;
	struct stat st;
	FILE *f;
	int i;

	(void)state;
	f = fopen(path, "w");
	assert_non_null(f);
	for (i = 0; i < 5000; i++)
		fputs("no database ", f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_not_equal(oe_ctl_store_open(path, &s, &err), 0);
	assert_null(s);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 60000);
	assert_int_equal(unlink(path), 0);
	free(path);
}

static void
test_file(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_err err = OE_ERR_INIT;
	struct stat st;
	char *wal = oe_mem_printf("%s-wal", stores.sqlite);

	assert_int_equal(stat(stores.sqlite, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	oe_ctl_store_close(&s);
	assert_int_equal(chmod(stores.sqlite, 0640), 0);
	assert_int_equal(oe_ctl_store_open(stores.sqlite, &s, &err), OE_ECONF);
	assert_int_equal(chmod(stores.sqlite, 0600), 0);
	free(wal);
}

static int
start(void **state)
{
	(void)state;
	return stores_start(&stores) ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	stores_stop(&stores);
	return 0;
}

#define BOTH(name)                                                             \
	{#name ": sqlite", name, NULL, NULL, &stores.sqlite},                  \
	{                                                                      \
#name ": postgresql", name, NULL, NULL, &stores.postgres       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_values),
	    BOTH(test_snapshot),
	    BOTH(test_rollback),
	    BOTH(test_constraints),
	    BOTH(test_many_writers),
	    BOTH(test_again),
	    BOTH(test_tell),
	    {"test_deadline", test_deadline, NULL, NULL, &stores.sqlite},
	    {"test_migrations", test_migrations, NULL, NULL, NULL},
	    {"test_broken", test_broken, NULL, NULL, NULL},
	    {"test_file", test_file, NULL, NULL, &stores.sqlite},
	};

	return cmocka_run_group_tests(tests, start, stop);
}
