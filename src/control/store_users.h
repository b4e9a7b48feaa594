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
/** oe_ctl_copy_text() - column as text in an array; "" for null. */
void
oe_ctl_copy_text(struct oe_ctl_rows *rows, int column, char *ret, size_t size);
