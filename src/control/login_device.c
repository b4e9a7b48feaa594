/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Login of a terminal by a browser elsewhere (RFC 8628), and the token
 * endpoint of OAuth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/fields.h"
#include "control/login.h"
#include "control/server.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define DEVICE_CODE_LEN 43
#define BODY_MAX        8192
#define GRANT_DEVICE    "urn:ietf:params:oauth:grant-type:device_code"

/* Client ids are shown to people and kept: letters, digits, "-_.". */
static bool
good_client(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n > 0 && n <= 64 && s[n] == '\0';
}

static int
code_reply(struct oe_ctl_call *call, const char *device, const char *user)
{
	const char *base = call->server->public_url;
	char *page = oe_mem_printf("%s/device", base);
	char *full =
	    oe_mem_printf("%s/device?user_code=%.4s-%s", base, user, user + 4);
	char shown[OE_CTL_USER_CODE_LEN + 2];
	struct oe_jval *v = oe_jval_object();

	snprintf(shown, sizeof shown, "%.4s-%s", user, user + 4);
	oe_jval_set_text(v, "device_code", device);
	oe_jval_set_text(v, "user_code", shown);
	oe_jval_set_text(v, "verification_uri", page);
	oe_jval_set_text(v, "verification_uri_complete", full);
	oe_jval_set_int(v, "expires_in", OE_CTL_GRANT_MS / 1000);
	oe_jval_set_int(v, "interval", OE_CTL_GRANT_INTERVAL_S);
	free(page);
	free(full);
	return oe_ctl_bare(call, 200, v);
}

static int
add_grant(struct oe_ctl_call *call, const char *client)
{
	char device[DEVICE_CODE_LEN + 1], user[OE_CTL_USER_CODE_LEN + 1];
	struct oe_ctl_grant g;
	int r = OE_EEXIST, tries, i;

	for (tries = 0; tries < 3 && r == OE_EEXIST; tries++) {
		memset(&g, 0, sizeof g);
		oe_random_text(device, DEVICE_CODE_LEN);
		for (i = 0; i < OE_CTL_USER_CODE_LEN; i++)
			user[i] = OE_CTL_USER_CODE_LETTERS[oe_mem_random(
			    sizeof OE_CTL_USER_CODE_LETTERS - 1)];
		user[i] = '\0';
		oe_ctl_hash_text(device, g.device_code);
		oe_ctl_hash_text(user, g.user_code);
		(void)oe_str_copy(g.client_id, sizeof g.client_id, client);
		(void)oe_str_copy(
		    g.address, sizeof g.address, call->client.address);
		g.until_ms = call->now_ms + OE_CTL_GRANT_MS;
		r = oe_ctl_store_grant_add(call->store, &g, &call->err);
	}
	return r < 0 ? r : code_reply(call, device, user);
}

static int
post_code(struct oe_ctl_call *call)
{
	struct oe_ctl_fields f;
	const char *client;
	int64_t wait;
	int r;

	if (!oe_ctl_fields_read(call, &f)) {
		oe_ctl_fields_done(&f);
		return oe_ctl_oauth(
		    call, 400, "invalid_request", "malformed body");
	}
	client = oe_ctl_field(&f, "client_id");
	wait = oe_ctl_throttle_try(oe_ctl_auth_throttle(call->server->auth),
	    OE_CTL_THROTTLE_CODES, call->client.source, oe_time_mono_ms());
	if (!good_client(client)) {
		r = oe_ctl_oauth(call, 400, "invalid_client",
		    "client_id: 1 to 64 letters, digits, dashes");
	} else if (wait > 0) {
		call->reply.retry_after_s = (int)((wait + 999) / 1000);
		r = oe_ctl_oauth(
		    call, 429, "slow_down", "too many codes; try again later");
	} else {
		r = add_grant(call, client);
	}
	oe_ctl_fields_done(&f);
	return r;
}

