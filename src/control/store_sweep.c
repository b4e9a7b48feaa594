/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_sweep.h"

#include "control/store.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/time.h"

/* Events of one transaction, and when a sweep leaves the rest to the next. */
#define BATCH     1000
#define BATCH_SQL "1000"
#define LONG_MS   2000

#define DAYS_1  "86400000"
#define DAYS_7  "604800000"
#define DAYS_30 "2592000000"
#define DAYS_90 "7776000000"

/*
 * ?1 is now, and stands alone: PostgreSQL would take it for a small number
 * beside one.
 */
static const char *const ended[] = {
    "DELETE FROM tokens WHERE refresh_expires_at <= ?1",
    "DELETE FROM grants WHERE expires_at <= ?1",
    "DELETE FROM security_keys WHERE expires_at <= ?1",
    /* the event of its making tells of it for longer */
    "DELETE FROM certificates WHERE valid_before + " DAYS_1 " <= ?1",
    /* answered ones stay for who looks who was invited */
    "DELETE FROM invitations WHERE created_at + " DAYS_90 " <= ?1 OR "
    "(status = 1 AND created_at + " DAYS_30 " <= ?1)",
    /* no device that was away for a week has the connection still */
    "DELETE FROM orders WHERE created_at + " DAYS_7 " <= ?1",
    /* events tell of older ones; and devices that never said */
    "DELETE FROM sessions WHERE ended_at + " DAYS_7 " <= ?1 OR "
    "(ended_at IS NULL AND seen_at + " DAYS_90 " <= ?1)",
    NULL,
};

static int
run(struct oe_ctl_store *s, const char *const *sql,
    const struct oe_ctl_value *values, int64_t *ret_n, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	for (; rc == 0 && *sql != NULL; sql++)
		rc = oe_ctl_db_exec(tx, *sql, values, ret_n, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

/* One statement that removes BATCH events, until it finds fewer. */
static int
in_batches(struct oe_ctl_store *s, const char *sql,
    const struct oe_ctl_value *values, int64_t until_ms, bool *ret_more,
    struct oe_err *err)
{
	const char *const one[] = {sql, NULL};
	int64_t n = BATCH;
	int rc = 0;

	while (rc == 0 && n >= BATCH && oe_time_mono_ms() < until_ms)
		rc = run(s, one, values, &n, err);
	if (rc == 0 && n >= BATCH)
		*ret_more = true;
	return rc;
}

/* Who has sent more than is kept; never the server itself. */
static int
find_senders(struct oe_ctl_store *s, int64_t max, struct oe_strs *ret,
    struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_query(tx,
		    "SELECT sender_id FROM events WHERE sender_id <> 'control' "
		    "GROUP BY sender_id HAVING COUNT(*) > ?1",
		    OE_CTL_VALUES(oe_ctl_i(max)), &rows, err);
	while (rc == 0 && (rc = oe_ctl_row_next(rows, err)) == 1) {
		oe_strs_add(ret, oe_ctl_row_text(rows, 0));
		rc = 0;
	}
	oe_ctl_rows_done(&rows);
	oe_ctl_rollback(&tx);
	return rc;
}

/* The last event of a sender that is too many. */
static int
find_last(struct oe_ctl_store *s, const char *sender, int64_t max,
    int64_t *ret_seq, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	*ret_seq = 0;
	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT seq FROM events WHERE sender_id = ?1 "
		    "ORDER BY seq DESC LIMIT 1 OFFSET ?2",
		    OE_CTL_VALUES(oe_ctl_t(sender), oe_ctl_i(max)), ret_seq,
		    err);
	oe_ctl_rollback(&tx);
	return rc == OE_ENOENT ? 0 : rc;
}

static int
sweep_senders(struct oe_ctl_store *s, int64_t max, int64_t until_ms,
    bool *ret_more, struct oe_err *err)
{
	struct oe_strs senders = {NULL, 0};
	int64_t last = 0;
	size_t i;
	int rc = find_senders(s, max, &senders, err);

	for (i = 0; rc == 0 && i < senders.n; i++) {
		rc = find_last(s, senders.v[i], max, &last, err);
		if (rc == 0)
			rc = in_batches(s,
			    "DELETE FROM events WHERE seq IN (SELECT seq FROM "
			    "events WHERE sender_id = ?1 AND seq <= ?2 "
			    "LIMIT " BATCH_SQL ")",
			    OE_CTL_VALUES(
				oe_ctl_t(senders.v[i]), oe_ctl_i(last)),
			    until_ms, ret_more, err);
	}
	oe_strs_done(&senders);
	return rc;
}

int
oe_ctl_store_sweep(struct oe_ctl_store *s, const struct oe_ctl_keep *keep,
    int64_t now_ms, bool *ret_more, struct oe_err *err)
{
	int64_t until_ms = oe_time_mono_ms() + LONG_MS;
	int rc = run(s, ended, OE_CTL_VALUES(oe_ctl_i(now_ms)), NULL, err);

	*ret_more = false;
	/* as they came: those at the beginning are the oldest */
	if (rc == 0 && keep->events_ms > 0)
		rc = in_batches(s,
		    "DELETE FROM events WHERE received_at <= ?1 AND seq IN "
		    "(SELECT seq FROM events ORDER BY seq LIMIT " BATCH_SQL ")",
		    OE_CTL_VALUES(oe_ctl_i(now_ms - keep->events_ms)), until_ms,
		    ret_more, err);
	if (rc == 0 && keep->events_max > 0)
		rc =
		    sweep_senders(s, keep->events_max, until_ms, ret_more, err);
	return rc;
}
