/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"

void
oe_fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
oe_fd_set_nonblock(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl < 0)
		return OE_ESYS;
	fl = on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, fl) < 0 ? OE_ESYS : 0;
}

int
oe_fd_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	ssize_t w;

	while (n) {
		w = write(fd, at, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			poll(&pfd, 1, -1);
			continue;
		}
		if (w < 0)
			return OE_ESYS;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

int
oe_fd_read_all(int fd, const char *what, size_t max, struct oe_buf *ret,
    struct oe_err *err)
{
	struct oe_buf b;
	char chunk[4096];
	ssize_t n;
	int r;

	oe_buf_init(&b, max + 1);
	while ((n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = oe_err_sys(err, "read '%s'", what);
			goto out;
		}
		if ((size_t)n > max - oe_buf_left(&b)) {
			r = oe_err_set(err, OE_ETOOBIG,
			    "'%s' is larger than %zu bytes", what, max);
			goto out;
		}
		(void)oe_buf_put(&b, chunk, (size_t)n);
	}
	(void)oe_buf_put_u8(&b, 0);
	b.len--;
	*ret = b;
	memset(&b, 0, sizeof b);
	r = 0;
out:
	oe_buf_done(&b);
	return r;
}

int
oe_fd_read_file(
    const char *path, size_t max, struct oe_buf *ret, struct oe_err *err)
{
	struct stat st;
	int fd, r;

	/* O_NONBLOCK: opening a FIFO by mistake must not hang */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return oe_err_sys(err, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		r = oe_err_sys(err, "stat '%s'", path);
	else if (!S_ISREG(st.st_mode))
		r = oe_err_set(
		    err, OE_EINVAL, "'%s' is not a regular file", path);
	else
		r = oe_fd_read_all(fd, path, max, ret, err);
	oe_fd_close(&fd);
	return r;
}

static int
fd_sync_dir(const char *path)
{
	char *copy = oe_mem_strdup(path);
	int fd, r;

	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 || fsync(fd) < 0 ? OE_ESYS : 0;
	oe_fd_close(&fd);
	free(copy);
	return r;
}

int
oe_fd_write_file(
    const char *path, const void *p, size_t n, mode_t mode, struct oe_err *err)
{
	char *tmp = oe_mem_printf("%s.XXXXXX", path);
	int fd, r;

	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		r = oe_err_sys(err, "create '%s'", tmp);
		goto out;
	}
	if (fchmod(fd, mode) < 0 || oe_fd_write_all(fd, p, n) < 0 ||
	    fsync(fd) < 0) {
		r = oe_err_sys(err, "write '%s'", tmp);
		unlink(tmp);
		goto out;
	}
	if (rename(tmp, path) < 0) {
		r = oe_err_sys(err, "rename '%s' to '%s'", tmp, path);
		unlink(tmp);
		goto out;
	}
	r = fd_sync_dir(path) < 0 ? oe_err_sys(err, "sync '%s'", path) : 0;
out:
	oe_fd_close(&fd);
	free(tmp);
	return r;
}

void
oe_fd_close_from(int lowest)
{
	closefrom(lowest);
}
