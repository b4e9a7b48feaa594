/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens and security keys: what lets a caller in.
 */
#include <stdlib.h>
#include <string.h>

#include "control/store_users.h"
#include "core/base/mem.h"
#include "core/base/str.h"

int
oe_ctl_tokens_lock(
    struct oe_ctl_tx *tx, const char *user_id, struct oe_err *err)
{
	char *name = oe_mem_printf("tokens %s", user_id);
	int rc = oe_ctl_lock(tx, name, err);

	free(name);
	return rc;
}

/* @sql: of user ?1, and a value ?2. */
static int
end_tokens(struct oe_ctl_tx *tx, const char *sql, const char *user_id,
    const char *value, struct oe_err *err)
{
	int rc = oe_ctl_tokens_lock(tx, user_id, err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx, sql,
		    OE_CTL_VALUES(oe_ctl_t(user_id), oe_ctl_t(value)), NULL,
		    err);
	return rc ? rc : oe_ctl_tell(tx, OE_CTL_TOPIC_TOKENS, user_id, err);
}

int
oe_ctl_tokens_end(struct oe_ctl_tx *tx, const char *user_id, const char *keep,
    struct oe_err *err)
{
	return end_tokens(tx,
	    "DELETE FROM tokens WHERE user_id = ?1 AND family <> ?2", user_id,
	    keep, err);
}

int
oe_ctl_tokens_end_key(struct oe_ctl_tx *tx, const char *user_id,
    const char *key_id, struct oe_err *err)
{
	return end_tokens(tx,
	    "DELETE FROM tokens WHERE user_id = ?1 AND key_id = ?2", user_id,
	    key_id, err);
}

static int
insert_tokens(
    struct oe_ctl_tx *tx, const struct oe_ctl_tokens *t, struct oe_err *err)
{
	return oe_ctl_db_exec(tx,
	    "INSERT INTO tokens (id, user_id, family, access, refresh, "
	    "access_expires_at, refresh_expires_at, created_at, key_id) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    OE_CTL_VALUES(oe_ctl_t(t->id), oe_ctl_t(t->user_id),
		oe_ctl_t(t->family), oe_ctl_t(t->access), oe_ctl_t(t->refresh),
		oe_ctl_i(t->access_until_ms), oe_ctl_i(t->refresh_until_ms),
		oe_ctl_i(t->created_ms),
		oe_ctl_t(t->key_id[0] ? t->key_id : NULL)),
	    NULL, err);
}

/* What let the user in a moment ago still does, now that none can end it. */
static int
check_login(struct oe_ctl_tx *tx, const struct oe_ctl_tokens *t,
    const struct oe_ctl_user *user, struct oe_err *err)
{
	int64_t n;
	int rc = oe_ctl_tokens_lock(tx, t->user_id, err);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT 1 FROM users u WHERE u.id = ?1 AND u.status = 1 "
		    "AND COALESCE(u.password, '') = ?2",
		    OE_CTL_VALUES(
			oe_ctl_t(t->user_id), oe_ctl_t(user->password)),
		    &n, err);
	if (rc == 0 && t->key_id[0] && !t->key_used_up)
		rc = oe_ctl_db_int(tx,
		    "SELECT 1 FROM security_keys WHERE id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(t->key_id)), &n, err);
	return rc;
}

