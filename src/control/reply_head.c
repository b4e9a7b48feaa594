/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a reply: status line, headers, body.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/request.h"
#include "control/server.h"
#include "control/text.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define HEAD_MAX 4096
/* Up to here a shared body is copied, and goes out with its head. */
#define COPY_MAX 8192

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} all[] = {
	    {200, "OK"},
	    {201, "Created"},
	    {204, "No Content"},
	    {304, "Not Modified"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {408, "Request Timeout"},
	    {409, "Conflict"},
	    {411, "Length Required"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {415, "Unsupported Media Type"},
	    {417, "Expectation Failed"},
	    {422, "Unprocessable Content"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {503, "Service Unavailable"},
	    {505, "HTTP Version Not Supported"},
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (all[i].status == status)
			return all[i].text;
	return "Unknown";
}

static void
put_date(struct oe_buf *b, int64_t now_ms)
{
	time_t t = (time_t)(now_ms / 1000);
	char text[40];
	struct tm tm;

	if (gmtime_r(&t, &tm) &&
	    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		(void)oe_buf_printf(b, "Date: %s\r\n", text);
}

/* What tells a browser to do nothing clever with a reply. */
static void
put_security(struct oe_buf *b, const struct oe_ctl_request *r)
{
	(void)oe_buf_printf(b,
	    "X-Content-Type-Options: nosniff\r\n"
	    "X-Frame-Options: DENY\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Content-Security-Policy: default-src 'none'; "
	    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'\r\n");
	if (r->tls)
		(void)oe_buf_printf(
		    b, "Strict-Transport-Security: max-age=31536000\r\n");
}

static void
put_optional(struct oe_buf *b, const struct oe_ctl_reply *p)
{
	if (p->etag[0])
		(void)oe_buf_printf(b, "ETag: %s\r\n", p->etag);
	if (p->retry_after_s > 0)
		(void)oe_buf_printf(b, "Retry-After: %d\r\n", p->retry_after_s);
	if (p->allow && p->allow[0])
		(void)oe_buf_printf(b, "Allow: %s\r\n", p->allow);
	if (p->status == 401)
		(void)oe_buf_printf(b, "WWW-Authenticate: Bearer\r\n");
}

void
oe_ctl_reply_make(struct oe_ctl_call *call, struct oe_ctl_request *r)
{
	const struct oe_ctl_reply *p = &call->reply;
	bool bodyless = p->status == 204 || p->status == 304;
	size_t len = bodyless || oe_str_eq(r->h.method, "HEAD") ? 0 : p->len;
	const char *body = p->shared ? oe_ctl_text_get(p->shared) : p->body;
	struct oe_buf b;

	if (p->shared && len > COPY_MAX) {
		r->shared = oe_ctl_text_ref(p->shared);
		len = 0;
	}
	oe_buf_init(&b, HEAD_MAX + len);
	(void)oe_buf_printf(
	    &b, "HTTP/1.1 %d %s\r\n", p->status, reason(p->status));
	put_date(&b, call->now_ms);
	if (p->type)
		(void)oe_buf_printf(&b, "Content-Type: %s\r\n", p->type);
	if (!bodyless)
		(void)oe_buf_printf(&b, "Content-Length: %zu\r\n", p->len);
	(void)oe_buf_printf(&b,
	    "Cache-Control: %s\r\nX-Request-Id: %s\r\nConnection: %s\r\n",
	    p->etag[0] ? "private, no-cache" : "no-store", r->id,
	    r->close ? "close" : "keep-alive");
	put_security(&b, r);
	put_optional(&b, p);
	(void)oe_buf_put(&b, "\r\n", 2);
	if (len)
		(void)oe_buf_put(&b, body, len);
	r->status = p->status;
	r->out_len = oe_buf_left(&b);
	r->out = oe_mem_zalloc(r->out_len + 1);
	memcpy(r->out, oe_buf_head(&b), r->out_len);
	oe_buf_done(&b);
}
