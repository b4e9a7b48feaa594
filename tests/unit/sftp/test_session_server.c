/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "session_rig.h"
#include "sftp/session.h"
/* --- OpenSSH's server --- */

struct pipe_end {
	struct oe_sftp_session *s;
	struct oe_watch *watch;
	int fd, ready;
};

static size_t
pipe_room(void *arg)
{
	const struct pipe_end *e = arg;
	struct pollfd p = {.fd = e->fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT ? 4096 : 0;
}

static int
pipe_write(void *arg, const void *p, size_t n)
{
	const struct pipe_end *e = arg;

	return oe_fd_write_all(e->fd, p, n) < 0 ? OE_ECLOSED : 0;
}

static void
pipe_ready(void *arg, int status, const struct oe_err *err)
{
	struct pipe_end *e = arg;

	(void)err;
	e->ready = status == 0 ? 1 : status;
}

static void
pipe_in(void *arg, short revents)
{
	struct pipe_end *e = arg;
	static char buf[100000];
	ssize_t n;

	oe_sftp_session_writable(e->s);
	if (!(revents & POLLIN))
		return;
	n = read(e->fd, buf, sizeof buf);
	if (n > 0)
		oe_sftp_session_input(e->s, buf, (size_t)n);
	else
		oe_sftp_session_lost(e->s, NULL);
}

static pid_t
start_server(const char *program, int *ret_fd)
{
	int sv[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(sv[1], 0);
		dup2(sv[1], 1);
		oe_fd_close_from(3);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	*ret_fd = sv[0];
	return pid;
}

static void
check_real(struct oe_loop *loop, struct oe_sftp_fs *fs, const char *dir)
{
	static uint8_t big[100000];
	char path[256];
	struct asked a;
	struct rig r = {.fs = fs};
	struct oe_sftp_file *f;
	size_t i;

	for (i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 7);
	snprintf(path, sizeof path, "%s/f", dir);
	asked_init(&a, &r);
	fs->ops->open(fs, &a.op, path,
	    OE_FXF_READ | OE_FXF_WRITE | OE_FXF_CREAT | OE_FXF_TRUNC, NULL);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	f = a.op.file;
	asked_init(&a, &r);
	fs->ops->write(fs, &a.op, f, 0, big, sizeof big);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->read(fs, &a.op, f, 0, fs->limits.read);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	assert_int_equal(a.op.n, sizeof big);
	assert_memory_equal(oe_buf_head(&a.data), big, sizeof big);
	asked_done(&a);
	asked_init(&a, &r);
	fs->ops->close(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->opendir(fs, &a.op, dir);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	f = a.op.file;
	asked_init(&a, &r);
	fs->ops->readdir(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	assert_string_equal(told(&a), "f\n");
	asked_done(&a);
	asked_init(&a, &r);
	fs->ops->readdir(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), OE_ESHORT);
	asked_init(&a, &r);
	fs->ops->close(fs, &a.op, f);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->statvfs(fs, &a.op, dir);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	assert_true(a.op.vfs.bsize > 0);
	asked_init(&a, &r);
	fs->ops->remove(fs, &a.op, path);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), 0);
	asked_init(&a, &r);
	fs->ops->stat(fs, &a.op, path, false);
	assert_int_equal(oe_sftp_wait(loop, &a.op, NULL), OE_ENOENT);
}

static void
test_openssh(void **state)
{
	static const char program[] = "/usr/lib/openssh/sftp-server";
	struct oe_sftp_session_plan plan = {.host = "here"};
	struct oe_sftp_fs *fs;
	struct pipe_end e = {.fd = -1};
	char dir[] = "/tmp/oe-session-XXXXXX";
	int status;
	pid_t pid;

	(void)state;
	if (access(program, X_OK) < 0)
		skip();
	assert_non_null(mkdtemp(dir));
	pid = start_server(program, &e.fd);
	plan.loop = oe_loop_new();
	plan.stream = (struct oe_sftp_stream){pipe_room, pipe_write, &e};
	plan.ready = pipe_ready;
	plan.arg = &e;
	e.watch = oe_loop_watch(plan.loop, e.fd, POLLIN, pipe_in, &e);
	e.s = oe_sftp_session_new(&plan);
	fs = oe_sftp_session_fs(e.s);
	while (!e.ready)
		assert_int_equal(oe_loop_once(plan.loop, 5000), 0);
	assert_int_equal(e.ready, 1);
	oe_watch_set(e.watch, POLLIN | POLLOUT);
	check_real(plan.loop, fs, dir);
	oe_sftp_fs_free(&fs);
	oe_watch_free(&e.watch);
	close(e.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(dir), 0);
	oe_loop_free(&plan.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_openssh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
