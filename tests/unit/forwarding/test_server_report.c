/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forwarder that has been taken over: it reports what is not so, and hands
 * over descriptors that are not what was asked for.  The real one runs too,
 * but is not listened to, since the loop never turns.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../server/hostile.h"
#include "forwarding/server.h"
#include "forwarding/server_monitor.h"
#include "forwarding/server_wire.h"

static int
setup(void **state)
{
	struct hostile *h = oe_mem_zalloc(sizeof *h);

	*state = h;
	if (!hostile_init(h, "/nonexistent"))
		return -1;
	hostile_log_in(h, true);
	h->conn.forwarding = &oe_fwd_server;
	h->cfg.forward_local = h->cfg.forward_remote = true;
	h->cfg.port = 2222;
	return 0;
}

static int
teardown(void **state)
{
	struct hostile *h = *state;

	hostile_done(h);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	oe_mem_free(state);
	return 0;
}

/* Is @id still asked for, or open? */
static bool
is_there(const struct hostile *h, uint32_t id)
{
	const struct fwd_item *i;

	for (i = h->conn.forwards->items; i; i = i->next)
		if (i->id == id)
			return true;
	return false;
}

/*
 * The id that was given; 0: refused.  A connection is not answered: its token
 * is made the id, so that what is told of it looks like what is told of a
 * listener.
 */
static uint32_t
ask(struct hostile *h, uint8_t type, const char *host, uint32_t port)
{
	uint32_t id = h->conn.forwards ? h->conn.forwards->last_id + 1 : 1;
	struct oe_ipc_msg m;
	uint8_t answer;

	oe_ipc_msg_init(&m, type);
	if (type == OE_SRV_REQ_FORWARD_CONNECT)
		(void)oe_buf_put_u32(&m.payload, id);
	(void)oe_buf_put_cstring(&m.payload, host);
	(void)oe_buf_put_u32(&m.payload, port);
	(void)oe_buf_put_cstring(&m.payload, "");
	(void)oe_buf_put_u32(&m.payload, 0);
	assert_int_equal(oe_ipc_send(h->rpc, &m, NULL), 0);
	oe_ipc_msg_done(&m);
	oe_srv__serve(&h->conn);
	if (type == OE_SRV_REQ_FORWARD_CONNECT)
		return is_there(h, id) ? id : 0;
	assert_int_equal(oe_ipc_recv(h->rpc, 0, &m, NULL), 0);
	assert_int_equal(oe_buf_get_u8(&m.payload, &answer), 0);
	assert_int_equal(oe_buf_get_u32(&m.payload, &id), 0);
	oe_ipc_msg_done(&m);
	return answer ? id : 0;
}

/* The forwarder says @type of @id, then @number; @fd goes along. */
static void
report(struct hostile *h, uint8_t type, uint32_t id, uint32_t number, int fd)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, type);
	(void)oe_buf_put_u32(&m.payload, id);
	(void)oe_buf_put_u32(&m.payload, number);
	if (fd >= 0) {
		m.fds[0] = dup(fd);
		m.nfds = 1;
	}
	oe_fwd__forwarder_got(h->conn.forwards, &m);
	oe_ipc_msg_done(&m);
}

enum said {
	SAID_NOTHING,
	SAID_NO,
	SAID_YES,
	SAID_ACCEPTED,
};

static enum said
said(struct hostile *h, uint32_t id)
{
	enum said what = SAID_ACCEPTED;
	struct oe_ipc_msg m;
	uint32_t got;
	uint8_t yes;

	if (oe_ipc_recv(h->notices, 0, &m, NULL) < 0)
		return SAID_NOTHING;
	assert_int_equal(oe_buf_get_u32(&m.payload, &got), 0);
	if (m.type != OE_SRV_NOTE_FORWARD_ACCEPTED) {
		assert_int_equal(got, id);
		assert_int_equal(oe_buf_get_u8(&m.payload, &yes), 0);
		what = yes ? SAID_YES : SAID_NO;
	}
	oe_ipc_msg_done(&m);
	return what;
}

static int
bound(uint16_t *ret_port, bool listens)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	if (listens)
		/* the real forwarder connects, too, and nobody accepts */
		assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static int
connected(uint16_t port)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

