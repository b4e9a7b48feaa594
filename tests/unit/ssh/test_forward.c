/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/net/loop.h"
#include "core/ssh/client.h"
#include "core/ssh/forward.h"
#include "core/ssh/internal.h"
#include "core/ssh/serve.h"
#include "twoends.h"

#define ASKED_MAX 8

struct asks {
	struct oe_ssh_request *r[ASKED_MAX];
	unsigned n;
	bool two, three;
};

static void
on_asked(void *arg, struct oe_ssh_request *r)
{
	struct ends *e = arg;
	struct asks *a = e->arg;

	assert_true(a->n < ASKED_MAX);
	a->r[a->n++] = r;
	a->two = a->n >= 2;
	a->three = a->n >= 3;
}

static const struct oe_ssh_forward_ops forward_ops = {.asked = on_asked};

static void
start(struct ends *e, struct asks *a, int (*body)(ssh_session s, ssh_channel c))
{
	memset(a, 0, sizeof *a);
	ends_start(e, body);
	e->arg = a;
	oe_ssh_forward_serve(e->ssh, &forward_ops, e);
	/* now the client may go on */
	assert_int_equal(oe_ssh_chan_write(e->chan, "g", 1, false), 0);
}

static bool
go(ssh_channel ch)
{
	char c = 0;

	return ssh_channel_read(ch, &c, 1, 0) == 1 && c == 'g';
}

static size_t
echo(void *arg, const void *p, size_t n, bool ext)
{
	struct oe_ssh_chan **c = arg;

	assert_int_equal(oe_ssh_chan_write(*c, p, n, ext), 0);
	return n;
}

static void
echo_eof(void *arg)
{
	struct oe_ssh_chan **c = arg;

	oe_ssh_chan_send_eof(*c);
}

static const struct oe_ssh_chan_ops echo_ops = {.data = echo, .eof = echo_eof};

/* Three connections are asked for; the last is answered first. */
static int
client_opens(ssh_session s, ssh_channel ch)
{
	ssh_channel x[3];
	char text[6] = "";
	int i, r = SSH_AGAIN;

	if (!go(ch))
		return 1;
	ssh_set_blocking(s, 0);
	for (i = 0; i < 3; i++) {
		x[i] = ssh_channel_new(s);
		if (ssh_channel_open_forward(x[i], i ? "b.example" : "a",
			80 + i, "127.0.0.9", 1000 + i) != SSH_AGAIN)
			return 2;
	}
	while (r == SSH_AGAIN)
		r = ssh_channel_open_forward(
		    x[2], "b.example", 82, "127.0.0.9", 1002);
	if (r != SSH_OK)
		return 3;
	/* the first is not answered, the second refused */
	while ((r = ssh_channel_open_forward(
		    x[1], "b.example", 81, "127.0.0.9", 1001)) == SSH_AGAIN)
		continue;
	if (r != SSH_ERROR)
		return 4;
	ssh_set_blocking(s, 1);
	if (ssh_channel_write(x[2], "hello", 5) != 5 ||
	    ssh_channel_send_eof(x[2]) != SSH_OK ||
	    ssh_channel_read(x[2], text, 5, 0) != 5 || strcmp(text, "hello"))
		return 5;
	return ssh_channel_read(x[2], text, 1, 0) == 0 ? 0 : 6;
}

static void
test_direct(void **state)
{
	struct oe_ssh_chan *chan = NULL;
	const struct oe_ssh_request_text *t;
	struct asks a;
	struct ends e;

	(void)state;
	start(&e, &a, client_opens);
	ends_run_until(&e, &a.three);
	t = oe_ssh_request_text(a.r[1]);
	assert_int_equal(t->kind, OE_SSH_REQUEST_DIRECT);
	assert_string_equal(t->host, "b.example");
	assert_int_equal(t->port, 81);
	assert_string_equal(t->origin, "127.0.0.9");
	assert_int_equal(t->origin_port, 1001);
	chan = oe_ssh_request_accept(&a.r[2], &echo_ops, &chan);
	assert_non_null(chan);
	assert_null(a.r[2]);
	oe_ssh_request_refuse(&a.r[1]);
	assert_null(a.r[1]);
	ends_run_until(&e, &e.lost);
	oe_ssh_chan_free(&chan);
	/* too late, and still due */
	assert_null(oe_ssh_request_accept(&a.r[0], &echo_ops, &chan));
	assert_int_equal(ends_finish(&e), 0);
}

