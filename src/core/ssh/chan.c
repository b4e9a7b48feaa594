/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/ssh/readahead.h"

/* Bytes of one channel that are worth a call of their own. */
#define OE_SSH_GATHER_MAX (256u * 1024)
/* A packet of 32 KB as all send them, with its frame. */
#define OE_SSH_PACKET_MAX (33u * 1024)

/*
 * Few large pieces cost the owner's system calls least.  While another packet
 * is sure to come from memory this one may wait for it, in libssh's buffer.
 */
static bool
chan_defers(struct oe_ssh_chan *c, int x, size_t len)
{
	/* data and extended data wait each for their own kind */
	c->deferred[x] =
	    len < OE_SSH_GATHER_MAX &&
	    oe_ssh__readahead_waits(c->ssh->fd) > OE_SSH_PACKET_MAX;
	return c->deferred[x];
}

/* What waited for more that did not come. */
static void
chan_deliver(struct oe_ssh_chan *c)
{
	if (!c->deferred[0] && !c->deferred[1])
		return;
	c->deferred[0] = c->deferred[1] = false;
	oe_ssh_chan_resume(c);
}

static int
chan_on_data(ssh_session session, ssh_channel ch, void *data, uint32_t len,
    int is_stderr, void *arg)
{
	struct oe_ssh_chan *c = arg;
	int x = is_stderr ? 1 : 0;
	size_t took = 0;
	const size_t bound = c->window.size + OE_SSH_STUCK_MAX;

	(void)session;
	(void)ch;
	/* the request that starts what takes it may be queued still */
	if (!c->fed)
		(void)oe_ssh__inbox_serve(c->ssh);
	/* @data is all that libssh has, what was kept before included */
	oe_ssh__window_got(&c->window, len - c->kept[x]);
	/* earlier bytes first: they wait in held until the owner resumes */
	if (!c->freed && !c->resuming && c->held_len[x] == c->held_off[x] &&
	    c->ops && c->ops->data && !chan_defers(c, x, len))
		took = c->ops->data(c->arg, data, len, x);
	else if (c->freed)
		took = len;
	c->fed |= took > 0;
	c->kept[x] = len - took;
	/* a peer that ignores its window must not fill our memory */
	if (c->kept[x] > bound)
		oe_ssh__break(
		    c->ssh, "the peer sent more than the window allows");
	return (int)took;
}

static void
chan_on_eof(ssh_session session, ssh_channel ch, void *arg)
{
	struct oe_ssh_chan *c = arg;

	(void)session;
	(void)ch;
	(void)oe_ssh__inbox_serve(c->ssh);
	chan_deliver(c);
	c->eof = true;
	if (!c->freed && c->ops && c->ops->eof)
		c->ops->eof(c->arg);
}

static void
chan_on_close(ssh_session session, ssh_channel ch, void *arg)
{
	struct oe_ssh_chan *c = arg;

	(void)session;
	(void)ch;
	(void)oe_ssh__inbox_serve(c->ssh);
	chan_deliver(c);
	c->closed = true;
	if (!c->freed && c->ops && c->ops->closed)
		c->ops->closed(c->arg);
}

static void
chan_on_exit_status(ssh_session session, ssh_channel ch, int status, void *arg)
{
	struct oe_ssh_chan *c = arg;

	(void)session;
	(void)ch;
	if (!c->freed && c->ops && c->ops->exit_status)
		c->ops->exit_status(c->arg, status);
}

static void
chan_on_exit_signal(ssh_session session, ssh_channel ch, const char *signal,
    int core, const char *message, const char *lang, void *arg)
{
	struct oe_ssh_chan *c = arg;

	(void)session;
	(void)ch;
	(void)lang;
	if (!c->freed && c->ops && c->ops->exit_signal)
		c->ops->exit_signal(c->arg, signal, core != 0, message);
}

static void
chan_on_signal(
    ssh_session session, ssh_channel ch, const char *signal, void *arg)
{
	struct oe_ssh_chan *c = arg;

	(void)session;
	(void)ch;
	(void)oe_ssh__inbox_serve(c->ssh);
	if (!c->freed && c->ops && c->ops->signal)
		c->ops->signal(c->arg, signal);
}

struct oe_ssh_chan *
oe_ssh__chan_wrap(struct oe_ssh *s, ssh_channel ch)
{
	struct oe_ssh_chan *c = oe_mem_zalloc(sizeof *c);

	c->ssh = s;
	c->ch = ch;
	oe_ssh__window_init(&c->window);
	c->cb.userdata = c;
	c->cb.channel_data_function = chan_on_data;
	c->cb.channel_eof_function = chan_on_eof;
	c->cb.channel_close_function = chan_on_close;
	c->cb.channel_exit_status_function = chan_on_exit_status;
	c->cb.channel_exit_signal_function = chan_on_exit_signal;
	c->cb.channel_signal_function = chan_on_signal;
	ssh_callbacks_init(&c->cb);
	ssh_set_channel_callbacks(ch, &c->cb);
	c->next = s->chans;
	s->chans = c;
	return c;
}

