/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_users.h - rows of users, for the files of the store.
 */
#pragma once

#include "control/store.h"
#include "control/store_auth.h"

/* What a query selects for oe_ctl_user_get(), from users AS u. */
#define OE_CTL_USER_COLUMNS                                                    \
	"u.id, u.email, u.name, COALESCE(u.password, ''), u.admin, "           \
	"u.one_time, u.status"
#define OE_CTL_USER_COLUMNS_N 7

/** oe_ctl_user_get() - @rows stands on a row; the user begins at @column. */
void
oe_ctl_user_get(struct oe_ctl_rows *rows, int column, struct oe_ctl_user *ret);
/**
 * oe_ctl_tokens_lock() - before tokens of a user are made or ended: a refresh
 * beside it would leave a pair that nobody has seen.
 */
int oe_ctl_tokens_lock(struct oe_ctl_tx *tx, const char *user_id,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_tokens_end() - end the user's tokens but those of a family; tells.
 * @keep: may be "".
 */
int oe_ctl_tokens_end(struct oe_ctl_tx *tx, const char *user_id,
    const char *keep, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_tokens_end_key() - end those that came by a security key; tells. */
int oe_ctl_tokens_end_key(struct oe_ctl_tx *tx, const char *user_id,
    const char *key_id, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_certs_end() - all certificates that the user has are void; the
 * directories say so.
 */
int oe_ctl_certs_end(struct oe_ctl_tx *tx, const char *user_id,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_user_insert() - as oe_ctl_store_user_add(). */
int oe_ctl_user_insert(struct oe_ctl_tx *tx, const struct oe_ctl_user *u,
    int64_t now_ms, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_copy_text() - column as text in an array; "" for null. */
void
oe_ctl_copy_text(struct oe_ctl_rows *rows, int column, char *ret, size_t size);
