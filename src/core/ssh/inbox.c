/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the peer that libssh queued: taken out in order, answered or
 * kept.  While they are taken nothing is read, so this is safe from within
 * libssh's callbacks too.
 */
/* see serve_message.c */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/ssh/internal.h"
#include "core/ssh/readahead.h"

struct oe_ssh__letter {
	struct oe_ssh__letter *next;
	ssh_message m;
};

static void
inbox_collect(struct oe_ssh *s)
{
	struct oe_ssh__letter *l;
	ssh_message m;
	bool held;

	if (s->dead || (s->serve && !s->authenticated))
		return;
	held = oe_ssh__readahead_hold(s->fd, true);
	while ((m = ssh_message_get(s->session))) {
		l = oe_mem_zalloc(sizeof *l);
		l->m = m;
		*s->inbox_end = l;
		s->inbox_end = &l->next;
	}
	(void)oe_ssh__readahead_hold(s->fd, held);
}

static ssh_message
inbox_take(struct oe_ssh *s)
{
	struct oe_ssh__letter *l = s->inbox;
	ssh_message m;

	if (!l)
		return NULL;
	s->inbox = l->next;
	if (!s->inbox)
		s->inbox_end = &s->inbox;
	m = l->m;
	free(l);
	return m;
}

static int
inbox_answer(struct oe_ssh *s, ssh_message m)
{
	if (s->dead)
		return OE_SSH__REPLY_DONE;
	if (s->serve)
		return oe_ssh__serve_message(s->session, m, s);
	return oe_ssh__forward_take(s, m) ? OE_SSH__REPLY_KEPT
					  : OE_SSH__REPLY_DEFAULT;
}

bool
oe_ssh__inbox_serve(struct oe_ssh *s)
{
	bool any = false;
	ssh_message m;
	int r;

	inbox_collect(s);
	while ((m = inbox_take(s))) {
		any = true;
		r = inbox_answer(s, m);
		if (r == OE_SSH__REPLY_DEFAULT && !s->dead)
			(void)ssh_message_reply_default(m);
		if (r != OE_SSH__REPLY_KEPT)
			ssh_message_free(m);
	}
	return any;
}

void
oe_ssh__inbox_forget(struct oe_ssh *s, ssh_channel ch)
{
	struct oe_ssh__letter **p = &s->inbox, *l;

	inbox_collect(s);
	while ((l = *p)) {
		if (ssh_message_type(l->m) != SSH_REQUEST_CHANNEL ||
		    ssh_message_channel_request_channel(l->m) != ch) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		ssh_message_free(l->m);
		free(l);
	}
	s->inbox_end = p;
}

void
oe_ssh__inbox_done(struct oe_ssh *s)
{
	ssh_message m;

	while ((m = inbox_take(s)))
		ssh_message_free(m);
}
