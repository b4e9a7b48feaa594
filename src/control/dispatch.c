/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request in a worker: what it is, who may, the handler, and what is told
 * about it afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/request.h"
#include "control/server.h"
#include "control/text.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

static void
refuse(struct oe_ctl_call *call, int status)
{
	static const struct {
		int status;
		const char *text;
	} all[] = {
	    {400, "Bad request"},
	    {401, "Unauthorized access"},
	    {408, "Request timeout"},
	    {411, "A length is required; transfer codings are not served"},
	    {413, "The body is too large"},
	    {414, "The address is too long"},
	    {417, "Expectation failed"},
	    {431, "The headers are too large"},
	    {503, "Busy"},
	    {505, "HTTP version not supported"},
	};
	size_t i;

	if (status == 503)
		call->reply.retry_after_s = 1;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (all[i].status == status)
			oe_ctl_message(call, status, all[i].text);
	if (!call->reply.status)
		oe_ctl_message(call, 400, "Bad request");
}

static bool
fill(
    struct oe_ctl_call *call, struct oe_ctl_server *s, struct oe_ctl_request *r)
{
	memset(call, 0, sizeof *call);
	call->server = s;
	call->store = s->store;
	call->route = r->match.route;
	call->method = r->h.method ? r->h.method : "";
	if (oe_str_eq(call->method, "HEAD"))
		call->method = "GET";
	call->path = r->h.path ? r->h.path : "";
	memcpy(call->params, r->match.params, sizeof call->params);
	call->n_params = r->match.n_params;
	call->token = oe_ctl_auth_bearer(r->h.authorization);
	call->if_match = r->h.if_match;
	call->if_none_match = r->h.if_none_match;
	call->now_ms = oe_time_wall_ms();
	oe_ctl_client_find(r->address, r->h.forwarded, r->h.n_forwarded,
	    s->proxies, &call->client);
	memcpy(call->request_id, r->id, sizeof call->request_id);
	call->body = "";
	if (!r->refuse && oe_buf_put_u8(&r->body, 0) == 0) {
		call->body = (const char *)oe_buf_head(&r->body);
		call->body_len = oe_buf_left(&r->body) - 1;
	}
	return oe_ctl_form_parse(
	    r->h.query, call->query, OE_CTL_QUERY_MAX, &call->n_query);
}

static void
no_route(struct oe_ctl_call *call, const struct oe_ctl_request *r)
{
	char text[200];

	call->reply.allow = r->match.allow;
	if (oe_str_eq(r->h.path, "*") || r->match.path_known) {
		if (oe_str_eq(call->method, "OPTIONS"))
			oe_ctl_raw(call, 204, NULL, NULL, 0);
		else
			oe_ctl_message(call, 405, "Method not allowed");
		return;
	}
	call->reply.allow = NULL;
	/* the path is not repeated: it was split, and may hold anything */
	snprintf(text, sizeof text, "Cannot %s this path", call->method);
	oe_ctl_throw(call, 404, "E_ROUTE_NOT_FOUND", text, NULL);
}

/* A handler failed: what the caller may know of it. */
static void
failed(struct oe_ctl_call *call, int code)
{
	const char *text = oe_err_text(&call->err);
	struct oe_logctx lc = {NULL, "request", call->request_id};

	switch (code) {
	case OE_ENOENT:
		oe_ctl_message(call, 404, text);
		return;
	case OE_EPERM:
		oe_ctl_message(call, 403, text);
		return;
	case OE_EEXIST:
		oe_ctl_message(call, 409, text);
		return;
	case OE_EINVAL:
		oe_ctl_message(call, 400, text);
		return;
	case OE_EAGAIN:
	case OE_ETIMEOUT:
		if (!call->reply.retry_after_s)
			call->reply.retry_after_s = 1;
		oe_ctl_message(call, 503, "Busy; try again later");
		break;
	default:
		oe_ctl_message(call, 500, "Internal server error");
		break;
	}
	oe_log_error(&lc, "%s: %s",
	    call->route ? call->route->pattern : "request", text);
}

