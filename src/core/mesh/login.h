/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/login.h - ways to a token of a control API.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_jval;
struct oe_mesh_api;

/* Parameters of OAuth that the real service knows its own client by. */
#define OE_MESH_CLIENT_ID "omniedge-cli"
#define OE_MESH_SCOPE     "openid profile email offline_access"
/* Bounds of RFC 8628's expires_in and interval, in seconds. */
#define OE_MESH_FLOW_MAX_S     3600
#define OE_MESH_INTERVAL_MAX_S 60

struct oe_mesh_tokens {
	char *token, *refresh; /* secrets; refresh may be NULL */
	int64_t expires_ms;    /* wall clock; 0: not told */
	bool oauth;            /* came from /oauth/token, is refreshed there */
};

void oe_mesh_tokens_done(struct oe_mesh_tokens *t);
/**
 * oe_mesh_token_fits() - visible ASCII that a header can hold, and that
 * oe_mesh_tokens_read() takes again when it was saved.
 */
bool oe_mesh_token_fits(const char *token);
/**
 * oe_mesh_tokens_read() - a reply with tokens in any spelling.
 * @now_ms: for expires_in.
 * @ret: untouched on failure; oauth is not set.
 * Return: 0 or OE_EPROTO (no token, or none that fits a header).
 */
int oe_mesh_tokens_read(const struct oe_jval *data, int64_t now_ms,
    struct oe_mesh_tokens *ret, struct oe_err *err) OE_MUST_CHECK;

/* Each way: 0, OE_EAUTH (refused), or as oe_mesh_api_call(). */
int oe_mesh_login_password(struct oe_mesh_api *a, const char *email,
    const char *password, struct oe_mesh_tokens *ret,
    struct oe_err *err) OE_MUST_CHECK;
int oe_mesh_login_key(struct oe_mesh_api *a, const char *security_key,
    struct oe_mesh_tokens *ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_password_change() - of the account whose token @a sends.  It ends
 * the account's other logins.
 * Return: 0, OE_EINVAL (the API does not take it, or @old is wrong: the
 * message tells), or as oe_mesh_api_call().
 */
int oe_mesh_password_change(struct oe_mesh_api *a, const char *old,
    const char *fresh, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_login_refresh() - the next pair for a refresh token, which is used
 * up by it.
 * @oauth: where to begin: /oauth/token, else /auth/refresh.  The other one is
 *         asked when the first is not there.
 */
int oe_mesh_login_refresh(struct oe_mesh_api *a, const char *refresh,
    bool oauth, struct oe_mesh_tokens *ret, struct oe_err *err) OE_MUST_CHECK;

/* Login in a browser (RFC 8628, with JSON bodies). */
struct oe_mesh_flow {
	char *device_code; /* secret */
	char *user_code, *uri;
	char *uri_complete; /* or NULL */
	int64_t interval_s; /* wait so long before each poll */
	int64_t until_ms;   /* monotonic: the code has expired then */
};

int oe_mesh_flow_begin(struct oe_mesh_api *a, struct oe_mesh_flow *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_flow_done(struct oe_mesh_flow *f);
/**
 * oe_mesh_flow_poll() - ask once; interval_s may grow by it.
 * Return: 0 (@ret is filled), OE_EAGAIN (not yet), OE_ETIMEOUT (expired),
 * OE_EAUTH (denied), or another failure.
 */
int oe_mesh_flow_poll(struct oe_mesh_api *a, struct oe_mesh_flow *f,
    struct oe_mesh_tokens *ret, struct oe_err *err) OE_MUST_CHECK;
