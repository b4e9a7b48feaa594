/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browser logins (RFC 8628): what a terminal asked for and a person decides.
 */
#include <string.h>

#include "control/store_users.h"
#include "core/base/err.h"

#define GRANT_COLUMNS                                                          \
	"device_code, user_code, client_id, address, user_id, state, "         \
	"expires_at, polled_at"

static void
get_grant(struct oe_ctl_rows *rows, struct oe_ctl_grant *ret)
{
	memset(ret, 0, sizeof(*ret));
	oe_ctl_copy_text(rows, 0, ret->device_code, sizeof(ret->device_code));
	oe_ctl_copy_text(rows, 1, ret->user_code, sizeof(ret->user_code));
	oe_ctl_copy_text(rows, 2, ret->client_id, sizeof(ret->client_id));
	oe_ctl_copy_text(rows, 3, ret->address, sizeof(ret->address));
	oe_ctl_copy_text(rows, 4, ret->user_id, sizeof(ret->user_id));
	ret->state = (enum oe_ctl_grant_state)oe_ctl_row_int(rows, 5);
	ret->until_ms = oe_ctl_row_int(rows, 6);
	ret->polled_ms = oe_ctl_row_int(rows, 7);
}

int
oe_ctl_store_grant_add(
    struct oe_ctl_store *s, const struct oe_ctl_grant *g, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO grants (" GRANT_COLUMNS ") "
		    "VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7)",
		    OE_CTL_VALUES(oe_ctl_t(g->device_code),
			oe_ctl_t(g->user_code), oe_ctl_t(g->client_id),
			oe_ctl_t(g->address), oe_ctl_i(OE_CTL_GRANT_PENDING),
			oe_ctl_i(g->until_ms), oe_ctl_i(g->polled_ms)),
		    NULL, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

static int
find_grant(struct oe_ctl_tx *tx, const char *sql, const char *code,
    int64_t now_ms, struct oe_ctl_grant *ret, struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx, sql,
	    OE_CTL_VALUES(oe_ctl_t(code), oe_ctl_i(now_ms)), &rows, err);

	if (rc == 0)
		get_grant(rows, ret);
	oe_ctl_rows_done(&rows);
	return rc;
}

int
oe_ctl_store_grant_show(struct oe_ctl_store *s, const char *user_code,
    int64_t now_ms, struct oe_ctl_grant *ret, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = find_grant(tx,
		    "SELECT " GRANT_COLUMNS " FROM grants WHERE "
		    "user_code = ?1 AND expires_at > ?2 AND state = 0",
		    user_code, now_ms, ret, err);
	oe_ctl_rollback(&tx);
	return rc;
}

int
oe_ctl_store_grant_decide(struct oe_ctl_store *s, const char *user_code,
    const char *user_id, bool allow, int64_t now_ms, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int64_t n = 0;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE grants SET state = ?1, user_id = ?2 WHERE "
		    "user_code = ?3 AND expires_at > ?4 AND state = 0",
		    OE_CTL_VALUES(oe_ctl_i(allow ? OE_CTL_GRANT_ALLOWED
						 : OE_CTL_GRANT_DENIED),
			oe_ctl_t(user_id), oe_ctl_t(user_code),
			oe_ctl_i(now_ms)),
		    &n, err);
	if (rc == 0 && n == 0)
		rc = OE_ENOENT;
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

/* Two polls of what is decided: the one that deletes it has the answer. */
static int
note_poll(struct oe_ctl_tx *tx, const struct oe_ctl_grant *g, int64_t now_ms,
    struct oe_err *err)
{
	int64_t n = 0;
	int rc;

	if (g->state == OE_CTL_GRANT_PENDING)
		return oe_ctl_db_exec(tx,
		    "UPDATE grants SET polled_at = ?1 WHERE device_code = ?2",
		    OE_CTL_VALUES(oe_ctl_i(now_ms), oe_ctl_t(g->device_code)),
		    NULL, err);
	rc = oe_ctl_db_exec(tx, "DELETE FROM grants WHERE device_code = ?1",
	    OE_CTL_VALUES(oe_ctl_t(g->device_code)), &n, err);
	return rc == 0 && n == 0 ? OE_ENOENT : rc;
}

static int
read_grant(struct oe_ctl_tx *tx, const char *device_code, int64_t now_ms,
    struct oe_ctl_grant *ret, struct oe_err *err)
{
	return find_grant(tx,
	    "SELECT " GRANT_COLUMNS " FROM grants WHERE "
	    "device_code = ?1 AND expires_at > ?2",
	    device_code, now_ms, ret, err);
}

int
oe_ctl_store_grant_poll(struct oe_ctl_store *s, const char *device_code,
    int64_t now_ms, struct oe_ctl_grant *ret, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_ctl_grant g;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	/* anybody may ask with any code: only a good one may write */
	if (rc == 0)
		rc = read_grant(tx, device_code, now_ms, &g, err);
	oe_ctl_rollback(&tx);
	if (rc == 0)
		rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);
	if (rc == 0)
		rc = read_grant(tx, device_code, now_ms, &g, err);
	if (rc == 0)
		rc = note_poll(tx, &g, now_ms, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	if (rc == 0)
		*ret = g;
	return rc;
}