void
oe_ctl_event(
    struct oe_event *e, const struct oe_ctl_call *call, const char *name)
{
	oe_event_begin(e, &call->server->events, name);
	oe_event_str(e, "request", call->request_id);
	oe_event_str(e, "src", call->client.address);
	if (call->caller.id[0]) {
		oe_event_str(e, "actor", call->caller.id);
		oe_event_str(e, "actor_email", call->caller.email);
	}
}

void
oe_ctl_event_end(struct oe_event *e, const struct oe_ctl_call *call)
{
	oe_event_end(e, &call->server->events);
}

/* What an administrator did; values of bodies may be secret and are not told.
 */
static void
audit(const struct oe_ctl_call *call)
{
	struct oe_event e;
	char key[40];
	size_t i;

	if (!call->route || !(call->route->flags & OE_CTL_AUDIT) ||
	    call->reply.status >= 400)
		return;
	oe_ctl_event(&e, call, "control.admin");
	oe_event_str(&e, "what", call->route->what);
	oe_event_str(&e, "method", call->route->method);
	oe_event_str(&e, "route", call->route->pattern);
	for (i = 0; i < call->n_params; i++) {
		snprintf(key, sizeof key, "p_%.*s",
		    (int)strcspn(call->params[i].key, "/"),
		    call->params[i].key);
		oe_event_str(&e, key, call->params[i].value);
	}
	oe_event_str(&e, "network_id",
	    call->route->network == OE_CTL_NETWORK_QUERY
		? oe_ctl_query(call, "network_id")
		: oe_jval_get_text(call->json, "network_id"));
	oe_event_int(&e, "status", call->reply.status);
	oe_ctl_event_end(&e, call);
}

static void
tell(const struct oe_ctl_call *call, const struct oe_ctl_request *r,
    int64_t micros)
{
	struct oe_logctx id = {NULL, "request", call->request_id},
			 src = {&id, "src", call->client.address};

	/* the pattern and not the path: paths may hold what is secret */
	oe_log_debug(&src, "%s %s %d %lld us", call->method,
	    call->route ? call->route->pattern
	    : r->refuse ? "(refused)"
			: "(no route)",
	    call->reply.status, (long long)micros);
}

static void
answer(struct oe_ctl_call *call, struct oe_ctl_request *r, bool good_query)
{
	struct oe_jval *json = NULL;
	int code;

	if (r->refuse && r->refuse != 404 && r->refuse != 405) {
		refuse(call, r->refuse);
		return;
	}
	if (!call->route) {
		no_route(call, r);
		return;
	}
	if (!good_query) {
		refuse(call, 400);
		return;
	}
	if (oe_ctl_admit(call, r, &json)) {
		code = call->route->fn(call);
		if (code < 0)
			failed(call, code);
	}
	if (!call->reply.status)
		failed(call, call->err.code ? call->err.code : OE_ELIB);
	audit(call);
	oe_jval_free(&json);
	call->json = NULL;
}

void
oe_ctl_dispatch(struct oe_ctl_server *s, struct oe_ctl_request *r)
{
	struct oe_ctl_call call;
	bool good_query = fill(&call, s, r);
	int64_t micros;

	answer(&call, r, good_query);
	oe_ctl_reply_make(&call, r);
	micros = oe_time_mono_us() - r->began_us;
	oe_ctl_metrics_note(
	    &s->metrics, call.reply.status, micros > 0 ? (uint64_t)micros : 0);
	tell(&call, r, micros);
	oe_jval_free(&call.errors);
	if (call.reply.body)
		oe_mem_wipe(call.reply.body, call.reply.len);
	free(call.reply.body);
	oe_ctl_text_drop(&call.reply.shared);
	oe_mem_wipe(&call.caller, sizeof call.caller);
	/* a reply may take long to be sent: the request is not kept for it */
	oe_buf_done(&r->body);
}