uint8_t *
oe_ssh__chan_space(struct oe_ssh_chan *c, size_t size)
{
	struct oe_ssh *s = c->ssh;

	if (!s->space) {
		s->space = oe_mem_map(size);
		s->space_size = size;
	}
	return s->space;
}

struct oe_ssh_chan *
oe_ssh__chan_find(struct oe_ssh *s, ssh_channel ch)
{
	struct oe_ssh_chan *c;

	for (c = s->chans; c; c = c->next)
		if (c->ch == ch && !c->freed)
			return c;
	return NULL;
}

static void
chan_agent_wanted(ssh_session session, ssh_channel ch, void *arg)
{
	struct oe_ssh_chan *c = arg;

	(void)session;
	(void)ch;
	(void)oe_ssh__inbox_serve(c->ssh);
	if (!c->freed && c->ops && c->ops->agent)
		(void)c->ops->agent(c->arg);
}

void
oe_ssh_chan_set_ops(
    struct oe_ssh_chan *c, const struct oe_ssh_chan_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
	/* libssh answers "yes" to an agent request when this is set at all */
	c->cb.channel_auth_agent_req_function =
	    ops->agent ? chan_agent_wanted : NULL;
}

size_t
oe_ssh_chan_room(const struct oe_ssh_chan *c)
{
	if (c->closed || c->freed || c->ssh->dead || c->late ||
	    !oe_ssh__may_write(c->ssh))
		return 0;
	return ssh_channel_window_size(c->ch);
}

/* How much of it libssh takes: nothing while keys are exchanged. */
static int
chan_give(struct oe_ssh_chan *c, const void *p, size_t n, bool ext)
{
	int r;

	if (!oe_ssh_unsent(c->ssh))
		c->ssh->loose_writes = 0;
	c->ssh->loose_writes++;
	c->ssh->write_mark = c->ssh->wire.out_bytes + n;
	c->ssh->depth++;
	r = ext ? ssh_channel_write_stderr(c->ch, p, (uint32_t)n)
		: ssh_channel_write(c->ch, p, (uint32_t)n);
	c->ssh->depth--;
	oe_ssh__settle(c->ssh);
	return r;
}

int
oe_ssh_chan_write(struct oe_ssh_chan *c, const void *p, size_t n, bool ext)
{
	int r;

	if (c->closed || c->freed || c->ssh->dead || c->late)
		return OE_ECLOSED;
	r = chan_give(c, p, n, ext);
	if (r < 0)
		return OE_ECLOSED;
	if ((size_t)r == n)
		return 0;
	c->late_off = 0;
	c->late_len = n - (size_t)r;
	c->late_ext = ext;
	c->late = oe_mem_zalloc(c->late_len);
	memcpy(c->late, (const uint8_t *)p + r, c->late_len);
	return 0;
}

bool
oe_ssh_chan_is_late(const struct oe_ssh_chan *c)
{
	return c->late;
}

bool
oe_ssh__chan_retry(struct oe_ssh *s)
{
	struct oe_ssh_chan *c;
	bool any = false;
	int r;

	for (c = s->chans; c; c = c->next) {
		if (!c->late)
			continue;
		r = c->closed || c->freed || s->dead
			? -1
			: chan_give(c, c->late + c->late_off,
			      c->late_len - c->late_off, c->late_ext);
		if (r > 0)
			c->late_off += (size_t)r;
		any |= r != 0;
		/* what is lost, is lost with its channel */
		if (r < 0 || c->late_off == c->late_len) {
			free(c->late);
			c->late = NULL;
		}
	}
	return any;
}

/* Offer what is held; false when some of it is still there. */
static bool
chan_offer(struct oe_ssh_chan *c, int x)
{
	size_t n = c->held_len[x] - c->held_off[x];

	if (!n)
		return true;
	c->held_off[x] +=
	    c->ops->data(c->arg, c->held[x] + c->held_off[x], n, x);
	return c->held_off[x] == c->held_len[x];
}

/*
 * Take what libssh has, as held; when a grant is due, ask for a whole window,
 * for which it then tells the peer to go on.  There is space for that much,
 * but only what has come is touched.
 */
static bool
chan_read(struct oe_ssh_chan *c, int x)
{
	bool due = oe_ssh__window_due(&c->window);
	size_t want = c->kept[x];
	int got;

	if (due && want < c->window.size)
		want = c->window.size;
	if (c->held_cap[x] < want) {
		oe_mem_unmap(c->held[x], c->held_cap[x]);
		c->held[x] = oe_mem_map(want);
		c->held_cap[x] = want;
	}
	c->resuming = true;
	c->ssh->depth++;
	got = ssh_channel_read_timeout(c->ch, c->held[x], (uint32_t)want, x, 0);
	c->ssh->depth--;
	c->resuming = false;
	if (due)
		oe_ssh__window_granted(&c->window);
	if (got <= 0)
		return false;
	c->kept[x] -= (size_t)got < c->kept[x] ? (size_t)got : c->kept[x];
	c->held_off[x] = 0;
	c->held_len[x] = (size_t)got;
	return true;
}

