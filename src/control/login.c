/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Password, security key, refresh and logout (reference, sections 1.1-1.3).
 */
#include "control/login.h"

#include <string.h>

#include "control/server.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define PASSWORD_MAX 1024
#define LOGIN_BODY   16384

int
oe_ctl_login_reply(struct oe_ctl_call *call, struct oe_ctl_pair_of_tokens *p)
{
	struct oe_jval *v = oe_jval_object();
	char until[40];

	oe_time_format(p->access_until_ms, until, sizeof until);
	oe_jval_set_text(v, "type", "bearer");
	oe_jval_set_text(v, "token", p->access);
	oe_jval_set_text(v, "refreshToken", p->refresh);
	oe_jval_set_text(v, "refresh_token", p->refresh);
	oe_jval_set_text(v, "expires_at", until);
	oe_jval_set_int(v, "expires_in", p->expires_in_s);
	oe_ctl_auth_pair_done(p);
	return oe_ctl_data(call, v);
}

int
oe_ctl_oauth_reply(struct oe_ctl_call *call, struct oe_ctl_pair_of_tokens *p)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_text(v, "access_token", p->access);
	oe_jval_set_text(v, "refresh_token", p->refresh);
	oe_jval_set_text(v, "token_type", "bearer");
	oe_jval_set_int(v, "expires_in", p->expires_in_s);
	oe_ctl_auth_pair_done(p);
	return oe_ctl_bare(call, 200, v);
}

void
oe_ctl_login_event(struct oe_ctl_call *call, const char *how,
    const struct oe_ctl_user *user, const char *email)
{
	struct oe_event e;

	if (user)
		call->server->metrics.logins_good++;
	else
		call->server->metrics.logins_bad++;
	oe_ctl_event(&e, call, user ? "control.login" : "control.login_failed");
	oe_event_str(&e, "how", how);
	if (user)
		oe_event_str(&e, "user_id", user->id);
	oe_event_str(&e, "email", user ? user->email : email);
	oe_ctl_event_end(&e, call);
}

static int
issue(struct oe_ctl_call *call, const struct oe_ctl_user *u, const char *how,
    const struct oe_ctl_tokens *by)
{
	struct oe_ctl_pair_of_tokens p;
	int r = oe_ctl_auth_issue(call, u, by, &p);

	if (r == OE_EAUTH)
		return oe_ctl_unauthorized(call);
	if (r < 0)
		return r;
	oe_ctl_login_event(call, how, u, NULL);
	return oe_ctl_login_reply(call, &p);
}

static int
too_often(struct oe_ctl_call *call)
{
	call->server->metrics.logins_limited++;
	return oe_ctl_auth_too_often(call);
}

static int
post_password(struct oe_ctl_call *call)
{
	const char *email = oe_jval_get_text(call->json, "email"),
		   *password = oe_jval_get_text(call->json, "password");
	struct oe_ctl_user u;
	char address[256];
	bool known = false;
	int r;

	if (!email || !oe_ctl_email_read(email, address))
		oe_ctl_invalid(
		    call, "email", "email", "email validation failed");
	if (!password || !*password || strlen(password) > PASSWORD_MAX)
		oe_ctl_invalid(
		    call, "password", "required", "required validation failed");
	if (oe_ctl_is_invalid(call))
		return oe_ctl_refuse_invalid(call);
	r = oe_ctl_auth_password(call, address, password, &u, &known);
	if (r == OE_EAGAIN)
		return too_often(call);
	if (r == OE_EAUTH) {
		/*
		 * The real service tells a wrong password of a known account
		 * (400) from an unknown one (401): that lists its accounts.
		 * Here both are the second.
		 */
		oe_ctl_login_event(call, "password", NULL, address);
		return oe_ctl_fail(call, 401, "E_EMAIL_PASSWORD_NOT_MATCH",
		    "Email and password do not match", NULL);
	}
	if (r == 0)
		r = issue(call, &u, "password", NULL);
	oe_mem_wipe(&u, sizeof u);
	return r;
}

