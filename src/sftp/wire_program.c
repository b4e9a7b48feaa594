/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/ssh/sshconf.h"
#include "sftp/wire.h"
#include "sftp/wire_pipes.h"

/* Looks at whether the program has ended. */
#define WIRE_REAP_MS 5

struct wire {
	struct oe_sftp_wire base;
	struct oe_sftp_pipes pipes;
	pid_t pid;
};

static size_t
wire_room(void *wire)
{
	return oe_sftp_pipes_room(&((struct wire *)wire)->pipes);
}

static int
wire_write(void *wire, const void *p, size_t n)
{
	return oe_sftp_pipes_write(&((struct wire *)wire)->pipes, p, n);
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

	oe_sftp_pipes_done(&w->pipes);
	wire_reap(w);
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

/* Three pipes: to the program, from it, and what became of it. */
static int
start(struct wire *w, char *const *argv, struct oe_err *err)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, tell[2] = {-1, -1}, e = 0, i;
	int r = oe_sftp_pipes_make(to, err);

	if (r == 0)
		r = oe_sftp_pipes_make(from, err);
	if (r == 0)
		r = oe_sftp_pipes_make(tell, err);
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
	w->pipes.out = to[1];
	w->pipes.in = from[0];
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
		w->pipes.name = oe_mem_strdup(argv[0]);
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
	if (start_words(w, command, err) < 0) {
		free(w);
		return NULL;
	}
	oe_sftp_pipes_start(&w->pipes, plan);
	return &w->base;
}
