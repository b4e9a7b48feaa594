/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/detach.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"

static char dir[] = "/tmp/oe-detach-XXXXXX";

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

static const char *
in_dir(const char *name, char ret[64])
{
	snprintf(ret, 64, "%s/%s", dir, name);
	return ret;
}

static void
count_fds(char *to, size_t size)
{
	int fd, n = 0;

	for (fd = 0; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	snprintf(to, size, "%d %d %d", n, getsid(0) == getpid(),
	    isatty(0) || isatty(2));
}

/* What it has is told before "go" is waited for, so that it is still there. */
static void
work(void *arg)
{
	char go[64], report[64], text[64];
	int fd, tries;

	(void)arg;
	count_fds(text, sizeof text);
	for (tries = 0; access(in_dir("go", go), F_OK) < 0; tries++) {
		if (tries > 60000)
			return;
		usleep(1000);
	}
	fd = open(
	    in_dir("report", report), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	dprintf(fd, "%s", text);
	/* by a signal that the caller ignores */
	raise(SIGTERM);
	unlink(report);
}

static void
nothing_is_shared_but_the_lock(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	char path[64], c;
	struct oe_buf b;
	int pipes[2], lock, again;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	signal(SIGTERM, SIG_IGN);
	lock = open(in_dir("lock", path), O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(oe_detach(work, NULL, lock, &err), 0);
	oe_fd_close(&lock);
	/* nobody's child */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	oe_fd_close(&pipes[1]);
	assert_int_equal(read(pipes[0], &c, 1), 0);
	oe_fd_close(&pipes[0]);
	again = open(path, O_RDWR);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), -1);
	oe_fd_close(&lock);
	lock = open(in_dir("go", path), O_WRONLY | O_CREAT, 0600);
	oe_fd_close(&lock);
	/* which it gives up by its end */
	assert_int_equal(flock(again, LOCK_EX), 0);
	oe_fd_close(&again);
	assert_int_equal(
	    oe_fd_read_file(in_dir("report", path), 64, &b, &err), 0);
	assert_string_equal((const char *)oe_buf_head(&b), "4 1 0");
	oe_buf_done(&b);
	unlink(path);
	unlink(in_dir("go", path));
	unlink(in_dir("lock", path));
	signal(SIGTERM, SIG_DFL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_shared_but_the_lock),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
