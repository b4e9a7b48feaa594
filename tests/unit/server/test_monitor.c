/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's table of requests under a net process that has been taken
 * over: it may send anything, and gets nothing.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/app/module.h"
#include "core/base/str.h"
#include "requests.h"

static char dir[] = "/tmp/oe-monitor-XXXXXX";
static char keys[64];

static int
group_setup(void **state)
{
	static const char text[] = "ssh-ed25519 " KEY_TEXT " test\n";

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(keys, sizeof keys, "%s/keys", dir);
	if (oe_str_unbase64(KEY_TEXT, strlen(KEY_TEXT), &blob, &blob_len) < 0)
		return -1;
	return oe_fd_write_file(keys, text, sizeof text - 1, 0600, NULL);
}

static int
group_teardown(void **state)
{
	(void)state;
	oe_mem_free(&blob);
	unlink(keys);
	return rmdir(dir);
}

static int
setup(void **state)
{
	struct hostile *h = oe_mem_zalloc(sizeof *h);

	*state = h;
	return hostile_init(h, keys) ? 0 : -1;
}

static int
setup_open(void **state)
{
	int r = setup(state);

	if (r == 0)
		hostile_log_in(*state, true);
	return r;
}

static int
teardown(void **state)
{
	hostile_done(*state);
	oe_mem_free(state);
	return 0;
}

/* Whatever was asked: no session process, no child of any kind. */
static void
assert_nothing_started(struct hostile *h)
{
	struct oe_srv_session *s;
	int status;

	for (s = h->conn.sessions; s; s = s->next) {
		assert_int_equal(s->pid, 0);
		assert_false(s->started);
	}
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
}

static const uint8_t in_auth[] = {OE_SRV_REQ_HELLO, OE_SRV_REQ_TRY_KEY,
    OE_SRV_REQ_PROVEN_KEY, OE_SRV_REQ_PASSWORD, OE_SRV_REQ_NONE,
    OE_SRV_REQ_KBDINT, OE_SRV_REQ_REFUSED};

static bool
is_in_auth(unsigned type)
{
	size_t i;

	for (i = 0; i < sizeof in_auth; i++)
		if (in_auth[i] == type)
			return true;
	return false;
}

/* Every type there is and is not, well-formed, in each phase. */
static void
test_types_in_phases(void **state)
{
	struct hostile h;
	struct oe_ipc_msg m;
	unsigned type;
	char what[64];
	int phase;

	(void)state;
	for (type = 0; type < 256; type++) {
		for (phase = 0; phase < 2; phase++) {
			bool open = phase == OE_SRV_PHASE_OPEN, known;

			known = type > 0 && type < OE_SRV_REQ_COUNT;
			/* what is permitted there is not for this test */
			if (known && (is_in_auth(type) != open ||
					 type == OE_SRV_REQ_REFUSED))
				continue;
			assert_true(hostile_init(&h, keys));
			if (open)
				hostile_log_in(&h, true);
			snprintf(what, sizeof what, "type %u in phase %d", type,
			    phase);
			build(&m, (uint8_t)type, 1);
			assert_violation(&h, &m, what);
			assert_nothing_started(&h);
			hostile_done(&h);
		}
	}
}

/* An ending connection answers "no", and does nothing. */
static void
test_phase_over(void **state)
{
	struct hostile *h = *state;
	uint8_t type;

	(void)open_session(h);
	h->conn.phase = OE_SRV_PHASE_OVER;
	for (type = 1; type < OE_SRV_REQ_COUNT; type++) {
		if (type == OE_SRV_REQ_CLOSE ||
		    type == OE_SRV_REQ_FORWARD_CLOSE)
			continue;
		/* CONNECT has no reply, of which the end tells enough */
		assert_int_equal(request(h, type, 1),
		    type == OE_SRV_REQ_FORWARD_CONNECT ? -1 : 0);
		assert_false(h->conn.done);
		assert_nothing_started(h);
	}
	/* giving back is still possible, once */
	assert_int_equal(request(h, OE_SRV_REQ_CLOSE, 1), 1);
	assert_int_equal(request(h, OE_SRV_REQ_CLOSE, 1), -1);
	assert_true(h->conn.done);
}