int
oe_ctl_store_tokens_add(struct oe_ctl_store *s, const struct oe_ctl_tokens *t,
    const struct oe_ctl_user *user, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = check_login(tx, t, user, err);
	if (rc == 0)
		rc = insert_tokens(tx, t, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

#define TOKEN_COLUMNS                                                          \
	"t.id, t.family, t.user_id, t.access, t.refresh, "                     \
	"t.access_expires_at, t.refresh_expires_at, t.created_at, "            \
	"t.spent_at, COALESCE(t.key_id, '')"
#define TOKEN_SPENT 8
#define TOKEN_KEY   9
#define TOKEN_USER  10

static void
get_tokens(struct oe_ctl_rows *rows, struct oe_ctl_tokens *ret)
{
	memset(ret, 0, sizeof(*ret));
	oe_ctl_copy_text(rows, 0, ret->id, sizeof(ret->id));
	oe_ctl_copy_text(rows, 1, ret->family, sizeof(ret->family));
	oe_ctl_copy_text(rows, 2, ret->user_id, sizeof(ret->user_id));
	oe_ctl_copy_text(rows, 3, ret->access, sizeof(ret->access));
	oe_ctl_copy_text(rows, 4, ret->refresh, sizeof(ret->refresh));
	ret->access_until_ms = oe_ctl_row_int(rows, 5);
	ret->refresh_until_ms = oe_ctl_row_int(rows, 6);
	ret->created_ms = oe_ctl_row_int(rows, 7);
	oe_ctl_copy_text(rows, TOKEN_KEY, ret->key_id, sizeof(ret->key_id));
}

int
oe_ctl_store_tokens_find(struct oe_ctl_store *s, const char *access,
    int64_t now_ms, struct oe_ctl_tokens *ret, struct oe_ctl_user *ret_user,
    struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_one(tx,
		    "SELECT " TOKEN_COLUMNS ", " OE_CTL_USER_COLUMNS
		    " FROM tokens t JOIN users u ON u.id = t.user_id "
		    "WHERE t.access = ?1 AND t.access_expires_at > ?2 "
		    "AND t.spent_at IS NULL",
		    OE_CTL_VALUES(oe_ctl_t(access), oe_ctl_i(now_ms)), &rows,
		    err);
	if (rc == 0) {
		get_tokens(rows, ret);
		oe_ctl_user_get(rows, TOKEN_USER, ret_user);
	}
	oe_ctl_rows_done(&rows);
	oe_ctl_rollback(&tx);
	return rc;
}

int
oe_ctl_store_tokens_owner(struct oe_ctl_store *s, const char *refresh,
    int64_t now_ms, struct oe_ctl_user *ret, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_READ, &tx, err);

	if (rc == 0)
		rc = oe_ctl_db_one(tx,
		    "SELECT " OE_CTL_USER_COLUMNS
		    " FROM tokens t JOIN users u ON u.id = t.user_id "
		    "WHERE t.refresh = ?1 AND t.refresh_expires_at > ?2",
		    OE_CTL_VALUES(oe_ctl_t(refresh), oe_ctl_i(now_ms)), &rows,
		    err);
	if (rc == 0)
		oe_ctl_user_get(rows, 0, ret);
	oe_ctl_rows_done(&rows);
	oe_ctl_rollback(&tx);
	return rc;
}

/* The pair of a refresh token, with a lock that makes it single-use. */
static int
find_refresh(struct oe_ctl_tx *tx, const char *refresh, int64_t now_ms,
    struct oe_ctl_tokens *ret, struct oe_ctl_user *ret_user, bool *ret_spent,
    struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_lock(tx, refresh, err);

	if (rc == 0)
		rc = oe_ctl_db_one(tx,
		    "SELECT " TOKEN_COLUMNS ", " OE_CTL_USER_COLUMNS
		    " FROM tokens t JOIN users u ON u.id = t.user_id "
		    "WHERE t.refresh = ?1 AND t.refresh_expires_at > ?2",
		    OE_CTL_VALUES(oe_ctl_t(refresh), oe_ctl_i(now_ms)), &rows,
		    err);
	if (rc == 0) {
		get_tokens(rows, ret);
		oe_ctl_user_get(rows, TOKEN_USER, ret_user);
		*ret_spent = oe_ctl_row_int(rows, TOKEN_SPENT) != 0;
	}
	oe_ctl_rows_done(&rows);
	return rc;
}

static int
end_family(struct oe_ctl_tx *tx, const char *family, struct oe_err *err)
{
	int rc = oe_ctl_db_exec(tx, "DELETE FROM tokens WHERE family = ?1",
	    OE_CTL_VALUES(oe_ctl_t(family)), NULL, err);

	return rc ? rc : oe_ctl_tell(tx, OE_CTL_TOPIC_TOKENS, family, err);
}

/* OE_ENOENT: they were ended since they were read. */
static int
replace_tokens(struct oe_ctl_tx *tx, const struct oe_ctl_tokens *old,
    int64_t now_ms, const struct oe_ctl_tokens *next, struct oe_err *err)
{
	int64_t n = 0;
	int rc = oe_ctl_tokens_lock(tx, old->user_id, err);

	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE tokens SET spent_at = ?1 WHERE id = ?2",
		    OE_CTL_VALUES(oe_ctl_i(now_ms), oe_ctl_t(old->id)), &n,
		    err);
	if (rc == 0 && n == 0)
		return OE_ENOENT;
	if (rc == 0)
		rc = insert_tokens(tx, next, err);
	return rc ? rc : oe_ctl_tell(tx, OE_CTL_TOPIC_TOKENS, old->family, err);
}

