/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"

/* The first number behind the standard streams. */
#define KEPT 3

/*
 * All but @keep.  What it is called elsewhere does not matter to a lock: that
 * belongs to what the number stands for.
 */
static void
give_up_streams(int keep)
{
	int null, fd;

	if (keep >= 0 && keep != KEPT && dup2(keep, KEPT) < 0)
		_exit(1);
	oe_fd_close_from(keep >= 0 ? KEPT + 1 : KEPT);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		_exit(1);
	for (fd = 0; fd < KEPT; fd++)
		if (dup2(null, fd) < 0)
			_exit(1);
	if (null > KEPT || (null == KEPT && keep < 0))
		(void)close(null);
}

static void
give_up_signals(void)
{
	sigset_t none;
	int i;

	/* the two that cannot be set say so */
	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
run(void (*fn)(void *arg), void *arg, int keep)
{
	(void)setsid();
	(void)!chdir("/");
	give_up_signals();
	(void)alarm(OE_DETACH_MAX_S);
	give_up_streams(keep);
	oe_log_setup(OE_LOG_ERROR, OE_LOG_TEXT, STDERR_FILENO, false);
	fn(arg);
	_exit(0);
}

int
oe_detach(void (*fn)(void *arg), void *arg, int keep, struct oe_err *err)
{
	pid_t pid = fork(), child;

	if (pid < 0)
		return oe_err_sys(err, "start a process");
	if (pid == 0) {
		child = fork();
		if (child == 0)
			run(fn, arg, keep);
		_exit(child < 0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}