static int
count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_descriptors(void **state)
{
	struct hostile h;
	struct oe_ipc_msg m;
	unsigned type;
	int phase, before;

	(void)state;
	for (type = 0; type <= OE_SRV_REQ_COUNT; type++) {
		for (phase = 0; phase < 2; phase++) {
			assert_true(hostile_init(&h, keys));
			if (phase == OE_SRV_PHASE_OPEN) {
				hostile_log_in(&h, true);
				(void)open_session(&h);
			}
			before = count_fds();
			build(&m, (uint8_t)type, 1);
			m.fds[0] = m.fds[1] = 0;
			m.nfds = 2;
			assert_violation(&h, &m, "with descriptors");
			assert_nothing_started(&h);
			/* and they were closed here */
			assert_int_equal(count_fds(), before);
			hostile_done(&h);
		}
	}
}

/* Each request cut off at each byte: never granted, nothing started. */
static void
test_cut_off(void **state)
{
	struct hostile h;
	struct oe_ipc_msg m;
	uint8_t type;
	size_t len, cut;
	int answer;

	(void)state;
	for (type = 1; type < OE_SRV_REQ_COUNT; type++) {
		build(&m, type, 1);
		len = oe_buf_left(&m.payload);
		oe_ipc_msg_done(&m);
		for (cut = 0; cut < len; cut++) {
			assert_true(hostile_init(&h, keys));
			if (!is_in_auth(type)) {
				hostile_log_in(&h, true);
				(void)open_session(&h);
			}
			build(&m, type, 1);
			m.payload.len -= len - cut;
			answer = ask(&h, &m);
			/* a method that is off is refused before it is read */
			if (answer != 0 && !(answer < 0 && h.conn.done))
				fail_msg("type %u cut to %zu: %d", type, cut,
				    answer);
			assert_nothing_started(&h);
			if (is_in_auth(type))
				assert_null(h.conn.method);
			hostile_done(&h);
		}
	}
}

static void
test_text_bounds(void **state)
{
	static const struct {
		uint8_t type;
		size_t max;
	} cases[] = {
	    {OE_SRV_REQ_HELLO, OE_SRV_VERSION_MAX},
	    {OE_SRV_REQ_TRY_KEY, OE_SRV_USER_MAX},
	    {OE_SRV_REQ_PROVEN_KEY, OE_SRV_USER_MAX},
	    {OE_SRV_REQ_PASSWORD, OE_SRV_USER_MAX},
	    {OE_SRV_REQ_NONE, OE_SRV_USER_MAX},
	    {OE_SRV_REQ_KBDINT, OE_SRV_USER_MAX},
	    {OE_SRV_REQ_REFUSED, 64},
	    {OE_SRV_REQ_PTY, OE_SRV_TERM_MAX},
	    {OE_SRV_REQ_ENV, OE_SRV_ENV_TEXT_MAX},
	    {OE_SRV_REQ_START, OE_SRV_COMMAND_MAX},
	    {OE_SRV_REQ_SIGNAL, OE_SRV_SIGNAL_MAX},
	};
	char *text = oe_mem_zalloc(OE_SRV_COMMAND_MAX + 2);
	struct hostile h;
	struct oe_ipc_msg m;
	size_t i;
	int nul;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		for (nul = 0; nul < 2; nul++) {
			assert_true(hostile_init(&h, keys));
			if (!is_in_auth(cases[i].type)) {
				hostile_log_in(&h, true);
				(void)open_session(&h);
			}
			memset(text, 'a', cases[i].max + 1);
			if (nul)
				text[2] = 0;
			build_text(&m, cases[i].type, 1, text,
			    nul ? 5 : cases[i].max + 1);
			assert_violation(&h, &m, nul ? "NUL" : "too long");
			assert_nothing_started(&h);
			hostile_done(&h);
		}
	}
	oe_mem_free(&text);
}

/* A length field that promises more than there is. */
static void
test_lying_length(void **state)
{
	static const uint32_t lengths[] = {
	    1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
	struct hostile h;
	struct oe_ipc_msg m;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof in_auth; i++) {
		for (k = 0; k < OE_ARRAY_LEN(lengths); k++) {
			assert_true(hostile_init(&h, keys));
			oe_ipc_msg_init(&m, in_auth[i]);
			(void)oe_buf_put_u32(&m.payload, lengths[k]);
			assert_violation(&h, &m, "length");
			hostile_done(&h);
		}
	}
}

static void
test_hello_repeated(void **state)
{
	struct hostile *h = *state;
	struct oe_ipc_msg m;

	assert_int_equal(request(h, OE_SRV_REQ_HELLO, 0), 1);
	build(&m, OE_SRV_REQ_HELLO, 0);
	assert_violation(h, &m, "repeated");
}