/*
 * Everything at once: libssh opens the window again after each read, however
 * much it still holds, so a read of a part would let the peer send without
 * bound.  As it is, at most a window is held here and one more in libssh.
 */
static bool
chan_refill(struct oe_ssh_chan *c, int x)
{
	return c->kept[x] && chan_read(c, x);
}

void
oe_ssh_chan_resume(struct oe_ssh_chan *c)
{
	int x;

	if (c->freed || c->resuming || !c->ops || !c->ops->data)
		return;
	for (x = 0; x < 2; x++)
		while (chan_offer(c, x) && !c->freed && chan_refill(c, x))
			continue;
}

/* What the other channels leave of the connection's memory for windows. */
static size_t
chan_window_max(const struct oe_ssh_chan *c)
{
	const struct oe_ssh_chan *o;
	size_t max = OE_SSH_WINDOW_MAX, more;

	for (o = c->ssh->chans; o; o = o->next) {
		more = o->window.size - OE_SSH_WINDOW_MIN;
		if (o != c && !o->freed)
			max -= more < max ? more : max;
	}
	return max;
}

static void
chan_judge(struct oe_ssh_chan *c, int64_t now_ms)
{
	if (oe_ssh__window_wants(&c->window, now_ms))
		oe_ssh__window_judge(&c->window, now_ms,
		    oe_ssh__least_rtt_us(c->ssh), chan_window_max(c));
}

void
oe_ssh__chan_widen(struct oe_ssh *s)
{
	int64_t now_ms = oe_time_mono_ms();
	struct oe_ssh_chan *c;

	for (c = s->chans; c && !s->dead; c = c->next) {
		if (c->freed || c->closed || c->eof || !c->ch)
			continue;
		chan_judge(c, now_ms);
		/* an owner that is behind gets it with the rest */
		if (!oe_ssh__window_due(&c->window) || oe_ssh_chan_held(c))
			continue;
		if (chan_read(c, 0))
			oe_ssh_chan_resume(c);
	}
}

void
oe_ssh__chan_deliver(struct oe_ssh *s)
{
	struct oe_ssh_chan *c;

	for (c = s->chans; c; c = c->next)
		chan_deliver(c);
}

size_t
oe_ssh_chan_held(const struct oe_ssh_chan *c)
{
	return c->kept[0] + c->kept[1] + c->held_len[0] - c->held_off[0] +
	       c->held_len[1] - c->held_off[1];
}

void
oe_ssh_chan_send_eof(struct oe_ssh_chan *c)
{
	if (c->closed || c->freed || c->ssh->dead)
		return;
	c->ssh->depth++;
	ssh_channel_send_eof(c->ch);
	c->ssh->depth--;
	oe_ssh__settle(c->ssh);
}

void
oe_ssh_chan_send_exit_status(struct oe_ssh_chan *c, int status)
{
	/* the peer's close does not forbid it, only our own would */
	if (!c->freed && !c->ssh->dead)
		ssh_channel_request_send_exit_status(c->ch, status);
}

void
oe_ssh_chan_send_exit_signal(
    struct oe_ssh_chan *c, const char *signal, bool core, const char *message)
{
	if (!c->freed && !c->ssh->dead)
		ssh_channel_request_send_exit_signal(
		    c->ch, signal, core, message, "");
}

void
oe_ssh_chan_close(struct oe_ssh_chan *c)
{
	if (c->freed || c->ssh->dead)
		return;
	c->ssh->depth++;
	ssh_channel_close(c->ch);
	c->ssh->depth--;
	oe_ssh__settle(c->ssh);
}

bool
oe_ssh_chan_is_open(const struct oe_ssh_chan *c)
{
	return !c->closed && !c->freed && !c->ssh->dead;
}

void
oe_ssh__chan_detach(struct oe_ssh_chan *c)
{
	if (!c->ch)
		return;
	ssh_remove_channel_callbacks(c->ch, &c->cb);
	c->ch = NULL;
	c->kept[0] = c->kept[1] = 0;
}

static void
chan_release(struct oe_ssh_chan *c)
{
	ssh_channel ch = c->ch;

	oe_ssh__chan_detach(c);
	if (ch) {
		oe_ssh__inbox_forget(c->ssh, ch);
		ssh_channel_free(ch);
	}
	oe_mem_unmap(c->held[0], c->held_cap[0]);
	oe_mem_unmap(c->held[1], c->held_cap[1]);
	free(c->late);
	free(c);
}

void
oe_ssh__chan_reap(struct oe_ssh *s)
{
	struct oe_ssh_chan **p = &s->chans, *c;

	if (s->depth)
		return;
	while ((c = *p)) {
		if (c->freed) {
			*p = c->next;
			s->depth++;
			chan_release(c);
			s->depth--;
		} else {
			p = &c->next;
		}
	}
}

void
oe_ssh_chan_free(struct oe_ssh_chan **pc)
{
	struct oe_ssh_chan *c = *pc;

	if (!c)
		return;
	*pc = NULL;
	c->freed = true;
	c->ops = NULL;
	oe_ssh__chan_reap(c->ssh);
}
