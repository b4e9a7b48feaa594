/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/internal.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "core/ssh/readahead.h"

/* Rounds of 4 KB that one wake-up serves before others get their turn. */
#define OE_SSH_ROUNDS_MAX 256
/* Of output: more than one where libssh has something left after a send. */
#define OE_SSH_SETTLE_MAX 4

struct oe_ssh *
oe_ssh__wrap(ssh_session session, int fd)
{
	struct oe_ssh *s = oe_mem_zalloc(sizeof *s);

	s->session = session;
	s->fd = fd;
	s->last_input_ms = oe_time_mono_ms();
	s->inbox_end = &s->inbox;
	s->drip_fd = -1;
	ssh_set_blocking(session, 0);
	ssh_set_counters(session, &s->wire, &s->packets);
	oe_ssh__readahead_add(fd);
	return s;
}

void
oe_ssh__break(struct oe_ssh *s, const char *why)
{
	const char *text = why ? why : ssh_get_error(s->session);
	struct oe_ssh_chan *c;

	if (s->dead)
		return;
	s->dead = true;
	oe_str_copy(s->error, sizeof s->error, text ? text : "");
	for (c = s->chans; c; c = c->next)
		c->closed = true;
}

static void
ssh_tell(struct oe_ssh *s)
{
	if (!s->dead || s->told || s->depth)
		return;
	s->told = true;
	if (s->watch)
		oe_watch_set(s->watch, 0);
	if (s->failed)
		s->failed(s->failed_arg);
}

/* libssh reads in some of its calls too, so the counter is what tells. */
static void
ssh_note_input(struct oe_ssh *s)
{
	if (s->wire.in_bytes == s->input_noted)
		return;
	s->input_noted = s->wire.in_bytes;
	s->last_input_ms = oe_time_mono_ms();
}

/* One poll of libssh's. */
static int
ssh_take_input(struct oe_ssh *s)
{
	bool drip = oe_ssh__listen_drips(s);
	int r;

	if (drip)
		(void)oe_ssh__readahead_hold(s->fd, false);
	r = ssh_event_dopoll(s->event, 0);
	if (drip) {
		(void)oe_ssh__readahead_hold(s->fd, true);
		oe_ssh__listen_collect(s);
	}
	if (r != SSH_ERROR)
		(void)oe_ssh__inbox_serve(s);
	return r;
}

/* Let libssh handle what the socket, or the read-ahead, has. */
static void
ssh_serve_input(struct oe_ssh *s)
{
	int rounds = 0, r;

	s->depth++;
	do {
		r = ssh_take_input(s);
		/* what libssh cannot go on from, it does not hang up on */
		if (r == SSH_ERROR || !ssh_is_connected(s->session) ||
		    (ssh_get_status(s->session) & SSH_CLOSED_ERROR)) {
			oe_ssh__break(s, NULL);
			break;
		}
	} while (!s->dead && oe_ssh__readahead_has(s->fd) &&
		 ++rounds < OE_SSH_ROUNDS_MAX);
	oe_ssh__chan_deliver(s);
	s->depth--;
	ssh_note_input(s);
}

static void
ssh_on_ready(void *arg, short revents)
{
	struct oe_ssh *s = arg;

	(void)revents;
	if (!s->dead)
		ssh_serve_input(s);
	ssh_tell(s);
}

void
oe_ssh__settle(struct oe_ssh *s)
{
	int rounds = 0;

	if (s->depth || s->dead || !s->event)
		return;
	s->depth++;
	while (oe_ssh_unsent(s) && oe_ssh__readahead_takes(s->fd) &&
	       rounds++ < OE_SSH_SETTLE_MAX)
		if (ssh_event_dopoll(s->event, 0) == SSH_ERROR) {
			oe_ssh__break(s, NULL);
			break;
		}
	s->depth--;
}

/* True when somebody may write who could not before. */
static bool
ssh_settle_waiting(struct oe_ssh *s)
{
	bool could = oe_ssh__may_write(s);

	oe_ssh__settle(s);
	return !could && oe_ssh__may_write(s);
}

