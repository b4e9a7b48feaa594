/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - what forwarded connections lead to: takes, gives and answers with
 * as little work as it can, so that it is not what is measured.
 *
 *	target
 *
 * Listens on four free ports of 127.0.0.1, writes them in one line and works
 * until it is killed:
 *	sink	discards all until the end, then tells the number of bytes
 *	source	reads a number of bytes, gives that many, ends
 *	answer	gives REQUEST bytes for REQUEST bytes, again and again
 *	http	GET /N gives N bytes; keeps the connection unless told not to
 * Numbers are 8 bytes, as this machine has them.  Bytes are zeros.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#define REQUEST  1024
#define ZEROS    (1u << 20)
#define AT_ONCE  (1u << 20)
#define HEAD_MAX 4096
#define EVENTS   64

enum role { SINK, SOURCE, ANSWER, HTTP, ROLES };

struct conn {
	enum role role;
	bool listens;
	bool last; /* ends after what it has to give */
	int fd;
	uint64_t got;  /* bytes, of the request or of all */
	uint64_t owes; /* bytes still to be given */
	size_t head_len;
	char head[HEAD_MAX];
};

struct target {
	int poll;
	int zeros; /* ZEROS bytes in memory, given without a copy */
};

static void
die(const char *what)
{
	fprintf(stderr, "target: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
watch(struct target *t, struct conn *c, uint32_t events, int op)
{
	struct epoll_event e = {.events = events, .data = {.ptr = c}};

	if (epoll_ctl(t->poll, op, c->fd, &e) < 0)
		die("epoll_ctl");
}

static struct conn *
add(struct target *t, int fd, enum role role, bool listens)
{
	struct conn *c = calloc(1, sizeof *c);

	if (!c)
		die("memory");
	c->fd = fd;
	c->role = role;
	c->listens = listens;
	watch(t, c, EPOLLIN, EPOLL_CTL_ADD);
	return c;
}

/* What is owed; false when the connection is over. */
static bool
give(struct target *t, struct conn *c)
{
	uint64_t part;
	off_t at = 0;
	ssize_t n;

	while (c->owes) {
		part = c->owes < ZEROS ? c->owes : ZEROS;
		at = 0;
		n = sendfile(c->fd, t->zeros, &at, part);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		c->owes -= (uint64_t)n;
	}
	watch(t, c, c->owes ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
	return c->owes || !c->last;
}

/* MSG_TRUNC: TCP throws them away instead of copying them. */
static bool
on_sink(struct conn *c)
{
	ssize_t n = recv(c->fd, NULL, AT_ONCE, MSG_TRUNC);

	if (n > 0)
		c->got += (uint64_t)n;
	if (n == 0)
		(void)!write(c->fd, &c->got, sizeof c->got);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool
on_source(struct target *t, struct conn *c)
{
	if (recv(c->fd, &c->owes, sizeof c->owes, 0) != sizeof c->owes)
		return false;
	c->last = true;
	return give(t, c);
}

static bool
on_answer(struct conn *c)
{
	static const char zeros[REQUEST];
	char buf[REQUEST];
	ssize_t n = recv(c->fd, buf, REQUEST - c->got, 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->got += (uint64_t)n;
	if (c->got < REQUEST)
		return true;
	c->got = 0;
	return write(c->fd, zeros, REQUEST) == REQUEST;
}

static bool
on_http(struct target *t, struct conn *c)
{
	ssize_t n =
	    recv(c->fd, c->head + c->head_len, HEAD_MAX - 1 - c->head_len, 0);
	char reply[128];
	int len;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->head_len += (size_t)n;
	c->head[c->head_len] = '\0';
	if (!strstr(c->head, "\r\n\r\n"))
		return c->head_len < HEAD_MAX - 1;
	if (strncmp(c->head, "GET /", 5) != 0)
		return false;
	c->last = strstr(c->head, "Connection: close");
	c->owes = strtoull(c->head + 5, NULL, 10);
	c->head_len = 0;
	len = snprintf(reply, sizeof reply,
	    "HTTP/1.1 200 OK\r\n%sContent-Length: %llu\r\n\r\n",
	    c->last ? "Connection: close\r\n" : "",
	    (unsigned long long)c->owes);
	/* with the body's beginning, in one segment */
	return send(c->fd, reply, (size_t)len, MSG_MORE) == len && give(t, c);
}

static bool
serve(struct target *t, struct conn *c)
{
	if (c->owes)
		return give(t, c);
	switch (c->role) {
	case SINK:
		return on_sink(c);
	case SOURCE:
		return on_source(t, c);
	case ANSWER:
		return on_answer(c);
	default:
		return on_http(t, c);
	}
}

static void
on_ready(struct target *t, struct conn *c)
{
	int fd, one = 1;

	if (!c->listens) {
		if (!serve(t, c)) {
			close(c->fd);
			free(c);
		}
		return;
	}
	fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	add(t, fd, c->role, false);
}

static void
start_listen(struct target *t, enum role role)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		die("listen");
	printf("%d%c", ntohs(a.sin_port), role == ROLES - 1 ? '\n' : ' ');
	add(t, fd, role, true);
}

int
main(void)
{
	struct target t = {.poll = epoll_create1(0)};
	struct epoll_event events[EVENTS];
	int role, i, n;

	t.zeros = memfd_create("zeros", 0);
	if (t.poll < 0 || t.zeros < 0)
		die("start");
	/* written, for holes have no pages to give */
	for (i = 0; i < (int)(ZEROS / HEAD_MAX); i++)
		if (pwrite(t.zeros, (char[HEAD_MAX]){0}, HEAD_MAX,
			(off_t)i * HEAD_MAX) != HEAD_MAX)
			die("memory");
	for (role = 0; role < ROLES; role++)
		start_listen(&t, (enum role)role);
	fflush(stdout);
	for (;;) {
		n = epoll_wait(t.poll, events, EVENTS, -1);
		for (i = 0; i < n; i++)
			on_ready(&t, events[i].data.ptr);
	}
}
