/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/api.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/account.h"
#include "core/net/http.h"

struct oe_mesh_api {
	char *origin, *ca_file, *ca_pem, *pin;
	struct oe_mesh_account *account;
	int (*renew)(void *arg, struct oe_mesh_api *api, const char *refused,
	    struct oe_err *err);
	void *renew_arg;
	int64_t connect_ms, total_ms;
	int64_t deadline_ms;
	unsigned tries;
	struct oe_http *http; /* made by the first call */
};

struct oe_mesh_api *
oe_mesh_api_new(const struct oe_mesh_api_plan *plan)
{
	struct oe_mesh_api *a = oe_mem_zalloc(sizeof *a);

	a->origin = oe_mem_strdup(plan->origin);
	a->ca_file = oe_mem_strdup(plan->ca_file);
	a->ca_pem = oe_mem_strdup(plan->ca_pem);
	a->pin = oe_mem_strdup(plan->pin);
	a->account = plan->account;
	a->renew = plan->renew;
	a->renew_arg = plan->renew_arg;
	a->connect_ms = plan->connect_ms;
	a->total_ms = plan->total_ms;
	a->tries = plan->tries;
	return a;
}

void
oe_mesh_api_free(struct oe_mesh_api **ap)
{
	struct oe_mesh_api *a = *ap;

	if (!a)
		return;
	oe_http_free(&a->http);
	oe_mem_free(&a->origin);
	oe_mem_free(&a->ca_file);
	oe_mem_free(&a->ca_pem);
	oe_mem_free(&a->pin);
	oe_mem_free(ap);
}

void
oe_mesh_api_deadline(struct oe_mesh_api *a, int64_t mono_ms)
{
	a->deadline_ms = mono_ms;
}

const char *
oe_mesh_api_origin(const struct oe_mesh_api *a)
{
	return a->origin;
}

bool
oe_mesh_api_is_away(int r)
{
	switch (r) {
	case OE_ECLOSED:
	case OE_ETIMEOUT:
	case OE_EAGAIN:
	case OE_EPROTO:
	case OE_ETOOBIG:
		return true;
	}
	return false;
}

int
oe_mesh_api_prepare(struct oe_mesh_api *a, struct oe_err *err)
{
	const struct oe_http_plan plan = {
	    .ca_file = a->ca_file,
	    .ca_pem = a->ca_pem,
	    .pin = a->pin,
	    .user_agent = "omniedge/" PACKAGE_VERSION,
	    .connect_ms = a->connect_ms,
	    .total_ms = a->total_ms,
	    .tries = a->tries,
	};

	return a->http ? 0 : oe_http_new(&plan, &a->http, err);
}

/* What the server's status is to us; the words say what it gave as reason. */
static int
judge(const struct oe_mesh_answer *ans, struct oe_err *err)
{
	const char *why = ans->message ? ans->message : ans->code;
	int s = ans->status, r = OE_EINVAL;

	if ((s >= 200 && s < 300) || s == 304)
		return 0;
	if (s < 400)
		return oe_err_set(err, OE_EPROTO,
		    "the control API sends us elsewhere (HTTP %d): its "
		    "address is wrong",
		    s);
	if (s == 401)
		r = OE_EAUTH;
	else if (s == 403)
		r = OE_EPERM;
	else if (s == 404)
		r = OE_ENOENT;
	else if (s == 429 || s >= 500)
		r = OE_EAGAIN;
	return oe_err_set(err, r, "the control API says %s%s(HTTP %d)",
	    why ? why : "no", why ? " " : " ", s);
}

/* How long a call may take; 0: as long as all. */
static int
time_for(const struct oe_mesh_api *a, const struct oe_mesh_call *call,
    int64_t *ret_ms, struct oe_err *err)
{
	int64_t left = a->deadline_ms - oe_time_mono_ms();
	int64_t max = a->total_ms ? a->total_ms : OE_HTTP_TOTAL_MS;

	*ret_ms = 0;
	if (call->patient)
		*ret_ms = OE_HTTP_TOTAL_MS;
	if (call->patient || !a->deadline_ms)
		return 0;
	if (left <= 0)
		return oe_err_set(err, OE_ETIMEOUT,
		    "control API %s: it has taken too long", a->origin);
	*ret_ms = max < left ? max : left;
	return 0;
}

/*
 * What happened on the way there.  EPERM is kept for what the server itself
 * refuses.
 */
static int
no_answer(const struct oe_mesh_api *a, int r, struct oe_err *err)
{
	if (r != OE_EPERM)
		return oe_err_wrap(err, r, "control API %s", a->origin);
	if (a->pin || a->ca_file || a->ca_pem)
		return oe_err_wrap(err, OE_EPROTO, "control API %s", a->origin);
	return oe_err_wrap(err, OE_EPROTO,
	    "control API %s is not believed (a control-server that made its "
	    "certificate itself tells at its start what to give as --pin)",
	    a->origin);
}

/* One round trip, taken apart. */
static int
ask(struct oe_mesh_api *a, const struct oe_mesh_call *call, const char *token,
    struct oe_mesh_answer *ret, struct oe_err *err)
{
	char *url, *body;
	struct oe_http_ask q;
	struct oe_http_reply reply = {0};
	int64_t total_ms;
	int r = time_for(a, call, &total_ms, err);

	if (r < 0)
		return r;
	url = oe_mesh_origin_url(a->origin, call->part, call->path);
	body = call->body ? oe_jval_dump(call->body, 0) : NULL;
	q = (struct oe_http_ask){
	    .method = call->method ? call->method : "GET",
	    .url = url,
	    .bearer = token,
	    .type = call->raw ? call->raw_type : NULL,
	    .body = call->raw ? call->raw : body,
	    .if_none_match = call->if_none_match,
	    .max = call->max ? call->max : OE_MESH_REPLY_MAX,
	    .once = call->once,
	    .again = call->again,
	    .total_ms = total_ms,
	};
	if (q.body)
		q.body_len = call->raw ? call->raw_len : strlen(body);
	r = oe_http_ask(a->http, &q, &reply, err);
	if (r < 0)
		r = no_answer(a, r, err);
	if (r == 0) {
		ret->status = reply.status;
		ret->when_ms = oe_time_wall_ms();
		oe_str_copy(ret->etag, sizeof ret->etag, reply.etag);
		r = oe_mesh_answer_read(ret, reply.body, reply.len, err);
		ret->text = reply.body;
		ret->len = reply.len;
		reply.body = NULL;
	}
	if (r == 0)
		r = judge(ret, err);
	oe_http_reply_done(&reply);
	oe_mem_free_secret(&body);
	free(url);
	return r;
}

int
oe_mesh_api_call(struct oe_mesh_api *a, const struct oe_mesh_call *call,
    struct oe_mesh_answer *ret, struct oe_err *err)
{
	bool named = a->account && !call->anonymous;
	char *token = NULL;
	int r;

	memset(ret, 0, sizeof *ret);
	r = oe_mesh_api_prepare(a, err);
	if (r < 0)
		return r;
	if (named)
		token = oe_mem_strdup(a->account->token);
	r = ask(a, call, token, ret, err);
	if (named && ret->status == 401) {
		r = a->renew
			? a->renew(a->renew_arg, a, token, err)
			: oe_mesh_account_refresh(a->account, a, token, err);
		if (r == 0) {
			oe_mesh_answer_done(ret);
			r = ask(a, call, a->account->token, ret, err);
		}
	}
	oe_mem_free_secret(&token);
	return r;
}