/* Whoever approved it gets the tokens. */
static int
granted(struct oe_ctl_call *call, const struct oe_ctl_grant *g)
{
	struct oe_ctl_pair_of_tokens p;
	struct oe_ctl_user u;
	int r;

	r = oe_ctl_store_user_by_id(call->store, g->user_id, &u, &call->err);
	if (r == OE_ENOENT || (r == 0 && u.blocked))
		return oe_ctl_oauth(call, 400, "access_denied", NULL);
	if (r == 0)
		r = oe_ctl_auth_issue(call, &u, NULL, &p);
	if (r == OE_EAUTH)
		return oe_ctl_oauth(call, 400, "access_denied", NULL);
	if (r < 0)
		return r;
	oe_ctl_login_event(call, "device", &u, NULL);
	oe_mem_wipe(&u, sizeof u);
	oe_ctl_throttle_good(oe_ctl_auth_throttle(call->server->auth),
	    OE_CTL_THROTTLE_CODES, call->client.source, oe_time_mono_ms());
	return oe_ctl_oauth_reply(call, &p);
}

static int
poll_grant(struct oe_ctl_call *call, const struct oe_ctl_fields *f)
{
	char hash[OE_CTL_HASH_SIZE];
	struct oe_ctl_grant g;
	int r;

	oe_ctl_hash_text(oe_ctl_field(f, "device_code"), hash);
	r = oe_ctl_store_grant_poll(
	    call->store, hash, call->now_ms, &g, &call->err);
	if (r == OE_ENOENT)
		return oe_ctl_oauth(call, 400, "expired_token",
		    "unknown code, or its time is over");
	if (r < 0)
		return r;
	if (g.state == OE_CTL_GRANT_DENIED ||
	    !oe_str_eq(g.client_id, oe_ctl_field(f, "client_id")))
		return oe_ctl_oauth(call, 400, "access_denied", NULL);
	if (g.state == OE_CTL_GRANT_ALLOWED)
		return granted(call, &g);
	/* a second of grace: the network is not a metronome */
	if (g.polled_ms && call->now_ms - g.polled_ms <
			       (OE_CTL_GRANT_INTERVAL_S - 1) * INT64_C(1000))
		return oe_ctl_oauth(call, 400, "slow_down", NULL);
	return oe_ctl_oauth(call, 400, "authorization_pending", NULL);
}

static int
refresh(struct oe_ctl_call *call, const struct oe_ctl_fields *f)
{
	struct oe_ctl_throttle *t = oe_ctl_auth_throttle(call->server->auth);
	struct oe_ctl_pair_of_tokens p;
	int64_t wait;
	int r;

	wait = oe_ctl_throttle_try(
	    t, OE_CTL_THROTTLE_ADDRESS, call->client.source, oe_time_mono_ms());
	if (wait > 0) {
		call->reply.retry_after_s = (int)((wait + 999) / 1000);
		return oe_ctl_oauth(call, 429, "slow_down", NULL);
	}
	r = oe_ctl_auth_refresh(call, oe_ctl_field(f, "refresh_token"), &p);
	if (r == OE_EAUTH)
		return oe_ctl_oauth(
		    call, 400, "invalid_grant", "refresh token is incorrect");
	if (r < 0)
		return r;
	oe_ctl_throttle_good(
	    t, OE_CTL_THROTTLE_ADDRESS, call->client.source, oe_time_mono_ms());
	return oe_ctl_oauth_reply(call, &p);
}

static int
post_token(struct oe_ctl_call *call)
{
	struct oe_ctl_fields f;
	const char *type;
	int r;

	if (oe_ctl_fields_read(call, &f)) {
		type = oe_ctl_field(&f, "grant_type");
		if (oe_str_eq(type, GRANT_DEVICE))
			r = poll_grant(call, &f);
		else if (oe_str_eq(type, "refresh_token"))
			r = refresh(call, &f);
		else
			r = oe_ctl_oauth(
			    call, 400, "unsupported_grant_type", NULL);
	} else {
		r = oe_ctl_oauth(
		    call, 400, "invalid_request", "malformed body");
	}
	oe_ctl_fields_done(&f);
	return r;
}

const struct oe_ctl_route oe_ctl_routes_device_login[] = {
    {.method = "POST",
	.pattern = "/api/v2/oauth/device/code",
	.body = OE_CTL_BODY_FORM,
	.max = BODY_MAX,
	.flags = OE_CTL_LOGIN,
	.fn = post_code,
	.what = "begin the login of a terminal"},
    {.method = "POST",
	.pattern = "/api/v2/oauth/token",
	.body = OE_CTL_BODY_FORM,
	.max = BODY_MAX,
	.flags = OE_CTL_LOGIN,
	.fn = post_token,
	.what = "get tokens for a device code or a refresh token"},
    {.method = NULL},
};
