/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding in the monitor under a net process that has been taken over, and
 * with a forwarder that works.
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

	oe_strs_done(&h->cfg.permit_open);
	hostile_done(h);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	oe_mem_free(state);
	return 0;
}

/* The answer; -1: none, the connection was ended.  @ret_id may be NULL. */
static int
ask(struct hostile *h, struct oe_ipc_msg *m, uint32_t *ret_id)
{
	struct oe_ipc_msg reply;
	uint8_t answer = 0;

	assert_int_equal(oe_ipc_send(h->rpc, m, NULL), 0);
	oe_ipc_msg_done(m);
	oe_srv__serve(&h->conn);
	if (oe_ipc_recv(h->rpc, 0, &reply, NULL) < 0)
		return -1;
	assert_int_equal(oe_buf_get_u8(&reply.payload, &answer), 0);
	if (ret_id && oe_buf_get_u32(&reply.payload, ret_id) < 0)
		*ret_id = 0;
	oe_ipc_msg_done(&reply);
	return answer;
}

#define TOKEN 77u

/* It is not answered, but told of with its token. */
static void
tell_connect(struct hostile *h, const char *host, uint32_t port)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CONNECT);
	(void)oe_buf_put_u32(&m.payload, TOKEN);
	(void)oe_buf_put_cstring(&m.payload, host);
	(void)oe_buf_put_u32(&m.payload, port);
	(void)oe_buf_put_cstring(&m.payload, "192.0.2.1");
	(void)oe_buf_put_u32(&m.payload, 1);
	assert_int_equal(ask(h, &m, NULL), -1);
	assert_false(h->conn.done);
}

/* It is not answered; was it permitted? */
static bool
tell_close(struct hostile *h, uint32_t id)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CLOSE);
	(void)oe_buf_put_u32(&m.payload, id);
	(void)oe_buf_put_u64(&m.payload, 1);
	(void)oe_buf_put_u64(&m.payload, 2);
	assert_int_equal(ask(h, &m, NULL), -1);
	return !h->conn.done;
}

/* Wait for a notice of @type about @id or the token; is it a yes? */
static bool
told(struct hostile *h, uint8_t type, uint32_t id, uint32_t *ret, int *fd)
{
	int64_t until = oe_time_mono_ms() + 20000;
	struct oe_ipc_msg m;
	uint32_t got;
	uint8_t yes;

	while (oe_ipc_recv(h->notices, 0, &m, NULL) < 0) {
		assert_true(oe_time_mono_ms() < until);
		assert_int_equal(oe_loop_once(h->conn.loop, 100), 0);
	}
	assert_int_equal(m.type, type);
	assert_int_equal(oe_buf_get_u32(&m.payload, &got), 0);
	assert_int_equal(got, id);
	assert_int_equal(oe_buf_get_u8(&m.payload, &yes), 0);
	assert_int_equal(oe_buf_get_u32(&m.payload, ret), 0);
	*fd = oe_ipc_msg_claim(&m, 0);
	oe_ipc_msg_done(&m);
	return yes;
}

