/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/ssh/internal.h"

/* What one read takes at most; few large writes cost libssh least. */
#define OE_SSH_PUMP_CHUNK (256u * 1024)
/* Rounds of one wake-up before the rest of the loop gets its turn. */
#define OE_SSH_PUMP_ROUNDS 4

enum { SIDE_IN, SIDE_MORE, SIDE_COUNT };
enum { SINK_OUT, SINK_ERR, SINK_COUNT };

struct oe_ssh_pump {
	struct oe_ssh_pump_plan plan;
	struct oe_loop *loop;
	struct oe_ssh_chan *chan;
	struct oe_idle *idle;
	int in[SIDE_COUNT], out[SINK_COUNT];
	struct oe_watch *in_watch[SIDE_COUNT], *out_watch[SINK_COUNT];
	int rounds[SIDE_COUNT];
	bool in_ended[SIDE_COUNT]; /* end of file or error seen */
	bool blocked[SINK_COUNT];  /* the sink takes nothing now */
	bool broken[SINK_COUNT];   /* the sink takes nothing any more */
	bool paused;
	bool done_told;
	bool done_late; /* the end of input waits for data in the channel */
	bool peer_eof;
	uint8_t *space; /* OE_SSH_PUMP_CHUNK bytes, the connection's */
	uint64_t sent, received;
};

static bool
pump_shares(const struct oe_ssh_pump *p)
{
	return p->in[SIDE_IN] >= 0 && p->in[SIDE_IN] == p->out[SINK_OUT];
}

static void
pump_close_in(struct oe_ssh_pump *p, int side)
{
	bool shared = side == SIDE_IN && pump_shares(p);

	p->in_ended[side] = true;
	oe_watch_free(&p->in_watch[side]);
	if (!p->plan.keep_fds && !shared)
		oe_fd_close(&p->in[side]);
	p->in[side] = -1;
}

static void
pump_close_out(struct oe_ssh_pump *p, int sink)
{
	bool shared = sink == SINK_OUT && pump_shares(p);

	oe_watch_free(&p->out_watch[sink]);
	p->blocked[sink] = false;
	p->broken[sink] = true;
	if (!p->plan.keep_fds && !shared)
		oe_fd_close(&p->out[sink]);
	p->out[sink] = -1;
}

static void
pump_check_done(struct oe_ssh_pump *p)
{
	if (p->done_told || !p->in_ended[SIDE_IN] || !p->in_ended[SIDE_MORE])
		return;
	p->done_late = oe_ssh_chan_is_late(p->chan);
	if (p->done_late)
		return;
	p->done_told = true;
	if (!p->plan.hold_eof)
		oe_ssh_chan_send_eof(p->chan);
	if (p->plan.input_done)
		p->plan.input_done(p->plan.arg);
}

/* Never waits, whatever whoever else has the socket makes of its flags. */
static ssize_t
pump_read(const struct oe_ssh_pump *p, int side, size_t n)
{
	if (p->plan.socket)
		return recvfrom(
		    p->in[side], p->space, n, MSG_DONTWAIT, NULL, NULL);
	return read(p->in[side], p->space, n);
}