int
oe_ctl_store_tokens_refresh(struct oe_ctl_store *s, const char *refresh,
    int64_t now_ms, struct oe_ctl_tokens *next, struct oe_ctl_user *ret_user,
    struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	struct oe_ctl_tokens old;
	bool spent = false;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = find_refresh(
		    tx, refresh, now_ms, &old, ret_user, &spent, err);
	if (rc == 0) {
		memcpy(next->family, old.family, sizeof(next->family));
		memcpy(next->user_id, old.user_id, sizeof(next->user_id));
		memcpy(next->key_id, old.key_id, sizeof(next->key_id));
		if (spent)
			rc = end_family(tx, old.family, err);
		else if (ret_user->blocked)
			rc = OE_ENOENT;
		else
			rc = replace_tokens(tx, &old, now_ms, next, err);
	}
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	if (rc == 0 && spent)
		rc = oe_err_set(
		    err, OE_EPERM, "the refresh token was used before");
	return rc;
}

int
oe_ctl_store_tokens_end(
    struct oe_ctl_store *s, const char *family, struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = end_family(tx, family, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}

/* A temporary key is deleted; whoever does that has it. */
static int
take_key(struct oe_ctl_tx *tx, const char *hash, int64_t now_ms,
    struct oe_ctl_user *ret, struct oe_ctl_tokens *ret_tokens,
    struct oe_err *err)
{
	struct oe_ctl_rows *rows = NULL;
	int64_t n = 1;
	int rc = oe_ctl_db_one(tx,
	    "SELECT k.type, k.id, " OE_CTL_USER_COLUMNS " FROM security_keys k "
	    "JOIN users u ON u.id = k.user_id "
	    "WHERE k.hash = ?1 AND k.expires_at > ?2",
	    OE_CTL_VALUES(oe_ctl_t(hash), oe_ctl_i(now_ms)), &rows, err);

	if (rc == 0) {
		ret_tokens->key_used_up = oe_ctl_row_int(rows, 0) == 2;
		oe_ctl_copy_text(
		    rows, 1, ret_tokens->key_id, sizeof(ret_tokens->key_id));
		oe_ctl_user_get(rows, 2, ret);
	}
	oe_ctl_rows_done(&rows);
	if (rc == 0 && ret->blocked)
		return OE_ENOENT;
	if (rc == 0 && ret_tokens->key_used_up)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM security_keys WHERE hash = ?1",
		    OE_CTL_VALUES(oe_ctl_t(hash)), &n, err);
	return rc == 0 && n == 0 ? OE_ENOENT : rc;
}

int
oe_ctl_store_security_key_use(struct oe_ctl_store *s, const char *hash,
    int64_t now_ms, struct oe_ctl_user *ret, struct oe_ctl_tokens *ret_tokens,
    struct oe_err *err)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (rc == 0)
		rc = take_key(tx, hash, now_ms, ret, ret_tokens, err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return rc;
}
