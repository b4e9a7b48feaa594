/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"

static char dir[] = "/tmp/oe-fd-XXXXXX";
static char path[64];

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/file", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	/* also says that no temporary file was left behind */
	return rmdir(dir);
}

static void
test_write_and_read(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf b;
	struct stat st;

	(void)state;
	assert_int_equal(oe_fd_write_file(path, "old", 3, 0644, &err), 0);
	assert_int_equal(oe_fd_write_file(path, "a\0b", 3, 0600, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(oe_fd_read_file(path, 3, &b, &err), 0);
	assert_int_equal(oe_buf_left(&b), 3);
	assert_memory_equal(oe_buf_head(&b), "a\0b", 4);
	oe_buf_done(&b);
	assert_int_equal(oe_fd_read_file(path, 2, &b, &err), OE_ETOOBIG);
	assert_non_null(strstr(err.msg, "larger than 2 bytes"));
	assert_int_equal(oe_fd_write_file(path, "", 0, 0600, &err), 0);
	assert_int_equal(oe_fd_read_file(path, 0, &b, &err), 0);
	assert_int_equal(oe_buf_left(&b), 0);
	oe_buf_done(&b);
}

static void
test_refusals(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf b;

	(void)state;
	assert_int_equal(oe_fd_read_file("/nonexistent", 9, &b, &err), OE_ESYS);
	assert_string_equal(
	    err.msg, "open '/nonexistent': No such file or directory");
	assert_int_equal(oe_fd_read_file(dir, 9, &b, &err), OE_EINVAL);
	/* a FIFO without a writer would hang a careless open() */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(oe_fd_read_file(path, 9, &b, &err), OE_EINVAL);
	unlink(path);
	assert_int_equal(
	    oe_fd_write_file("/nonexistent/x", "", 0, 0600, &err), OE_ESYS);
	assert_int_equal(oe_fd_write_file(dir, "x", 1, 0600, &err), OE_ESYS);
}

static void
test_write_all_waits(void **state)
{
	static char big[200000];
	int p[2], status = 0;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(oe_fd_set_nonblock(p[1], true), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		oe_fd_close(&p[0]);
		_exit(oe_fd_write_all(p[1], big, sizeof big) != 0);
	}
	oe_fd_close(&p[1]);
	while ((n = read(p[0], big, sizeof big)) > 0)
		got += (size_t)n;
	assert_int_equal(got, sizeof big);
	oe_fd_close(&p[0]);
	assert_int_equal(p[0], -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_close_and_flags(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(oe_fd_set_nonblock(fd, true), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(oe_fd_set_nonblock(fd, false), 0);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	errno = EIO;
	oe_fd_close(&fd);
	oe_fd_close(&fd);
	assert_int_equal(errno, EIO);
	assert_int_equal(oe_fd_set_nonblock(-1, true), OE_ESYS);
	assert_int_equal(oe_fd_write_all(-1, "x", 1), OE_ESYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_write_and_read),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_write_all_waits),
	    cmocka_unit_test(test_close_and_flags),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