/* Session ids that were never given, or given back. */
static void
test_unknown_ids(void **state)
{
	static const uint32_t ids[] = {0, 2, 3, 0x7fffffff, 0xffffffff};
	struct hostile h;
	struct oe_ipc_msg m;
	uint8_t type;
	size_t i;

	(void)state;
	for (type = OE_SRV_REQ_PTY; type <= OE_SRV_REQ_CLOSE; type++) {
		for (i = 0; i < OE_ARRAY_LEN(ids); i++) {
			assert_true(hostile_init(&h, keys));
			hostile_log_in(&h, true);
			assert_int_equal(open_session(&h), 1);
			assert_int_equal(open_session(&h), 2);
			assert_int_equal(request(&h, OE_SRV_REQ_CLOSE, 2), 1);
			build(&m, type, ids[i]);
			assert_violation(&h, &m, "unknown id");
			assert_nothing_started(&h);
			hostile_done(&h);
		}
	}
}

static void
test_too_many_sessions(void **state)
{
	struct hostile *h = *state;
	int i;

	for (i = 1; i <= 3; i++)
		assert_int_equal(open_session(h), i);
	assert_int_equal(request(h, OE_SRV_REQ_OPEN, 0), 0);
	assert_false(h->conn.done);
	assert_int_equal(request(h, OE_SRV_REQ_CLOSE, 2), 1);
	/* an id is not used twice */
	assert_int_equal(open_session(h), 4);
	assert_int_equal(request(h, OE_SRV_REQ_OPEN, 0), 0);
	h->conn.rule.max_sessions = 0;
	while (h->conn.open_sessions < OE_SRV_CHANNELS_MAX)
		(void)open_session(h);
	assert_int_equal(request(h, OE_SRV_REQ_OPEN, 0), 0);
}

static void
test_start_kinds(void **state)
{
	static const uint8_t kinds[] = {0, 4, 5, 128, 255};
	struct hostile h;
	struct oe_ipc_msg m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof kinds; i++) {
		assert_true(hostile_init(&h, keys));
		hostile_log_in(&h, true);
		(void)open_session(&h);
		oe_ipc_msg_init(&m, OE_SRV_REQ_START);
		(void)oe_buf_put_u32(&m.payload, 1);
		(void)oe_buf_put_u8(&m.payload, kinds[i]);
		(void)oe_buf_put_cstring(&m.payload, "id");
		assert_violation(&h, &m, "kind");
		assert_nothing_started(&h);
		hostile_done(&h);
	}
}

static void
test_pty(void **state)
{
	struct hostile *h = *state;
	struct oe_ipc_msg m;
	uint8_t modes[OE_SRV_MODES_MAX + 1] = {0};
	int i;

	(void)open_session(h);
	assert_int_equal(request(h, OE_SRV_REQ_WINDOW, 1), 0);
	assert_int_equal(request(h, OE_SRV_REQ_PTY, 1), 1);
	assert_int_equal(request(h, OE_SRV_REQ_WINDOW, 1), 1);
	(void)open_session(h);
	oe_ipc_msg_init(&m, OE_SRV_REQ_PTY);
	(void)oe_buf_put_u32(&m.payload, 2);
	(void)oe_buf_put_cstring(&m.payload, "xterm");
	for (i = 0; i < 4; i++)
		(void)oe_buf_put_u32(&m.payload, 0xffffffff);
	(void)oe_buf_put_string(&m.payload, modes, sizeof modes);
	assert_violation(h, &m, "modes past their bound");
	assert_nothing_started(h);
}

static void
test_pty_twice(void **state)
{
	struct hostile *h = *state;
	struct oe_ipc_msg m;

	(void)open_session(h);
	assert_int_equal(request(h, OE_SRV_REQ_PTY, 1), 1);
	build(&m, OE_SRV_REQ_PTY, 1);
	assert_violation(h, &m, "second terminal");
	assert_nothing_started(h);
}

/* What the key does not permit is refused, however it is asked. */
static void
test_grant(void **state)
{
	struct hostile *h = *state;

	hostile_log_in(h, false);
	(void)open_session(h);
	assert_int_equal(request(h, OE_SRV_REQ_PTY, 1), 0);
	assert_int_equal(request(h, OE_SRV_REQ_AGENT, 1), 0);
	assert_int_equal(request(h, OE_SRV_REQ_SIGNAL, 1), 0);
	assert_false(h->conn.done);
	assert_nothing_started(h);
}

