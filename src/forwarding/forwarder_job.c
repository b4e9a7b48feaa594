/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One name, one connection, or one listener of the forwarder.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/str.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "core/net/race.h"
#include "core/net/resolve.h"
#include "forwarding/forwarder_internal.h"
#include "forwarding/mailbox.h"
#include "forwarding/server_wire.h"

#define LISTEN_BACKLOG 128
/* Taken from one listener before the rest of the loop gets its turn. */
#define ACCEPT_ROUNDS 16
/* Without descriptors a listener would be ready for ever: rest this long. */
#define ACCEPT_REST_MS 200
/* The same free port must be had for both families. */
#define LISTEN_TRIES 16

static void
job_hand_over(struct fwd_job *j, int fd)
{
	struct oe_ipc_msg m;

	j->over = true;
	oe_fwd__job_report(j, OE_FWD_IS_CONNECTED, &m);
	m.fds[0] = fd;
	m.nfds = 1;
	oe_fwd_mailbox_send(j->f->monitor, &m);
}

static void
job_raced(void *arg, int status, int fd, const struct oe_err *err)
{
	struct fwd_job *j = arg;

	if (status < 0)
		oe_fwd__job_failed(j, oe_err_text(err));
	else
		job_hand_over(j, fd);
}

void
oe_fwd__job_connect(
    struct fwd_job *j, unsigned port, const struct oe_addr *addrs, size_t n)
{
	struct oe_race_plan plan = {.host = "",
	    .port = (int)port,
	    .step_ms = OE_FWD_STEP_MS,
	    .attempts = 1,
	    .known = j->ai,
	    .done = job_raced,
	    .arg = j};
	size_t i;

	for (i = 0; i < n; i++) {
		j->ai[i].ai_addrlen =
		    oe_fwd_addr_to_sockaddr(&addrs[i], port, &j->sa[i]);
		j->ai[i].ai_addr = (struct sockaddr *)&j->sa[i];
		j->ai[i].ai_family = j->sa[i].ss_family;
		j->ai[i].ai_next = i + 1 < n ? &j->ai[i + 1] : NULL;
	}
	j->race = oe_race_start(j->f->loop, &plan);
}

static void
job_fail_errno(struct fwd_job *j, const char *what)
{
	char why[OE_FWD_WHY_MAX];

	snprintf(why, sizeof why, "%s: %s", what, strerror(errno));
	oe_fwd__job_failed(j, why);
}

/* A Unix socket answers at once, or its queue is full (EAGAIN). */
void
oe_fwd__job_unix(struct fwd_job *j)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	if (!oe_str_copy(sa.sun_path, sizeof sa.sun_path, j->host)) {
		oe_fwd__job_failed(j, "the path is too long");
		return;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		job_fail_errno(j, "connect");
		oe_fd_close(&fd);
		return;
	}
	job_hand_over(j, fd);
}

static void
job_looked_up(void *arg, short revents)
{
	struct fwd_job *j = arg;
	struct addrinfo *list = NULL, *ai;
	struct oe_addr addrs[OE_FWD_ADDRS_MAX];
	struct oe_ipc_msg m;
	uint32_t n = 0, i;
	int code = oe_lookup_take(j->lookup, &list);

	(void)revents;
	oe_watch_free(&j->watch[0]);
	for (ai = code ? NULL : list; ai && n < OE_FWD_ADDRS_MAX;
	     ai = ai->ai_next)
		if (oe_addr_from_sockaddr(
			ai->ai_addr, ai->ai_addrlen, &addrs[n]) == 0)
			n++;
	if (list)
		freeaddrinfo(list);
	if (!n) {
		oe_fwd__job_failed(j, code ? gai_strerror(code) : "no address");
		return;
	}
	j->over = true;
	oe_fwd__job_report(j, OE_FWD_IS_RESOLVED, &m);
	(void)oe_buf_put_u32(&m.payload, n);
	for (i = 0; i < n; i++)
		oe_fwd_addr_put(&m.payload, &addrs[i]);
	oe_fwd_mailbox_send(j->f->monitor, &m);
}

static void
job_too_long(void *arg)
{
	oe_fwd__job_failed(arg, "no answer from the name service");
}

