/* SPDX-License-Identifier: Apache-2.0 */
#include "client/streams.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/str.h"

/* A pipe holds this much, so that bulk data moves in large pieces. */
#define PIPE_SIZE (1024 * 1024)

int
oe_stream_private(int fd, bool read)
{
	char path[40];
	struct stat st;
	int mine = -1;

	if (fstat(fd, &st) < 0)
		return -1;
	if (S_ISFIFO(st.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	/* a file opened anew would begin at its start again */
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		mine = open(path, (read ? O_RDONLY : O_WRONLY) | O_NONBLOCK |
				      O_CLOEXEC | O_NOCTTY);
	}
	if (mine < 0)
		mine = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return mine;
}

void
oe_stream_drop(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, fd);
		if (null != fd)
			close(null);
	}
}

static bool
is_kept(int fd, const int *keep, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return fd <= STDERR_FILENO || fd == oe_log_fd();
}

void
oe_stream_detach(const int *keep, size_t n)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int64_t fd;

	(void)setsid();
	oe_stream_drop(STDIN_FILENO);
	oe_stream_drop(STDOUT_FILENO);
	while (d && (e = readdir(d)))
		if (oe_str_parse_int(e->d_name, 3, INT32_MAX, &fd) == 0 &&
		    fd != dirfd(d) && !is_kept((int)fd, keep, n))
			(void)close((int)fd);
	if (d)
		(void)closedir(d);
}