static void
test_connected(void **state)
{
	struct hostile *h = *state;
	uint16_t port, other;
	int l = bound(&port, true), l2 = bound(&other, true);
	int unix_pair[2], pipes[2];
	int fd[] = {-1, connected(other), l, 0, 0};
	uint32_t id;
	size_t i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair), 0);
	assert_int_equal(pipe(pipes), 0);
	fd[3] = unix_pair[0];
	fd[4] = pipes[0];
	for (i = 0; i < sizeof fd / sizeof *fd; i++) {
		id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "127.0.0.1", port);
		assert_int_not_equal(id, 0);
		report(h, OE_FWD_IS_CONNECTED, id, 0, fd[i]);
		if (said(h, id) != SAID_NO)
			fail_msg("descriptor %zu was believed", i);
	}
	id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "127.0.0.1", port);
	fd[0] = connected(port);
	report(h, OE_FWD_IS_LISTENING, id, port, -1);
	report(h, OE_FWD_IS_ACCEPTED, id, 0, fd[0]);
	report(h, OE_FWD_IS_RESOLVED, id, 0, -1);
	assert_int_equal(said(h, id), SAID_NOTHING);
	report(h, OE_FWD_IS_CONNECTED, id, 0, fd[0]);
	assert_int_equal(said(h, id), SAID_YES);
	/* once only, and no failure after it */
	report(h, OE_FWD_IS_CONNECTED, id, 0, fd[0]);
	report(h, OE_FWD_IS_FAILED, id, 0, -1);
	assert_int_equal(said(h, id), SAID_NOTHING);
	for (i = 0; i < sizeof fd / sizeof *fd; i++)
		close(fd[i]);
	close(unix_pair[1]);
	close(pipes[1]);
	close(l2);
}

/* A socket to where a Unix socket was asked for, and the other way round. */
static void
test_unix(void **state)
{
	struct hostile *h = *state;
	uint16_t port;
	int l = bound(&port, true), fd = connected(port);
	uint32_t id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "/nonexistent", 0);

	report(h, OE_FWD_IS_CONNECTED, id, 0, fd);
	assert_int_equal(said(h, id), SAID_NO);
	close(fd);
	close(l);
}

static void
resolve(struct hostile *h, uint32_t id, const uint8_t *addr, size_t n)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_FWD_IS_RESOLVED);
	(void)oe_buf_put_u32(&m.payload, id);
	(void)oe_buf_put_u32(&m.payload, 1);
	(void)oe_buf_put_string(&m.payload, addr, n);
	oe_fwd__forwarder_got(h->conn.forwards, &m);
	oe_ipc_msg_done(&m);
}

static void
test_resolved(void **state)
{
	static const uint8_t meta[4] = {169, 254, 169, 254};
	static const uint8_t mapped[16] = {
	    [10] = 0xff, [11] = 0xff, [12] = 169, 254, 169, 254};
	static const uint8_t plain[4] = {10, 0, 0, 1};
	struct hostile *h = *state;
	uint16_t port;
	int l = bound(&port, true), fd = connected(port);
	uint32_t id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "a.invalid", port);

	/* as nobody sends them: not taken for IPv6 */
	resolve(h, id, mapped, sizeof mapped);
	resolve(h, id, plain, 3);
	assert_int_equal(said(h, id), SAID_NOTHING);
	resolve(h, id, meta, sizeof meta);
	assert_int_equal(said(h, id), SAID_NO);
	id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "a.invalid", port);
	/* connected before anything was permitted */
	report(h, OE_FWD_IS_CONNECTED, id, 0, fd);
	assert_int_equal(said(h, id), SAID_NOTHING);
	resolve(h, id, plain, sizeof plain);
	/* a second answer does not add to the first */
	resolve(h, id, meta, sizeof meta);
	report(h, OE_FWD_IS_CONNECTED, id, 0, fd);
	assert_int_equal(said(h, id), SAID_NO);
	close(fd);
	close(l);
}

