/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ without a copy: where the answers go into a pipe, a file's pages are
 * handed over as they are (splice(2)).  They pass through a pipe of our own
 * first, because the answer begins with how many bytes there really were.
 * The other way, the data of a WRITE out of a pipe into a file, gains nothing:
 * the pages are copied all the same, and in smaller pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "sftp/server_internal.h"

/* A page more than the longest READ at any offset, and room to spare. */
#define SPARE (2 * OE_SFTP_PACKET_MAX)

void
oe_sftp__splice_begin(struct oe_sftp_server *s)
{
	struct stat st;

	s->spare[0] = s->spare[1] = -1;
	if (fstat(s->peer, &st) < 0 || !S_ISFIFO(st.st_mode))
		return;
	if (pipe2(s->spare, O_CLOEXEC | O_NONBLOCK) < 0) {
		s->spare[0] = s->spare[1] = -1;
		return;
	}
	if (fcntl(s->spare[0], F_SETPIPE_SZ, SPARE) < SPARE)
		oe_sftp__splice_end(s);
}

void
oe_sftp__splice_end(struct oe_sftp_server *s)
{
	oe_fd_close(&s->spare[0]);
	oe_fd_close(&s->spare[1]);
}

/* Waits until the peer takes more; -1 when it never will. */
static int
wait_peer(const struct oe_sftp_server *s)
{
	struct pollfd p = {.fd = s->peer, .events = POLLOUT};

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return -1;
	return p.revents & (POLLERR | POLLNVAL) ? -1 : 0;
}

/* All of @n bytes that wait in the pipe of our own. */
static int
pass_on(struct oe_sftp_server *s, size_t n)
{
	ssize_t r;

	while (n) {
		r = splice(s->spare[0], NULL, s->peer, NULL, n,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN && wait_peer(s) == 0)
			continue;
		if (r <= 0)
			return -1;
		n -= (size_t)r;
	}
	return 0;
}

/* The pages of the file into the pipe of our own. */
static ssize_t
take_pages(struct oe_sftp_server *s, int fd, off_t offset, size_t len)
{
	size_t n = 0;
	ssize_t r;

	while (n < len) {
		r = splice(fd, &offset, s->spare[1], NULL, len - n,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && n == 0)
			return -1;
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

ssize_t
oe_sftp__splice_read(
    struct oe_sftp_server *s, int fd, uint64_t offset, uint32_t len)
{
	ssize_t n;
	size_t start;

	if (s->spare[0] < 0 || len < OE_SFTP__SPLICE_MIN)
		return -1;
	n = take_pages(s, fd, (off_t)offset, len);
	if (n < 0) {
		/* not on this file system: the next READ need not ask */
		oe_sftp__splice_end(s);
		return -1;
	}
	if (n == 0)
		return 0;
	start = oe_sftp__reply(s, OE_FXP_DATA);
	oe_buf_put_u32(&s->out, (uint32_t)n);
	s->out.len += (size_t)n;
	oe_sftp__reply_end(s, start);
	s->out.len -= (size_t)n;
	/* once a part of the answer is out, the rest must follow or nothing */
	while (oe_buf_left(&s->out))
		if (oe_sftp__drain(s, NULL) < 0 ||
		    (oe_buf_left(&s->out) && wait_peer(s) < 0))
			goto out;
	if (pass_on(s, (size_t)n) == 0)
		return n;
out:
	s->broken = true;
	oe_buf_reset(&s->out);
	return n;
}