static void
wait_session(struct hostile *h, int want)
{
	struct oe_ipc_msg note;
	uint32_t id, status;
	uint8_t by_signal;
	int raw;
	pid_t pid = waitpid(-1, &raw, 0);

	assert_true(pid > 0);
	assert_true(oe_srv__session_reaped(&h->conn, pid, raw));
	assert_int_equal(oe_ipc_recv(h->notices, 0, &note, NULL), 0);
	assert_int_equal(note.type, OE_SRV_NOTE_EXITED);
	assert_int_equal(oe_buf_get_u32(&note.payload, &id), 0);
	assert_int_equal(oe_buf_get_u8(&note.payload, &by_signal), 0);
	assert_int_equal(oe_buf_get_u32(&note.payload, &status), 0);
	assert_int_equal(by_signal, 0);
	assert_int_equal(status, want);
	oe_ipc_msg_done(&note);
}

/* The way it is meant; then each thing that may not follow a start. */
static void
test_start(void **state)
{
	static const struct {
		uint8_t type;
		int want; /* -1: a violation */
	} after[] = {
	    {OE_SRV_REQ_START, -1},
	    {OE_SRV_REQ_PTY, -1},
	    {OE_SRV_REQ_ENV, 0},
	    {OE_SRV_REQ_AGENT, 0},
	    {OE_SRV_REQ_WINDOW, 0},
	};
	struct oe_ipc_msg m, reply;
	struct hostile h;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(after); i++) {
		assert_true(hostile_init(&h, keys));
		hostile_log_in(&h, true);
		(void)open_session(&h);
		assert_int_equal(request(&h, OE_SRV_REQ_ENV, 1), 1);
		build(&m, OE_SRV_REQ_START, 1);
		assert_int_equal(ask_reply(&h, &m, &reply), 1);
		assert_int_equal(reply.nfds, 3);
		oe_ipc_msg_done(&reply);
		wait_session(&h, 3);
		assert_int_equal(request(&h, after[i].type, 1), after[i].want);
		assert_int_equal(h.conn.done, after[i].want < 0);
		hostile_done(&h);
	}
}

/* A start that is refused leaves the channel as it was. */
static void
test_start_refused(void **state)
{
	struct oe_module_set none = {0};
	struct hostile *h = *state;
	struct oe_ipc_msg m;

	h->cfg.modules = &none;
	(void)open_session(h);
	oe_ipc_msg_init(&m, OE_SRV_REQ_START);
	(void)oe_buf_put_u32(&m.payload, 1);
	(void)oe_buf_put_u8(&m.payload, OE_SRV_START_SUBSYSTEM);
	(void)oe_buf_put_cstring(&m.payload, "sftp");
	assert_int_equal(ask(h, &m), 0);
	assert_nothing_started(h);
	assert_int_equal(request(h, OE_SRV_REQ_START, 1), 1);
	wait_session(h, 3);
	assert_int_equal(request(h, OE_SRV_REQ_CLOSE, 1), 1);
	assert_null(h->conn.sessions);
}

/* A forced command is not displaced, and not the peer's to interrupt. */
static void
test_forced_command(void **state)
{
	struct hostile *h = *state;

	h->conn.grant.force_command = oe_mem_strdup("read x; exit 9");
	(void)open_session(h);
	assert_int_equal(request(h, OE_SRV_REQ_START, 1), 1);
	assert_int_equal(request(h, OE_SRV_REQ_SIGNAL, 1), 0);
	/* the reply's stdin was closed by ask(): read ends */
	wait_session(h, 9);
}

static void
test_keys(void **state)
{
	struct hostile *h = *state;
	struct oe_ipc_msg m;
	int i;

	for (i = 0; i < 2; i++) {
		oe_ipc_msg_init(&m, OE_SRV_REQ_TRY_KEY);
		(void)oe_buf_put_cstring(
		    &m.payload, i ? "someone" : h->cfg.users.self);
		(void)oe_buf_put_string(&m.payload, blob, blob_len);
		/* another user than at first is refused, whatever the key */
		assert_int_equal(ask(h, &m), i ? OE_SSH_DENY : OE_SSH_ALLOW);
		assert_int_equal(h->conn.phase, OE_SRV_PHASE_AUTH);
	}
	oe_ipc_msg_init(&m, OE_SRV_REQ_TRY_KEY);
	(void)oe_buf_put_cstring(&m.payload, h->cfg.users.self);
	(void)oe_buf_put_string(&m.payload, "\0\0\0\3abc", 7);
	assert_int_equal(ask(h, &m), OE_SSH_DENY);
	assert_int_equal(h->conn.phase, OE_SRV_PHASE_AUTH);
	/* that a key may be tried is no login */
	build(&m, OE_SRV_REQ_OPEN, 0);
	assert_violation(h, &m, "open before the proof");
}