static ssize_t
pump_write(const struct oe_ssh_pump *p, int sink, const uint8_t *data, size_t n)
{
	if (p->plan.socket)
		return sendto(p->out[sink], data, n,
		    MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	return write(p->out[sink], data, n);
}

/* Reads that a wake-up promises: of a blocking descriptor one only. */
static int
pump_rounds(const struct oe_ssh_pump *p, int fd)
{
	if (p->plan.socket)
		return OE_SSH_PUMP_ROUNDS;
	return fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK ? OE_SSH_PUMP_ROUNDS
							  : 1;
}

/* One read and one write; false when there is nothing more to do now. */
static bool
pump_move_in(struct oe_ssh_pump *p, int side)
{
	size_t room = oe_ssh_chan_room(p->chan), got;
	ssize_t n;

	if (!room || p->in[side] < 0)
		return false;
	if (room > OE_SSH_PUMP_CHUNK)
		room = OE_SSH_PUMP_CHUNK;
	n = pump_read(p, side, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	/* EIO is how a pty master says that its last user is gone */
	if (n <= 0) {
		pump_close_in(p, side);
		pump_check_done(p);
		return false;
	}
	got = (size_t)n;
	if (side == SIDE_IN && p->plan.filter)
		got = p->plan.filter(p->plan.arg, p->space, got);
	if (got &&
	    oe_ssh_chan_write(p->chan, p->space, got, side == SIDE_MORE) < 0) {
		pump_close_in(p, side);
		return false;
	}
	p->sent += got;
	return (size_t)n == room && p->in[side] >= 0;
}

static void
pump_on_in(struct oe_ssh_pump *p, int side)
{
	int i;

	for (i = 0; i < p->rounds[side] && pump_move_in(p, side); i++)
		continue;
}

static void
pump_on_main(void *arg, short revents)
{
	(void)revents;
	pump_on_in(arg, SIDE_IN);
}

static void
pump_on_more(void *arg, short revents)
{
	(void)revents;
	pump_on_in(arg, SIDE_MORE);
}

static void
pump_fail_out(struct oe_ssh_pump *p, int sink, int sys_errno)
{
	pump_close_out(p, sink);
	if (p->plan.output_failed)
		p->plan.output_failed(p->plan.arg, sys_errno);
}

size_t
oe_ssh_pump_data(struct oe_ssh_pump *p, const void *data, size_t n, bool ext)
{
	int sink = ext ? SINK_ERR : SINK_OUT;
	const uint8_t *at = data;
	size_t done = 0;
	ssize_t w;

	if (p->out[sink] < 0)
		return n;
	if (p->blocked[sink])
		return 0;
	while (done < n) {
		w = pump_write(p, sink, at + done, n - done);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			p->blocked[sink] = true;
			break;
		}
		if (w < 0) {
			pump_fail_out(p, sink, errno);
			return n;
		}
		if (p->plan.seen)
			p->plan.seen(p->plan.arg, at + done, (size_t)w, ext);
		done += (size_t)w;
	}
	p->received += done;
	return done;
}

static void
pump_try_eof(struct oe_ssh_pump *p)
{
	if (!p->peer_eof || p->broken[SINK_OUT] || oe_ssh_chan_held(p->chan))
		return;
	/* a pty has no half-close: its end is the session's end */
	if (p->plan.socket)
		(void)shutdown(p->out[SINK_OUT], SHUT_WR);
	else if (pump_shares(p))
		return;
	pump_close_out(p, SINK_OUT);
	if (p->plan.output_done)
		p->plan.output_done(p->plan.arg);
}

static void
pump_on_writable(struct oe_ssh_pump *p, int sink)
{
	p->blocked[sink] = false;
	oe_ssh_chan_resume(p->chan);
	pump_try_eof(p);
}

static void
pump_on_out(void *arg, short revents)
{
	(void)revents;
	pump_on_writable(arg, SINK_OUT);
}

static void
pump_on_err(void *arg, short revents)
{
	(void)revents;
	pump_on_writable(arg, SINK_ERR);
}

/* Before each wait: watch what can make progress, and only that. */
static bool
pump_before_wait(void *arg)
{
	struct oe_ssh_pump *p = arg;
	bool room = oe_ssh_chan_room(p->chan) > 0;
	int i;

	for (i = 0; i < SIDE_COUNT; i++)
		if (p->in_watch[i])
			oe_watch_set(p->in_watch[i],
			    room && !(p->paused && i == SIDE_IN) ? POLLIN : 0);
	for (i = 0; i < SINK_COUNT; i++)
		if (p->out_watch[i])
			oe_watch_set(
			    p->out_watch[i], p->blocked[i] ? POLLOUT : 0);
	if (p->done_late)
		pump_check_done(p);
	return false;
}

struct oe_ssh_pump *
oe_ssh_pump_new(struct oe_loop *loop, struct oe_ssh_chan *chan,
    const struct oe_ssh_pump_plan *plan)
{
	static oe_watch_fn *const in_fn[] = {pump_on_main, pump_on_more};
	static oe_watch_fn *const out_fn[] = {pump_on_out, pump_on_err};
	struct oe_ssh_pump *p = oe_mem_zalloc(sizeof *p);
	int i;

	p->space = oe_ssh__chan_space(chan, OE_SSH_PUMP_CHUNK);
	p->plan = *plan;
	p->loop = loop;
	p->chan = chan;
	p->in[SIDE_IN] = plan->in_fd;
	p->in[SIDE_MORE] = plan->more_fd;
	p->out[SINK_OUT] = plan->out_fd;
	p->out[SINK_ERR] = plan->err_fd;
	for (i = 0; i < SIDE_COUNT; i++) {
		p->in_ended[i] = p->in[i] < 0;
		p->rounds[i] = pump_rounds(p, p->in[i]);
		if (p->in[i] >= 0)
			p->in_watch[i] =
			    oe_loop_watch(loop, p->in[i], 0, in_fn[i], p);
	}
	for (i = 0; i < SINK_COUNT; i++)
		if (p->out[i] >= 0)
			p->out_watch[i] =
			    oe_loop_watch(loop, p->out[i], 0, out_fn[i], p);
	p->idle = oe_loop_idle(loop, pump_before_wait, p);
	return p;
}

void
oe_ssh_pump_eof(struct oe_ssh_pump *p)
{
	p->peer_eof = true;
	pump_try_eof(p);
}

void
oe_ssh_pump_pause(struct oe_ssh_pump *p, bool paused)
{
	p->paused = paused;
}

void
oe_ssh_pump_end_input(struct oe_ssh_pump *p)
{
	int i;

	for (i = 0; i < SIDE_COUNT; i++)
		if (!p->in_ended[i])
			pump_close_in(p, i);
	pump_check_done(p);
}

bool
oe_ssh_pump_input_done(const struct oe_ssh_pump *p)
{
	return p->in_ended[SIDE_IN] && p->in_ended[SIDE_MORE] &&
	       !oe_ssh_chan_is_late(p->chan);
}

bool
oe_ssh_pump_output_done(const struct oe_ssh_pump *p)
{
	return !oe_ssh_chan_held(p->chan);
}

void
oe_ssh_pump_bytes(
    const struct oe_ssh_pump *p, uint64_t *ret_sent, uint64_t *ret_received)
{
	*ret_sent = p->sent;
	*ret_received = p->received;
}

void
oe_ssh_pump_free(struct oe_ssh_pump **pp)
{
	struct oe_ssh_pump *p = *pp;
	int i, shared;

	if (!p)
		return;
	*pp = NULL;
	shared = pump_shares(p);
	for (i = 0; i < SIDE_COUNT; i++)
		oe_watch_free(&p->in_watch[i]);
	for (i = 0; i < SINK_COUNT; i++)
		oe_watch_free(&p->out_watch[i]);
	oe_idle_free(p->loop, &p->idle);
	if (!p->plan.keep_fds) {
		if (shared)
			p->in[SIDE_IN] = -1;
		for (i = 0; i < SIDE_COUNT; i++)
			oe_fd_close(&p->in[i]);
		for (i = 0; i < SINK_COUNT; i++)
			oe_fd_close(&p->out[i]);
	}
	free(p);
}
