/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "core/mesh/login.h"
#include "core/mesh/login_internal.h"

#define INTERVAL_S  5 /* RFC 8628 section 3.2: when none is told */
#define SLOW_DOWN_S 5 /* section 3.5 */
#define GRANT       "urn:ietf:params:oauth:grant-type:device_code"

static char *
copy(const struct oe_jval *v, const char *name)
{
	const char *const names[] = {name, NULL};
	const char *s = oe_mesh_text_of(v, names);

	return s && strlen(s) <= OE_MESH_TEXT_MAX ? oe_mem_strdup(s) : NULL;
}

static int64_t
seconds(
    const struct oe_jval *v, const char *name, int64_t otherwise, int64_t max)
{
	const char *const names[] = {name, NULL};
	int64_t n = 0;

	if (!oe_mesh_int_of(v, names, &n) || n <= 0)
		n = otherwise;
	return n < max ? n : max;
}

/* What a user is sent to is shown and opened: it must be a web page. */
static bool
is_page(const char *uri)
{
	const char *p;

	if (!oe_str_starts(uri, "https://") && !oe_str_starts(uri, "http://"))
		return false;
	for (p = uri; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"'`\\<>", *p))
			return false;
	return true;
}

static int
read_flow(const struct oe_jval *v, struct oe_mesh_flow *ret, struct oe_err *err)
{
	struct oe_mesh_flow f = {
	    .device_code = copy(v, "device_code"),
	    .user_code = copy(v, "user_code"),
	    .uri = copy(v, "verification_uri"),
	    .uri_complete = copy(v, "verification_uri_complete"),
	};

	if (!f.uri)
		f.uri = copy(v, "verification_url");
	if (f.uri_complete && !is_page(f.uri_complete))
		oe_mem_free(&f.uri_complete);
	if (!f.device_code || !f.user_code || !f.uri || !is_page(f.uri)) {
		oe_mesh_flow_done(&f);
		return oe_err_set(err, OE_EPROTO,
		    "the control API's reply has no code or no page in it");
	}
	f.interval_s =
	    seconds(v, "interval", INTERVAL_S, OE_MESH_INTERVAL_MAX_S);
	f.until_ms = oe_time_mono_ms() + 1000 * seconds(v, "expires_in",
						    OE_MESH_FLOW_MAX_S,
						    OE_MESH_FLOW_MAX_S);
	*ret = f;
	return 0;
}

int
oe_mesh_flow_begin(
    struct oe_mesh_api *a, struct oe_mesh_flow *ret, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	const struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_V2,
	    .path = "/oauth/device/code",
	    .body = body,
	    .anonymous = true};
	struct oe_mesh_answer ans;
	int r;

	oe_jval_set_text(body, "client_id", OE_MESH_CLIENT_ID);
	oe_jval_set_text(body, "scope", OE_MESH_SCOPE);
	r = oe_mesh_api_call(a, &call, &ans, err);
	if (r == 0)
		r = read_flow(ans.data, ret, err);
	oe_mesh_answer_done(&ans);
	oe_jval_free(&body);
	return r;
}

void
oe_mesh_flow_done(struct oe_mesh_flow *f)
{
	oe_mem_free_secret(&f->device_code);
	oe_mem_free(&f->user_code);
	oe_mem_free(&f->uri);
	oe_mem_free(&f->uri_complete);
	memset(f, 0, sizeof *f);
}

/* What an error of the token endpoint means (RFC 8628 section 3.5). */
static int
not_yet(const struct oe_mesh_answer *ans, struct oe_mesh_flow *f, int r)
{
	if (oe_str_eq(ans->code, "authorization_pending"))
		return OE_EAGAIN;
	if (oe_str_eq(ans->code, "slow_down")) {
		f->interval_s += SLOW_DOWN_S;
		return OE_EAGAIN;
	}
	if (oe_str_eq(ans->code, "expired_token"))
		return OE_ETIMEOUT;
	if (ans->status == 400 || ans->status == 403)
		return OE_EAUTH;
	/* a busy server or a broken line is no answer: ask again */
	return r == OE_ECLOSED || r == OE_ETIMEOUT ? OE_EAGAIN : r;
}

int
oe_mesh_flow_poll(struct oe_mesh_api *a, struct oe_mesh_flow *f,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	struct oe_jval *body;
	struct oe_mesh_answer ans;
	int r;

	if (oe_time_mono_ms() >= f->until_ms)
		return oe_err_set(err, OE_ETIMEOUT,
		    "nobody entered the code in time: begin again");
	body = oe_jval_object();
	oe_jval_set_text(body, "client_id", OE_MESH_CLIENT_ID);
	oe_jval_set_text(body, "device_code", f->device_code);
	oe_jval_set_text(body, "grant_type", GRANT);
	r = oe_mesh_login__ask(a, "/oauth/token", body, ret, &ans, err);
	if (r < 0)
		r = not_yet(&ans, f, r);
	oe_mesh_answer_done(&ans);
	return r;
}
