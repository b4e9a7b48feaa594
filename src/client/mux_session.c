/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session, or a stdio forward, of one client of a shared connection: its
 * descriptors are here, its process waits for what we tell it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/forward_agent.h"
#include "client/forwarding.h"
#include "client/mux_internal.h"
#include "client/session_internal.h"
#include "client/streams.h"
#include "client/tty.h"
#include "core/app/exitcode.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/ssh/client.h"
#include "core/ssh/ptymodes.h"
#include "core/ssh/pump.h"
#include "core/ssh/signals.h"

/* Where a descriptor could only be switched for all who share it. */
struct shared_fd {
	int fd; /* to switch it back; or -1 */
};

struct oe_mux__session {
	/* what session_escape.c works on; its chan and pump are ours */
	struct oe_session s;
	struct oe_session_plan plan;
	struct oe_session_share share;
	struct oe_mux__client *client;
	uint32_t id;
	bool stdio;
	bool tty;
	bool suspended;
	/* text that the request of the channel needs until it is open */
	struct oe_mux_request request;
	struct oe_buf modes;
	int tty_fd; /* standard input, to ask for its size; or -1 */
	uint32_t size[4];
	struct shared_fd shared[OE_MUX_FDS_MAX];
};

/* --- descriptors -----------------------------------------------------------
 */

/*
 * What the client gave, for our use, without waiting on it: anew where that
 * can be, else switched, and switched back when the session ends.
 */
static int
take_stream(struct oe_mux__session *x, unsigned i)
{
	int given = oe_mux_stream_claim(&x->client->stream, i), fd;
	struct stat st;

	x->shared[i].fd = -1;
	if (given < 0)
		return -1;
	fd = oe_stream_private(given, i == 0);
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !(fcntl(fd, F_GETFL) & O_NONBLOCK)) {
		(void)oe_fd_set_nonblock(fd, true);
		x->shared[i].fd = given;
		return fd;
	}
	oe_fd_close(&given);
	return fd;
}

static void
give_back(struct shared_fd *s)
{
	if (s->fd >= 0)
		(void)oe_fd_set_nonblock(s->fd, false);
	oe_fd_close(&s->fd);
}

static void
take_streams(struct oe_mux__session *x)
{
	struct oe_mux__client *c = x->client;
	int fd = c->stream.nfds ? c->stream.fds[0] : -1;

	x->tty_fd = -1;
	/* as they are before the client makes the terminal raw */
	if (x->tty && fd >= 0 && isatty(fd)) {
		oe_tty_modes(fd, &x->modes);
		oe_tty_size(fd, x->size);
		x->tty_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	} else {
		oe_tty_size(-1, x->size);
	}
	x->s.in_fd = take_stream(x, 0);
	x->s.out_fd = take_stream(x, 1);
	x->s.err_fd = take_stream(x, 2);
	c->stream.nfds = 0;
	x->share.say_fd =
	    x->s.err_fd < 0 ? -1 : fcntl(x->s.err_fd, F_DUPFD_CLOEXEC, 3);
}

/* --- the channel -----------------------------------------------------------
 */

static size_t
on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct oe_mux__session *x = arg;

	return x->s.pump ? oe_ssh_pump_data(x->s.pump, p, n, ext) : 0;
}

static void
on_eof(void *arg)
{
	struct oe_mux__session *x = arg;

	x->s.eof = true;
	if (x->s.pump)
		oe_ssh_pump_eof(x->s.pump);
}

static void
on_closed(void *arg)
{
	((struct oe_mux__session *)arg)->s.closed = true;
}

static void
set_status(struct oe_mux__session *x, int status)
{
	/* output that failed on this side has decided already */
	if (x->s.done)
		return;
	x->s.has_status = true;
	x->s.status = status;
}

static void
on_exit_status(void *arg, int status)
{
	set_status(arg, status & 0xff);
}

static void
on_exit_signal(void *arg, const char *name, bool core, const char *message)
{
	int n = oe_ssh_signal_number(name);

	(void)core;
	(void)message;
	set_status(arg, n ? OE_EXIT_SIGNAL + n : OE_EXIT_CONNECT);
}

static const struct oe_ssh_chan_ops session_ops = {
    .data = on_data,
    .eof = on_eof,
    .closed = on_closed,
    .exit_status = on_exit_status,
    .exit_signal = on_exit_signal,
};

static void
session_end(struct oe_mux__session *x, int status)
{
	if (x->s.done)
		return;
	x->s.done = x->s.has_status = true;
	x->s.status = status;
}

