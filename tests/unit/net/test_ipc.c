/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/ipc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

static int
setup(void **state)
{
	int *sv = oe_mem_zalloc(2 * sizeof *sv);

	*state = sv;
	return oe_ipc_pair(sv, NULL);
}

static int
teardown(void **state)
{
	int *sv = *state;

	oe_fd_close(&sv[0]);
	oe_fd_close(&sv[1]);
	oe_mem_free(state);
	return 0;
}

static int
count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A packet as a hostile sender makes it: any bytes, any descriptors. */
static void
send_raw(int to, const void *p, size_t n, unsigned nfds)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 16)];
		struct cmsghdr align;
	} control = {{0}};
	union {
		const void *in;
		void *out;
	} u = {.in = p};
	struct iovec iov = {u.out, n};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	int fds[16];
	unsigned i;

	for (i = 0; i < nfds; i++)
		fds[i] = to;
	if (nfds) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	assert_true(sendmsg(to, &mh, 0) >= 0);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 255, 4096, 65536, OE_IPC_PAYLOAD_MAX};
	int *sv = *state;
	size_t i, k;

	for (i = 0; i < OE_ARRAY_LEN(sizes); i++) {
		struct oe_ipc_msg out, in;

		oe_ipc_msg_init(&out, (uint8_t)(i + 200));
		for (k = 0; k < sizes[i]; k++)
			assert_int_equal(
			    oe_buf_put_u8(&out.payload, (uint8_t)(k * 7)), 0);
		assert_int_equal(oe_ipc_send(sv[0], &out, NULL), 0);
		assert_int_equal(oe_ipc_recv(sv[1], -1, &in, NULL), 0);
		assert_int_equal(in.type, i + 200);
		assert_int_equal(in.nfds, 0);
		assert_int_equal(oe_buf_left(&in.payload), sizes[i]);
		if (sizes[i])
			assert_memory_equal(oe_buf_head(&in.payload),
			    oe_buf_head(&out.payload), sizes[i]);
		oe_ipc_msg_done(&in);
		oe_ipc_msg_done(&out);
	}
}

/* The payload's own bound makes a longer message impossible to build. */
static void
test_too_long(void **state)
{
	struct oe_ipc_msg m;

	(void)state;
	oe_ipc_msg_init(&m, 1);
	while (oe_buf_put_u64(&m.payload, 0) == 0)
		continue;
	assert_int_equal(oe_buf_left(&m.payload), OE_IPC_PAYLOAD_MAX);
	assert_int_equal(oe_buf_put_u8(&m.payload, 0), OE_ETOOBIG);
	oe_ipc_msg_done(&m);
}

static void
test_descriptors(void **state)
{
	int *sv = *state, p[2], fd, before;
	struct oe_ipc_msg out, in;
	char c = 0;

	assert_int_equal(pipe(p), 0);
	before = count_fds();
	oe_ipc_msg_init(&out, 7);
	out.fds[0] = p[1];
	out.fds[1] = p[0];
	out.nfds = 2;
	assert_int_equal(oe_ipc_send(sv[0], &out, NULL), 0);
	assert_int_equal(count_fds(), before); /* ours stay ours */
	assert_int_equal(oe_ipc_recv(sv[1], 0, &in, NULL), 0);
	assert_int_equal(in.nfds, 2);
	assert_int_equal(oe_ipc_msg_claim(&in, 2), -1);
	fd = oe_ipc_msg_claim(&in, 0);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(oe_ipc_msg_claim(&in, 0), -1);
	oe_ipc_msg_done(&in); /* closes what was not claimed */
	assert_int_equal(count_fds(), before + 1);
	assert_int_equal(write(fd, "y", 1), 1);
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	oe_fd_close(&fd);
	oe_fd_close(&p[0]);
	oe_fd_close(&p[1]);
}

/* Refused whole, and no descriptor of theirs stays open here. */
static void
test_malformed(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		unsigned nfds;
		int want;
	} cases[] = {
	    {"the most descriptors", 1, OE_IPC_FDS_MAX, 0},
	    {"one descriptor too many", 1, OE_IPC_FDS_MAX + 1, OE_EPROTO},
	    {"far too many", 1, 16, OE_EPROTO},
	    {"longest", OE_IPC_PAYLOAD_MAX + 1, 0, 0},
	    {"one byte too long", OE_IPC_PAYLOAD_MAX + 2, 0, OE_EPROTO},
	    {"cut off", OE_IPC_PAYLOAD_MAX + 9000, 2, OE_EPROTO},
	    /* cannot be told from the end, and so is the end */
	    {"empty packet with a descriptor", 0, 1, OE_ECLOSED},
	    {"empty packet", 0, 0, OE_ECLOSED},
	};
	int *sv = *state, before = count_fds(), r;
	uint8_t *bytes = oe_mem_zalloc(OE_IPC_PAYLOAD_MAX + 9000);
	struct oe_ipc_msg in;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		send_raw(sv[0], bytes, cases[i].len, cases[i].nfds);
		r = oe_ipc_recv(sv[1], 0, &in, NULL);
		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].what, r);
		if (r == 0)
			oe_ipc_msg_done(&in);
		if (count_fds() != before)
			fail_msg("%s: descriptors leak", cases[i].what);
	}
	oe_mem_free(&bytes);
}

