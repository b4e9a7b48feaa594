/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets on the control socket of a shared connection.  First byte: 0 a
 * request, 1 an answer, else a stream of packets that comes in pieces of that
 * size.  What was read as a value is written and read again, and must be the
 * same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/forwarding.h"
#include "client/mux_proto.h"
#include "client/mux_stream.h"
#include "core/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The body of the one packet that @b holds. */
static void
unpack(struct oe_buf *b, struct oe_buf *ret)
{
	if (oe_buf_get_string(b, ret) < 0 || oe_buf_left(b))
		abort();
}

static void
same_text(const char *a, const char *b)
{
	if (!oe_str_eq(a ? a : "", b ? b : ""))
		abort();
}

static void
same_request(const struct oe_mux_request *a, const struct oe_mux_request *b)
{
	if (a->type != b->type || a->id != b->id || a->env.n != b->env.n ||
	    a->kind != b->kind || a->from.port != b->from.port ||
	    a->to.port != b->to.port)
		abort();
	same_text(a->term, b->term);
	same_text(a->command, b->command);
	same_text(a->from.host, b->from.host);
	same_text(a->from.path, b->from.path);
	same_text(a->to.path, b->to.path);
}

static void
request(const uint8_t *data, size_t size)
{
	struct oe_mux_request q, again;
	struct oe_cli_forward what = {.kind = 0};
	struct oe_buf body, out;
	int r = 0;

	oe_buf_view(&body, data, size);
	oe_buf_init(&out, 2 * OE_MUX_PACKET_MAX);
	if (oe_mux_request_parse(&body, &q, NULL) == 0) {
		if (oe_mux_request_fds(&q) > OE_MUX_FDS_MAX)
			abort();
		if (q.type == OE_MUX_HELLO ||
		    (!q.kind && (q.type == OE_MUX_C_OPEN_FWD ||
				    q.type == OE_MUX_C_CLOSE_FWD)))
			r = OE_EINVAL;
		else if (!q.kind)
			r = oe_mux_put_request(&out, &q);
		else if (oe_mux_request_forward(&q, &what, NULL) == 0)
			r = oe_mux_put_forward(
			    &out, (enum oe_mux_type)q.type, q.id, &what);
		if (r == 0 && oe_buf_left(&out)) {
			unpack(&out, &body);
			if (oe_mux_request_parse(&body, &again, NULL) < 0)
				abort();
			/* a SOCKS forward's target is not kept */
			if (!q.kind || what.host || what.path)
				same_request(&q, &again);
			oe_mux_request_done(&again);
		}
	}
	oe_mux_request_done(&q);
	oe_buf_done(&out);
}

static void
reply(const uint8_t *data, size_t size)
{
	struct oe_mux_reply a, again;
	struct oe_buf body, out;

	oe_buf_view(&body, data, size);
	oe_buf_init(&out, OE_MUX_PACKET_MAX);
	if (oe_mux_reply_parse(&body, &a, NULL) == 0 &&
	    a.type != OE_MUX_HELLO) {
		if (oe_mux_put_reply(&out, &a) < 0)
			abort();
		unpack(&out, &body);
		if (oe_mux_reply_parse(&body, &again, NULL) < 0 ||
		    a.type != again.type || a.id != again.id ||
		    a.value != again.value)
			abort();
		same_text(a.reason, again.reason);
		oe_mux_reply_done(&again);
	}
	oe_mux_reply_done(&a);
	oe_buf_done(&out);
}

static void
stream(const uint8_t *data, size_t size, size_t step)
{
	struct oe_mux_stream s;
	struct oe_mux_request q;
	struct oe_buf body;
	int fds[2], r = OE_EAGAIN;
	size_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		abort();
	oe_mux_stream_init(&s, fds[0]);
	while (size && r == OE_EAGAIN) {
		n = size < step ? size : step;
		if (send(fds[1], data, n, MSG_NOSIGNAL) != (ssize_t)n)
			abort();
		data += n;
		size -= n;
		do {
			r = oe_mux_stream_read(&s, &body, NULL);
			if (r == 0) {
				(void)oe_mux_request_parse(&body, &q, NULL);
				oe_mux_request_done(&q);
			}
		} while (r == 0);
	}
	oe_mux_stream_done(&s);
	close(fds[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] == 0)
		request(data + 1, size - 1);
	else if (data[0] == 1)
		reply(data + 1, size - 1);
	else
		stream(data + 1, size - 1, data[0]);
	return 0;
}
