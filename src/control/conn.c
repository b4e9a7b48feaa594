/* SPDX-License-Identifier: Apache-2.0 */
#include "control/conn.h"

#include <stdlib.h>
#include <string.h>

#include "control/text.h"
#include "core/base/err.h"
#include "core/base/mem.h"

void
oe_ctl_request_free(struct oe_ctl_request **r)
{
	if (!*r)
		return;
	/* tokens and passwords went through here */
	oe_mem_free_secret(&(*r)->text);
	oe_buf_done(&(*r)->body);
	if ((*r)->out)
		oe_mem_wipe((*r)->out, (*r)->out_len);
	free((*r)->out);
	oe_ctl_text_drop(&(*r)->shared);
	oe_mem_free(r);
}

void
oe_ctl_conn_init(
    struct oe_ctl_conn *c, const struct oe_ctl_route *const *routes)
{
	memset(c, 0, sizeof *c);
	c->routes = routes;
	oe_buf_init(&c->in, OE_CTL_CONN_IN_MAX);
}

void
oe_ctl_conn_done(struct oe_ctl_conn *c)
{
	oe_buf_done(&c->in);
	oe_ctl_request_free(&c->req);
}

/* Bytes of a body go into the request, what follows them stays. */
static void
take_body(struct oe_ctl_conn *c)
{
	struct oe_ctl_request *r = c->req;
	size_t n = oe_buf_left(&c->in),
	       want = r->body_want - oe_buf_left(&r->body);

	if (n > want)
		n = want;
	if (n && oe_buf_put(&r->body, oe_buf_head(&c->in), n) == 0)
		oe_buf_skip(&c->in, n);
}

int
oe_ctl_conn_feed(struct oe_ctl_conn *c, const void *p, size_t n)
{
	struct oe_ctl_request *r = c->req;
	size_t want;

	if (c->state == OE_CTL_CONN_LINGER)
		return 0;
	if (c->state == OE_CTL_CONN_BODY) {
		want = r->body_want - oe_buf_left(&r->body);
		if (want > n)
			want = n;
		if (oe_buf_put(&r->body, p, want) < 0)
			return OE_ETOOBIG;
		p = (const char *)p + want;
		n -= want;
	}
	return n ? oe_buf_put(&c->in, p, n) : 0;
}

static size_t
body_max(const struct oe_ctl_route *route)
{
	return route && route->max ? route->max : OE_CTL_BODY_MAX;
}

/* The head is whole: what is this, and how much of a body comes? */
static void
read_head(struct oe_ctl_conn *c, size_t n)
{
	struct oe_ctl_request *r = oe_mem_zalloc(sizeof *r);

	r->text = oe_mem_zalloc(n + 1);
	memcpy(r->text, oe_buf_head(&c->in), n);
	oe_buf_skip(&c->in, n);
	c->searched = 0;
	c->req = r;
	r->refuse = oe_ctl_head_parse(r->text, n, &r->h);
	if (r->refuse)
		return;
	if (r->h.path[0] == '/')
		oe_ctl_route_find(c->routes, r->h.method, r->h.path, &r->match);
	if (r->h.body_len > body_max(r->match.route))
		r->refuse = 413;
	else if (r->h.body_len > OE_CTL_CONN_SMALL && c->may_send)
		r->refuse = c->may_send(c->arg, r);
	if (!r->refuse)
		r->body_want = r->h.body_len;
	oe_buf_init(&r->body, r->body_want + 1);
	c->say_continue = !r->refuse && r->h.expects && r->body_want &&
			  oe_buf_left(&c->in) == 0;
}

/* No end of a head: is there room for more of it? */
static void
read_part(struct oe_ctl_conn *c)
{
	c->searched = oe_buf_left(&c->in);
	if (c->searched <= OE_CTL_HEAD_MAX)
		return;
	c->req = oe_mem_zalloc(sizeof *c->req);
	c->req->refuse = 431;
}

struct oe_ctl_request *
oe_ctl_conn_next(struct oe_ctl_conn *c)
{
	struct oe_ctl_request *r;
	size_t n;

	if (c->state == OE_CTL_CONN_HEAD) {
		/* an empty line before a request is RFC 9112, 2.2 */
		while (oe_buf_left(&c->in) >= 2 &&
		       memcmp(oe_buf_head(&c->in), "\r\n", 2) == 0) {
			oe_buf_skip(&c->in, 2);
			c->searched = 0;
		}
		n = oe_ctl_head_end((const char *)oe_buf_head(&c->in),
		    oe_buf_left(&c->in), c->searched);
		if (n > OE_CTL_HEAD_MAX)
			n = 0;
		if (n)
			read_head(c, n);
		else
			read_part(c);
		if (!c->req)
			return NULL;
		c->state = OE_CTL_CONN_BODY;
	}
	if (c->state != OE_CTL_CONN_BODY)
		return NULL;
	r = c->req;
	if (!r->refuse) {
		take_body(c);
		if (oe_buf_left(&r->body) < r->body_want)
			return NULL;
	}
	r->close = r->refuse || !r->h.keep_alive;
	c->req = NULL;
	c->say_continue = false;
	c->state = OE_CTL_CONN_BUSY;
	return r;
}

void
oe_ctl_conn_answered(struct oe_ctl_conn *c, bool last)
{
	c->state = last ? OE_CTL_CONN_LINGER : OE_CTL_CONN_HEAD;
	if (last || oe_buf_left(&c->in) == 0) {
		/* idle connections cost little */
		oe_buf_done(&c->in);
		oe_buf_init(&c->in, OE_CTL_CONN_IN_MAX);
	}
}

bool
oe_ctl_conn_idle(const struct oe_ctl_conn *c)
{
	return c->state == OE_CTL_CONN_HEAD && oe_buf_left(&c->in) == 0;
}