static void
on_output_failed(void *arg, int sys_errno)
{
	session_end(arg,
	    sys_errno == EPIPE ? OE_EXIT_SIGNAL + SIGPIPE : OE_EXIT_FAILURE);
}

static size_t
on_typed(void *arg, uint8_t *p, size_t n)
{
	struct oe_mux__session *x = arg;
	size_t room = oe_ssh_chan_room(x->s.chan);

	return oe_escape_filter(&x->s.escape, p, n, room > n ? n + 1 : n);
}

/* To the user of the session, on its standard error. */
static void
session_say(struct oe_mux__session *x, const char *text)
{
	char *line = oe_mem_printf("omniedge: %s\r\n", text);

	(void)!write(x->share.say_fd, line, strlen(line));
	free(line);
}

/* ~^Z: nothing is read from the terminal until its process goes on. */
static void
on_suspend(void *arg)
{
	struct oe_mux__session *x = arg;

	x->suspended = true;
	oe_ssh_pump_pause(x->s.pump, true);
	(void)kill(x->client->pid, SIGTSTP);
}

static void
start_pump(struct oe_mux__session *x)
{
	struct oe_ssh_pump_plan pp = {
	    .in_fd = x->s.in_fd,
	    .more_fd = -1,
	    .out_fd = x->s.out_fd,
	    .err_fd = x->s.err_fd,
	    .filter = x->s.escapes ? on_typed : NULL,
	    .output_failed = on_output_failed,
	    .arg = x,
	};

	x->s.pump = oe_ssh_pump_new(x->client->master->loop, x->s.chan, &pp);
	x->s.in_fd = x->s.out_fd = x->s.err_fd = -1;
	/* what came before there was a pump */
	oe_ssh_chan_resume(x->s.chan);
	if (x->s.eof)
		oe_ssh_pump_eof(x->s.pump);
}

/*
 * A server that opens no more sessions may do so over a connection of the
 * client's own: only then it is told that it failed.
 */
static void
open_failed(struct oe_mux__session *x, const struct oe_err *err)
{
	struct oe_mux__client *c = x->client;

	if (err->code == OE_EAGAIN || x->stdio) {
		oe_mux__client_refuse(c, OE_MUX_S_FAILURE, oe_err_text(err));
		oe_mux__client_leave(c);
		x->s.done = true;
		return;
	}
	session_say(x, oe_err_text(err));
	oe_mux__client_answer(c, OE_MUX_S_SESSION_OPENED, x->id);
	session_end(x, OE_EXIT_CONNECT);
}

static void
on_open(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct oe_mux__session *x = arg;
	struct oe_mux__client *c = x->client;

	x->s.chan = chan;
	if (!chan) {
		open_failed(x, err);
		return;
	}
	oe_mux__client_answer(c, OE_MUX_S_SESSION_OPENED, x->id);
	if (x->tty && pty_refused) {
		session_say(x, "the server gave no terminal");
		oe_mux__client_tell(c, OE_MUX_S_TTY_ALLOC_FAIL, x->id, 0);
	}
	if (x->tty && !pty_refused && x->tty_fd >= 0 &&
	    x->request.escape <= UINT8_MAX) {
		oe_escape_init(&x->s.escape, (int)x->request.escape,
		    oe_session__escape, &x->s);
		x->s.escapes = true;
	}
	start_pump(x);
	oe_mux__session_resized(x, 0);
}

static enum oe_ssh_open_kind
kind_of(const struct oe_mux_request *q)
{
	if (q->type == OE_MUX_C_NEW_STDIO_FWD)
		return q->to.path ? OE_SSH_OPEN_DIRECT_UNIX
				  : OE_SSH_OPEN_DIRECT;
	if (q->subsystem)
		return OE_SSH_OPEN_SUBSYSTEM;
	return *q->command ? OE_SSH_OPEN_EXEC : OE_SSH_OPEN_SHELL;
}

static void
open_channel(struct oe_mux__session *x)
{
	struct oe_mux__master *m = x->client->master;
	struct oe_mux_request *q = &x->request;
	struct oe_ssh_open_plan op = {
	    .kind = kind_of(q),
	    .text = q->command,
	    .port = (int)q->to.port,
	    .pty = x->tty,
	    .term = q->term,
	    .agent = q->agent && m->agent,
	    .env = q->env,
	    .modes = oe_buf_head(&x->modes),
	    .modes_len = oe_buf_left(&x->modes),
	    .ops = &session_ops,
	    .ops_arg = x,
	    .done = on_open,
	    .arg = x,
	};

	if (x->stdio)
		op.text = q->to.path ? q->to.path : q->to.host;
	memcpy(op.size, x->size, sizeof op.size);
	/* taken over */
	memset(&q->env, 0, sizeof q->env);
	x->s.open = oe_ssh_open_start(m->plan.c->ssh, &op);
}

