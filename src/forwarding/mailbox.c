/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/mailbox.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/loop.h"

/* Received at a time, before the rest of the loop gets its turn. */
#define MAILBOX_ROUNDS 16

struct letter {
	struct letter *next;
	struct oe_ipc_msg m;
};

struct oe_fwd_mailbox {
	struct oe_watch *watch;
	int fd;
	struct letter *first, **last;
	unsigned n;
	bool over;
	void (*got)(void *arg, struct oe_ipc_msg *m);
	void (*lost)(void *arg);
	void *arg;
};

static void
mailbox_watch(struct oe_fwd_mailbox *b)
{
	int in = b->got ? POLLIN : 0;

	oe_watch_set(b->watch, (short)(b->first ? in | POLLOUT : in));
}

static void
mailbox_lose(struct oe_fwd_mailbox *b)
{
	if (b->over)
		return;
	b->over = true;
	oe_watch_set(b->watch, 0);
	b->lost(b->arg);
}

static void
mailbox_flush(struct oe_fwd_mailbox *b)
{
	struct letter *l;
	int r;

	while (!b->over && (l = b->first)) {
		r = oe_ipc_send_within(b->fd, &l->m, 0, NULL);
		if (r == OE_ETIMEOUT)
			break;
		if (r < 0) {
			mailbox_lose(b);
			return;
		}
		b->first = l->next;
		if (!b->first)
			b->last = &b->first;
		b->n--;
		oe_ipc_msg_done(&l->m);
		free(l);
	}
	if (!b->over)
		mailbox_watch(b);
}

static void
mailbox_receive(struct oe_fwd_mailbox *b)
{
	struct oe_ipc_msg m;
	int i, r;

	for (i = 0; i < MAILBOX_ROUNDS && !b->over; i++) {
		r = oe_ipc_recv(b->fd, 0, &m, NULL);
		if (r == OE_EAGAIN)
			return;
		if (r < 0) {
			mailbox_lose(b);
			return;
		}
		b->got(b->arg, &m);
		oe_ipc_msg_done(&m);
	}
}

static void
mailbox_ready(void *arg, short revents)
{
	struct oe_fwd_mailbox *b = arg;

	if (revents & POLLOUT)
		mailbox_flush(b);
	if (b->got && !b->over && revents & ~POLLOUT)
		mailbox_receive(b);
}

struct oe_fwd_mailbox *
oe_fwd_mailbox_new(struct oe_loop *loop, int fd,
    void (*got)(void *arg, struct oe_ipc_msg *m), void (*lost)(void *arg),
    void *arg)
{
	struct oe_fwd_mailbox *b = oe_mem_zalloc(sizeof *b);

	b->fd = fd;
	b->last = &b->first;
	b->got = got;
	b->lost = lost;
	b->arg = arg;
	b->watch = oe_loop_watch(loop, fd, 0, mailbox_ready, b);
	mailbox_watch(b);
	return b;
}

void
oe_fwd_mailbox_send(struct oe_fwd_mailbox *b, struct oe_ipc_msg *m)
{
	struct letter *l;

	if (b->over || b->n >= OE_FWD_MAILBOX_MAX) {
		oe_ipc_msg_done(m);
		mailbox_lose(b);
		return;
	}
	l = oe_mem_zalloc(sizeof *l);
	l->m = *m;
	*b->last = l;
	b->last = &l->next;
	b->n++;
	mailbox_flush(b);
}

void
oe_fwd_mailbox_free(struct oe_fwd_mailbox **pb)
{
	struct oe_fwd_mailbox *b = *pb;
	struct letter *l;

	if (!b)
		return;
	while ((l = b->first)) {
		b->first = l->next;
		oe_ipc_msg_done(&l->m);
		free(l);
	}
	oe_watch_free(&b->watch);
	free(b);
	*pb = NULL;
}