static void
test_listening(void **state)
{
	struct hostile *h = *state;
	uint16_t port, other, from;
	int l = bound(&port, true), l2 = bound(&other, true);
	int fd = connected(other), peer = accept(l2, NULL, NULL);
	int out = bound(&from, false);
	uint32_t id = ask(h, OE_SRV_REQ_FORWARD_LISTEN, "localhost", port);

	report(h, OE_FWD_IS_ACCEPTED, id, 0, peer);
	report(h, OE_FWD_IS_CONNECTED, id, 0, peer);
	report(h, OE_FWD_IS_LISTENING, id, other, -1);
	report(h, OE_FWD_IS_LISTENING, id, 0, -1);
	report(h, OE_FWD_IS_LISTENING, id, 70000, -1);
	assert_int_equal(said(h, id), SAID_NOTHING);
	report(h, OE_FWD_IS_LISTENING, id, port, -1);
	assert_int_equal(said(h, id), SAID_YES);
	/* a connection of another port, a listener, nothing at all */
	report(h, OE_FWD_IS_ACCEPTED, id, 0, peer);
	report(h, OE_FWD_IS_ACCEPTED, id, 0, fd);
	report(h, OE_FWD_IS_ACCEPTED, id, 0, l);
	report(h, OE_FWD_IS_ACCEPTED, id, 0, out);
	report(h, OE_FWD_IS_ACCEPTED, id, 0, -1);
	report(h, OE_FWD_IS_ACCEPTED, id + 1, 0, peer);
	assert_int_equal(said(h, id), SAID_NOTHING);
	close(fd);
	close(peer);
	fd = connected(port);
	peer = accept(l, NULL, NULL);
	report(h, OE_FWD_IS_ACCEPTED, id, 0, peer);
	assert_int_equal(said(h, id), SAID_ACCEPTED);
	close(fd);
	close(peer);
	close(out);
	close(l);
	close(l2);
}

static void
test_limits(void **state)
{
	struct hostile *h = *state;
	unsigned n = 0;

	while (n <= OE_FWD_PENDING_MAX &&
	       ask(h, OE_SRV_REQ_FORWARD_CONNECT, "10.255.0.1", 9))
		n++;
	assert_int_equal(n, OE_FWD_PENDING_MAX);
	assert_int_equal(ask(h, OE_SRV_REQ_FORWARD_LISTEN, "localhost", 0), 0);
	/* a forwarder that is gone takes them all with it */
	oe_fwd__forwarder_lost(h->conn.forwards);
	assert_int_equal(h->conn.forwards->npending, 0);
	assert_null(h->conn.forwards->items);
	for (n = 0; n <= OE_FWD_LISTENERS_MAX; n++)
		if (!ask(h, OE_SRV_REQ_FORWARD_LISTEN, "localhost", 0))
			break;
	assert_int_equal(n, OE_FWD_LISTENERS_MAX);
}

/* Reaped before its socket has told: as gone as otherwise. */
static void
test_reaped(void **state)
{
	struct hostile *h = *state;
	uint32_t id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "10.255.0.1", 9);
	pid_t pid = h->conn.forwards->pid;

	assert_true(pid > 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(oe_fwd_server.reaped(&h->conn, pid + 1, 0));
	assert_true(oe_fwd_server.reaped(&h->conn, pid, 0));
	assert_int_equal(said(h, id), SAID_NO);
	id = ask(h, OE_SRV_REQ_FORWARD_LISTEN, "localhost", 0);
	assert_int_not_equal(id, 0);
	assert_int_not_equal(h->conn.forwards->pid, 0);
	assert_false(h->conn.forwards->forwarder_lost);
}

/* Nobody has noticed yet that it is dead when it is given something to do. */
static void
test_dead(void **state)
{
	struct hostile *h = *state;
	uint32_t id = ask(h, OE_SRV_REQ_FORWARD_LISTEN, "localhost", 8080);
	struct oe_ipc_msg m;

	report(h, OE_FWD_IS_LISTENING, id, 8080, -1);
	assert_int_equal(said(h, id), SAID_YES);
	kill(h->conn.forwards->pid, SIGKILL);
	waitpid(h->conn.forwards->pid, NULL, 0);
	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CANCEL);
	(void)oe_buf_put_cstring(&m.payload, "localhost");
	(void)oe_buf_put_u32(&m.payload, 8080);
	assert_int_equal(oe_ipc_send(h->rpc, &m, NULL), 0);
	oe_ipc_msg_done(&m);
	oe_srv__serve(&h->conn);
	assert_int_equal(oe_ipc_recv(h->rpc, 0, &m, NULL), 0);
	oe_ipc_msg_done(&m);
	assert_true(h->conn.forwards->forwarder_lost);
	/* the next one starts another, which dies in its turn */
	id = ask(h, OE_SRV_REQ_FORWARD_CONNECT, "10.255.0.1", 9);
	assert_int_equal(said(h, id), SAID_NOTHING);
	kill(h->conn.forwards->pid, SIGKILL);
	waitpid(h->conn.forwards->pid, NULL, 0);
	assert_int_equal(
	    ask(h, OE_SRV_REQ_FORWARD_CONNECT, "a.invalid", 80), 0);
	assert_int_equal(h->conn.forwards->npending, 0);
	assert_int_equal(said(h, id + 1), SAID_NO);
	assert_int_equal(said(h, id), SAID_NO);
	assert_false(h->conn.done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_connected, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unix, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_resolved, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_listening, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reaped, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_dead, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
