/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"

#define LENGTH_SIZE 4u
/* Descriptors that one message of the kernel's may bring at most. */
#define STRAY_MAX 253
/* One read; a packet is put together from these. */
#define PIECE 4096u

void
oe_mux_stream_init(struct oe_mux_stream *s, int fd)
{
	memset(s, 0, sizeof *s);
	s->fd = fd;
	oe_buf_init(&s->in, LENGTH_SIZE + OE_MUX_PACKET_MAX);
	oe_buf_init(&s->out, OE_MUX_PACKET_MAX + OE_MUX_OUT_MAX);
	(void)oe_fd_set_nonblock(fd, true);
}

void
oe_mux_stream_done(struct oe_mux_stream *s)
{
	unsigned i;

	for (i = 0; i < s->nfds; i++)
		oe_fd_close(&s->fds[i]);
	s->nfds = 0;
	oe_fd_close(&s->fd);
	oe_buf_done(&s->in);
	oe_buf_done(&s->out);
}

static void
close_strays(const struct cmsghdr *cm, size_t skip)
{
	size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int), i;
	int fd;

	for (i = skip; i < n; i++) {
		memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
		oe_fd_close(&fd);
	}
}

/*
 * What came with the bytes: at most one descriptor, and only into @ret; all
 * else is closed.  False when there was more than that.
 */
static bool
take_descriptor(struct msghdr *mh, int *ret)
{
	bool ok = !(mh->msg_flags & MSG_CTRUNC);
	struct cmsghdr *cm;
	size_t n;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (ret && *ret < 0 && n >= 1) {
			memcpy(ret, CMSG_DATA(cm), sizeof *ret);
			close_strays(cm, 1);
			ok = ok && n == 1;
		} else {
			close_strays(cm, 0);
			ok = ok && n == 0;
		}
	}
	if (!ok && ret)
		oe_fd_close(ret);
	return ok;
}

/* One read of at most @n bytes; the number, or a status. */
static int
receive(
    struct oe_mux_stream *s, void *p, size_t n, int *ret_fd, struct oe_err *err)
{
	union {
		struct cmsghdr align;
		uint8_t space[CMSG_SPACE(STRAY_MAX * sizeof(int))];
	} control;
	struct iovec iov = {p, n};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	ssize_t got;

	got = recvmsg(s->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return OE_EAGAIN;
	if (got < 0 && errno == ECONNRESET)
		return oe_err_set(err, OE_ECLOSED, "the other side is gone");
	if (got < 0)
		return oe_err_sys(err, "read from the control socket");
	if (!take_descriptor(&mh, ret_fd))
		return oe_err_set(err, OE_EPROTO,
		    "descriptors came over the control socket unasked");
	if (got == 0)
		return oe_err_set(err, OE_ECLOSED, "the other side is gone");
	return (int)got;
}

static uint32_t
packet_length(const struct oe_mux_stream *s)
{
	const uint8_t *p = oe_buf_head(&s->in);

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

int
oe_mux_stream_read(
    struct oe_mux_stream *s, struct oe_buf *ret, struct oe_err *err)
{
	uint8_t piece[PIECE];
	size_t want, have;
	int n;

	for (;;) {
		have = oe_buf_left(&s->in);
		want = LENGTH_SIZE;
		if (have >= LENGTH_SIZE) {
			want += packet_length(s);
			if (want > LENGTH_SIZE + OE_MUX_PACKET_MAX)
				return oe_err_set(err, OE_EPROTO,
				    "a packet of %zu bytes on the control "
				    "socket",
				    want);
			if (have == want)
				break;
		}
		want -= have;
		n = receive(s, piece, want < sizeof piece ? want : sizeof piece,
		    NULL, err);
		if (n < 0)
			return n;
		if (oe_buf_put(&s->in, piece, (size_t)n) < 0)
			return OE_EPROTO;
	}
	oe_buf_view(ret, oe_buf_head(&s->in) + LENGTH_SIZE, want - LENGTH_SIZE);
	/* the bytes stay where they are until something is put */
	oe_buf_reset(&s->in);
	return 0;
}

bool
oe_mux_stream_begun(const struct oe_mux_stream *s)
{
	return oe_buf_left(&s->in) > 0;
}

int
oe_mux_stream_read_fds(struct oe_mux_stream *s, unsigned n, struct oe_err *err)
{
	int fd, r;
	char byte;

	while (s->nfds < n) {
		fd = -1;
		r = receive(s, &byte, 1, &fd, err);
		if (r < 0)
			return r;
		if (fd < 0)
			return oe_err_set(err, OE_EPROTO,
			    "a descriptor did not come over the control "
			    "socket");
		s->fds[s->nfds++] = fd;
	}
	return 0;
}

int
oe_mux_stream_claim(struct oe_mux_stream *s, unsigned i)
{
	int fd;

	if (i >= s->nfds)
		return -1;
	fd = s->fds[i];
	s->fds[i] = -1;
	return fd;
}

int
oe_mux_stream_flush(struct oe_mux_stream *s)
{
	ssize_t n;

	while (oe_buf_left(&s->out)) {
		n = send(s->fd, oe_buf_head(&s->out), oe_buf_left(&s->out),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? OE_EAGAIN : OE_ECLOSED;
		oe_buf_skip(&s->out, (size_t)n);
	}
	oe_buf_reset(&s->out);
	return 0;
}

static int
wait_for(int fd, short events, int64_t deadline_ms, struct oe_err *err)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int r;

	for (;;) {
		left = -1;
		if (deadline_ms >= 0) {
			left = deadline_ms - oe_time_mono_ms();
			if (left < 0)
				left = 0;
		}
		r = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return oe_err_sys(err, "wait");
		if (r == 0)
			return oe_err_set(
			    err, OE_ETIMEOUT, "the other side does not answer");
	}
}

int
oe_mux_stream_wait(
    struct oe_mux_stream *s, int64_t deadline_ms, struct oe_err *err)
{
	return wait_for(s->fd, POLLIN, deadline_ms, err);
}

static int
send_fd(struct oe_mux_stream *s, int fd)
{
	union {
		struct cmsghdr align;
		uint8_t space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	char byte = '\0';
	struct iovec iov = {&byte, 1};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control.space};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	ssize_t n;

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(cm), &fd, sizeof fd);
	do {
		n = sendmsg(s->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	return n < 0 && errno == EAGAIN ? OE_EAGAIN : OE_ECLOSED;
}

int
oe_mux_stream_send(
    struct oe_mux_stream *s, const int *fds, unsigned n, struct oe_err *err)
{
	int64_t deadline_ms = oe_time_mono_ms() + OE_MUX_SEND_MS;
	unsigned sent = 0;
	int r;

	for (;;) {
		r = oe_mux_stream_flush(s);
		while (r == 0 && sent < n) {
			r = send_fd(s, fds[sent]);
			sent += r == 0;
		}
		if (r == 0)
			return 0;
		if (r == OE_ECLOSED)
			return oe_err_set(
			    err, r, "the master of the connection is gone");
		r = wait_for(s->fd, POLLOUT, deadline_ms, err);
		if (r < 0)
			return r;
	}
}
