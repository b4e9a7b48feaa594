/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners that we ask the server for.  libssh has one global request out at
 * a time, keepalives included, and tells only whoever asks next how it ended.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/ssh/forward.h"
#include "core/ssh/internal.h"
#include "core/ssh/readahead.h"

enum listen_state {
	LISTEN_WAITS,  /* to be asked for */
	LISTEN_ASKED,  /* the request is out */
	LISTEN_ENDED,  /* answered, not told yet */
	LISTEN_TOLD,   /* with status */
	LISTEN_CANCEL, /* to be cancelled */
	LISTEN_CANCEL_ASKED,
};

struct oe_ssh_listen {
	struct oe_ssh_listen *next;
	struct oe_ssh *ssh; /* NULL: the connection is gone */
	enum listen_state state;
	char *host;
	int port, real_port;
	int status;
	bool left; /* the owner has gone: cancel and free */
	void (*done)(void *arg, int status, int port, const struct oe_err *err);
	void *arg;
};

static void
listen_drop(struct oe_ssh_listen *l)
{
	struct oe_ssh_listen **p;

	if (l->ssh) {
		if (l->ssh->asking == l)
			l->ssh->asking = NULL;
		for (p = &l->ssh->listens; *p != l; p = &(*p)->next)
			continue;
		*p = l->next;
	}
	free(l->host);
	free(l);
}

bool
oe_ssh__listen_waits(const struct oe_ssh *s)
{
	const struct oe_ssh_listen *l;

	for (l = s->listens; l; l = l->next)
		if (l->state != LISTEN_ENDED && l->state != LISTEN_TOLD)
			return true;
	return false;
}

bool
oe_ssh__listen_drips(const struct oe_ssh *s)
{
	return s->drip_fd >= 0;
}

/* Ask libssh, without letting it read: SSH_AGAIN while there is no answer. */
static int
listen_call(struct oe_ssh_listen *l)
{
	struct oe_ssh *s = l->ssh;
	bool held = oe_ssh__readahead_hold(s->fd, true);
	int r;

	s->depth++;
	if (l->state == LISTEN_CANCEL || l->state == LISTEN_CANCEL_ASKED)
		r = ssh_channel_cancel_forward(
		    s->session, l->host, l->real_port);
	else
		r = ssh_channel_listen_forward(
		    s->session, l->host, l->port, &l->real_port);
	s->depth--;
	(void)oe_ssh__readahead_hold(s->fd, held);
	return r;
}

/*
 * The port that the server chose is in the answer's packet only, and libssh
 * keeps just the packet that it read last.  So it gets single bytes, and is
 * asked after each, until the answer is there.  The loop must know of input
 * all the same: it watches a copy of the descriptor, which is not held.
 */
static void
listen_drip(struct oe_ssh *s, bool on)
{
	if (on)
		s->drip_fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	/* without a copy the port may go unnoticed: refused, then */
	if (s->drip_fd < 0)
		return;
	(void)oe_ssh__readahead_hold(s->fd, on);
	oe_ssh__readahead_drip(s->fd, on);
	oe_ssh__watch(s, on ? s->drip_fd : s->fd);
	if (!on)
		oe_fd_close(&s->drip_fd);
}

static void
listen_answered(struct oe_ssh_listen *l, bool granted)
{
	struct oe_ssh *s = l->ssh;

	if (oe_ssh__listen_drips(s))
		listen_drip(s, false);
	s->asking = NULL;
	if (l->state == LISTEN_CANCEL_ASKED) {
		listen_drop(l);
		return;
	}
	if (l->port)
		l->real_port = l->port;
	l->status = granted && l->real_port > 0 ? 0 : OE_EPERM;
	l->state = LISTEN_ENDED;
	if (l->left && l->status == 0)
		l->state = LISTEN_CANCEL;
	else if (l->left)
		listen_drop(l);
}