/* OE_EAGAIN when this address has to wait. */
static int
may_try(struct oe_ctl_call *call)
{
	int64_t wait = oe_ctl_throttle_try(
	    oe_ctl_auth_throttle(call->server->auth), OE_CTL_THROTTLE_ADDRESS,
	    call->client.source, oe_time_mono_ms());

	if (wait == 0)
		return 0;
	call->reply.retry_after_s = (int)((wait + 999) / 1000);
	return OE_EAGAIN;
}

static void
was_good(struct oe_ctl_call *call)
{
	oe_ctl_throttle_good(oe_ctl_auth_throttle(call->server->auth),
	    OE_CTL_THROTTLE_ADDRESS, call->client.source, oe_time_mono_ms());
}

static int
post_security_key(struct oe_ctl_call *call)
{
	const char *key = oe_jval_get_text(call->json, "key");
	char hash[OE_CTL_HASH_SIZE];
	struct oe_ctl_tokens by;
	struct oe_ctl_user u;
	int r;

	if (!key || !*key) {
		oe_ctl_invalid(
		    call, "key", "required", "required validation failed");
		return oe_ctl_refuse_invalid(call);
	}
	if (may_try(call) < 0)
		return too_often(call);
	oe_ctl_hash_text(key, hash);
	r = oe_ctl_store_security_key_use(
	    call->store, hash, call->now_ms, &u, &by, &call->err);
	if (r == OE_ENOENT) {
		oe_ctl_login_event(call, "security-key", NULL, NULL);
		return oe_ctl_fail(
		    call, 401, "E_TOKEN_INVALID", "Invalid security key", NULL);
	}
	if (r < 0)
		return r;
	was_good(call);
	r = issue(call, &u, "security-key", &by);
	oe_mem_wipe(&u, sizeof u);
	return r;
}

static int
post_refresh(struct oe_ctl_call *call)
{
	const char *token = oe_jval_get_text(call->json, "refresh_token");
	struct oe_ctl_pair_of_tokens p;
	int r;

	if (!token)
		token = oe_jval_get_text(call->json, "refreshToken");
	if (!token || !*token) {
		oe_ctl_invalid(call, "refresh_token", "required",
		    "required validation failed");
		return oe_ctl_refuse_invalid(call);
	}
	if (may_try(call) < 0)
		return too_often(call);
	r = oe_ctl_auth_refresh(call, token, &p);
	if (r == OE_EAUTH)
		return oe_ctl_message(call, 401, "refresh token is incorrect");
	if (r < 0)
		return r;
	was_good(call);
	return oe_ctl_login_reply(call, &p);
}

static int
post_logout(struct oe_ctl_call *call)
{
	int r = oe_ctl_store_tokens_end(
	    call->store, call->caller.token_id, &call->err);

	if (r < 0)
		return r;
	oe_ctl_auth_forget(call->server->auth, call->caller.id);
	return oe_ctl_message(call, 200, "Logged out");
}

const struct oe_ctl_route oe_ctl_routes_login[] = {
    {.method = "POST",
	.pattern = "/api/v2/auth/login/password",
	.body = OE_CTL_BODY_JSON,
	.max = LOGIN_BODY,
	.flags = OE_CTL_LOGIN,
	.fn = post_password,
	.what = "log in by password"},
    {.method = "POST",
	.pattern = "/api/v2/auth/login/security-key",
	.body = OE_CTL_BODY_JSON,
	.max = LOGIN_BODY,
	.flags = OE_CTL_LOGIN,
	.fn = post_security_key,
	.what = "log in by security key"},
    {.method = "POST",
	.pattern = "/api/v2/auth/refresh",
	.body = OE_CTL_BODY_JSON,
	.max = LOGIN_BODY,
	.flags = OE_CTL_LOGIN,
	.fn = post_refresh,
	.what = "exchange a refresh token"},
    {.method = "POST",
	.pattern = "/api/v2/auth/logout",
	.need = OE_CTL_NEED_USER,
	.max = LOGIN_BODY,
	.flags = OE_CTL_EARLY,
	.fn = post_logout,
	.what = "end a login and all that was refreshed from it"},
    {.method = NULL},
};
