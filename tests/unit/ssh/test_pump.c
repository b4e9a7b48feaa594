/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"
#include "core/net/loop.h"
#include "twoends.h"

#define BULK (48u << 20)
#define STEP 65536
/* What may be on its way between two ends when one of them is stuck. */
#define FLIGHT_MAX (8u << 20)

/* The far end of a descriptor that the pump writes to. */
struct sink {
	struct oe_loop *loop;
	struct oe_watch *watch;
	int fd;
	uint64_t got;
	bool bad, ended;
};

static void
sink_on_ready(void *arg, short revents)
{
	static uint8_t space[STEP];
	struct sink *s = arg;
	ssize_t n = read(s->fd, space, sizeof space);

	(void)revents;
	if (n > 0) {
		s->bad |= !pattern_check(space, (size_t)n, s->got);
		s->got += (uint64_t)n;
	} else if (n == 0) {
		s->ended = true;
		oe_watch_free(&s->watch);
	}
}

/* Makes a pipe; returns the end for the pump. */
static int
sink_init(struct sink *s, struct ends *e, bool reads)
{
	int p[2];

	memset(s, 0, sizeof *s);
	assert_int_equal(pipe(p), 0);
	s->fd = p[0];
	s->loop = e->loop;
	s->watch =
	    oe_loop_watch(e->loop, p[0], reads ? POLLIN : 0, sink_on_ready, s);
	oe_fd_set_nonblock(p[0], true);
	oe_fd_set_nonblock(p[1], true);
	return p[1];
}

static void
sink_done(struct sink *s)
{
	oe_watch_free(&s->watch);
	oe_fd_close(&s->fd);
}

/* A process that writes @n bytes of the pattern; returns the reading end. */
static int
source(uint64_t n, pid_t *ret_pid)
{
	static uint8_t space[STEP];
	uint64_t at = 0;
	size_t len;
	int p[2];

	assert_int_equal(pipe(p), 0);
	*ret_pid = fork();
	assert_true(*ret_pid >= 0);
	if (*ret_pid == 0) {
		close(p[0]);
		for (; at < n; at += len) {
			len = n - at < STEP ? (size_t)(n - at) : STEP;
			pattern_fill(space, len, at);
			if (oe_fd_write_all(p[1], space, len) < 0)
				_exit(1);
		}
		_exit(0);
	}
	close(p[1]);
	oe_fd_set_nonblock(p[0], true);
	return p[0];
}

