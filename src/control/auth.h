/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/auth.h - who calls: passwords, tokens, and how often one may try.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/call.h"
#include "control/store_auth.h"
#include "control/throttle.h"

struct oe_ctl_auth;
struct oe_jval;

struct oe_ctl_auth_plan {
	int64_t access_s, refresh_s; /* how long tokens live */
	unsigned hashing;            /* passwords that are verified at once */
};

/** oe_ctl_auth_new() - reads the secret of the store. */
int
oe_ctl_auth_new(struct oe_ctl_store *store, const struct oe_ctl_auth_plan *plan,
    struct oe_ctl_auth **ret, struct oe_err *err) OE_MUST_CHECK;
void oe_ctl_auth_free(struct oe_ctl_auth **a);
struct oe_ctl_throttle *oe_ctl_auth_throttle(struct oe_ctl_auth *a);

/**
 * oe_ctl_auth_plausible() - does header Authorization carry a token that was
 * made here and is not past its time?  It may have ended since; asks no store.
 */
bool oe_ctl_auth_plausible(
    const struct oe_ctl_auth *a, const char *header, int64_t now_ms);
/**
 * oe_ctl_auth_bearer() - the token of header Authorization, borrowed, or
 * NULL: the scheme in any case, exactly one blank (reference 1.2).
 */
const char *oe_ctl_auth_bearer(const char *header);
/**
 * oe_ctl_auth_caller() - whose access token call->token is.
 * Return: 0, OE_EAUTH, or a failure of the store.
 */
int oe_ctl_auth_caller(
    struct oe_ctl_call *call, struct oe_ctl_caller *ret) OE_MUST_CHECK;
/**
 * oe_ctl_auth_forget() - tokens of a user or a family ended, or what they may
 * do has changed: no worker trusts its memory of them; NULL: of anybody.
 * Others on the same store are told by OE_CTL_TOPIC_TOKENS.
 */
void oe_ctl_auth_forget(struct oe_ctl_auth *a, const char *id);

/* A new pair of tokens, in clear. */
struct oe_ctl_pair_of_tokens {
	char *access, *refresh; /* oe_ctl_auth_pair_done() them */
	int64_t access_until_ms, expires_in_s;
};

/**
 * oe_ctl_auth_issue() - after a login: a pair of a family of its own.
 * @by: tells the security key that it was by; or NULL.
 * Return: 0, OE_EAUTH (what let the user in ended meanwhile), or a failure.
 */
int oe_ctl_auth_issue(struct oe_ctl_call *call, const struct oe_ctl_user *user,
    const struct oe_ctl_tokens *by,
    struct oe_ctl_pair_of_tokens *ret) OE_MUST_CHECK;
/**
 * oe_ctl_auth_refresh() - a pair for a refresh token.
 * Return: 0, OE_EAUTH (no good; said in the event log when it was used
 * before), or a failure.
 */
int oe_ctl_auth_refresh(struct oe_ctl_call *call, const char *refresh,
    struct oe_ctl_pair_of_tokens *ret) OE_MUST_CHECK;
void oe_ctl_auth_pair_done(struct oe_ctl_pair_of_tokens *p);

/**
 * oe_ctl_auth_password() - check a password; takes as long for an account
 * that does not exist.  Counts tries by account and address.
 * @ret_known: whether the account exists, also when it fails.
 * Return: 0, OE_EAUTH, OE_EAGAIN (too often, or too many at once;
 * reply.retry_after_s is set), or a failure.
 */
int oe_ctl_auth_password(struct oe_ctl_call *call, const char *email,
    const char *password, struct oe_ctl_user *ret,
    bool *ret_known) OE_MUST_CHECK;
/** oe_ctl_auth_hash() - of a new password, in turn with the others. */
int oe_ctl_auth_hash(struct oe_ctl_call *call, const char *password,
    char ret[OE_PASSWORD_HASH_MAX]) OE_MUST_CHECK;
/**
 * oe_ctl_auth_mac() - a code over @text that only this installation can make.
 * @ret: lower-case hex.
 */
void oe_ctl_auth_mac(const struct oe_ctl_auth *a, const char *text,
    char ret[2 * OE_HMAC_SHA512_SIZE + 1]);
/** oe_ctl_auth_too_often() - reply 429 with Retry-After. */
int oe_ctl_auth_too_often(struct oe_ctl_call *call);
/** oe_ctl_hash_text() - SHA-256 of a text as the store has it. */
void oe_ctl_hash_text(const char *text, char ret[OE_CTL_HASH_SIZE]);