void
oe_fwd__job_resolve(struct fwd_job *j)
{
	if (!j->limit)
		j->limit =
		    oe_loop_timer(j->f->loop, OE_FWD_STEP_MS, job_too_long, j);
	if (j->f->lookups >= OE_FWD_LOOKUPS_MAX)
		return;
	j->lookup = oe_lookup_start(j->host, 0, AF_UNSPEC);
	if (!j->lookup) {
		oe_fwd__job_failed(j, "no thread for the name service");
		return;
	}
	j->f->lookups++;
	j->watch[0] = oe_loop_watch(
	    j->f->loop, oe_lookup_fd(j->lookup), POLLIN, job_looked_up, j);
}

static void
job_accepted(struct fwd_job *j, int fd)
{
	struct oe_ipc_msg m;
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	oe_fwd__job_report(j, OE_FWD_IS_ACCEPTED, &m);
	m.fds[0] = fd;
	m.nfds = 1;
	oe_fwd_mailbox_send(j->f->monitor, &m);
}

static void
job_rest(struct fwd_job *j, bool rest)
{
	int i;

	for (i = 0; i < OE_FWD_LISTEN_FDS_MAX; i++)
		if (j->watch[i])
			oe_watch_set(j->watch[i], rest ? 0 : POLLIN);
	if (rest)
		oe_timer_set(j->limit, ACCEPT_REST_MS);
}

static void
job_rested(void *arg)
{
	job_rest(arg, false);
}

static void
job_on_connect(void *arg, short revents)
{
	struct fwd_job *j = arg;
	int i, n, fd;

	(void)revents;
	for (i = 0; i < OE_FWD_LISTEN_FDS_MAX && !j->over; i++) {
		for (n = 0; n < ACCEPT_ROUNDS && j->fd[i] >= 0; n++) {
			fd = accept4(
			    j->fd[i], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (fd >= 0) {
				job_accepted(j, fd);
				continue;
			}
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				job_rest(j, true);
			break;
		}
	}
}

static int
job_bind(const struct oe_addr *a, unsigned port)
{
	struct sockaddr_storage sa;
	socklen_t len = oe_fwd_addr_to_sockaddr(a, port, &sa);
	int on = 1, fd, e;

	fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a->family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0) {
		e = errno;
		oe_fd_close(&fd);
		errno = e;
	}
	return fd;
}

static unsigned
job_bound_port(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	memset(&sa, 0, sizeof sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return 0;
	return oe_fwd_sockaddr_port(&sa);
}

/*
 * All addresses at one port.  A machine without one of the families is no
 * failure, a port that is taken for one of them is.
 */
static unsigned
job_bind_all(
    struct fwd_job *j, unsigned port, const struct oe_addr *addrs, size_t n)
{
	unsigned got = port;
	bool any = false;
	size_t i;

	for (i = 0; i < n; i++) {
		oe_fd_close(&j->fd[i]);
		j->fd[i] = job_bind(&addrs[i], got);
		if (j->fd[i] >= 0) {
			any = true;
			if (!got)
				got = job_bound_port(j->fd[i]);
		} else if (errno == EADDRINUSE || errno == EACCES) {
			return 0;
		}
	}
	return any ? got : 0;
}

void
oe_fwd__job_listen(
    struct fwd_job *j, unsigned port, const struct oe_addr *addrs, size_t n)
{
	int tries = port ? 1 : LISTEN_TRIES;
	struct oe_ipc_msg m;
	unsigned got = 0;
	size_t i;

	errno = 0;
	while (!got && tries--)
		got = job_bind_all(j, port, addrs, n);
	if (!got) {
		job_fail_errno(j, "listen");
		return;
	}
	for (i = 0; i < n; i++)
		if (j->fd[i] >= 0)
			j->watch[i] = oe_loop_watch(
			    j->f->loop, j->fd[i], POLLIN, job_on_connect, j);
	j->limit = oe_loop_timer(j->f->loop, -1, job_rested, j);
	oe_fwd__job_report(j, OE_FWD_IS_LISTENING, &m);
	(void)oe_buf_put_u32(&m.payload, got);
	oe_fwd_mailbox_send(j->f->monitor, &m);
}
