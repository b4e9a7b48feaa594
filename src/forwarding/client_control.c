/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a running client: forwarding/control.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "core/ssh/sshconf.h"
#include "forwarding/client_internal.h"
#include "forwarding/control.h"

#define CALLERS_MAX 16
/* Room that is left in a message for what follows the items. */
#define LIST_BYTES (OE_IPC_PAYLOAD_MAX - 8 * 1024)

struct caller {
	struct caller *next;
	struct oe_fwd__control *control;
	int fd;
	struct oe_watch *watch;
	struct oe_fwd__forward *added; /* the peer is asked for it */
	bool over;
};

struct oe_fwd__control {
	struct oe_cli_forwards *set;
	int fd;
	char *path;
	struct oe_watch *watch;
	struct oe_idle *idle;
	struct caller *callers;
	size_t n;
};

static void
answer(struct caller *c, struct oe_ipc_msg *m)
{
	/* one question, one answer: it fits, or nobody reads */
	if (oe_ipc_send_within(c->fd, m, 0, NULL) < 0)
		c->over = true;
	oe_ipc_msg_done(m);
}

static void
answer_error(struct caller *c, const char *text)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_FWD_CONTROL_ERROR);
	(void)oe_buf_put_cstring(&m.payload, text);
	answer(c, &m);
}

static void
answer_done(struct caller *c, unsigned id, int port)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_FWD_CONTROL_DONE);
	(void)oe_buf_put_u32(&m.payload, id);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)port);
	answer(c, &m);
}

static uint8_t
state_of(const struct oe_fwd__forward *f)
{
	switch (f->state) {
	case OE_FWD__UP:
		return OE_FWD_CONTROL_UP;
	case OE_FWD__FAILED:
		return OE_FWD_CONTROL_FAILED;
	case OE_FWD__IDLE:
	case OE_FWD__WAITING:
		break;
	}
	return OE_FWD_CONTROL_WAITING;
}

static void
put_item(struct oe_buf *b, const struct oe_fwd__forward *f)
{
	char *text = oe_fwd__describe(f);
	uint64_t sent, received;

	oe_fwd__bytes(f, &sent, &received);
	(void)oe_buf_put_u32(b, f->id);
	(void)oe_buf_put_cstring(b, text);
	(void)oe_buf_put_u8(b, state_of(f));
	(void)oe_buf_put_u32(b, (uint32_t)f->port);
	(void)oe_buf_put_u64(b, f->open);
	(void)oe_buf_put_u64(b, f->count);
	(void)oe_buf_put_u64(b, sent);
	(void)oe_buf_put_u64(b, received);
	free(text);
}

static void
serve_list(struct caller *c, struct oe_buf *in)
{
	const struct oe_cli_forwards *set = c->control->set;
	struct oe_fwd__forward *f;
	struct oe_ipc_msg m;
	struct oe_buf items;
	uint32_t after = 0, n = 0;

	if (oe_buf_get_u32(in, &after) < 0) {
		c->over = true;
		return;
	}
	oe_buf_init(&items, OE_IPC_PAYLOAD_MAX);
	/* ids rise along the list */
	for (f = set->first; f && oe_buf_left(&items) < LIST_BYTES; f = f->next)
		if (f->id > after) {
			put_item(&items, f);
			n++;
		}
	oe_ipc_msg_init(&m, OE_FWD_CONTROL_ITEMS);
	(void)oe_buf_put_cstring(&m.payload, oe_sshconf_host(set->conf));
	(void)oe_buf_put_u8(&m.payload, set->c != NULL);
	(void)oe_buf_put_u32(&m.payload, n);
	(void)oe_buf_put(&m.payload, oe_buf_head(&items), oe_buf_left(&items));
	(void)oe_buf_put_u8(&m.payload, f != NULL);
	oe_buf_done(&items);
	answer(c, &m);
}

static void
on_told(void *arg, const struct oe_err *err)
{
	struct caller *c = arg;
	struct oe_fwd__forward *f = c->added;

	c->added = NULL;
	if (err)
		answer_error(c, oe_err_text(err));
	else
		answer_done(c, f->id, f->port);
}

static void
serve_add(struct caller *c, struct oe_buf *in)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd__forward *f = NULL;
	char *text = NULL;
	uint8_t kind = 0;

	if (oe_buf_get_u8(in, &kind) < 0 || kind > OE_FWD_DYNAMIC ||
	    oe_buf_get_cstring(in, OE_FWD_SPEC_MAX, &text) < 0) {
		c->over = true;
		return;
	}
	if (oe_fwd__add_text(
		c->control->set, (enum oe_fwd_kind)kind, text, &f, &err) < 0) {
		answer_error(c, oe_err_text(&err));
	} else if (f->state == OE_FWD__WAITING) {
		c->added = f;
		f->told = on_told;
		f->told_arg = c;
	} else {
		answer_done(c, f->id, f->port);
	}
	free(text);
}

static void
serve_stop(struct caller *c, struct oe_buf *in)
{
	struct oe_cli_forwards *set = c->control->set;
	struct oe_fwd__forward *f, *next;
	uint32_t id = 0;
	bool found = false;

	if (oe_buf_get_u32(in, &id) < 0) {
		c->over = true;
		return;
	}
	for (f = set->first; f; f = next) {
		next = f->next;
		if (id && f->id != id)
			continue;
		found = true;
		oe_fwd__remove(f);
	}
	if (found || !id)
		answer_done(c, id, 0);
	else
		answer_error(c, "there is no such forward");
}

