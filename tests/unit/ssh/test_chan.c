/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/net/loop.h"
#include "core/ssh/serve.h"
#include "twoends.h"

#define SENT (1u << 20)

struct taker {
	uint64_t got[2];
	size_t most; /* taken at a time; 0: nothing */
	bool bad, all;
};

static size_t
take(struct ends *e, const void *p, size_t n, bool ext)
{
	struct taker *t = e->arg;

	if (n > t->most)
		n = t->most;
	t->bad |= !pattern_check(p, n, t->got[ext]);
	t->got[ext] += n;
	t->all = t->got[0] + t->got[1] == 2 * SENT;
	return n;
}

static int
client_both_streams(ssh_session s, ssh_channel ch)
{
	static uint8_t space[SENT];
	uint32_t at, step = 32768;
	char c;

	(void)s;
	pattern_fill(space, SENT, 0);
	for (at = 0; at < SENT; at += step)
		if (ssh_channel_write(ch, space + at, step) != (int)step ||
		    ssh_channel_write_stderr(ch, space + at, step) != (int)step)
			return 1;
	if (ssh_channel_send_eof(ch) != SSH_OK)
		return 2;
	return ssh_channel_read(ch, &c, 1, 0) == 0 ? 0 : 3;
}

/* Kept whole and in order while the owner takes nothing, little, or all. */
static void
test_held(void **state)
{
	static const size_t steps[] = {1000, 1, 100000, SIZE_MAX};
	struct taker t = {{0, 0}, 0, false, false};
	struct ends e;
	size_t i = 0;

	(void)state;
	ends_start(&e, client_both_streams);
	e.arg = &t;
	e.take = take;
	ends_run_quiet(&e, 100);
	assert_true(oe_ssh_chan_held(e.chan) > 0);
	assert_true(oe_ssh_chan_held(e.chan) <= OE_SSH_STUCK_MAX);
	while (!t.all) {
		t.most = steps[i++ % OE_ARRAY_LEN(steps)];
		oe_ssh_chan_resume(e.chan);
		assert_int_equal(oe_loop_once(e.loop, 10), 0);
	}
	assert_false(t.bad);
	assert_int_equal(t.got[0], SENT);
	assert_int_equal(t.got[1], SENT);
	ends_run_until(&e, &e.eof);
	assert_int_equal(oe_ssh_chan_held(e.chan), 0);
	oe_ssh_chan_send_eof(e.chan);
	assert_int_equal(ends_finish(&e), 0);
}

static int
client_reads_all(ssh_session s, ssh_channel ch)
{
	static uint8_t space[65536];
	uint64_t got = 0;
	int n;

	(void)s;
	while ((n = ssh_channel_read(ch, space, sizeof space, 0)) > 0) {
		if (!pattern_check(space, (size_t)n, got))
			return 1;
		got += (uint64_t)n;
	}
	return got == SENT && ssh_channel_get_exit_status(ch) == 3 ? 0 : 2;
}

/* Writing within the room never loses; the status comes before the close. */
static void
test_write_within_room(void **state)
{
	static uint8_t space[65536];
	uint64_t at = 0;
	struct ends e;
	size_t n;

	(void)state;
	ends_start(&e, client_reads_all);
	while (at < SENT) {
		n = oe_ssh_chan_room(e.chan);
		if (!n) {
			assert_int_equal(oe_loop_once(e.loop, 10), 0);
			continue;
		}
		if (n > sizeof space)
			n = sizeof space;
		if (n > SENT - at)
			n = (size_t)(SENT - at);
		pattern_fill(space, n, at);
		assert_int_equal(oe_ssh_chan_write(e.chan, space, n, false), 0);
		at += n;
	}
	oe_ssh_chan_send_exit_status(e.chan, 3);
	oe_ssh_chan_send_eof(e.chan);
	oe_ssh_chan_close(e.chan);
	assert_int_equal(ends_finish(&e), 0);
}

static int
client_closes(ssh_session s, ssh_channel ch)
{
	(void)s;
	ssh_channel_close(ch);
	ssh_channel_free(ch);
	return 0;
}

/* After the peer's close nothing is written, and nothing breaks. */
static void
test_closed_by_peer(void **state)
{
	struct ends e;

	(void)state;
	ends_start(&e, client_closes);
	ends_run_until(&e, &e.closed);
	assert_false(oe_ssh_chan_is_open(e.chan));
	assert_int_equal(oe_ssh_chan_room(e.chan), 0);
	assert_int_equal(oe_ssh_chan_write(e.chan, "x", 1, false), OE_ECLOSED);
	oe_ssh_chan_send_eof(e.chan);
	oe_ssh_chan_send_exit_status(e.chan, 0);
	oe_ssh_chan_send_exit_signal(e.chan, "TERM", false, "");
	oe_ssh_chan_resume(e.chan);
	oe_ssh_chan_close(e.chan);
	oe_ssh_chan_free(&e.chan);
	assert_null(e.chan);
	oe_ssh_chan_free(&e.chan);
	assert_int_equal(ends_finish(&e), 0);
}

static int
client_waits(ssh_session s, ssh_channel ch)
{
	char c;

	(void)ssh_channel_read(ch, &c, 1, 0);
	return strstr(ssh_get_error(s), "going home") ? 0 : 1;
}

static void
test_disconnect(void **state)
{
	struct ends e;

	(void)state;
	ends_start(&e, client_waits);
	assert_true(oe_ssh_is_alive(e.ssh));
	assert_true(oe_ssh_is_authenticated(e.ssh));
	assert_int_equal(oe_ssh_keepalive(e.ssh), 0);
	/* its answer must not meet a closed socket */
	ends_run_quiet(&e, 100);
	oe_ssh_disconnect(e.ssh, "going home");
	assert_false(oe_ssh_is_alive(e.ssh));
	assert_int_equal(oe_ssh_keepalive(e.ssh), OE_ECLOSED);
	assert_int_equal(oe_ssh_chan_room(e.chan), 0);
	assert_int_equal(ends_finish(&e), 0);
	assert_true(e.lost);
}

static int
client_opens_more(ssh_session s, ssh_channel ch)
{
	ssh_channel other = ssh_channel_new(s), x = ssh_channel_new(s);

	(void)ch;
	/* the owner says no: refused, and the connection goes on */
	if (ssh_channel_open_session(other) == SSH_OK)
		return 1;
	if (ssh_channel_open_forward(x, "127.0.0.1", 9, "127.0.0.1", 9) ==
	    SSH_OK)
		return 2;
	/* nobody set these up for the channel: refused */
	if (ssh_channel_request_exec(ch, "id") == SSH_OK ||
	    ssh_channel_request_pty(ch) == SSH_OK ||
	    ssh_channel_request_shell(ch) == SSH_OK ||
	    ssh_channel_request_sftp(ch) == SSH_OK)
		return 3;
	return ssh_channel_write(ch, "x", 1) == 1 ? 0 : 4;
}

static void
test_refused(void **state)
{
	struct ends e;

	(void)state;
	ends_start(&e, client_opens_more);
	assert_int_equal(ends_finish(&e), 0);
	assert_int_equal(e.refused, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_held),
	    cmocka_unit_test(test_write_within_room),
	    cmocka_unit_test(test_closed_by_peer),
	    cmocka_unit_test(test_disconnect),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(
	    tests, ends_group_setup, ends_group_teardown);
}
