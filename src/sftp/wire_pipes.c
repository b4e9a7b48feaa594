/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/wire_pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/loop.h"

/* Pipes of this size are what an unprivileged process may ask for. */
#define PIPE_SIZE (1024 * 1024)
/* One read, and what may wait here for the pipe. */
#define CHUNK (256u * 1024)

int
oe_sftp_pipes_make(int ret[2], struct oe_err *err)
{
	if (pipe2(ret, O_CLOEXEC) < 0) {
		ret[0] = ret[1] = -1;
		return oe_err_sys(err, "make a pipe");
	}
	(void)fcntl(ret[0], F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

void
oe_sftp_pipes_end(struct oe_sftp_pipes *p, const struct oe_err *err)
{
	if (p->ended)
		return;
	p->ended = true;
	p->why = *err;
	oe_watch_set(p->in_watch, 0);
	oe_watch_set(p->out_watch, 0);
}

static void
pipes_fail(struct oe_sftp_pipes *p, const char *what)
{
	struct oe_err err = OE_ERR_INIT;

	oe_err_set(
	    &err, OE_ECLOSED, "%s %s: %s", what, p->name, strerror(errno));
	oe_sftp_pipes_end(p, &err);
}

static void
pipes_closed(struct oe_sftp_pipes *p)
{
	struct oe_err err = OE_ERR_INIT;

	oe_watch_set(p->in_watch, 0);
	if (p->on_ended) {
		p->on_ended(p->ended_arg);
		return;
	}
	oe_err_set(&err, OE_ECLOSED, "%s has ended", p->name);
	oe_sftp_pipes_end(p, &err);
}

static void
pipes_on_in(void *arg, short revents)
{
	struct oe_sftp_pipes *p = arg;
	ssize_t n = read(p->in, p->space, CHUNK);

	(void)revents;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		pipes_fail(p, "read from");
	} else if (n == 0) {
		pipes_closed(p);
	} else {
		p->heard = true;
		p->plan.data(p->plan.arg, p->space, (size_t)n);
	}
}

/* As much as the pipe takes; the number of bytes. */
static size_t
pipes_push(struct oe_sftp_pipes *p, const uint8_t *b, size_t n)
{
	size_t done = 0;
	ssize_t r;

	while (done < n && !p->ended) {
		r = write(p->out, b + done, n - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN)
			break;
		/* its end is told by the other pipe, with what it said last */
		if (r < 0 && errno == EPIPE)
			return n;
		if (r < 0)
			pipes_fail(p, "write to");
		else
			done += (size_t)r;
	}
	return done;
}

static void
pipes_on_out(void *arg, short revents)
{
	struct oe_sftp_pipes *p = arg;

	(void)revents;
	oe_buf_skip(&p->waits,
	    pipes_push(p, oe_buf_head(&p->waits), oe_buf_left(&p->waits)));
	if (oe_buf_left(&p->waits) == 0) {
		oe_buf_reset(&p->waits);
		oe_watch_set(p->out_watch, 0);
	}
}

static bool
pipes_before_wait(void *arg)
{
	struct oe_sftp_pipes *p = arg;

	if (p->ended) {
		if (p->told)
			return false;
		p->told = true;
		p->plan.lost(p->plan.arg, &p->why);
		return true;
	}
	if (p->full && oe_buf_left(&p->waits) == 0) {
		p->full = false;
		p->plan.writable(p->plan.arg);
	}
	return false;
}

size_t
oe_sftp_pipes_room(struct oe_sftp_pipes *p)
{
	if (p->ended)
		return 0;
	p->full = oe_buf_left(&p->waits) > 0;
	return p->full ? 0 : CHUNK;
}

int
oe_sftp_pipes_write(struct oe_sftp_pipes *p, const void *b, size_t n)
{
	size_t done = 0;

	if (p->ended)
		return OE_ECLOSED;
	if (oe_buf_left(&p->waits) == 0)
		done = pipes_push(p, b, n);
	if (done < n) {
		if (oe_buf_put(&p->waits, (const uint8_t *)b + done, n - done) <
		    0)
			return OE_ECLOSED;
		oe_watch_set(p->out_watch, POLLOUT);
	}
	p->full = oe_buf_left(&p->waits) > 0;
	return 0;
}

void
oe_sftp_pipes_start(
    struct oe_sftp_pipes *p, const struct oe_sftp_wire_plan *plan)
{
	p->plan = *plan;
	(void)oe_fd_set_nonblock(p->in, true);
	(void)oe_fd_set_nonblock(p->out, true);
	oe_buf_init(&p->waits, CHUNK);
	p->space = oe_mem_map(CHUNK);
	p->in_watch = oe_loop_watch(plan->loop, p->in, POLLIN, pipes_on_in, p);
	p->out_watch = oe_loop_watch(plan->loop, p->out, 0, pipes_on_out, p);
	p->idle = oe_loop_idle(plan->loop, pipes_before_wait, p);
	p->full = true; /* the first room is news */
}

void
oe_sftp_pipes_done(struct oe_sftp_pipes *p)
{
	oe_watch_free(&p->in_watch);
	oe_watch_free(&p->out_watch);
	oe_idle_free(p->plan.loop, &p->idle);
	oe_fd_close(&p->out);
	oe_fd_close(&p->in);
	oe_buf_done(&p->waits);
	oe_mem_unmap(p->space, CHUNK);
	free(p->name);
}