static void
session_init(struct oe_mux__session *x)
{
	struct oe_mux__master *m = x->client->master;

	x->plan.conf = m->plan.conf;
	x->s.plan = &x->plan;
	x->s.c = m->plan.c;
	x->s.agent = m->agent;
	x->s.forwarding = m->plan.forwarding;
	x->s.forwards = m->forwards;
	x->s.share = &x->share;
	x->s.signal_fd = -1;
	x->share.suspend = x->client->ours ? on_suspend : NULL;
	x->share.arg = x;
	oe_buf_init(&x->modes, OE_SSH_PTYMODES_MAX);
	take_streams(x);
}

void
oe_mux__session_start(struct oe_mux__client *c)
{
	struct oe_mux__session *x;
	bool stdio = c->request.type == OE_MUX_C_NEW_STDIO_FWD;
	unsigned i;
	int fd;

	if (c->session || (stdio && !c->request.to.path &&
			      (!c->request.to.host || !c->request.to.port))) {
		for (i = 0; i < c->stream.nfds; i++) {
			fd = oe_mux_stream_claim(&c->stream, i);
			oe_fd_close(&fd);
		}
		c->stream.nfds = 0;
		oe_mux__client_refuse(c, OE_MUX_S_FAILURE,
		    c->session ? "Multiple sessions not supported"
			       : "there is no such address");
		return;
	}
	x = oe_mem_zalloc(sizeof *x);
	x->client = c;
	x->id = ++c->master->last_session;
	x->stdio = stdio;
	x->tty = c->request.tty && !stdio;
	x->request = c->request;
	memset(&c->request, 0, sizeof c->request);
	c->request.id = x->request.id;
	c->session = x;
	session_init(x);
	open_channel(x);
}

static void
give_back_all(struct oe_mux__session *x)
{
	unsigned i;

	for (i = 0; i < OE_MUX_FDS_MAX; i++)
		give_back(&x->shared[i]);
}

void
oe_mux__session_look(struct oe_mux__session *x)
{
	struct oe_mux__client *c = x->client;

	if (c->leaving || c->waits)
		return;
	if (!x->s.done &&
	    (!x->s.closed || !x->s.pump || !oe_ssh_pump_output_done(x->s.pump)))
		return;
	/* the end of a forward's channel is all that there is to tell */
	if (x->stdio && !x->s.done)
		set_status(x, OE_EXIT_OK);
	/* the streams first: who waits for us may look at them at once */
	oe_ssh_pump_free(&x->s.pump);
	oe_ssh_chan_free(&x->s.chan);
	give_back_all(x);
	if ((x->s.has_status || x->s.done) && (!x->stdio || c->ours))
		oe_mux__client_tell(
		    c, OE_MUX_S_EXIT_MESSAGE, x->id, (uint32_t)x->s.status);
	oe_mux__client_leave(c);
}

void
oe_mux__session_resized(struct oe_mux__session *x, pid_t pid)
{
	uint32_t size[4];

	if (x->tty_fd < 0 || !x->s.chan)
		return;
	if (x->suspended && pid == x->client->pid) {
		x->suspended = false;
		oe_ssh_pump_pause(x->s.pump, false);
	}
	oe_tty_size(x->tty_fd, size);
	if (memcmp(size, x->size, sizeof size) == 0)
		return;
	memcpy(x->size, size, sizeof size);
	oe_ssh_chan_resize(x->s.chan, size);
}

void
oe_mux__session_free(struct oe_mux__session **px)
{
	struct oe_mux__session *x = *px;
	struct oe_mux__master *m;

	if (!x)
		return;
	*px = NULL;
	m = x->client->master;
	if (m->forwards)
		m->plan.forwarding->forget(m->forwards, &x->s);
	oe_ssh_open_free(&x->s.open);
	oe_ssh_pump_free(&x->s.pump);
	oe_ssh_chan_free(&x->s.chan);
	give_back_all(x);
	oe_fd_close(&x->s.in_fd);
	oe_fd_close(&x->s.out_fd);
	oe_fd_close(&x->s.err_fd);
	oe_fd_close(&x->share.say_fd);
	oe_fd_close(&x->tty_fd);
	oe_buf_done(&x->modes);
	oe_mux_request_done(&x->request);
	free(x);
}
