/* SPDX-License-Identifier: Apache-2.0 */
#include "client/streams.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