static void
source_done(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static struct oe_ssh_pump_plan
plan_of(int in, int more, int out, int err)
{
	struct oe_ssh_pump_plan p = {
	    .in_fd = in,
	    .more_fd = more,
	    .out_fd = out,
	    .err_fd = err,
	};

	return p;
}

static void
start_pump(struct ends *e, const struct oe_ssh_pump_plan *plan)
{
	e->pump = oe_ssh_pump_new(e->loop, e->chan, plan);
	/* what came before the pump was there */
	oe_ssh_chan_resume(e->chan);
	if (e->eof)
		oe_ssh_pump_eof(e->pump);
}

/* --- clients ---------------------------------------------------------------
 */

/* Reads one stream to its end; 0 when it is @want bytes of the pattern. */
static int
client_read(ssh_channel ch, uint64_t want, int ext)
{
	static uint8_t space[STEP];
	uint64_t got = 0;
	int n;

	while ((n = ssh_channel_read(ch, space, sizeof space, ext)) > 0) {
		if (!pattern_check(space, (size_t)n, got))
			return 2;
		got += (uint64_t)n;
	}
	if (n < 0)
		return 3;
	return got == want && ssh_channel_is_eof(ch) ? 0 : 4;
}

static int
client_write(ssh_channel ch, uint64_t n, uint32_t step)
{
	static uint8_t space[STEP];
	uint64_t at;
	uint32_t len;

	for (at = 0; at < n; at += len) {
		len = n - at < step ? (uint32_t)(n - at) : step;
		pattern_fill(space, len, at);
		if (ssh_channel_write(ch, space, len) != (int)len)
			return 5;
	}
	return 0;
}

static int
client_download(ssh_session s, ssh_channel ch)
{
	(void)s;
	return client_read(ch, BULK, 0);
}

static int
client_upload(ssh_session s, ssh_channel ch)
{
	char c;

	(void)s;
	if (client_write(ch, BULK, STEP) || ssh_channel_send_eof(ch) != SSH_OK)
		return 6;
	/* the other side's EOF says that it has all */
	return ssh_channel_read(ch, &c, 1, 0) == 0 ? 0 : 7;
}

static int
client_tiny(ssh_session s, ssh_channel ch)
{
	(void)s;
	if (client_write(ch, 3000, 1) || ssh_channel_send_eof(ch) != SSH_OK)
		return 6;
	return client_read(ch, 3000, 0);
}

/* Says "ask", ends its side, and only then gets an answer. */
static int
client_half_close(ssh_session s, ssh_channel ch)
{
	char got[16] = "", err[16] = "";
	int n;

	(void)s;
	if (ssh_channel_write(ch, "ask", 3) != 3 ||
	    ssh_channel_send_eof(ch) != SSH_OK)
		return 6;
	n = ssh_channel_read(ch, got, sizeof got, 0);
	if (n != 6 || memcmp(got, "answer", 6))
		return 7;
	n = ssh_channel_read(ch, err, sizeof err, 1);
	if (n != 4 || memcmp(err, "talk", 4))
		return 8;
	if (ssh_channel_read(ch, got, 1, 0) != 0 || !ssh_channel_is_eof(ch))
		return 9;
	return ssh_channel_get_exit_status(ch) == 7 ? 0 : 10;
}

/* Waits for the end of the connection, reading nothing. */
static int
client_stuck(ssh_session s, ssh_channel ch)
{
	(void)s;
	(void)ch;
	pause();
	return 0;
}

static int
client_streams(ssh_session s, ssh_channel ch)
{
	(void)s;
	if (ssh_channel_write(ch, "o", 1) != 1 ||
	    ssh_channel_write_stderr(ch, "e", 1) != 1 ||
	    ssh_channel_send_eof(ch) != SSH_OK)
		return 6;
	return client_read(ch, 0, 0);
}

/* --- tests -----------------------------------------------------------------
 */

static void
test_download(void **state)
{
	struct oe_ssh_pump_plan plan;
	uint64_t sent, received;
	struct ends e;
	pid_t pid;

	(void)state;
	ends_start(&e, client_download);
	plan = plan_of(source(BULK, &pid), -1, -1, -1);
	start_pump(&e, &plan);
	while (!oe_ssh_pump_input_done(e.pump))
		assert_int_equal(oe_loop_once(e.loop, 1000), 0);
	oe_ssh_pump_bytes(e.pump, &sent, &received);
	assert_int_equal(sent, BULK);
	assert_int_equal(received, 0);
	assert_int_equal(ends_finish(&e), 0);
	source_done(pid);
}

static void
test_upload(void **state)
{
	struct oe_ssh_pump_plan plan;
	uint64_t sent, received;
	struct sink sink;
	struct ends e;

	(void)state;
	ends_start(&e, client_upload);
	plan = plan_of(-1, -1, sink_init(&sink, &e, true), -1);
	start_pump(&e, &plan);
	ends_run_until(&e, &sink.ended);
	assert_false(sink.bad);
	assert_int_equal(sink.got, BULK);
	assert_true(oe_ssh_pump_output_done(e.pump));
	oe_ssh_pump_bytes(e.pump, &sent, &received);
	assert_int_equal(received, BULK);
	oe_ssh_chan_send_eof(e.chan);
	assert_int_equal(ends_finish(&e), 0);
	sink_done(&sink);
}

/* A program that does not read: the peer waits, our memory does not grow. */
static void
test_stuck_sink(void **state)
{
	struct oe_ssh_pump_plan plan;
	uint64_t in, out;
	struct sink sink;
	struct ends e;

	(void)state;
	ends_start(&e, client_upload);
	plan = plan_of(-1, -1, sink_init(&sink, &e, false), -1);
	start_pump(&e, &plan);
	ends_run_quiet(&e, 300);
	assert_false(e.lost);
	assert_false(oe_ssh_pump_output_done(e.pump));
	assert_in_range(oe_ssh_chan_held(e.chan), 1, FLIGHT_MAX);
	oe_ssh_bytes(e.ssh, &in, &out);
	assert_in_range(in, 1, FLIGHT_MAX);
	oe_watch_set(sink.watch, POLLIN);
	ends_run_until(&e, &sink.ended);
	assert_false(sink.bad);
	assert_int_equal(sink.got, BULK);
	oe_ssh_chan_send_eof(e.chan);
	assert_int_equal(ends_finish(&e), 0);
	sink_done(&sink);
}

/* A peer that does not read: the program waits, our memory does not grow. */
static void
test_stuck_peer(void **state)
{
	struct oe_ssh_pump_plan plan;
	uint64_t sent, received;
	struct ends e;
	pid_t pid;

	(void)state;
	ends_start(&e, client_stuck);
	plan = plan_of(source(UINT64_MAX, &pid), -1, -1, -1);
	start_pump(&e, &plan);
	ends_run_quiet(&e, 300);
	oe_ssh_pump_bytes(e.pump, &sent, &received);
	assert_in_range(sent, 1, FLIGHT_MAX);
	assert_false(oe_ssh_pump_input_done(e.pump));
	kill(e.client, SIGKILL);
	assert_int_equal(ends_finish(&e), -1);
	source_done(pid);
}

static void
test_tiny(void **state)
{
	struct oe_ssh_pump_plan plan;
	struct ends e;
	int p[2];

	(void)state;
	ends_start(&e, client_tiny);
	/* an echo: what is written comes back */
	assert_int_equal(pipe(p), 0);
	oe_fd_set_nonblock(p[0], true);
	oe_fd_set_nonblock(p[1], true);
	plan = plan_of(p[0], -1, p[1], -1);
	start_pump(&e, &plan);
	assert_int_equal(ends_finish(&e), 0);
}

static void
note_done(void *arg)
{
	*(bool *)arg = true;
}

static void
test_half_close(void **state)
{
	struct oe_ssh_pump_plan plan;
	int out[2], in[2], more[2];
	bool done = false;
	char got[8];
	struct ends e;

	(void)state;
	/* after the fork: the client must not hold ends of these */
	ends_start(&e, client_half_close);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(more), 0);
	plan = plan_of(in[0], more[0], out[1], -1);
	plan.input_done = note_done;
	plan.arg = &done;
	plan.hold_eof = true;
	oe_fd_set_nonblock(in[0], true);
	oe_fd_set_nonblock(more[0], true);
	start_pump(&e, &plan);
	ends_run_until(&e, &e.eof);
	/* the program saw "ask" and the end, and can still answer */
	assert_int_equal(read(out[0], got, sizeof got), 3);
	assert_memory_equal(got, "ask", 3);
	assert_int_equal(read(out[0], got, sizeof got), 0);
	assert_int_equal(write(in[1], "answer", 6), 6);
	oe_fd_close(&in[1]);
	ends_run_quiet(&e, 50);
	/* one of two streams ended: the channel's end waits for the other */
	assert_false(done);
	assert_int_equal(write(more[1], "talk", 4), 4);
	oe_fd_close(&more[1]);
	ends_run_until(&e, &done);
	oe_ssh_chan_send_exit_status(e.chan, 7);
	oe_ssh_chan_send_eof(e.chan);
	oe_ssh_chan_close(e.chan);
	assert_int_equal(ends_finish(&e), 0);
	oe_fd_close(&out[0]);
}