/* Answers to global requests leave in the order of the questions. */
static int
client_listens(ssh_session s, ssh_channel ch)
{
	int port = 0, other = 0;

	if (!go(ch))
		return 1;
	ssh_set_blocking(s, 0);
	if (ssh_channel_listen_forward(s, "localhost", 0, &port) != SSH_AGAIN)
		return 2;
	ssh_set_blocking(s, 1);
	if (ssh_channel_listen_forward(s, "localhost", 0, &port) != SSH_OK ||
	    port != 4321)
		return 3;
	if (ssh_channel_listen_forward(s, NULL, 22, &other) != SSH_ERROR)
		return 4;
	return ssh_channel_cancel_forward(s, "localhost", 4321) == SSH_OK ? 0
									  : 5;
}

struct heard {
	int status, port;
	bool done;
};

static void
on_heard(void *arg, int status, int port, const struct oe_err *err)
{
	struct heard *h = arg;

	(void)err;
	h->status = status;
	h->port = port;
	h->done = true;
}

/* The same by our client, with a keepalive that is out at the start. */
static int
client_ours_listens(ssh_session s, ssh_channel ch)
{
	struct oe_loop *loop = oe_loop_new();
	struct heard h[2] = {{0, 0, false}, {0, 0, false}};
	struct oe_ssh_listen *l[2];
	struct oe_ssh *o;
	int i;

	if (!go(ch))
		return 1;
	o = oe_ssh__wrap(s, ssh_get_fd(s));
	oe_ssh_attach(o, loop, NULL, NULL);
	if (oe_ssh_keepalive(o) < 0)
		return 2;
	l[0] = oe_ssh_listen_start(o, "localhost", 0, on_heard, &h[0]);
	l[1] = oe_ssh_listen_start(o, "", 22, on_heard, &h[1]);
	if (h[0].done || h[1].done)
		return 3;
	while (!h[1].done && !o->dead)
		if (oe_loop_once(loop, 1000) < 0 || oe_ssh_keepalive(o) < 0)
			return 4;
	if (!h[0].done || h[0].status || h[0].port != 4321 ||
	    h[1].status != OE_EPERM)
		return 5;
	for (i = 0; i < 2; i++)
		oe_ssh_listen_free(&l[i]);
	while (o->listens && !o->dead)
		if (oe_loop_once(loop, 1000) < 0)
			return 6;
	return o->dead ? 7 : 0;
}

static void
listen_with(int (*body)(ssh_session s, ssh_channel ch))
{
	static const struct {
		enum oe_ssh_request_kind kind;
		const char *host;
		int port;
	} want[] = {{OE_SSH_REQUEST_LISTEN, "localhost", 0},
	    {OE_SSH_REQUEST_LISTEN, "", 22},
	    {OE_SSH_REQUEST_CANCEL, "localhost", 4321}};
	const struct oe_ssh_request_text *t;
	struct asks a;
	struct ends e;
	unsigned i = 0;

	start(&e, &a, body);
	while (i < OE_ARRAY_LEN(want)) {
		assert_int_equal(oe_loop_once(e.loop, 1000), 0);
		if (a.n <= i)
			continue;
		t = oe_ssh_request_text(a.r[i]);
		assert_int_equal(t->kind, want[i].kind);
		assert_string_equal(t->host, want[i].host);
		assert_int_equal(t->port, want[i].port);
		if (want[i].port == 22)
			oe_ssh_request_refuse(&a.r[i]);
		else
			oe_ssh_request_grant(&a.r[i], 4321);
		i++;
	}
	assert_int_equal(ends_finish(&e), 0);
}

static void
test_listen(void **state)
{
	(void)state;
	listen_with(client_listens);
}