void
oe_ssh__listen_collect(struct oe_ssh *s)
{
	int r;

	if (!s->asking || s->dead)
		return;
	r = listen_call(s->asking);
	if (r != SSH_AGAIN)
		listen_answered(s->asking, r == SSH_OK);
}

static void
listen_ask(struct oe_ssh_listen *l)
{
	struct oe_ssh *s = l->ssh;
	int r = listen_call(l);

	/* what is answered is the keepalive that was out */
	if (s->keepalive_out) {
		s->keepalive_out = r == SSH_AGAIN;
		if (s->keepalive_out)
			return;
		r = listen_call(l);
	}
	s->asking = l;
	l->state =
	    l->state == LISTEN_CANCEL ? LISTEN_CANCEL_ASKED : LISTEN_ASKED;
	if (r != SSH_AGAIN)
		listen_answered(l, r == SSH_OK);
	else if (l->state == LISTEN_ASKED && !l->port)
		listen_drip(s, true);
}

static void
listen_ask_next(struct oe_ssh *s)
{
	struct oe_ssh_listen *l;

	for (l = s->listens; l; l = l->next)
		if (l->state == LISTEN_WAITS || l->state == LISTEN_CANCEL) {
			listen_ask(l);
			return;
		}
}

static void
listen_tell(struct oe_ssh_listen *l)
{
	struct oe_err err = OE_ERR_INIT;

	l->state = LISTEN_TOLD;
	if (l->status == OE_ECLOSED)
		oe_err_set(&err, OE_ECLOSED, "the connection ended: %s",
		    oe_ssh_error(l->ssh));
	else if (l->status < 0)
		oe_err_set(&err, l->status,
		    "the server refused to listen on %s port %d",
		    *l->host ? l->host : "*", l->port);
	l->done(l->arg, l->status, l->status < 0 ? 0 : l->real_port, &err);
}

/* One at a time: after its word the connection may be gone. */
static bool
listen_run(void *arg)
{
	struct oe_ssh *s = arg;
	struct oe_ssh_listen *l;

	if (s->depth)
		return false;
	if (!s->dead) {
		oe_ssh__listen_collect(s);
		if (!s->asking)
			listen_ask_next(s);
	}
	for (l = s->listens; l; l = l->next) {
		if (s->dead && l->state < LISTEN_ENDED && !l->left) {
			l->status = OE_ECLOSED;
			l->state = LISTEN_ENDED;
		}
		if (l->state == LISTEN_ENDED) {
			listen_tell(l);
			return true;
		}
	}
	return false;
}

struct oe_ssh_listen *
oe_ssh_listen_start(struct oe_ssh *s, const char *host, int port,
    void (*done)(void *arg, int status, int port, const struct oe_err *err),
    void *arg)
{
	struct oe_ssh_listen *l = oe_mem_zalloc(sizeof *l), **p;

	l->ssh = s;
	l->host = oe_mem_strdup(host);
	l->port = port;
	l->done = done;
	l->arg = arg;
	for (p = &s->listens; *p; p = &(*p)->next)
		continue;
	*p = l;
	if (!s->listen_idle)
		s->listen_idle = oe_loop_idle(s->loop, listen_run, s);
	return l;
}

void
oe_ssh_listen_free(struct oe_ssh_listen **pl)
{
	struct oe_ssh_listen *l = *pl;

	*pl = NULL;
	if (!l)
		return;
	if (l->ssh && !l->ssh->dead) {
		if (l->state == LISTEN_ASKED) {
			l->left = true;
			return;
		}
		if (l->state > LISTEN_ASKED && l->status == 0) {
			l->left = true;
			l->state = LISTEN_CANCEL;
			return;
		}
	}
	listen_drop(l);
}

void
oe_ssh__listen_done(struct oe_ssh *s)
{
	struct oe_ssh_listen *l, *next;

	for (l = s->listens; l; l = next) {
		next = l->next;
		l->ssh = NULL;
		if (l->left)
			listen_drop(l);
	}
	s->listens = s->asking = NULL;
	oe_idle_free(s->loop, &s->listen_idle);
}
