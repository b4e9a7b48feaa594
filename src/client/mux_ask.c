/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/mux_internal.h"
#include "client/prompt.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"

struct oe_mux__ask {
	pid_t pid;
	int fd; /* ends with the process */
	struct oe_watch *watch;
	void (*done)(void *arg, bool yes);
	void *arg;
};

static void
run_asker(const char *question)
{
	struct oe_err err = OE_ERR_INIT;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (oe_prompt_confirm(question, &err) == 0)
		_exit(0);
	oe_log_debug(NULL, "%s", oe_err_text(&err));
	_exit(1);
}

static bool
reap(struct oe_mux__ask *a)
{
	int status = -1;
	pid_t pid;

	do {
		pid = waitpid(a->pid, &status, 0);
	} while (pid < 0 && errno == EINTR);
	a->pid = -1;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
on_end(void *arg, short revents)
{
	struct oe_mux__ask *a = arg;

	(void)revents;
	oe_watch_set(a->watch, 0);
	a->done(a->arg, reap(a));
}

struct oe_mux__ask *
oe_mux__ask_start(struct oe_loop *loop, const char *question,
    void (*done)(void *arg, bool yes), void *arg)
{
	struct oe_mux__ask *a;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	pid = fork();
	if (pid == 0)
		run_asker(question);
	oe_fd_close(&fds[1]);
	if (pid < 0) {
		oe_fd_close(&fds[0]);
		return NULL;
	}
	a = oe_mem_zalloc(sizeof *a);
	a->pid = pid;
	a->fd = fds[0];
	a->done = done;
	a->arg = arg;
	a->watch = oe_loop_watch(loop, a->fd, POLLIN, on_end, a);
	return a;
}

void
oe_mux__ask_free(struct oe_mux__ask **pa)
{
	struct oe_mux__ask *a = *pa;

	if (!a)
		return;
	*pa = NULL;
	if (a->pid > 0) {
		(void)kill(a->pid, SIGKILL);
		(void)reap(a);
	}
	oe_watch_free(&a->watch);
	oe_fd_close(&a->fd);
	free(a);
}
