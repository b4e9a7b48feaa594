/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_auth.h - what the authentication needs of the store.
 *
 * Tokens, keys and codes come here as SHA-256 in lower-case hex: the store
 * never sees one in clear.  Times are Unix milliseconds.  Each call is one
 * transaction, and is on disk when it has returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/call.h"
#include "core/base/crypto.h"

#define OE_CTL_HASH_SIZE (2 * OE_SHA256_SIZE + 1)

struct oe_ctl_user {
	char id[OE_CTL_ID_SIZE];
	char email[256]; /* lower case, unique */
	char name[256];
	char password[OE_PASSWORD_HASH_MAX]; /* "" : cannot log in by one */
	bool server_admin;
	bool one_time; /* the password must be changed first */
	bool blocked;  /* may neither log in nor use tokens */
};

/* A pair of tokens.  A family is a login and all refreshes from it. */
struct oe_ctl_tokens {
	char id[OE_CTL_ID_SIZE];     /* "tok_..." */
	char family[OE_CTL_ID_SIZE]; /* id of the first pair */
	char user_id[OE_CTL_ID_SIZE];
	char access[OE_CTL_HASH_SIZE];
	char refresh[OE_CTL_HASH_SIZE];
	int64_t access_until_ms, refresh_until_ms, created_ms;
	char key_id[OE_CTL_ID_SIZE]; /* security key of the login, or "" */
	bool key_used_up;            /* it was for once: it is gone */
};

/** oe_ctl_store_user_by_email() - 0, OE_ENOENT or a failure. */
int oe_ctl_store_user_by_email(struct oe_ctl_store *s, const char *email,
    struct oe_ctl_user *ret, struct oe_err *err) OE_MUST_CHECK;
int oe_ctl_store_user_by_id(struct oe_ctl_store *s, const char *id,
    struct oe_ctl_user *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_user_add() - 0, or OE_EEXIST (the email is taken). */
int oe_ctl_store_user_add(struct oe_ctl_store *s, const struct oe_ctl_user *u,
    int64_t now_ms, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_has_admin() - is there an administrator of the server? */
int oe_ctl_store_has_admin(
    struct oe_ctl_store *s, bool *ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_user_password() - set it; all tokens of the user but those of
 * the family @keep (may be "") end, and all certificates.
 */
int oe_ctl_store_user_password(struct oe_ctl_store *s, const char *id,
    const char *hash, bool one_time, const char *keep,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_role() - of a user in a network; NONE for a stranger. */
int oe_ctl_store_role(struct oe_ctl_store *s, const char *network_id,
    const char *user_id, enum oe_ctl_role *ret,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_ctl_store_tokens_add() - after a login of @user.
 * Return: 0; OE_ENOENT: since it was checked the user was blocked, or the
 * password or security key went; a failure.
 */
int
oe_ctl_store_tokens_add(struct oe_ctl_store *s, const struct oe_ctl_tokens *t,
    const struct oe_ctl_user *user, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_tokens_find() - the pair of an access token, and its user.
 * Return: 0, OE_ENOENT (unknown, ended or past its time), a failure.
 */
int oe_ctl_store_tokens_find(struct oe_ctl_store *s, const char *access,
    int64_t now_ms, struct oe_ctl_tokens *ret, struct oe_ctl_user *ret_user,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_tokens_refresh() - end the pair of a refresh token and put
 * another of its family in its place.  The hash of the old refresh token is
 * kept until its time is over, to know it again.
 * @next: family and user are filled in here.
 * Return: 0, OE_ENOENT (unknown, past its time, or the user is blocked),
 * OE_EPERM (it was used before: the whole family has ended now; @next tells
 * family and user), a failure.
 */
int oe_ctl_store_tokens_refresh(struct oe_ctl_store *s, const char *refresh,
    int64_t now_ms, struct oe_ctl_tokens *next, struct oe_ctl_user *ret_user,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_tokens_owner() - whose refresh token this is, used or not.
 * Return: 0, OE_ENOENT (unknown or past its time), a failure.
 */
int oe_ctl_store_tokens_owner(struct oe_ctl_store *s, const char *refresh,
    int64_t now_ms, struct oe_ctl_user *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_tokens_end() - end a family (logout); 0 also when unknown. */
int oe_ctl_store_tokens_end(struct oe_ctl_store *s, const char *family,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_security_key_use() - the user of a security key; a temporary
 * one (type 2) is consumed.
 * @ret_tokens: key_id and key_used_up are filled in.
 * Return: 0, OE_ENOENT (unknown, past its time, used, or the user is blocked),
 * a failure.
 */
int oe_ctl_store_security_key_use(struct oe_ctl_store *s, const char *hash,
    int64_t now_ms, struct oe_ctl_user *ret, struct oe_ctl_tokens *ret_tokens,
    struct oe_err *err) OE_MUST_CHECK;

/* Device flow (RFC 8628). */
enum oe_ctl_grant_state {
	OE_CTL_GRANT_PENDING,
	OE_CTL_GRANT_ALLOWED,
	OE_CTL_GRANT_DENIED,
};

struct oe_ctl_grant {
	char device_code[OE_CTL_HASH_SIZE];
	char user_code[OE_CTL_HASH_SIZE]; /* hashed too */
	char client_id[65];
	char address[64]; /* who asked, to show it */
	char user_id[OE_CTL_ID_SIZE];
	enum oe_ctl_grant_state state;
	int64_t until_ms, polled_ms;
};

/** oe_ctl_store_grant_add() - 0, OE_EEXIST (a code is in use). */
int oe_ctl_store_grant_add(struct oe_ctl_store *s, const struct oe_ctl_grant *g,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_grant_show() - pending, by user code; 0 or OE_ENOENT. */
int oe_ctl_store_grant_show(struct oe_ctl_store *s, const char *user_code,
    int64_t now_ms, struct oe_ctl_grant *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_store_grant_decide() - of a pending one; 0 or OE_ENOENT. */
int oe_ctl_store_grant_decide(struct oe_ctl_store *s, const char *user_code,
    const char *user_id, bool allow, int64_t now_ms,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_grant_poll() - by device code; notes the time in polled_ms,
 * @ret has the one before.  What is decided is deleted: it answers once.
 * Return: 0, OE_ENOENT (unknown or past its time), a failure.
 */
int oe_ctl_store_grant_poll(struct oe_ctl_store *s, const char *device_code,
    int64_t now_ms, struct oe_ctl_grant *ret, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_ctl_store_secret() - a secret of this installation, by name ("jwt",
 * "signing"); unpredictable, made at first use, the same for all servers on
 * one store.
 */
int oe_ctl_store_secret(struct oe_ctl_store *s, const char *name,
    uint8_t ret[32], struct oe_err *err) OE_MUST_CHECK;