static int
listen_here(uint32_t *ret_port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static bool
connects(
    struct hostile *h, const char *host, uint32_t port, uint32_t *id, int *fd)
{
	tell_connect(h, host, port);
	return told(h, OE_SRV_NOTE_FORWARD_CONNECTED, TOKEN, id, fd);
}

static bool
refuses(struct hostile *h, const char *host, uint32_t port)
{
	uint32_t id;
	int fd;

	return !connects(h, host, port, &id, &fd) && fd < 0;
}

static void
test_refused(void **state)
{
	struct hostile *h = *state;

	assert_true(refuses(h, "169.254.169.254", 80));
	assert_true(refuses(h, "127.0.0.1", 2222));
	assert_true(refuses(h, "", 80));
	assert_true(refuses(h, "10.0.0.1", 70000));
	assert_true(refuses(h, "relative", 0));
	h->cfg.forward_local = false;
	assert_true(refuses(h, "10.0.0.1", 80));
	assert_true(refuses(h, "/run/x", 0));
	h->cfg.forward_local = true;
	oe_strs_add(&h->cfg.permit_open, "10.0.0.0/8:80");
	assert_true(refuses(h, "10.0.0.1", 81));
	assert_true(refuses(h, "11.0.0.1", 80));
	/* nothing was started for any of it */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_violations(void **state)
{
	static const uint8_t types[] = {OE_SRV_REQ_FORWARD_CONNECT,
	    OE_SRV_REQ_FORWARD_LISTEN, OE_SRV_REQ_FORWARD_CANCEL,
	    OE_SRV_REQ_FORWARD_CLOSE};
	void *next = *state;
	struct oe_ipc_msg m;
	struct hostile *h;
	size_t i;

	for (i = 0; i < sizeof types; i++) {
		h = next;
		oe_ipc_msg_init(&m, types[i]);
		(void)oe_buf_put_u32(&m.payload, 3);
		assert_int_equal(ask(h, &m, NULL), -1);
		assert_int_equal(h->conn.end, OE_SRV_END_PROTOCOL);
		assert_int_equal(teardown(&next), 0);
		assert_int_equal(setup(&next), 0);
	}
	/* an id that was not given */
	h = next;
	assert_false(tell_close(h, 1));
	assert_true(h->conn.done);
	*state = next;
}

static void
test_connect(void **state)
{
	struct hostile *h = *state;
	uint32_t id = 0, port;
	int l = listen_here(&port), fd = -1, other;

	assert_true(connects(h, "localhost", port, &id, &fd));
	assert_true(fd >= 0);
	other = accept(l, NULL, NULL);
	assert_true(other >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(other);
	close(fd);
	assert_true(tell_close(h, id));
	assert_false(tell_close(h, id));
	close(l);
}

static void
test_nobody_there(void **state)
{
	struct hostile *h = *state;
	uint32_t id = 0, port;
	int l = listen_here(&port), fd;

	close(l);
	assert_true(refuses(h, "127.0.0.1", port));
	assert_true(refuses(h, "/nonexistent/socket", 0));
	assert_false(connects(h, "no.such.host.invalid", 80, &id, &fd));
	/* what failed is not net's to close */
	assert_false(tell_close(h, id));
}

static void
test_listen(void **state)
{
	struct hostile *h = *state;
	struct sockaddr_in sa = {.sin_family = AF_INET};
	uint32_t id = 0, port = 0;
	struct oe_ipc_msg m;
	int fd, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_LISTEN);
	(void)oe_buf_put_cstring(&m.payload, "localhost");
	(void)oe_buf_put_u32(&m.payload, 0);
	assert_int_equal(ask(h, &m, &id), 1);
	assert_true(told(h, OE_SRV_NOTE_FORWARD_LISTENING, id, &port, &fd));
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(s, (struct sockaddr *)&sa, sizeof sa), 0);
	while (oe_ipc_recv(h->notices, 0, &m, NULL) < 0)
		assert_int_equal(oe_loop_once(h->conn.loop, 100), 0);
	assert_int_equal(m.type, OE_SRV_NOTE_FORWARD_ACCEPTED);
	assert_int_equal(m.nfds, 1);
	oe_ipc_msg_done(&m);
	close(s);
	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CANCEL);
	(void)oe_buf_put_cstring(&m.payload, "localhost");
	(void)oe_buf_put_u32(&m.payload, port);
	assert_int_equal(ask(h, &m, &id), 1);
	oe_ipc_msg_init(&m, OE_SRV_REQ_FORWARD_CANCEL);
	(void)oe_buf_put_cstring(&m.payload, "localhost");
	(void)oe_buf_put_u32(&m.payload, port);
	assert_int_equal(ask(h, &m, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_violations, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_connect, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_listen, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