static void
test_tries(void **state)
{
	struct hostile *h = *state;
	int i;

	/* the question for the methods is free */
	assert_int_equal(request(h, OE_SRV_REQ_NONE, 0), OE_SSH_DENY);
	assert_int_equal(h->conn.tries, 0);
	for (i = 1; i < 6; i++) {
		assert_int_equal(
		    request(h, OE_SRV_REQ_TRY_KEY, 0), OE_SSH_DENY);
		assert_int_equal(h->conn.phase, OE_SRV_PHASE_AUTH);
	}
	assert_int_equal(request(h, OE_SRV_REQ_TRY_KEY, 0), OE_SSH_DENY);
	assert_int_equal(h->conn.phase, OE_SRV_PHASE_OVER);
	assert_int_equal(h->conn.end, OE_SRV_END_TRIES);
	assert_int_equal(request(h, OE_SRV_REQ_PROVEN_KEY, 0), 0);
}

/* Methods that are off are refused however well they are asked. */
static void
test_methods_off(void **state)
{
	struct hostile *h = *state;

	h->cfg.methods = 0;
	assert_int_equal(request(h, OE_SRV_REQ_PASSWORD, 0), OE_SSH_DENY);
	assert_int_equal(request(h, OE_SRV_REQ_KBDINT, 0), OE_SSH_DENY);
	assert_int_equal(request(h, OE_SRV_REQ_PROVEN_KEY, 0), OE_SSH_DENY);
	assert_int_equal(request(h, OE_SRV_REQ_NONE, 0), OE_SSH_DENY);
	assert_int_equal(h->conn.phase, OE_SRV_PHASE_AUTH);
	assert_null(h->conn.method);
	assert_null(h->conn.pam);
}

static void
test_net_gone(void **state)
{
	struct hostile *h = *state;

	oe_fd_close(&h->rpc);
	oe_srv__serve(&h->conn);
	assert_true(h->conn.done);
	assert_int_equal(h->conn.end, OE_SRV_END_PEER);
}

static void
test_grace(void **state)
{
	struct hostile h;
	struct oe_ipc_msg note;

	(void)state;
	oe_time_fake(1000);
	assert_true(hostile_init(&h, keys));
	oe_time_fake(1000 + 59999);
	assert_int_equal(oe_loop_once(h.conn.loop, 0), 0);
	assert_int_equal(h.conn.phase, OE_SRV_PHASE_AUTH);
	oe_time_fake(1000 + 60000);
	assert_int_equal(oe_loop_once(h.conn.loop, 0), 0);
	assert_int_equal(h.conn.end, OE_SRV_END_GRACE);
	assert_false(h.conn.done);
	assert_int_equal(oe_ipc_recv(h.notices, 0, &note, NULL), 0);
	assert_int_equal(note.type, OE_SRV_NOTE_DISCONNECT);
	oe_ipc_msg_done(&note);
	/* a net process that does not go is not waited for */
	oe_time_fake(1000 + 60000 + 3000);
	assert_int_equal(oe_loop_once(h.conn.loop, 0), 0);
	assert_true(h.conn.done);
	hostile_done(&h);
	oe_time_fake(-1);
}

#define IN_AUTH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define IN_OPEN(f) cmocka_unit_test_setup_teardown(f, setup_open, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types_in_phases),
	    IN_OPEN(test_phase_over),
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_text_bounds),
	    cmocka_unit_test(test_lying_length),
	    IN_AUTH(test_hello_repeated),
	    cmocka_unit_test(test_unknown_ids),
	    IN_OPEN(test_too_many_sessions),
	    cmocka_unit_test(test_start_kinds),
	    IN_OPEN(test_pty),
	    IN_OPEN(test_pty_twice),
	    IN_AUTH(test_grant),
	    cmocka_unit_test(test_start),
	    IN_OPEN(test_start_refused),
	    IN_OPEN(test_forced_command),
	    IN_AUTH(test_keys),
	    IN_AUTH(test_tries),
	    IN_AUTH(test_methods_off),
	    IN_AUTH(test_net_gone),
	    cmocka_unit_test(test_grace),
	};

	/* a refusal is logged; the test's own output is enough */
	oe_log_setup(
	    OE_LOG_ERROR, OE_LOG_TEXT, open("/dev/null", O_WRONLY), false);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