static void
test_other_control_messages(void **state)
{
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = {{0}};
	struct ucred me = {getpid(), getuid(), getgid()};
	struct iovec iov = {(char[]){1}, 1};
	struct msghdr mh = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space,
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	int *sv = *state, on = 1;
	struct oe_ipc_msg in;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof me);
	memcpy(CMSG_DATA(c), &me, sizeof me);
	assert_int_equal(
	    setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	assert_int_equal(sendmsg(sv[0], &mh, 0), 1);
	assert_int_equal(oe_ipc_recv(sv[1], 0, &in, NULL), OE_EPROTO);
}

static void
test_ends(void **state)
{
	int *sv = *state;
	struct oe_err err = OE_ERR_INIT;
	struct oe_ipc_msg m;

	assert_int_equal(oe_ipc_recv(sv[1], 0, &m, NULL), OE_EAGAIN);
	assert_int_equal(oe_ipc_recv(sv[1], 1, &m, NULL), OE_EAGAIN);
	oe_ipc_msg_init(&m, 9);
	assert_int_equal(oe_ipc_send(sv[0], &m, NULL), 0);
	oe_fd_close(&sv[0]);
	/* what was sent before the end is still there */
	assert_int_equal(oe_ipc_recv(sv[1], -1, &m, NULL), 0);
	assert_int_equal(m.type, 9);
	oe_ipc_msg_done(&m);
	assert_int_equal(oe_ipc_recv(sv[1], -1, &m, &err), OE_ECLOSED);
	assert_string_equal(err.msg, "the other process is gone");
	oe_ipc_msg_init(&m, 9);
	assert_int_equal(oe_ipc_send(sv[1], &m, NULL), OE_ECLOSED);
}

/* A full queue makes the sender wait; every message arrives, in order. */
static void
test_full_queue(void **state)
{
	enum { MESSAGES = 2000 };
	int *sv = *state, status;
	struct oe_ipc_msg m;
	uint32_t i, got;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (i = 0; i < MESSAGES; i++) {
			oe_ipc_msg_init(&m, 1);
			(void)oe_buf_put_u32(&m.payload, i);
			while (oe_buf_left(&m.payload) < 8000)
				(void)oe_buf_put_u64(&m.payload, 0);
			if (oe_ipc_send(sv[0], &m, NULL) < 0)
				_exit(1);
			oe_ipc_msg_done(&m);
		}
		_exit(0);
	}
	for (i = 0; i < MESSAGES; i++) {
		assert_int_equal(oe_ipc_recv(sv[1], 30000, &m, NULL), 0);
		assert_int_equal(oe_buf_get_u32(&m.payload, &got), 0);
		assert_int_equal(got, i);
		oe_ipc_msg_done(&m);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* One that never reads costs the sender its patience, not its life. */
static void
test_stuck_reader(void **state)
{
	struct oe_ipc_msg m;
	int *sv = *state, i, r = 0;

	oe_ipc_msg_init(&m, 1);
	while (oe_buf_left(&m.payload) < 60000)
		(void)oe_buf_put_u64(&m.payload, 0);
	for (i = 0; i < 1000 && r == 0; i++)
		r = oe_ipc_send_within(sv[0], &m, i % 2, NULL);
	assert_int_equal(r, OE_ETIMEOUT);
	/* what is in the queue is bounded, and whole */
	assert_in_range(i, 2, 100);
	oe_ipc_msg_done(&m);
	while (--i > 0) {
		assert_int_equal(oe_ipc_recv(sv[1], 0, &m, NULL), 0);
		oe_ipc_msg_done(&m);
	}
	assert_int_equal(oe_ipc_recv(sv[1], 0, &m, NULL), OE_EAGAIN);
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PAIR(test_sizes),
	    WITH_PAIR(test_too_long),
	    WITH_PAIR(test_descriptors),
	    WITH_PAIR(test_malformed),
	    WITH_PAIR(test_other_control_messages),
	    WITH_PAIR(test_ends),
	    WITH_PAIR(test_full_queue),
	    WITH_PAIR(test_stuck_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
