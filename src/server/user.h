/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/user.h - local accounts: lookup, and may this account log in.
 *
 * Names come from the peer.  Only oe_srv_user_name_ok() names ever reach the
 * name service.  Functions here may block in the name service; they run in
 * the listener or the monitor, never in net.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;

#define OE_SRV_USER_NAME_MAX    255
#define OE_SRV_NOLOGIN_TEXT_MAX (16 * 1024)

/* One account; all texts are owned. */
struct oe_srv_user {
	char *name;  /* as the name service spells it */
	char *home;  /* "/" when the account has none */
	char *shell; /* "/bin/sh" when the account has none */
	char *hash; /* password field of passwd: to see a lock, not to verify */
	uid_t uid;
	gid_t gid;
};

#define OE_SRV_USER_INIT                                                       \
	{                                                                      \
		NULL, NULL, NULL, NULL, (uid_t)-1, (gid_t)-1                   \
	}

/**
 * oe_srv_user_name_ok() - may these @len bytes be used as a user name?
 * Refused: empty, longer than OE_SRV_USER_NAME_MAX, a leading '-', "." and
 * "..", control characters (C1 too), white space (Unicode's too), '/', ':',
 * NUL, and anything that is not UTF-8.  Pure.
 */
bool oe_srv_user_name_ok(const char *name, size_t len);

/**
 * oe_srv_user_lookup() - the account called @name.
 * A name of digits only must be the account's literal name: it is never
 * taken for a uid.
 * @ret: oe_srv_user_done() it; untouched on failure.
 * Return: 0, OE_EINVAL (not an acceptable name), OE_ENOENT, OE_ESYS.
 */
int oe_srv_user_lookup(const char *name, struct oe_srv_user *ret,
    struct oe_err *err) OE_MUST_CHECK;

/** oe_srv_user_self() - the account of the effective uid; as lookup. */
int oe_srv_user_self(struct oe_srv_user *ret, struct oe_err *err) OE_MUST_CHECK;

/** oe_srv_user_done() - free the texts; empty afterwards. */
void oe_srv_user_done(struct oe_srv_user *u);

/**
 * oe_srv_user_check_shell() - the login shell is a file that can be executed.
 * Return: 0 or OE_EPERM with the reason.
 */
int oe_srv_user_check_shell(
    const struct oe_srv_user *u, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_user_check_account() - neither locked nor expired, by passwd and
 * shadow.  For logins that PAM's account phase does not judge.  Locked is a
 * password field that starts with '!' or "*LK*"; a lone '*' only means that
 * there is no password.  Without the right to read shadow, passwd decides.
 * @now_s: seconds since 1970.
 * Return: 0, OE_EPERM with the reason, OE_ESYS (shadow could not be read
 * although this is root).
 */
int oe_srv_user_check_account(const struct oe_srv_user *u, long long now_s,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_user_check_nologin() - no nologin(5) file keeps @u out.
 * @files: paths ended by NULL; NULL stands for /etc/nologin, /run/nologin.
 * @ret_text: the file's text is put here (initialised by the caller; what
 *            exceeds its bound is cut off).
 * Root is never kept out.  A file that exists and cannot be read counts.
 * Return: 0 or OE_EPERM.
 */
int oe_srv_user_check_nologin(const struct oe_srv_user *u,
    const char *const *files, struct oe_buf *ret_text) OE_MUST_CHECK;
