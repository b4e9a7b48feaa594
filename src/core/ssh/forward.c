/* SPDX-License-Identifier: Apache-2.0 */
/* see serve_message.c */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include "core/ssh/forward.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/ssh/internal.h"

struct oe_ssh_request {
	struct oe_ssh_request *next;
	struct oe_ssh *ssh; /* NULL: the connection is gone */
	ssh_message m;
	struct oe_ssh_request_text text;
	char *host, *origin;
	bool answered, granted;
	int port;
};

void
oe_ssh_forward_serve(
    struct oe_ssh *s, const struct oe_ssh_forward_ops *ops, void *arg)
{
	s->forward = ops;
	s->forward_arg = arg;
}

const struct oe_ssh_request_text *
oe_ssh_request_text(const struct oe_ssh_request *r)
{
	return &r->text;
}

static bool
request_is_global(const struct oe_ssh_request *r)
{
	return r->text.kind == OE_SSH_REQUEST_LISTEN ||
	       r->text.kind == OE_SSH_REQUEST_CANCEL;
}

/* Copy the text out: it must not be longer than we say. */
static bool
request_set(struct oe_ssh_request *r, const char *host, int port,
    const char *origin, int origin_port)
{
	host = host ? host : "";
	origin = origin ? origin : "";
	if (strlen(host) > OE_SSH_FORWARD_TEXT_MAX ||
	    strlen(origin) > OE_SSH_FORWARD_TEXT_MAX)
		return false;
	r->text.host = r->host = oe_mem_strdup(host);
	r->text.origin = r->origin = oe_mem_strdup(origin);
	r->text.port = port;
	r->text.origin_port = origin_port;
	return true;
}

static bool
request_read_open(struct oe_ssh_request *r, bool server)
{
	int type = ssh_message_subtype(r->m);

	if (type !=
	    (server ? SSH_CHANNEL_DIRECT_TCPIP : SSH_CHANNEL_FORWARDED_TCPIP))
		return false;
	r->text.kind =
	    server ? OE_SSH_REQUEST_DIRECT : OE_SSH_REQUEST_FORWARDED;
	return request_set(r,
	    ssh_message_channel_request_open_destination(r->m),
	    ssh_message_channel_request_open_destination_port(r->m),
	    ssh_message_channel_request_open_originator(r->m),
	    ssh_message_channel_request_open_originator_port(r->m));
}

static bool
request_read_global(struct oe_ssh_request *r)
{
	switch (ssh_message_subtype(r->m)) {
	case SSH_GLOBAL_REQUEST_TCPIP_FORWARD:
		r->text.kind = OE_SSH_REQUEST_LISTEN;
		break;
	case SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD:
		r->text.kind = OE_SSH_REQUEST_CANCEL;
		break;
	default:
		return false;
	}
	return request_set(r, ssh_message_global_request_address(r->m),
	    ssh_message_global_request_port(r->m), NULL, 0);
}

static bool
request_read(struct oe_ssh_request *r, bool server)
{
	if (ssh_message_type(r->m) == SSH_REQUEST_CHANNEL_OPEN)
		return request_read_open(r, server);
	return server && ssh_message_type(r->m) == SSH_REQUEST_GLOBAL &&
	       request_read_global(r);
}

static void
request_free(struct oe_ssh_request *r)
{
	free(r->host);
	free(r->origin);
	free(r);
}

bool
oe_ssh__forward_take(struct oe_ssh *s, ssh_message m)
{
	struct oe_ssh_request *r, **p;

	if (!s->forward || (s->serve && !s->authenticated) ||
	    s->nrequests >= OE_SSH_REQUESTS_MAX)
		return false;
	r = oe_mem_zalloc(sizeof *r);
	r->ssh = s;
	r->m = m;
	if (!request_read(r, s->serve != NULL)) {
		request_free(r);
		return false;
	}
	for (p = &s->requests; *p; p = &(*p)->next)
		continue;
	*p = r;
	s->nrequests++;
	s->forward->asked(s->forward_arg, r);
	return true;
}

/* Out of the connection's list, without its message. */
static void
request_end(struct oe_ssh_request *r)
{
	struct oe_ssh_request **p;

	if (r->ssh) {
		for (p = &r->ssh->requests; *p != r; p = &(*p)->next)
			continue;
		*p = r->next;
		r->ssh->nrequests--;
		ssh_message_free(r->m);
	}
	request_free(r);
}

struct oe_ssh_chan *
oe_ssh_request_accept(
    struct oe_ssh_request **pr, const struct oe_ssh_chan_ops *ops, void *arg)
{
	struct oe_ssh_request *r = *pr;
	struct oe_ssh *s = r->ssh;
	struct oe_ssh_chan *c = NULL;
	ssh_channel ch = NULL;

	*pr = NULL;
	if (s && !s->dead) {
		s->depth++;
		ch = ssh_message_channel_request_open_reply_accept(r->m);
		s->depth--;
	}
	if (ch) {
		c = oe_ssh__chan_wrap(s, ch);
		oe_ssh_chan_set_ops(c, ops, arg);
	}
	request_end(r);
	return c;
}

static void
request_reply(struct oe_ssh_request *r)
{
	if (r->granted)
		(void)ssh_message_global_request_reply_success(
		    r->m, (uint16_t)r->port);
	else
		(void)ssh_message_reply_default(r->m);
}

/*
 * Answers to global requests carry no name; the peer takes them in the order
 * in which it asked (RFC 4254 section 4).
 */
static void
requests_send_globals(struct oe_ssh *s)
{
	struct oe_ssh_request *r = s->requests, *next;

	for (; r; r = next) {
		next = r->next;
		if (!request_is_global(r))
			continue;
		if (!r->answered)
			return;
		request_reply(r);
		request_end(r);
	}
}

static void
request_answer(struct oe_ssh_request *r, bool granted, int port)
{
	struct oe_ssh *s = r->ssh;

	if (!s || s->dead) {
		request_end(r);
		return;
	}
	r->granted = granted;
	r->port = port;
	r->answered = true;
	s->depth++;
	if (request_is_global(r)) {
		requests_send_globals(s);
	} else {
		request_reply(r);
		request_end(r);
	}
	s->depth--;
}

void
oe_ssh_request_grant(struct oe_ssh_request **pr, int port)
{
	struct oe_ssh_request *r = *pr;

	*pr = NULL;
	if (r)
		request_answer(r, true, port);
}

void
oe_ssh_request_refuse(struct oe_ssh_request **pr)
{
	struct oe_ssh_request *r = *pr;

	*pr = NULL;
	if (r)
		request_answer(r, false, 0);
}

void
oe_ssh__forward_done(struct oe_ssh *s)
{
	struct oe_ssh_request *r, *next;

	for (r = s->requests; r; r = next) {
		next = r->next;
		ssh_message_free(r->m);
		r->ssh = NULL;
		if (r->answered)
			request_free(r);
	}
	s->requests = NULL;
	s->nrequests = 0;
}

bool
oe_ssh_can(enum oe_ssh_ability what)
{
	switch (what) {
	case OE_SSH_CAN_OPEN_UNIX:
		return true;
	case OE_SSH_CAN_SERVE_UNIX:
	case OE_SSH_CAN_LISTEN_UNIX:
		/* libssh shows neither the path nor the request */
		return false;
	}
	return false;
}
