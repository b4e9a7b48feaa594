/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/relay.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/mem.h"

#define ROOM (64 * 1024)

/* One direction. */
struct way {
	int from, to;
	bool over; /* no more comes */
	size_t off, n;
	char buf[ROOM];
};

static bool
is_passing(int e)
{
	return e == EAGAIN || e == EWOULDBLOCK || e == EINTR;
}

/* After poll() said that something is there. */
static int
take(struct way *w, struct oe_err *err)
{
	ssize_t n = read(w->from, w->buf, sizeof w->buf);

	if (n < 0 && is_passing(errno))
		return 0;
	if (n < 0)
		return oe_err_sys(err, "read");
	w->over = n == 0;
	w->off = 0;
	w->n = (size_t)n;
	return 0;
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes without waiting. */
static int
give(struct way *w, struct oe_err *err)
{
	ssize_t n =
	    send(w->to, w->buf + w->off, w->n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(
		    w->to, w->buf + w->off, w->n < PIPE_BUF ? w->n : PIPE_BUF);
	if (n < 0 && is_passing(errno))
		return 0;
	if (n < 0)
		return oe_err_sys(err, "write");
	w->off += (size_t)n;
	w->n -= (size_t)n;
	return 0;
}

/* The descriptors of a direction as poll() wants them now. */
static void
arm(const struct way *w, struct pollfd p[2])
{
	p[0] = (struct pollfd){
	    .fd = !w->n && !w->over ? w->from : -1, .events = POLLIN};
	p[1] = (struct pollfd){.fd = w->n ? w->to : -1, .events = POLLOUT};
}

static int
serve(struct way *w, const struct pollfd p[2], struct oe_err *err)
{
	int r = 0;

	if (p[0].revents)
		r = take(w, err);
	if (r == 0 && p[1].revents)
		r = give(w, err);
	return r;
}

static int
turn(struct way *up, struct way *down, bool *ret_gone, struct oe_err *err)
{
	struct pollfd p[5];
	int r;

	arm(up, p);
	arm(down, p + 2);
	/* nobody reads any more, be there something to write or not */
	p[4] = (struct pollfd){.fd = down->to};
	r = poll(p, 5, -1);
	if (r < 0)
		return is_passing(errno) ? 0 : oe_err_sys(err, "wait");
	*ret_gone = p[4].revents & (POLLERR | POLLNVAL);
	r = serve(up, p, err);
	return r < 0 ? r : serve(down, p + 2, err);
}

int
oe_relay(int sock, int in, int out, struct oe_err *err)
{
	struct way *w = oe_mem_zalloc(2 * sizeof *w);
	struct way *up = &w[0], *down = &w[1];
	bool told = false, gone = false;
	int r = 0;

	up->from = in;
	up->to = down->from = sock;
	down->to = out;
	while (r == 0 && !gone && !(down->over && !down->n)) {
		r = turn(up, down, &gone, err);
		if (up->over && !up->n && !told) {
			(void)shutdown(sock, SHUT_WR);
			told = true;
		}
	}
	free(w);
	return r;
}
