/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/login.h"

#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "core/mesh/login_internal.h"

void
oe_mesh_tokens_done(struct oe_mesh_tokens *t)
{
	oe_mem_free_secret(&t->token);
	oe_mem_free_secret(&t->refresh);
	memset(t, 0, sizeof *t);
}

bool
oe_mesh_token_fits(const char *token)
{
	const char *p;

	for (p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return p > token && p - token <= OE_MESH_TOKEN_MAX;
}

/* Without the "Bearer " that a client stores before it; NULL: unfit. */
static char *
token_of(const struct oe_jval *v, const char *const *names)
{
	const char *s = oe_mesh_text_of(v, names);

	if (s && !strncasecmp(s, "Bearer ", 7))
		s += 7;
	return s && oe_mesh_token_fits(s) ? oe_mem_strdup(s) : NULL;
}

static int64_t
expiry_of(const struct oe_jval *v, int64_t now_ms)
{
	static const char *const in[] = {"expires_in", "expiresIn", NULL};
	static const char *const at[] = {"expires_at", "expiresAt", NULL};
	const char *s = oe_mesh_text_of(v, at);
	int64_t n = 0;

	if (oe_mesh_int_of(v, in, &n) && n > 0 && n < INT32_MAX)
		return now_ms + n * 1000;
	if (s && !oe_time_parse(s, &n))
		return n;
	if (oe_mesh_int_of(v, at, &n) && n > 0 && n < INT32_MAX)
		return n * 1000;
	return 0;
}

int
oe_mesh_tokens_read(const struct oe_jval *data, int64_t now_ms,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	static const char *const token[] = {
	    "token", "access_token", "accessToken", NULL};
	static const char *const refresh[] = {
	    "refresh_token", "refreshToken", "refreshtoken", NULL};
	char *t = token_of(data, token);

	if (!t)
		return oe_err_set(
		    err, OE_EPROTO, "there is no usable token in it");
	memset(ret, 0, sizeof *ret);
	ret->token = t;
	ret->refresh = token_of(data, refresh);
	ret->expires_ms = expiry_of(data, now_ms);
	return 0;
}

int
oe_mesh_login__ask(struct oe_mesh_api *a, const char *path,
    struct oe_jval *body, struct oe_mesh_tokens *ret,
    struct oe_mesh_answer *ans, struct oe_err *err)
{
	const struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_V2,
	    .path = path,
	    .body = body,
	    .anonymous = true,
	    .patient = true};
	int r = oe_mesh_api_call(a, &call, ans, err);

	if (r == 0) {
		r = oe_mesh_tokens_read(ans->data, ans->when_ms, ret, err);
		if (r == 0)
			ret->oauth = oe_str_starts(path, "/oauth/");
		else
			oe_err_wrap(err, r, "the control API's reply");
	}
	oe_jval_free(&body);
	return r;
}

/* Both 400 and 401 say "not this one". */
static int
login(struct oe_mesh_api *a, const char *path, struct oe_jval *body,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	struct oe_mesh_answer ans;
	int r = oe_mesh_login__ask(a, path, body, ret, &ans, err);

	if (r == OE_EINVAL && ans.status == 400)
		r = OE_EAUTH;
	oe_mesh_answer_done(&ans);
	return r;
}

int
oe_mesh_login_password(struct oe_mesh_api *a, const char *email,
    const char *password, struct oe_mesh_tokens *ret, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();

	oe_jval_set_text(body, "email", email);
	oe_jval_set_text(body, "password", password);
	return login(a, "/auth/login/password", body, ret, err);
}

int
oe_mesh_login_key(struct oe_mesh_api *a, const char *security_key,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();

	oe_jval_set_text(body, "key", security_key);
	return login(a, "/auth/login/security-key", body, ret, err);
}

int
oe_mesh_password_change(struct oe_mesh_api *a, const char *old,
    const char *fresh, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	const struct oe_mesh_call call = {.method = "PUT",
	    .part = OE_MESH_V2,
	    .path = "/profile/password",
	    .body = body};
	struct oe_mesh_answer ans;
	int r;

	oe_jval_set_text(body, "old_password", old);
	oe_jval_set_text(body, "password", fresh);
	r = oe_mesh_api_call(a, &call, &ans, err);
	oe_mesh_answer_done(&ans);
	oe_jval_free(&body);
	return r;
}

static int
refresh_at(struct oe_mesh_api *a, const char *refresh, bool oauth,
    struct oe_mesh_tokens *ret, int *ret_status, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	struct oe_mesh_answer ans;
	int r;

	oe_jval_set_text(body, "refresh_token", refresh);
	if (oauth) {
		oe_jval_set_text(body, "grant_type", "refresh_token");
		oe_jval_set_text(body, "client_id", OE_MESH_CLIENT_ID);
	}
	r = oe_mesh_login__ask(
	    a, oauth ? "/oauth/token" : "/auth/refresh", body, ret, &ans, err);
	*ret_status = ans.status;
	if (r == OE_EINVAL)
		r = OE_EAUTH;
	oe_mesh_answer_done(&ans);
	return r;
}

int
oe_mesh_login_refresh(struct oe_mesh_api *a, const char *refresh, bool oauth,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	int status = 0, r;

	r = refresh_at(a, refresh, oauth, ret, &status, err);
	if (status == 404)
		r = refresh_at(a, refresh, !oauth, ret, &status, err);
	/* servers may leave it out of the reply when it stays the same */
	if (r == 0 && !ret->refresh && ret->oauth)
		ret->refresh = oe_mem_strdup(refresh);
	return r;
}