static bool
ssh_before_wait(void *arg)
{
	struct oe_ssh *s = arg;
	bool more = false;

	if (s->depth)
		return false;
	if (!s->dead && oe_ssh__readahead_waits(s->fd)) {
		ssh_serve_input(s);
		/* others may have decided before what this has changed */
		more = true;
	}
	/* libssh reads in its other calls too */
	s->depth++;
	more |= oe_ssh__inbox_serve(s);
	s->depth--;
	more |= oe_ssh__chan_retry(s);
	oe_ssh__chan_widen(s);
	oe_ssh__chan_reap(s);
	ssh_note_input(s);
	more |= ssh_settle_waiting(s);
	if (!s->dead)
		oe_watch_set(s->watch,
		    (short)(oe_ssh_unsent(s) ? POLLIN | POLLOUT : POLLIN));
	if (s->dead && !s->told) {
		ssh_tell(s);
		more = true;
	}
	return more;
}

void
oe_ssh__watch(struct oe_ssh *s, int fd)
{
	oe_watch_free(&s->watch);
	s->watch = oe_loop_watch(s->loop, fd, POLLIN, ssh_on_ready, s);
}

void
oe_ssh_attach(struct oe_ssh *s, struct oe_loop *loop, void (*failed)(void *arg),
    void *arg)
{
	s->loop = loop;
	s->failed = failed;
	s->failed_arg = arg;
	if (!s->event) {
		s->event = ssh_event_new();
		ssh_event_add_session(s->event, s->session);
	}
	oe_ssh__watch(s, s->fd);
	s->idle = oe_loop_idle(loop, ssh_before_wait, s);
}

void
oe_ssh_free(struct oe_ssh **ps)
{
	struct oe_ssh *s = *ps;
	struct oe_ssh_chan *c, *next;

	if (!s)
		return;
	for (c = s->chans; c; c = c->next)
		c->freed = true;
	s->depth = 0;
	oe_ssh__forward_done(s);
	oe_ssh__listen_done(s);
	oe_ssh__inbox_done(s);
	oe_ssh__chan_reap(s);
	for (c = s->chans; c; c = next) {
		next = c->next;
		free(c);
	}
	if (s->loop) {
		oe_watch_free(&s->watch);
		oe_idle_free(s->loop, &s->idle);
	}
	oe_fd_close(&s->drip_fd);
	oe_ssh__readahead_remove(s->fd);
	if (s->event) {
		ssh_event_remove_session(s->event, s->session);
		ssh_event_free(s->event);
	}
	ssh_free(s->session);
	free(s->agent_hook);
	oe_mem_unmap(s->space, s->space_size);
	free(s);
	*ps = NULL;
}

void
oe_ssh_abandon(struct oe_ssh **ps)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* libssh may have something to say when it is freed */
	if (null < 0 || dup2(null, (*ps)->fd) < 0)
		_exit(127);
	oe_fd_close(&null);
	oe_ssh_free(ps);
}

/*
 * libssh writes only what a poll since the last write said that it may, and
 * ssh_disconnect() forgets what it could not write at once.
 */
static void
ssh_expect_room(struct oe_ssh *s)
{
	if (!s->event || s->depth)
		return;
	s->depth++;
	(void)ssh_event_dopoll(s->event, 0);
	s->depth--;
}

void
oe_ssh_disconnect(struct oe_ssh *s, const char *why)
{
	struct oe_ssh_chan *c;

	if (!s->dead)
		ssh_expect_room(s);
	/* that may have read a message, and answered it */
	oe_ssh__settle(s);
	if (s->dead)
		return;
	if (why)
		ssh_session_set_disconnect_message(s->session, why);
	/* libssh frees every channel of the session, whoever holds it */
	for (c = s->chans; c; c = c->next)
		oe_ssh__chan_detach(c);
	s->depth++;
	ssh_disconnect(s->session);
	s->depth--;
	oe_ssh__break(s, why ? why : "disconnected");
}

bool
oe_ssh_is_alive(const struct oe_ssh *s)
{
	return !s->dead;
}