static void
test_our_listen(void **state)
{
	(void)state;
	listen_with(client_ours_listens);
}

static int
client_pipelines(ssh_session s, ssh_channel ch)
{
	char c;

	if (!go(ch))
		return 1;
	/* a request, data, EOF and CLOSE in one go */
	ssh_set_blocking(s, 0);
	(void)ssh_channel_request_exec(ch, "late");
	if (ssh_channel_write(ch, "x", 1) != 1)
		return 2;
	ssh_channel_send_eof(ch);
	ssh_set_blocking(s, 1);
	return ssh_channel_read(ch, &c, 1, 0) >= 0 ? 0 : 3;
}

struct order {
	char seen[8];
};

static bool
order_exec(void *arg, const char *command)
{
	strcat(
	    ((struct order *)arg)->seen, strcmp(command, "late") ? "?" : "x");
	return true;
}

static size_t
order_data(void *arg, const void *p, size_t n, bool ext)
{
	struct order *o = arg;

	(void)p;
	(void)ext;
	if (!*o->seen)
		return 0;
	strcat(o->seen, "d");
	return n;
}

static void
order_eof(void *arg)
{
	strcat(((struct order *)arg)->seen, "e");
}

/* What libssh queues is not told after what came later. */
static void
test_order(void **state)
{
	static const struct oe_ssh_chan_ops ops = {
	    .exec = order_exec, .data = order_data, .eof = order_eof};
	struct order o = {""};
	struct asks a;
	struct ends e;

	(void)state;
	start(&e, &a, client_pipelines);
	oe_ssh_chan_set_ops(e.chan, &ops, &o);
	while (!strchr(o.seen, 'e'))
		assert_int_equal(oe_loop_once(e.loop, 1000), 0);
	assert_string_equal(o.seen, "xde");
	oe_ssh_chan_send_eof(e.chan);
	assert_int_equal(ends_finish(&e), 0);
}

static int
client_gets(ssh_session s, ssh_channel ch)
{
	ssh_channel x;
	int port = 0, from = 0;
	char c = 0, *origin = NULL;

	if (!go(ch) || ssh_channel_listen_forward(s, "", 7777, NULL) != SSH_OK)
		return 1;
	x = ssh_channel_open_forward_port(s, 10000, &port, &origin, &from);
	if (!x || port != 7777 || from != 5 || strcmp(origin, "192.0.2.1"))
		return 2;
	ssh_string_free_char(origin);
	return ssh_channel_read(x, &c, 1, 0) == 1 && c == 'r' ? 0 : 3;
}

struct got {
	struct oe_ssh_chan *chan;
	bool done;
};

static void
on_open(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct got *g = arg;

	(void)pty_refused;
	assert_int_equal(err->code, 0);
	g->chan = chan;
	g->done = true;
}

static void
test_forwarded(void **state)
{
	static const struct oe_ssh_chan_ops none;
	struct got g = {NULL, false};
	struct oe_ssh_open_plan plan = {.kind = OE_SSH_OPEN_FORWARDED,
	    .text = "",
	    .port = 7777,
	    .origin = "192.0.2.1",
	    .origin_port = 5,
	    .ops = &none,
	    .done = on_open,
	    .arg = &g};
	struct oe_ssh_open *o;
	struct asks a;
	struct ends e;

	(void)state;
	start(&e, &a, client_gets);
	while (!a.n)
		assert_int_equal(oe_loop_once(e.loop, 1000), 0);
	oe_ssh_request_grant(&a.r[0], 0);
	o = oe_ssh_open_start(e.ssh, &plan);
	ends_run_until(&e, &g.done);
	assert_int_equal(oe_ssh_chan_write(g.chan, "r", 1, false), 0);
	oe_ssh_open_free(&o);
	ends_run_until(&e, &e.lost);
	oe_ssh_chan_free(&g.chan);
	assert_int_equal(ends_finish(&e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_direct),
	    cmocka_unit_test(test_listen),
	    cmocka_unit_test(test_our_listen),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_forwarded),
	};

	return cmocka_run_group_tests(
	    tests, ends_group_setup, ends_group_teardown);
}
