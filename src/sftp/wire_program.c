/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "core/ssh/sshconf.h"

/* Pipes of this size are what an unprivileged process may ask for. */
#define WIRE_PIPE (1024 * 1024)
/* One read, and what may wait here for the pipe. */
#define WIRE_CHUNK (256u * 1024)
/* Looks at whether the program has ended. */
#define WIRE_REAP_MS 5

struct wire {
	struct oe_sftp_wire base;
	struct oe_sftp_wire_plan plan;
	char *name;
	pid_t pid;
	int in, out; /* from and to the program */
	struct oe_watch *in_watch, *out_watch;
	struct oe_idle *idle;
	struct oe_buf waits; /* for room in the pipe */
	uint8_t *space;      /* WIRE_CHUNK bytes */
	bool ended, told, full;
	struct oe_err why;
};

static void
wire_end(struct wire *w, const char *what, int sys_errno)
{
	if (w->ended)
		return;
	w->ended = true;
	if (sys_errno)
		oe_err_set(&w->why, OE_ECLOSED, "%s %s: %s", what, w->name,
		    strerror(sys_errno));
	else
		oe_err_set(&w->why, OE_ECLOSED, "%s has ended", w->name);
	oe_watch_set(w->in_watch, 0);
	oe_watch_set(w->out_watch, 0);
}

static void
wire_on_in(void *arg, short revents)
{
	struct wire *w = arg;
	ssize_t n = read(w->in, w->space, WIRE_CHUNK);

	(void)revents;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		wire_end(w, "read from", n < 0 ? errno : 0);
	else
		w->plan.data(w->plan.arg, w->space, (size_t)n);
}

/* As much as the pipe takes; the number of bytes. */
static size_t
wire_push(struct wire *w, const uint8_t *p, size_t n)
{
	size_t done = 0;
	ssize_t r;

	while (done < n && !w->ended) {
		r = write(w->out, p + done, n - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN)
			break;
		/* its end is told by the other pipe, with what it said last */
		if (r < 0 && errno == EPIPE)
			return n;
		if (r < 0)
			wire_end(w, "write to", errno);
		else
			done += (size_t)r;
	}
	return done;
}

static void
wire_on_out(void *arg, short revents)
{
	struct wire *w = arg;

	(void)revents;
	oe_buf_skip(&w->waits,
	    wire_push(w, oe_buf_head(&w->waits), oe_buf_left(&w->waits)));
	if (oe_buf_left(&w->waits) == 0) {
		oe_buf_reset(&w->waits);
		oe_watch_set(w->out_watch, 0);
	}
}

static bool
wire_before_wait(void *arg)
{
	struct wire *w = arg;

	if (w->ended) {
		if (w->told)
			return false;
		w->told = true;
		w->plan.lost(w->plan.arg, &w->why);
		return true;
	}
	if (w->full && oe_buf_left(&w->waits) == 0) {
		w->full = false;
		w->plan.writable(w->plan.arg);
	}
	return false;
}

static size_t
wire_room(void *wire)
{
	struct wire *w = wire;

	if (w->ended)
		return 0;
	w->full = oe_buf_left(&w->waits) > 0;
	return w->full ? 0 : WIRE_CHUNK;
}

static int
wire_write(void *wire, const void *p, size_t n)
{
	struct wire *w = wire;
	size_t done = 0;

	if (w->ended)
		return OE_ECLOSED;
	if (oe_buf_left(&w->waits) == 0)
		done = wire_push(w, p, n);
	if (done < n) {
		if (oe_buf_put(&w->waits, (const uint8_t *)p + done, n - done) <
		    0)
			return OE_ECLOSED;
		oe_watch_set(w->out_watch, POLLOUT);
	}
	w->full = oe_buf_left(&w->waits) > 0;
	return 0;
}

static uint64_t
wire_rtt_us(const void *wire)
{
	(void)wire;
	return 0;
}

/* It has seen the end of its input; one that has not, is told. */
static void
wire_reap(struct wire *w)
{
	struct timespec nap = {0, WIRE_REAP_MS * 1000000L};
	int64_t until = oe_time_mono_ms() + OE_SFTP_FAREWELL_MS;
	int status;

	while (oe_time_mono_ms() < until) {
		if (waitpid(w->pid, &status, WNOHANG) != 0)
			return;
		nanosleep(&nap, NULL);
	}
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		continue;
}

