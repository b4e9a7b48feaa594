/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/readahead.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/base/mem.h"

/*
 * OpenSSH sends its side of the key exchange in two segments with Nagle's
 * algorithm on: without an immediate acknowledgement the second waits for
 * the delayed one, 40 ms.  The handshake has about this many receives.
 */
#define READAHEAD_QUICK 10

/* What is known of the room for output; nothing before the first send. */
enum readahead_room { ROOM_UNKNOWN, ROOM_SOME, ROOM_NONE };

struct readahead {
	struct readahead *next;
	int fd;
	enum readahead_room room;
	bool ready;     /* input waits in the kernel */
	unsigned quick; /* receives that are still acknowledged at once */
	bool hold, drip;
	size_t off, len;
	uint8_t *space; /* OE_SSH_READAHEAD bytes, touched as needed */
};

static _Thread_local struct readahead *readahead_all;

static struct readahead *
readahead_find(int fd)
{
	struct readahead *a;

	for (a = readahead_all; a; a = a->next)
		if (a->fd == fd)
			return a;
	return NULL;
}

void
oe_ssh__readahead_add(int fd)
{
	struct readahead *a;

	if (readahead_find(fd))
		return;
	a = oe_mem_zalloc(sizeof *a);
	a->fd = fd;
	a->quick = READAHEAD_QUICK;
	a->space = oe_mem_map(OE_SSH_READAHEAD);
	a->next = readahead_all;
	readahead_all = a;
}

void
oe_ssh__readahead_remove(int fd)
{
	struct readahead **p = &readahead_all, *a;

	for (; (a = *p); p = &a->next) {
		if (a->fd != fd)
			continue;
		*p = a->next;
		oe_mem_unmap(a->space, OE_SSH_READAHEAD);
		free(a);
		return;
	}
}

size_t
oe_ssh__readahead_waits(int fd)
{
	const struct readahead *a = readahead_find(fd);

	return a ? a->len - a->off : 0;
}

bool
oe_ssh__readahead_hold(int fd, bool on)
{
	struct readahead *a = readahead_find(fd);
	bool was = a && a->hold;

	if (a)
		a->hold = on;
	return was;
}

bool
oe_ssh__readahead_has(int fd)
{
	const struct readahead *a = readahead_find(fd);

	return a && (a->ready || a->len != a->off);
}

bool
oe_ssh__readahead_takes(int fd)
{
	const struct readahead *a = readahead_find(fd);

	return a && !a->hold && a->room == ROOM_SOME;
}

void
oe_ssh__readahead_drip(int fd, bool on)
{
	struct readahead *a = readahead_find(fd);

	if (a)
		a->drip = on;
}

static bool
readahead_held(int fd)
{
	const struct readahead *a = readahead_find(fd);

	return a && a->hold;
}

static ssize_t
readahead_receive(struct readahead *a)
{
	int one = 1;
	ssize_t n;

	a->ready = false;
	n = recvfrom(a->fd, a->space, OE_SSH_READAHEAD, 0, NULL, NULL);

	if (n > 0 && a->quick && a->quick--)
		(void)setsockopt(
		    a->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
	return n;
}

/* Bound to libssh's calls by the dynamic linker: see readahead.h. */
ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
	struct readahead *a = flags ? NULL : readahead_find(fd);
	ssize_t got;

	if (!a || (a->off == a->len && n >= OE_SSH_READAHEAD && !a->drip)) {
		if (a)
			a->ready = false;
		return recvfrom(fd, buf, n, flags, NULL, NULL);
	}
	if (a->off == a->len) {
		got = readahead_receive(a);
		if (got <= 0)
			return got;
		a->off = 0;
		a->len = (size_t)got;
	}
	if (n > a->len - a->off)
		n = a->len - a->off;
	if (n > 1 && a->drip)
		n = 1;
	memcpy(buf, a->space + a->off, n);
	a->off += n;
	return (ssize_t)n;
}

ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
	struct readahead *a = readahead_find(fd);
	ssize_t sent;

	if (!a)
		return sendto(fd, buf, n, flags, NULL, 0);
	sent = sendto(fd, buf, n, flags | MSG_DONTWAIT, NULL, 0);
	if (sent < 0 && errno == EAGAIN)
		sent = 0;
	if (sent >= 0)
		a->room = (size_t)sent == n ? ROOM_SOME : ROOM_NONE;
	return sent;
}

static int
readahead_real_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct timespec ts;

	ts.tv_sec = timeout_ms / 1000;
	ts.tv_nsec = (long)(timeout_ms % 1000) * 1000000;
	return ppoll(fds, n, timeout_ms < 0 ? NULL : &ts, NULL);
}

/* What memory says of it. */
static short
readahead_known(const struct pollfd *p)
{
	const struct readahead *a = readahead_find(p->fd);
	short known = 0;

	if (a && (a->ready || a->len != a->off))
		known |= POLLIN;
	if (a && a->room == ROOM_SOME)
		known |= POLLOUT;
	return (short)(known & p->events);
}

/*
 * libssh clears its interest in POLLOUT only when that comes without POLLIN
 * (its handler forgets the poll object after reading), and would then ask
 * for it for ever.  So one at a time, output first.
 */
static int
readahead_settle(struct pollfd *fds, nfds_t n)
{
	struct readahead *a;
	int ready = 0;
	nfds_t i;

	for (i = 0; i < n; i++) {
		a = readahead_find(fds[i].fd);
		if (a && (fds[i].revents & POLLOUT))
			a->room = ROOM_SOME;
		if (a && (fds[i].revents & POLLIN))
			a->ready = true;
		fds[i].revents |= readahead_known(&fds[i]);
		if (a && (fds[i].revents & POLLOUT))
			fds[i].revents &= (short)~POLLIN;
		ready += fds[i].revents != 0;
	}
	return ready;
}

int
poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	nfds_t i, answered = 0, quick = 0;
	short known;
	int r;

	if (!readahead_all)
		return readahead_real_poll(fds, n, timeout_ms);
	for (i = 0; i < n; i++) {
		fds[i].revents = 0;
		/* libssh polls a session alone */
		if (n == 1 && readahead_held(fds[i].fd))
			return 0;
		known = readahead_known(&fds[i]);
		answered += known != 0;
		/* output goes first, whatever there is to read */
		quick += known && (known == fds[i].events || known & POLLOUT);
	}
	/* nothing to ask the kernel when memory answers for all of them */
	if (!n || quick < n) {
		r = readahead_real_poll(fds, n, answered ? 0 : timeout_ms);
		if (r < 0 || (r == 0 && !answered))
			return r;
	}
	return readahead_settle(fds, n);
}
