/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a session: large gulps in, all whole packets of a gulp
 * handled where they lie, their answers written together.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "sftp/server_internal.h"

/* Two of the longest packets, and what a pipe may hold. */
#define INPUT (2 * (OE_SFTP_PACKET_MAX + 4))
#define PIPE  (1024 * 1024)

enum step { STEP_OK, STEP_WAIT, STEP_END };

/* Length of the packet at the head of the input; 0: not whole. */
static int
whole(const struct oe_sftp_server *s, size_t *ret, struct oe_err *err)
{
	const uint8_t *p = s->input + s->in_off;
	size_t left = s->in_len - s->in_off, n;

	*ret = 0;
	if (left < 4)
		return 0;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n == 0 || n > OE_SFTP_PACKET_MAX)
		return oe_err_set(
		    err, OE_EPROTO, "the client sent a packet of %zu bytes", n);
	*ret = left - 4 >= n ? n : 0;
	return 0;
}

/* Handles what is there; STEP_OK when more packets are there. */
static int
take(struct oe_sftp_server *s, enum step *ret, struct oe_err *err)
{
	const uint8_t *p;
	size_t n;
	int r;

	while (oe_buf_left(&s->out) < OE_SFTP__OUT_HIGH) {
		r = whole(s, &n, err);
		if (r < 0)
			return r;
		if (n == 0) {
			oe_sftp_server_idle(s);
			*ret = STEP_WAIT;
			return 0;
		}
		p = s->input + s->in_off + 4;
		s->in_off += 4 + n;
		r = oe_sftp_server_handle(s, p, n, err);
		if (r < 0)
			return r;
		if (s->broken)
			return oe_err_set(err, OE_ECLOSED,
			    "nobody reads the answers any more");
	}
	*ret = STEP_OK;
	return 0;
}

int
oe_sftp__drain(struct oe_sftp_server *s, struct oe_err *err)
{
	struct oe_buf *b = &s->out;
	ssize_t w;

	/* what is answered can be looked up */
	oe_sftp__told(s);
	while (oe_buf_left(b)) {
		w = write(s->peer, oe_buf_head(b), oe_buf_left(b));
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN)
			return 0;
		if (w < 0 && (errno == EPIPE || errno == ECONNRESET))
			return oe_err_set(err, OE_ECLOSED,
			    "nobody reads the answers any more");
		if (w < 0)
			return oe_err_sys(err, "write an answer");
		b->off += (size_t)w;
	}
	oe_buf_reset(b);
	return 0;
}

static int
fill(struct oe_sftp_server *s, enum step *ret, struct oe_err *err)
{
	ssize_t n;

	if (s->in_off == s->in_len)
		s->in_off = s->in_len = 0;
	/* a packet that began must fit, and a gulp be worth its while */
	if (s->in_off && INPUT - s->in_off < OE_SFTP_PACKET_MAX + 4) {
		memmove(s->input, s->input + s->in_off, s->in_len - s->in_off);
		s->in_len -= s->in_off;
		s->in_off = 0;
	}
	do {
		n = read(s->in, s->input + s->in_len, INPUT - s->in_len);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN && errno != ECONNRESET)
		return oe_err_sys(err, "read requests");
	if (n > 0)
		s->in_len += (size_t)n;
	*ret = n > 0                      ? STEP_OK
	       : n < 0 && errno == EAGAIN ? STEP_WAIT
					  : STEP_END;
	return 0;
}

static int
wait_for(const struct oe_sftp_server *s, bool input, struct oe_err *err)
{
	struct pollfd p[2] = {
	    {.fd = input ? s->in : -1, .events = POLLIN},
	    {.fd = s->peer, .events = oe_buf_left(&s->out) ? POLLOUT : 0},
	};

	if (poll(p, 2, -1) < 0 && errno != EINTR)
		return oe_err_sys(err, "wait for the client");
	if (p[1].revents & (POLLERR | POLLNVAL))
		return oe_err_set(
		    err, OE_ECLOSED, "nobody reads the answers any more");
	return 0;
}

static int
loop(struct oe_sftp_server *s, struct oe_err *err)
{
	enum step more, got;
	bool end = false;
	int r = 0;

	while (r == 0) {
		more = STEP_OK;
		r = take(s, &more, err);
		if (r == 0)
			r = oe_sftp__drain(s, err);
		if (r < 0)
			break;
		if (oe_buf_left(&s->out) >= OE_SFTP__OUT_HIGH) {
			r = wait_for(s, false, err);
			continue;
		}
		if (more == STEP_OK)
			continue;
		if (end && !oe_buf_left(&s->out))
			break;
		got = STEP_WAIT;
		if (!end)
			r = fill(s, &got, err);
		if (r == 0 && got == STEP_WAIT)
			r = wait_for(s, !end, err);
		end = end || got == STEP_END;
	}
	return r;
}

int
oe_sftp_server_run(
    struct oe_sftp_server *s, int in, int out, struct oe_err *err)
{
	int in_flags = fcntl(in, F_GETFL), out_flags = fcntl(out, F_GETFL);
	int r = 0;

	s->in = in;
	s->peer = out;
	s->input = oe_mem_map(INPUT);
	/* fewer turns for the same bytes; a refusal costs only that */
	(void)fcntl(in, F_SETPIPE_SZ, PIPE);
	(void)fcntl(out, F_SETPIPE_SZ, PIPE);
	if (in_flags < 0 || out_flags < 0 || oe_fd_set_nonblock(in, true) < 0 ||
	    oe_fd_set_nonblock(out, true) < 0)
		r = oe_err_sys(err, "set up standard input and output");
	oe_sftp__splice_begin(s);
	if (r == 0)
		r = loop(s, err);
	if (in_flags >= 0)
		(void)fcntl(in, F_SETFL, in_flags);
	if (out_flags >= 0)
		(void)fcntl(out, F_SETFL, out_flags);
	oe_sftp__splice_end(s);
	oe_mem_unmap(s->input, INPUT);
	s->input = NULL;
	s->in_off = s->in_len = 0;
	s->in = s->peer = -1;
	return r;
}