static void
wire_free(void *wire)
{
	struct wire *w = wire;

	oe_watch_free(&w->in_watch);
	oe_watch_free(&w->out_watch);
	oe_idle_free(w->plan.loop, &w->idle);
	oe_fd_close(&w->out);
	oe_fd_close(&w->in);
	wire_reap(w);
	oe_buf_done(&w->waits);
	oe_mem_unmap(w->space, WIRE_CHUNK);
	free(w->name);
	free(w);
}

static const struct oe_sftp_wire_ops wire_ops = {
    .room = wire_room,
    .write = wire_write,
    .rtt_us = wire_rtt_us,
    .free = wire_free,
};

/* In the child.  @tell: gets errno when the program cannot be run. */
static void
run_program(char *const *argv, int in, int out, int tell)
{
	int e;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* Ctrl-C ends a transfer, not the server of it */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execv(argv[0], argv);
	e = errno;
	(void)oe_fd_write_all(tell, &e, sizeof e);
	_exit(127);
}

static int
make_pipe(int ret[2], struct oe_err *err)
{
	if (pipe2(ret, O_CLOEXEC) < 0) {
		ret[0] = ret[1] = -1;
		return oe_err_sys(err, "make a pipe");
	}
	(void)fcntl(ret[0], F_SETPIPE_SZ, WIRE_PIPE);
	return 0;
}

/* Three pipes: to the program, from it, and what became of it. */
static int
start(struct wire *w, char *const *argv, struct oe_err *err)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, tell[2] = {-1, -1}, e = 0, i;
	int r = make_pipe(to, err);

	if (r == 0)
		r = make_pipe(from, err);
	if (r == 0)
		r = make_pipe(tell, err);
	if (r < 0)
		goto out;
	w->pid = fork();
	if (w->pid == 0)
		run_program(argv, to[0], from[1], tell[1]);
	if (w->pid < 0) {
		r = oe_err_sys(err, "start %s", argv[0]);
		goto out;
	}
	oe_fd_close(&tell[1]);
	if (read(tell[0], &e, sizeof e) == sizeof e) {
		errno = e;
		r = oe_err_sys(err, "run %s", argv[0]);
		(void)waitpid(w->pid, NULL, 0);
		goto out;
	}
	w->out = to[1];
	w->in = from[0];
	to[1] = from[0] = -1;
out:
	for (i = 0; i < 2; i++) {
		oe_fd_close(&to[i]);
		oe_fd_close(&from[i]);
		oe_fd_close(&tell[i]);
	}
	return r;
}

/* The words of a command, ended by NULL as exec wants them. */
static int
start_words(struct wire *w, const char *command, struct oe_err *err)
{
	struct oe_strs words = {NULL, 0};
	char **argv = NULL;
	int r = oe_sshconf_split(command, &words);

	if (r < 0 || words.n == 0) {
		r = oe_err_set(err, OE_EUSAGE,
		    "'%s' does not name a program to run", command);
		goto out;
	}
	argv = oe_mem_realloc_array(NULL, words.n + 1, sizeof *argv);
	memcpy(argv, words.v, words.n * sizeof *argv);
	argv[words.n] = NULL;
	r = start(w, argv, err);
	if (r == 0)
		w->name = oe_mem_strdup(argv[0]);
out:
	free(argv);
	oe_strs_done(&words);
	return r;
}

struct oe_sftp_wire *
oe_sftp_wire_program(const struct oe_sftp_wire_plan *plan, const char *command,
    struct oe_err *err)
{
	struct wire *w = oe_mem_zalloc(sizeof *w);

	w->base.ops = &wire_ops;
	w->plan = *plan;
	if (start_words(w, command, err) < 0) {
		free(w);
		return NULL;
	}
	(void)oe_fd_set_nonblock(w->in, true);
	(void)oe_fd_set_nonblock(w->out, true);
	oe_buf_init(&w->waits, WIRE_CHUNK);
	w->space = oe_mem_map(WIRE_CHUNK);
	w->in_watch = oe_loop_watch(plan->loop, w->in, POLLIN, wire_on_in, w);
	w->out_watch = oe_loop_watch(plan->loop, w->out, 0, wire_on_out, w);
	w->idle = oe_loop_idle(plan->loop, wire_before_wait, w);
	w->full = true; /* the first room is news */
	return &w->base;
}