const char *
oe_ssh_error(const struct oe_ssh *s)
{
	return s->error[0] ? s->error : ssh_get_error(s->session);
}

const char *
oe_ssh_reason(const struct oe_ssh *s)
{
	return ssh_get_disconnect_message(s->session);
}

int
oe_ssh_fd(const struct oe_ssh *s)
{
	return s->fd;
}

bool
oe_ssh_unsent(const struct oe_ssh *s)
{
	return ssh_get_poll_flags(s->session) & SSH_WRITE_PENDING;
}

bool
oe_ssh__may_write(const struct oe_ssh *s)
{
	if (!oe_ssh_unsent(s))
		return true;
	return s->loose_writes < OE_SSH_LOOSE_MAX &&
	       s->wire.out_bytes >= s->write_mark;
}

int
oe_ssh_flush(struct oe_ssh *s, int timeout_ms)
{
	bool held;
	int r;

	if (s->dead)
		return OE_ECLOSED;
	s->depth++;
	held = oe_ssh__readahead_hold(s->fd, false);
	r = ssh_blocking_flush(s->session, timeout_ms);
	(void)oe_ssh__readahead_hold(s->fd, held);
	s->depth--;
	if (r == SSH_ERROR) {
		oe_ssh__break(s, NULL);
		return OE_ECLOSED;
	}
	return r == SSH_AGAIN ? OE_EAGAIN : 0;
}

int
oe_ssh_keepalive(struct oe_ssh *s)
{
	bool held;

	if (s->dead)
		return OE_ECLOSED;
	/* libssh has one request out at a time, and that one is answered too */
	if (oe_ssh__listen_waits(s))
		return 0;
	/*
	 * Non-blocking, libssh leaves the request pending, and the next call
	 * only collects its answer and sends nothing.  So of two calls one
	 * sends, unless an earlier request is still unanswered.  Nothing is
	 * read meanwhile, so that one is surely pending afterwards.
	 */
	s->depth++;
	held = oe_ssh__readahead_hold(s->fd, true);
	(void)ssh_send_keepalive(s->session);
	(void)ssh_send_keepalive(s->session);
	(void)oe_ssh__readahead_hold(s->fd, held);
	s->depth--;
	s->keepalive_out = true;
	ssh_note_input(s);
	return ssh_is_connected(s->session) ? 0 : OE_ECLOSED;
}

int64_t
oe_ssh_last_input_ms(const struct oe_ssh *s)
{
	return s->last_input_ms;
}

void
oe_ssh_bytes(const struct oe_ssh *s, uint64_t *ret_in, uint64_t *ret_out)
{
	*ret_in = s->wire.in_bytes;
	*ret_out = s->wire.out_bytes;
}

static struct tcp_info
ssh_tcp_info(const struct oe_ssh *s)
{
	struct tcp_info info;
	socklen_t n = sizeof info;

	memset(&info, 0, sizeof info);
	if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
		memset(&info, 0, sizeof info);
	return info;
}

uint64_t
oe_ssh_rtt_us(const struct oe_ssh *s)
{
	struct tcp_info info = ssh_tcp_info(s);

	return info.tcpi_rtt;
}

/* Without the queues that we fill ourselves. */
uint64_t
oe_ssh__least_rtt_us(const struct oe_ssh *s)
{
	struct tcp_info info = ssh_tcp_info(s);

	/* not known is 0 from old kernels, all ones from others */
	return info.tcpi_min_rtt && info.tcpi_min_rtt < info.tcpi_rtt
		   ? info.tcpi_min_rtt
		   : info.tcpi_rtt;
}

void
oe_ssh_algorithms(const struct oe_ssh *s, char *ret, size_t size)
{
	const char *kex = ssh_get_kex_algo(s->session);
	const char *in = ssh_get_cipher_in(s->session);
	const char *out = ssh_get_cipher_out(s->session);

	snprintf(ret, size, "%s %s %s", kex ? kex : "?", in ? in : "?",
	    out ? out : "?");
}
