/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - asks target, through whatever forwards the port, and takes the time.
 *
 *	load out PORT BYTES STREAMS	to its sink, BYTES in all
 *	load in PORT BYTES STREAMS	from its source
 *		writes the seconds from the first connect to the last byte
 *	load kept PORT REQUESTS		to its answer, one after another
 *	load new PORT REQUESTS		the same, a connection for each
 *		writes requests per second, then p50 and p99 in microseconds
 *
 * Every byte is counted: what got lost is an error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#define REQUEST 1024
#define ZEROS   (1u << 20)
#define AT_ONCE (1u << 20)
#define PAGE    4096
#define EVENTS  64
#define WAIT_MS 120000

struct stream {
	int fd;
	uint64_t left; /* to be sent, or to be received */
	bool told;     /* out: all sent, the sink's number is awaited */
};

struct load {
	int poll;
	int zeros;
	uint16_t port;
	uint64_t size; /* of each stream */
};

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
lost(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
dial(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void
watch(struct load *l, struct stream *s, uint32_t events, int op)
{
	struct epoll_event e = {.events = events, .data = {.ptr = s}};

	if (epoll_ctl(l->poll, op, s->fd, &e) < 0)
		die("epoll_ctl");
}

/* True when the stream is done. */
static bool
send_some(struct load *l, struct stream *s)
{
	uint64_t part, told;
	off_t at = 0;
	ssize_t n;

	if (s->told) {
		if (recv(s->fd, &told, sizeof told, 0) != sizeof told ||
		    told != l->size)
			lost("what came there is not what was sent");
		return true;
	}
	part = s->left < ZEROS ? s->left : ZEROS;
	n = sendfile(s->fd, l->zeros, &at, part);
	if (n < 0 && errno != EAGAIN)
		die("send");
	s->left -= n > 0 ? (uint64_t)n : 0;
	if (!s->left) {
		s->told = true;
		shutdown(s->fd, SHUT_WR);
		watch(l, s, EPOLLIN, EPOLL_CTL_MOD);
	}
	return false;
}

static bool
receive_some(struct stream *s)
{
	ssize_t n = recv(s->fd, NULL, AT_ONCE, MSG_TRUNC);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		die("receive");
	if ((uint64_t)n > s->left || (n == 0 && s->left)) {
		fprintf(stderr, "load: an end %llu bytes early\n",
		    (unsigned long long)s->left);
		exit(1);
	}
	s->left -= (uint64_t)n;
	return n == 0;
}

static void
start(struct load *l, struct stream *s, bool out)
{
	s->fd = dial(l->port);
	s->left = l->size;
	if (!out && write(s->fd, &l->size, sizeof l->size) != sizeof l->size)
		die("ask");
	if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	watch(l, s, out ? EPOLLOUT : EPOLLIN, EPOLL_CTL_ADD);
}

static double
move(struct load *l, bool out, uint64_t bytes, unsigned streams)
{
	struct stream *all = calloc(streams, sizeof *all), *s;
	struct epoll_event events[EVENTS];
	double begin = now_s();
	unsigned done = 0, k;
	int i, n;

	if (!all)
		die("memory");
	l->size = bytes / streams;
	for (k = 0; k < streams; k++)
		start(l, &all[k], out);
	while (done < streams) {
		n = epoll_wait(l->poll, events, EVENTS, WAIT_MS);
		if (n <= 0)
			lost("nothing moves any more");
		for (i = 0; i < n; i++) {
			s = events[i].data.ptr;
			if (out ? !send_some(l, s) : !receive_some(s))
				continue;
			close(s->fd);
			done++;
		}
	}
	return now_s() - begin;
}

static void
ask(int fd)
{
	static char buf[REQUEST];
	size_t got = 0;
	ssize_t n;

	if (write(fd, buf, REQUEST) != REQUEST)
		die("ask");
	while (got < REQUEST) {
		n = recv(fd, buf, REQUEST - got, 0);
		if (n <= 0)
			die("answer");
		got += (size_t)n;
	}
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
requests(uint16_t port, size_t count, bool kept)
{
	double *took = calloc(count, sizeof *took), begin, at;
	int fd = kept ? dial(port) : -1;
	size_t i;

	if (!took)
		die("memory");
	if (kept)
		ask(fd);
	begin = now_s();
	for (i = 0; i < count; i++) {
		at = now_s();
		if (!kept)
			fd = dial(port);
		ask(fd);
		if (!kept)
			close(fd);
		took[i] = now_s() - at;
	}
	begin = now_s() - begin;
	qsort(took, count, sizeof *took, by_size);
	printf("%.1f %.1f %.1f\n", (double)count / begin, took[count / 2] * 1e6,
	    took[count * 99 / 100] * 1e6);
}

static void
prepare(struct load *l)
{
	static const char page[PAGE];
	unsigned i;

	l->poll = epoll_create1(0);
	l->zeros = memfd_create("zeros", 0);
	if (l->poll < 0 || l->zeros < 0)
		die("start");
	for (i = 0; i < ZEROS / PAGE; i++)
		if (pwrite(l->zeros, page, PAGE, (off_t)i * PAGE) != PAGE)
			die("memory");
}

int
main(int argc, char **argv)
{
	struct load l = {.poll = -1};
	uint64_t count;
	bool moves;

	moves =
	    argc == 5 && (!strcmp(argv[1], "out") || !strcmp(argv[1], "in"));
	if (!moves && (argc != 4 || (strcmp(argv[1], "kept") != 0 &&
					strcmp(argv[1], "new") != 0))) {
		fprintf(stderr, "usage: load out|in PORT BYTES STREAMS\n"
				"       load kept|new PORT REQUESTS\n");
		return 2;
	}
	l.port = (uint16_t)strtoul(argv[2], NULL, 10);
	count = strtoull(argv[3], NULL, 10);
	if (!moves) {
		requests(l.port, count, argv[1][0] == 'k');
		return 0;
	}
	prepare(&l);
	printf("%.6f\n", move(&l, argv[1][0] == 'o', count,
			     (unsigned)strtoul(argv[4], NULL, 10)));
	return 0;
}
