/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/readahead.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"
#include "core/base/mem.h"

static int
setup(void **state)
{
	int *sv = oe_mem_zalloc(2 * sizeof *sv);

	*state = sv;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0)
		return -1;
	oe_ssh__readahead_add(sv[0]);
	return oe_fd_set_nonblock(sv[0], true);
}

static int
teardown(void **state)
{
	int *sv = *state;

	oe_ssh__readahead_remove(sv[0]);
	oe_fd_close(&sv[0]);
	oe_fd_close(&sv[1]);
	oe_mem_free(state);
	return 0;
}

static void
put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static short
look(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r = poll(&p, 1, 0);

	assert_int_equal(r, p.revents != 0);
	return p.revents;
}

/* One read takes all from the kernel; small ones are served from memory. */
static void
test_small_reads(void **state)
{
	int *sv = *state, left = -1;
	char got[8] = "";

	assert_int_equal(look(sv[0], POLLIN), 0);
	put(sv[1], "abcdef");
	assert_int_equal(look(sv[0], POLLIN), POLLIN);
	assert_int_equal(recv(sv[0], got, 2, 0), 2);
	assert_memory_equal(got, "ab", 2);
	assert_int_equal(oe_ssh__readahead_waits(sv[0]), 4);
	assert_int_equal(ioctl(sv[0], FIONREAD, &left), 0);
	assert_int_equal(left, 0);
	/* nothing in the kernel, and yet there is something to read */
	assert_int_equal(look(sv[0], POLLIN), POLLIN);
	/* what comes meanwhile stays behind what waits */
	put(sv[1], "gh");
	assert_int_equal(recv(sv[0], got, sizeof got, 0), 4);
	assert_memory_equal(got, "cdef", 4);
	assert_int_equal(recv(sv[0], got, sizeof got, 0), 2);
	assert_memory_equal(got, "gh", 2);
	assert_int_equal(recv(sv[0], got, sizeof got, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(look(sv[0], POLLIN), 0);
}

static void
test_large_reads(void **state)
{
	size_t n = 2 * OE_SSH_READAHEAD, at = 0, i;
	uint8_t *in = oe_mem_zalloc(n), *out = oe_mem_zalloc(n);
	int *sv = *state;
	ssize_t r;

	for (i = 0; i < n; i++)
		in[i] = (uint8_t)(i * 31 >> 3);
	oe_fd_set_nonblock(sv[1], true);
	for (i = 0; at < n;) {
		if (i < n && (r = write(sv[1], in + i, n - i)) > 0)
			i += (size_t)r;
		/* odd sizes, then one as large as the space itself */
		r = recv(sv[0], out + at, at < 9999 ? 777 : n - at, 0);
		if (r > 0)
			at += (size_t)r;
	}
	assert_memory_equal(in, out, n);
	oe_mem_free(&in);
	oe_mem_free(&out);
}

static void
test_end(void **state)
{
	int *sv = *state;
	char got[8];

	put(sv[1], "xy");
	oe_fd_close(&sv[1]);
	assert_int_equal(recv(sv[0], got, 1, 0), 1);
	assert_true(look(sv[0], POLLIN) & POLLIN);
	assert_int_equal(recv(sv[0], got, 1, 0), 1);
	assert_int_equal(recv(sv[0], got, 1, 0), 0);
	assert_int_equal(recv(sv[0], got, 1, 0), 0);
}

/* A full socket takes nothing, without an error, and poll() knows. */
static void
test_room(void **state)
{
	static char block[64 * 1024];
	int *sv = *state;
	ssize_t n = 1;

	assert_false(oe_ssh__readahead_takes(sv[0]));
	assert_int_equal(send(sv[0], "x", 1, MSG_NOSIGNAL), 1);
	assert_true(oe_ssh__readahead_takes(sv[0]));
	while (n > 0)
		n = send(sv[0], block, sizeof block, MSG_NOSIGNAL);
	assert_int_equal(n, 0);
	assert_false(oe_ssh__readahead_takes(sv[0]));
	assert_int_equal(look(sv[0], POLLOUT), 0);
	oe_fd_set_nonblock(sv[1], true);
	while (read(sv[1], block, sizeof block) > 0)
		continue;
	assert_int_equal(look(sv[0], POLLOUT), POLLOUT);
	assert_true(oe_ssh__readahead_takes(sv[0]));
}

/* What the kernel said once stands until it is received, and no longer. */
static void
test_ready(void **state)
{
	int *sv = *state;
	char got[4];

	assert_false(oe_ssh__readahead_has(sv[0]));
	put(sv[1], "a");
	assert_int_equal(look(sv[0], POLLIN), POLLIN);
	assert_true(oe_ssh__readahead_has(sv[0]));
	assert_int_equal(look(sv[0], POLLIN), POLLIN);
	assert_int_equal(recv(sv[0], got, 1, 0), 1);
	assert_false(oe_ssh__readahead_has(sv[0]));
	assert_int_equal(look(sv[0], POLLIN), 0);
}

/* poll() over several: no event of another descriptor is lost or made up. */
static void
test_poll_several(void **state)
{
	int *sv = *state, p[2];
	struct pollfd set[3];
	char got[4];

	assert_int_equal(pipe(p), 0);
	put(sv[1], "abc");
	assert_int_equal(recv(sv[0], got, 1, 0), 1);
	memset(set, 0, sizeof set);
	set[0].fd = p[0];
	set[0].events = POLLIN;
	set[1].fd = sv[0];
	set[1].events = POLLIN | POLLOUT;
	set[2].fd = -1;
	set[2].events = POLLIN;
	/* would wait for ever without the bytes in memory */
	assert_int_equal(poll(set, 3, -1), 1);
	assert_int_equal(set[0].revents, 0);
	/* one at a time, output first: see readahead_settle() */
	assert_int_equal(set[1].revents, POLLOUT);
	set[1].events = POLLIN;
	assert_int_equal(poll(set, 3, -1), 1);
	assert_int_equal(set[1].revents, POLLIN);
	assert_int_equal(set[2].revents, 0);
	put(p[1], "x");
	assert_int_equal(poll(set, 3, -1), 2);
	assert_int_equal(set[0].revents, POLLIN);
	/* not asked for: not told */
	assert_int_equal(look(sv[0], POLLOUT), POLLOUT);
	assert_int_equal(look(sv[0], 0), 0);
	set[1].events = POLLIN;
	set[1].revents = POLLNVAL;
	assert_int_equal(poll(set + 1, 1, 0), 1);
	assert_int_equal(set[1].revents, POLLIN);
	oe_fd_close(&p[0]);
	oe_fd_close(&p[1]);
}

static void
test_others_are_plain(void **state)
{
	int *sv = *state, other[2];
	char got[8];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	put(other[1], "abc");
	assert_int_equal(recv(other[0], got, 1, 0), 1);
	assert_int_equal(oe_ssh__readahead_waits(other[0]), 0);
	assert_int_equal(recv(other[0], got, 8, 0), 2);
	assert_int_equal(poll(NULL, 0, 1), 0);
	assert_int_equal(recv(-1, got, 1, 0), -1);
	assert_int_equal(errno, EBADF);
	/* added twice is added once; removed is plain again */
	oe_ssh__readahead_add(sv[0]);
	oe_ssh__readahead_remove(sv[0]);
	put(sv[1], "abc");
	assert_int_equal(recv(sv[0], got, 1, 0), 1);
	assert_int_equal(oe_ssh__readahead_waits(sv[0]), 0);
	oe_ssh__readahead_remove(sv[0]);
	oe_fd_close(&other[0]);
	oe_fd_close(&other[1]);
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PAIR(test_small_reads),
	    WITH_PAIR(test_large_reads),
	    WITH_PAIR(test_end),
	    WITH_PAIR(test_room),
	    WITH_PAIR(test_ready),
	    WITH_PAIR(test_poll_several),
	    WITH_PAIR(test_others_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
