/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_stream.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"

#define MANY 8

/* Open descriptors of this process. */
static int
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct pair {
	struct oe_mux_stream s;
	int other;
	int before; /* open files when nothing had come */
};

static void
pair_open(struct pair *p)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	oe_mux_stream_init(&p->s, fds[0]);
	p->other = fds[1];
	p->before = open_files();
}

static void
pair_close(struct pair *p)
{
	oe_mux_stream_done(&p->s);
	close(p->other);
	assert_int_equal(open_files(), p->before - 2);
}

/* @n bytes with @nfds descriptors of /dev/null. */
static void
say(struct pair *p, const char *bytes, size_t n, int nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(MANY * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	int fds[MANY], null = open("/dev/null", O_RDWR), i;

	memset(&control, 0, sizeof control);
	for (i = 0; i < nfds; i++)
		fds[i] = null;
	if (nfds) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, (size_t)nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(p->other, &mh, 0), n);
	close(null);
}

static void
packets(void **state)
{
	struct oe_buf body;
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), OE_EAGAIN);
	assert_false(oe_mux_stream_begun(&p.s));
	say(&p, "\0\0\0\3ab", 6, 0);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), OE_EAGAIN);
	assert_true(oe_mux_stream_begun(&p.s));
	say(&p, "c\0\0\0\0\0\0\0\1d", 10, 0);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), 0);
	assert_int_equal(oe_buf_left(&body), 3);
	assert_memory_equal(oe_buf_head(&body), "abc", 3);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), 0);
	assert_int_equal(oe_buf_left(&body), 0);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), 0);
	assert_memory_equal(oe_buf_head(&body), "d", 1);
	shutdown(p.other, SHUT_WR);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), OE_ECLOSED);
	pair_close(&p);
}

static void
too_big(void **state)
{
	struct oe_buf body;
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p, "\0\4\0\1", 4, 0);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), OE_EPROTO);
	pair_close(&p);
}

/* What follows a request: a byte and a descriptor each. */
static void
descriptors(void **state)
{
	static const struct {
		int nfds[3]; /* that come with each byte */
		int r;
	} all[] = {
	    {{1, 1, 1}, 0},
	    {{1, 0, 1}, OE_EPROTO},
	    {{0, 1, 1}, OE_EPROTO},
	    {{1, 2, 1}, OE_EPROTO},
	    {{8, 1, 1}, OE_EPROTO},
	};
	struct pair p;
	size_t i, k;
	int fd;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		pair_open(&p);
		for (k = 0; k < 3; k++)
			say(&p, "x", 1, all[i].nfds[k]);
		assert_int_equal(
		    oe_mux_stream_read_fds(&p.s, 3, NULL), all[i].r);
		if (all[i].r == 0) {
			fd = oe_mux_stream_claim(&p.s, 1);
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			close(fd);
			assert_int_equal(oe_mux_stream_claim(&p.s, 3), -1);
		}
		pair_close(&p);
	}
}

static void
unasked(void **state)
{
	struct oe_buf body;
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p, "\0\0\0\1", 4, 3);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), OE_EPROTO);
	assert_int_equal(open_files(), p.before);
	pair_close(&p);
	/* not even with the body */
	pair_open(&p);
	say(&p, "\0\0\0\1", 4, 0);
	say(&p, "a", 1, 1);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), OE_EPROTO);
	pair_close(&p);
}

static void
sends(void **state)
{
	struct oe_mux_stream to;
	struct oe_buf body;
	int fds[2] = {STDIN_FILENO, STDOUT_FILENO};
	struct pair p;

	(void)state;
	pair_open(&p);
	oe_mux_stream_init(&to, dup(p.other));
	assert_int_equal(oe_mux_put_hello(&to.out), 0);
	assert_int_equal(oe_mux_stream_send(&to, fds, 2, NULL), 0);
	assert_int_equal(oe_mux_stream_read(&p.s, &body, NULL), 0);
	assert_int_equal(oe_mux_stream_read_fds(&p.s, 2, NULL), 0);
	assert_int_equal(p.s.nfds, 2);
	oe_mux_stream_done(&to);
	pair_close(&p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(packets),
	    cmocka_unit_test(too_big),
	    cmocka_unit_test(descriptors),
	    cmocka_unit_test(unasked),
	    cmocka_unit_test(sends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