/* Extended data goes to err_fd, or nowhere when there is none. */
static void
test_streams(void **state)
{
	struct oe_ssh_pump_plan plan;
	int out[2], err[2], with;
	char got[8];
	struct ends e;

	(void)state;
	for (with = 0; with < 2; with++) {
		ends_start(&e, client_streams);
		assert_int_equal(pipe(out), 0);
		assert_int_equal(pipe(err), 0);
		plan = plan_of(-1, -1, out[1], with ? err[1] : -1);
		start_pump(&e, &plan);
		ends_run_until(&e, &e.eof);
		assert_int_equal(read(out[0], got, sizeof got), 1);
		assert_int_equal(got[0], 'o');
		if (with) {
			assert_int_equal(read(err[0], got, sizeof got), 1);
			assert_int_equal(got[0], 'e');
		} else {
			oe_fd_close(&err[1]);
		}
		oe_ssh_chan_send_eof(e.chan);
		assert_int_equal(ends_finish(&e), 0);
		oe_fd_close(&out[0]);
		oe_fd_close(&err[0]);
	}
}

static void
note_failed(void *arg, int sys_errno)
{
	*(int *)arg = sys_errno;
}

/* The program closed its input: told once, the rest is discarded. */
static void
test_broken_sink(void **state)
{
	struct oe_ssh_pump_plan plan;
	int out[2], failed = 0;
	struct ends e;

	(void)state;
	assert_int_equal(pipe(out), 0);
	oe_fd_close(&out[0]);
	oe_fd_set_nonblock(out[1], true);
	ends_start(&e, client_upload);
	plan = plan_of(-1, -1, out[1], -1);
	plan.output_failed = note_failed;
	plan.arg = &failed;
	start_pump(&e, &plan);
	ends_run_until(&e, &e.eof);
	assert_int_equal(failed, EPIPE);
	assert_false(e.lost);
	oe_ssh_chan_send_eof(e.chan);
	assert_int_equal(ends_finish(&e), 0);
}

