/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/notify.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/str.h"

#define OE_NOTIFY_FD_FIRST 3
#define OE_NOTIFY_FDS_MAX  64

void
oe_notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[512];
	socklen_t len;
	va_list ap;
	int fd;

	if (!path || (*path != '/' && *path != '@') ||
	    !oe_str_copy(to.sun_path, sizeof to.sun_path, path))
		return;
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		to.sun_path[0] = 0; /* an abstract name */
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(
	    fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, len);
	oe_fd_close(&fd);
}

static bool
notify_for_us(const char *name)
{
	const char *pid = getenv(name);
	int64_t n;

	return pid && oe_str_parse_int(pid, 1, INT32_MAX, &n) == 0 &&
	       n == getpid();
}

int64_t
oe_notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	int64_t n;

	if (!usec || oe_str_parse_int(usec, 1, INT64_MAX, &n) < 0)
		return 0;
	if (getenv("WATCHDOG_PID") && !notify_for_us("WATCHDOG_PID"))
		return 0;
	return n / 2000 > 0 ? n / 2000 : 1;
}

int
oe_notify_listen_fds(void)
{
	const char *count = getenv("LISTEN_FDS");
	int64_t n;
	int i;

	if (!count || !notify_for_us("LISTEN_PID") ||
	    oe_str_parse_int(count, 1, OE_NOTIFY_FDS_MAX, &n) < 0)
		return 0;
	for (i = 0; i < (int)n; i++)
		(void)fcntl(OE_NOTIFY_FD_FIRST + i, F_SETFD, FD_CLOEXEC);
	return (int)n;
}

bool
oe_notify_under_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	dev = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	ino = strtoull(end + 1, &end, 10);
	return !*end && dev == st.st_dev && ino == st.st_ino;
}
