/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client/mux_socket.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/time.h"

static int64_t
soon(void)
{
	return oe_time_mono_ms() + OE_MUX_ANSWER_MS;
}

int
oe_mux_client_next(
    struct oe_mux_client *c, struct oe_mux_reply *ret, struct oe_err *err)
{
	struct oe_buf body;
	int r;

	r = oe_mux_stream_read(&c->stream, &body, err);
	return r < 0 ? r : oe_mux_reply_parse(&body, ret, err);
}

static int
await(struct oe_mux_client *c, int64_t deadline_ms, struct oe_mux_reply *ret,
    struct oe_err *err)
{
	int r;

	while ((r = oe_mux_client_next(c, ret, err)) == OE_EAGAIN) {
		r = oe_mux_stream_wait(&c->stream, deadline_ms, err);
		if (r < 0)
			break;
	}
	return r < 0 ? oe_err_wrap(err, r, "the connection's master") : 0;
}

static int
refused(const struct oe_mux_reply *a, struct oe_err *err)
{
	char safe[512];

	oe_str_escape(a->reason, strlen(a->reason), safe, sizeof safe);
	if (a->type == OE_MUX_S_PERMISSION_DENIED)
		return oe_err_set(
		    err, OE_EPERM, "the connection's master refused: %s", safe);
	return oe_err_set(
	    err, OE_EAGAIN, "the connection's master failed: %s", safe);
}

/* The answer to the request with the last id, of @type or REMOTE_PORT. */
static int
answer(struct oe_mux_client *c, enum oe_mux_type type, int64_t deadline_ms,
    uint32_t *ret_value, struct oe_err *err)
{
	struct oe_mux_reply a;
	int r;

	r = await(c, deadline_ms, &a, err);
	if (r < 0)
		return r;
	if (a.id != c->last_id)
		r = oe_err_set(err, OE_EPROTO,
		    "the connection's master answers what was not asked");
	else if (a.type == OE_MUX_S_PERMISSION_DENIED ||
		 a.type == OE_MUX_S_FAILURE)
		r = refused(&a, err);
	else if (a.type != type && a.type != OE_MUX_S_REMOTE_PORT)
		r = oe_err_set(err, OE_EPROTO,
		    "an unexpected answer of the connection's master");
	else if (ret_value && a.type != OE_MUX_S_OK)
		*ret_value = a.value;
	oe_mux_reply_done(&a);
	return r;
}

int
oe_mux_client_adopt(
    int fd, int64_t deadline_ms, struct oe_mux_client *ret, struct oe_err *err)
{
	struct oe_mux_client c = {.last_id = 0};
	struct oe_mux_reply a;
	int r;

	oe_mux_stream_init(&c.stream, fd);
	(void)oe_mux_put_hello(&c.stream.out);
	r = oe_mux_stream_send(&c.stream, NULL, 0, err);
	if (r == 0)
		r = await(&c, deadline_ms, &a, err);
	if (r == 0 && a.type != OE_MUX_HELLO)
		r = oe_err_set(err, OE_EPROTO,
		    "what listens there is no master of a connection");
	else if (r == 0 && a.value != OE_MUX_VERSION)
		r = oe_err_set(err, OE_EPROTO,
		    "the connection's master speaks version %u of the "
		    "multiplexing protocol, not %d",
		    a.value, OE_MUX_VERSION);
	c.ours = r == 0 && a.ours;
	if (r < 0)
		oe_mux_client_close(&c);
	else
		*ret = c;
	return r;
}

int
oe_mux_client_open(
    const char *path, struct oe_mux_client *ret, struct oe_err *err)
{
	int fd = oe_mux_socket_connect(path, err);

	return fd < 0 ? fd : oe_mux_client_adopt(fd, soon(), ret, err);
}

void
oe_mux_client_close(struct oe_mux_client *c)
{
	oe_mux_stream_done(&c->stream);
	c->stream.fd = -1;
}

static int
call(struct oe_mux_client *c, enum oe_mux_type type, enum oe_mux_type want,
    uint32_t *ret_value, struct oe_err *err)
{
	struct oe_mux_request q = {.type = type, .id = ++c->last_id};
	int r;

	(void)oe_mux_put_request(&c->stream.out, &q);
	r = oe_mux_stream_send(&c->stream, NULL, 0, err);
	if (r < 0)
		return r;
	/* the user may have to be asked */
	return answer(c, want, type == OE_MUX_C_ALIVE_CHECK ? soon() : -1,
	    ret_value, err);
}

int
oe_mux_client_alive(struct oe_mux_client *c, struct oe_err *err)
{
	uint32_t pid = 0;
	int r;

	r = call(c, OE_MUX_C_ALIVE_CHECK, OE_MUX_S_ALIVE, &pid, err);
	if (r == 0)
		c->master = pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
	return r;
}

int
oe_mux_client_call(
    struct oe_mux_client *c, enum oe_mux_type type, struct oe_err *err)
{
	return call(c, type, OE_MUX_S_OK, NULL, err);
}

int
oe_mux_client_session(struct oe_mux_client *c, struct oe_mux_request *q,
    const int *fds, struct oe_err *err)
{
	int r;

	q->id = ++c->last_id;
	r = oe_mux_put_request(&c->stream.out, q);
	if (r < 0)
		return oe_err_set(err, OE_EAGAIN,
		    "command and environment are too long for a shared "
		    "connection");
	r = oe_mux_stream_send(&c->stream, fds, oe_mux_request_fds(q), err);
	if (r < 0)
		return r;
	return answer(c, OE_MUX_S_SESSION_OPENED, -1, &c->session, err);
}

int
oe_mux_client_forward(struct oe_mux_client *c, enum oe_mux_type type,
    const struct oe_cli_forward *what, uint32_t *ret_port, struct oe_err *err)
{
	int r;

	(void)oe_mux_put_forward(&c->stream.out, type, ++c->last_id, what);
	r = oe_mux_stream_send(&c->stream, NULL, 0, err);
	if (r < 0)
		return r;
	return answer(c, OE_MUX_S_OK, -1, ret_port, err);
}