/* One descriptor both ways, as a pty's: the peer's EOF does not close it. */
static void
test_shared_descriptor(void **state)
{
	struct oe_ssh_pump_plan plan;
	struct ends e;
	char got[8];
	int sv[2];

	(void)state;
	ends_start(&e, client_streams);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	oe_fd_set_nonblock(sv[1], true);
	plan = plan_of(sv[1], -1, sv[1], -1);
	start_pump(&e, &plan);
	ends_run_until(&e, &e.eof);
	assert_int_equal(read(sv[0], got, sizeof got), 1);
	assert_true(fcntl(sv[1], F_GETFD) >= 0);
	oe_fd_close(&sv[0]);
	/* its end is the session's: EOF to the peer */
	assert_int_equal(ends_finish(&e), 0);
	assert_int_equal(fcntl(sv[1], F_GETFD), -1);
}

static size_t
upper(void *arg, uint8_t *p, size_t n)
{
	(void)arg;
	/* drops the first byte */
	memmove(p, p + 1, n - 1);
	return n - 1;
}

static int
client_filtered(ssh_session s, ssh_channel ch)
{
	char got[8];

	(void)s;
	return ssh_channel_read(ch, got, sizeof got, 0) == 2 &&
		       !memcmp(got, "bc", 2) &&
		       ssh_channel_read(ch, got, 1, 0) == 0
		   ? 0
		   : 1;
}

static void
test_filter_and_pause(void **state)
{
	struct oe_ssh_pump_plan plan;
	uint64_t sent, received;
	struct ends e;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "abc", 3), 3);
	ends_start(&e, client_filtered);
	plan = plan_of(p[0], -1, -1, -1);
	plan.filter = upper;
	plan.keep_fds = true;
	start_pump(&e, &plan);
	oe_ssh_pump_pause(e.pump, true);
	ends_run_quiet(&e, 50);
	oe_ssh_pump_bytes(e.pump, &sent, &received);
	assert_int_equal(sent, 0);
	oe_ssh_pump_pause(e.pump, false);
	while (!sent) {
		assert_int_equal(oe_loop_once(e.loop, 1000), 0);
		oe_ssh_pump_bytes(e.pump, &sent, &received);
	}
	oe_ssh_pump_end_input(e.pump);
	assert_true(oe_ssh_pump_input_done(e.pump));
	assert_int_equal(ends_finish(&e), 0);
	/* kept open */
	assert_true(fcntl(p[0], F_GETFD) >= 0);
	oe_fd_close(&p[0]);
	oe_fd_close(&p[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_download),
	    cmocka_unit_test(test_upload),
	    cmocka_unit_test(test_stuck_sink),
	    cmocka_unit_test(test_stuck_peer),
	    cmocka_unit_test(test_tiny),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_streams),
	    cmocka_unit_test(test_broken_sink),
	    cmocka_unit_test(test_shared_descriptor),
	    cmocka_unit_test(test_filter_and_pause),
	};

	return cmocka_run_group_tests(
	    tests, ends_group_setup, ends_group_teardown);
}
