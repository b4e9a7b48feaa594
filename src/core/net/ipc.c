/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"

#define OE_IPC_SOCKBUF (512 * 1024)

union ipc_control {
	char space[CMSG_SPACE(sizeof(int) * OE_IPC_FDS_MAX)];
	struct cmsghdr align;
};

int
oe_ipc_pair(int ret[2], struct oe_err *err)
{
	int sv[2], i, size = OE_IPC_SOCKBUF;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return oe_err_sys(err, "make a socket pair");
	for (i = 0; i < 2; i++) {
		/* best effort: the largest message must fit the queue */
		(void)setsockopt(
		    sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		ret[i] = sv[i];
	}
	return 0;
}

void
oe_ipc_msg_init(struct oe_ipc_msg *m, uint8_t type)
{
	unsigned i;

	memset(m, 0, sizeof *m);
	m->type = type;
	oe_buf_init(&m->payload, OE_IPC_PAYLOAD_MAX);
	for (i = 0; i < OE_IPC_FDS_MAX; i++)
		m->fds[i] = -1;
}

void
oe_ipc_msg_done(struct oe_ipc_msg *m)
{
	unsigned i;

	oe_buf_done(&m->payload);
	for (i = 0; i < m->nfds; i++)
		oe_fd_close(&m->fds[i]);
	m->nfds = 0;
}

int
oe_ipc_msg_claim(struct oe_ipc_msg *m, unsigned i)
{
	int fd;

	if (i >= m->nfds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

static int
ipc_wait(int fd, short events, int timeout_ms)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int64_t until = oe_time_mono_ms() + timeout_ms;
	int64_t left;
	int r;

	for (;;) {
		left = timeout_ms < 0 ? -1 : until - oe_time_mono_ms();
		if (timeout_ms >= 0 && left < 0)
			left = 0;
		r = poll(&pfd, 1, (int)left);
		if (r > 0)
			return 0;
		if (r == 0)
			return OE_EAGAIN;
		if (errno != EINTR)
			return OE_ESYS;
	}
}

static int
ipc_send_failed(int sys_errno, struct oe_err *err)
{
	errno = sys_errno;
	switch (sys_errno) {
	case EPIPE:
	case ECONNRESET:
		return oe_err_set(err, OE_ECLOSED, "the other process is gone");
	case EMSGSIZE:
		return oe_err_set(err, OE_ETOOBIG, "message does not fit");
	case EAGAIN:
	case ENOBUFS:
		return oe_err_set(
		    err, OE_ETIMEOUT, "the other process does not read");
	}
	return oe_err_sys(err, "send message");
}

int
oe_ipc_send_within(
    int fd, const struct oe_ipc_msg *m, int timeout_ms, struct oe_err *err)
{
	union {
		const void *in;
		void *out;
	} head = {.in = &m->type}, body = {.in = oe_buf_head(&m->payload)};
	struct iovec iov[2] = {
	    {head.out, 1}, {body.out, oe_buf_left(&m->payload)}};
	int64_t until = oe_time_mono_ms() + timeout_ms, left;
	union ipc_control control;
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};
	struct cmsghdr *c;

	if (m->nfds) {
		memset(&control, 0, sizeof control);
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * m->nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * m->nfds);
		memcpy(CMSG_DATA(c), m->fds, sizeof(int) * m->nfds);
	}
	while (sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno == EINTR)
			continue;
		left = until - oe_time_mono_ms();
		if ((errno != EAGAIN && errno != ENOBUFS) || left <= 0)
			return ipc_send_failed(errno, err);
		(void)ipc_wait(fd, POLLOUT, (int)left);
	}
	return 0;
}

int
oe_ipc_send(int fd, const struct oe_ipc_msg *m, struct oe_err *err)
{
	return oe_ipc_send_within(fd, m, OE_IPC_SEND_MS, err);
}

static int
ipc_take_fds(struct msghdr *mh, struct oe_ipc_msg *m)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			return OE_EPROTO;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > OE_IPC_FDS_MAX - m->nfds)
			return OE_EPROTO;
		memcpy(m->fds + m->nfds, CMSG_DATA(c), n * sizeof(int));
		m->nfds += (unsigned)n;
	}
	return 0;
}

static int
ipc_lost(struct oe_err *err)
{
	if (errno == ECONNRESET)
		return oe_err_set(err, OE_ECLOSED, "the other process is gone");
	return oe_err_sys(err, "receive message");
}

/* Length of the next packet; it stays in the queue. */
static int
ipc_peek(int fd, int flags, size_t *ret, struct oe_err *err)
{
	ssize_t n;

	do
		n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return OE_EAGAIN;
	if (n < 0)
		return ipc_lost(err);
	if (n == 0)
		return oe_err_set(err, OE_ECLOSED, "the other process is gone");
	*ret = (size_t)n;
	return 0;
}

/* Most often it is there already: asked first, waited for after that. */
static int
ipc_next(int fd, int timeout_ms, size_t *ret, struct oe_err *err)
{
	int r = ipc_peek(fd, timeout_ms < 0 ? 0 : MSG_DONTWAIT, ret, err);

	if (r != OE_EAGAIN || !timeout_ms)
		return r;
	r = ipc_wait(fd, POLLIN, timeout_ms);
	if (r < 0)
		return r == OE_EAGAIN ? r : oe_err_sys(err, "poll");
	return ipc_peek(fd, MSG_DONTWAIT, ret, err);
}

int
oe_ipc_recv(int fd, int timeout_ms, struct oe_ipc_msg *ret, struct oe_err *err)
{
	struct oe_ipc_msg m;
	union ipc_control control;
	struct iovec iov;
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t size = 0;
	ssize_t n;
	int r;

	/* most are tiny: a buffer for the largest would stay in memory */
	r = ipc_next(fd, timeout_ms, &size, err);
	if (r < 0)
		return r;
	oe_ipc_msg_init(&m, 0);
	/* the type byte and the payload */
	m.payload.max = size > OE_IPC_PAYLOAD_MAX + 1 ? 1 : size;
	m.payload.data = oe_mem_zalloc(m.payload.max);
	m.payload.cap = m.payload.max;
	iov.iov_base = m.payload.data;
	iov.iov_len = m.payload.max;
	mh.msg_control = control.space;
	mh.msg_controllen = sizeof control.space;
	do
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		r = ipc_lost(err);
		goto out;
	}
	r = ipc_take_fds(&mh, &m);
	if (r < 0 || n == 0 || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		r = oe_err_set(err, OE_EPROTO, "malformed message");
		goto out;
	}
	m.type = m.payload.data[0];
	m.payload.off = 1;
	m.payload.len = (size_t)n;
	*ret = m;
	return 0;
out:
	oe_ipc_msg_done(&m);
	return r;
}
