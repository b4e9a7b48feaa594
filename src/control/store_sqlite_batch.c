/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of SQLite.  Each runs its statements in a savepoint, one after
 * another, inside one transaction.  The first that has finished leads: it
 * waits for those who are already in line, commits for all of them with one
 * fsync, and tells each how that went.  So a lone writer waits for nobody, and
 * a hundred pay for one fsync.
 */
#include <stddef.h>

#include "control/store_sqlite.h"

void
oe_ctl_sqlite_batch_init(
    struct oe_ctl_sqlite_batch *b, struct oe_ctl_sqlite_conn *conn)
{
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->turn, NULL);
	pthread_cond_init(&b->idle, NULL);
	pthread_cond_init(&b->commit, NULL);
	b->conn = conn;
}

void
oe_ctl_sqlite_batch_done(struct oe_ctl_sqlite_batch *b)
{
	pthread_cond_destroy(&b->commit);
	pthread_cond_destroy(&b->idle);
	pthread_cond_destroy(&b->turn);
	pthread_mutex_destroy(&b->lock);
}

/* With the lock held: whoever waits for the connection may look again. */
static void
leave(struct oe_ctl_sqlite_batch *b)
{
	b->busy = false;
	if (b->waiting > 0 && !b->full)
		pthread_cond_signal(&b->turn);
	else
		pthread_cond_signal(&b->idle);
}

static void
enter(struct oe_ctl_sqlite_batch *b)
{
	pthread_mutex_lock(&b->lock);
	b->waiting++;
	while (b->busy || b->full)
		pthread_cond_wait(&b->turn, &b->lock);
	b->waiting--;
	b->busy = true;
	pthread_mutex_unlock(&b->lock);
}

/* A failure of the disk ends the transaction without being asked. */
static bool
is_broken(const struct oe_ctl_sqlite_batch *b)
{
	return b->open && sqlite3_get_autocommit(b->conn->db);
}

static int
open_savepoint(struct oe_ctl_sqlite_batch *b, struct oe_err *err)
{
	int rc = 0;

	if (is_broken(b))
		return oe_err_set(
		    err, OE_EAGAIN, "the store has just lost a transaction");
	if (!b->open)
		rc = oe_ctl_sqlite_run(b->conn, "BEGIN IMMEDIATE", err);
	if (rc == 0) {
		b->open = true;
		rc = oe_ctl_sqlite_run(b->conn, "SAVEPOINT one", err);
	}
	return rc;
}

/* Nobody else is in the transaction: it ends here. */
static void
close_if_alone(struct oe_ctl_sqlite_batch *b)
{
	bool alone;

	pthread_mutex_lock(&b->lock);
	alone = b->members == NULL && !b->leading;
	pthread_mutex_unlock(&b->lock);
	if (!alone || !b->open)
		return;
	if (!sqlite3_get_autocommit(b->conn->db))
		(void)oe_ctl_sqlite_run(b->conn, "ROLLBACK", NULL);
	b->open = false;
}

static void
leave_without(struct oe_ctl_sqlite_batch *b)
{
	close_if_alone(b);
	pthread_mutex_lock(&b->lock);
	leave(b);
	pthread_mutex_unlock(&b->lock);
}

int
oe_ctl_sqlite_batch_begin(struct oe_ctl_sqlite_batch *b,
    struct oe_ctl_sqlite_tx *tx, struct oe_err *err)
{
	int rc;

	enter(b);
	rc = open_savepoint(b, err);
	if (rc)
		leave_without(b);
	else
		tx->conn = b->conn;
	return rc;
}

void
oe_ctl_sqlite_batch_rollback(
    struct oe_ctl_sqlite_batch *b, struct oe_ctl_sqlite_tx *tx)
{
	(void)tx;
	if (!sqlite3_get_autocommit(b->conn->db)) {
		(void)oe_ctl_sqlite_run(b->conn, "ROLLBACK TO one", NULL);
		(void)oe_ctl_sqlite_run(b->conn, "RELEASE one", NULL);
	}
	leave_without(b);
}

/* What became of the batch, for each of its members; with the lock held. */
static void
tell_members(struct oe_ctl_sqlite_batch *b, int rc, const struct oe_err *why)
{
	struct oe_ctl_sqlite_tx *m;

	/* a member may be freed as soon as it can take the lock */
	for (m = b->members; m != NULL; m = m->next) {
		m->done = true;
		m->rc = rc;
		m->err = *why;
	}
	b->members = NULL;
	b->n = 0;
	b->leading = b->full = b->busy = false;
	pthread_cond_broadcast(&b->commit);
	pthread_cond_broadcast(&b->turn);
}

static int
commit_all(struct oe_ctl_sqlite_batch *b, struct oe_err *err)
{
	int rc;

	if (is_broken(b))
		rc = oe_err_set(err, OE_ESYS, "the store lost the transaction");
	else
		rc = oe_ctl_sqlite_run(b->conn, "COMMIT", err);
	if (rc && !sqlite3_get_autocommit(b->conn->db))
		(void)oe_ctl_sqlite_run(b->conn, "ROLLBACK", NULL);
	b->open = false;
	return rc;
}

/* With the lock held, which is given back for the time of the fsync. */
static void
lead(struct oe_ctl_sqlite_batch *b)
{
	struct oe_err why = OE_ERR_INIT;
	int rc;

	b->leading = true;
	leave(b);
	while (b->busy || (b->waiting > 0 && !b->full))
		pthread_cond_wait(&b->idle, &b->lock);
	b->busy = true;
	pthread_mutex_unlock(&b->lock);
	rc = commit_all(b, &why);
	pthread_mutex_lock(&b->lock);
	tell_members(b, rc, &why);
}

int
oe_ctl_sqlite_batch_commit(struct oe_ctl_sqlite_batch *b,
    struct oe_ctl_sqlite_tx *tx, struct oe_err *err)
{
	int rc = oe_ctl_sqlite_run(b->conn, "RELEASE one", err);

	if (rc) {
		oe_ctl_sqlite_batch_rollback(b, tx);
		return rc;
	}
	pthread_mutex_lock(&b->lock);
	tx->next = b->members;
	b->members = tx;
	b->full = ++b->n >= OE_CTL_SQLITE_BATCH;
	if (!b->leading)
		lead(b);
	else
		leave(b);
	while (!tx->done)
		pthread_cond_wait(&b->commit, &b->lock);
	pthread_mutex_unlock(&b->lock);
	if (tx->rc && err != NULL)
		*err = tx->err;
	return tx->rc;
}