static void
serve(struct caller *c, struct oe_ipc_msg *m)
{
	/* the answer to the last question is still due */
	if (c->added) {
		c->over = true;
		return;
	}
	switch (m->type) {
	case OE_FWD_CONTROL_LIST:
		serve_list(c, &m->payload);
		break;
	case OE_FWD_CONTROL_ADD:
		serve_add(c, &m->payload);
		break;
	case OE_FWD_CONTROL_STOP:
		serve_stop(c, &m->payload);
		break;
	default:
		answer_error(c, "this client does not know that");
	}
}

static void
on_question(void *arg, short revents)
{
	struct caller *c = arg;
	struct oe_ipc_msg m;
	int r;

	(void)revents;
	r = oe_ipc_recv(c->fd, 0, &m, NULL);
	if (r == 0) {
		serve(c, &m);
		oe_ipc_msg_done(&m);
	} else if (r != OE_EAGAIN) {
		c->over = true;
	}
	if (c->over)
		oe_watch_set(c->watch, 0);
}

static void
on_caller(void *arg, short revents)
{
	struct oe_fwd__control *control = arg;
	struct caller *c;
	int fd;

	(void)revents;
	fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (control->n >= CALLERS_MAX || !oe_fwd_control_is_ours(fd)) {
		oe_fd_close(&fd);
		return;
	}
	c = oe_mem_zalloc(sizeof *c);
	c->control = control;
	c->fd = fd;
	c->watch =
	    oe_loop_watch(control->set->loop, fd, POLLIN, on_question, c);
	c->next = control->callers;
	control->callers = c;
	control->n++;
}

static void
caller_free(struct caller *c)
{
	if (c->added) {
		c->added->told = NULL;
		answer_error(c, "the client has ended meanwhile");
	}
	c->control->n--;
	oe_watch_free(&c->watch);
	oe_fd_close(&c->fd);
	free(c);
}

static void
reap(struct oe_fwd__control *control, bool all)
{
	struct caller **p = &control->callers, *c;

	while ((c = *p)) {
		if (!c->over && !all) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		caller_free(c);
	}
}

static bool
on_idle(void *arg)
{
	reap(arg, false);
	return false;
}

/* "PID-HOST", of characters that suit a file's name, as far as they fit. */
static bool
socket_path(const char *dir, const char *host, struct sockaddr_un *ret)
{
	int n = snprintf(ret->sun_path, sizeof ret->sun_path, "%s/%ld-", dir,
	    (long)getpid());
	size_t at = (size_t)n;

	if (n < 0 || at + 1 >= sizeof ret->sun_path)
		return false;
	for (; *host && at + 1 < sizeof ret->sun_path; host++)
		ret->sun_path[at++] =
		    (char)(strchr("/:%@ ", *host) ? '_' : *host);
	ret->sun_path[at] = '\0';
	return true;
}

/*
 * It gets its name when it answers: one that refuses connections is taken for
 * the rest of a client that was killed, and removed.
 */
static int
open_socket(const char *dir, const char *path, struct oe_err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t old;
	int fd, r;

	snprintf(
	    sun.sun_path, sizeof sun.sun_path, "%s/.%ld", dir, (long)getpid());

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "socket");
	/* one with our pid is of a process that is gone */
	(void)unlink(sun.sun_path);
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof sun);
	umask(old);
	if (r < 0 || listen(fd, CALLERS_MAX) < 0 ||
	    rename(sun.sun_path, path) < 0) {
		r = oe_err_sys(err, "bind %s", path);
		(void)unlink(sun.sun_path);
		oe_fd_close(&fd);
		return r;
	}
	return fd;
}

int
oe_fwd__control_open(struct oe_cli_forwards *set, struct oe_fwd__control **ret,
    struct oe_err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct oe_fwd__control *c;
	char *dir = NULL;
	int fd, r;

	r = oe_fwd_control_dir(true, &dir, err);
	if (r < 0)
		return r;
	if (!socket_path(dir, oe_sshconf_host(set->conf), &sun)) {
		r = oe_err_set(err, OE_ETOOBIG, "%s: too long", dir);
		free(dir);
		return r;
	}
	fd = open_socket(dir, sun.sun_path, err);
	free(dir);
	if (fd < 0)
		return fd;
	c = oe_mem_zalloc(sizeof *c);
	c->set = set;
	c->fd = fd;
	c->path = oe_mem_strdup(sun.sun_path);
	c->watch = oe_loop_watch(set->loop, fd, POLLIN, on_caller, c);
	c->idle = oe_loop_idle(set->loop, on_idle, c);
	*ret = c;
	return 0;
}

void
oe_fwd__control_close(struct oe_fwd__control **pc)
{
	struct oe_fwd__control *c = *pc;

	if (!c)
		return;
	*pc = NULL;
	reap(c, true);
	oe_watch_free(&c->watch);
	oe_idle_free(c->set->loop, &c->idle);
	oe_fd_close(&c->fd);
	(void)unlink(c->path);
	free(c->path);
	free(c);
}
