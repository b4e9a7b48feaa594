/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "core/ssh/pump.h"
#include "core/ssh/serve.h"
#include "core/ssh/ssh.h"
#include "server/net_rpc.h"
#include "server/proto.h"

/*
 * After the end of a terminal's process its last output is still under way
 * in the kernel; without a hang-up (a background job holds the terminal) this
 * is how long it must be quiet.
 */
#define OE_SRV_PTY_SETTLE_MS 60

struct channel {
	struct channel *next;
	struct oe_srv_channels *all;
	struct oe_ssh_chan *chan;
	struct oe_ssh_pump *pump;
	struct oe_timer *settle;
	uint64_t settle_bytes;
	uint32_t id;
	bool started, pty, agent;
	bool exited, input_done, finished, reported;
	bool by_signal, core;
	int status;
	char signal[OE_SRV_SIGNAL_MAX];
};

struct oe_srv_channels {
	struct oe_loop *loop;
	struct oe_ssh *ssh;
	int rpc;
	uint32_t reserved;
	uint64_t past; /* traffic of channels that are gone */
	struct channel *list;
	struct oe_idle *idle;
};

static bool
channel_ask(struct channel *c, struct oe_ipc_msg *m, struct oe_ipc_msg *ret)
{
	return oe_srv__rpc_bool(c->all->rpc, m, ret);
}

static void
channel_msg(const struct channel *c, struct oe_ipc_msg *m, uint8_t type)
{
	oe_ipc_msg_init(m, type);
	(void)oe_buf_put_u32(&m->payload, c->id);
}

static uint64_t
channel_traffic(const struct channel *c)
{
	uint64_t sent = 0, received = 0;

	if (c->pump)
		oe_ssh_pump_bytes(c->pump, &sent, &received);
	return sent + received;
}

static void
channel_report_close(struct channel *c)
{
	uint64_t sent = 0, received = 0;
	struct oe_ipc_msg m;

	if (c->agent || c->reported)
		return;
	c->reported = true;
	if (c->pump)
		oe_ssh_pump_bytes(c->pump, &sent, &received);
	channel_msg(c, &m, OE_SRV_REQ_CLOSE);
	(void)oe_buf_put_u64(&m.payload, sent);
	(void)oe_buf_put_u64(&m.payload, received);
	(void)channel_ask(c, &m, NULL);
}

/* Everything was sent and the process ended: status, EOF, CLOSE. */
static void
channel_finish(struct channel *c)
{
	if (c->finished)
		return;
	c->finished = true;
	if (c->exited && c->by_signal)
		oe_ssh_chan_send_exit_signal(c->chan, c->signal, c->core, "");
	else if (c->exited)
		oe_ssh_chan_send_exit_status(c->chan, c->status);
	oe_ssh_chan_close(c->chan);
}

static void
channel_maybe_finish(struct channel *c)
{
	if (c->exited && c->input_done)
		channel_finish(c);
}

static void
channel_on_input_done(void *arg)
{
	struct channel *c = arg;

	c->input_done = true;
	if (c->agent)
		channel_finish(c);
	else if (!c->exited)
		oe_ssh_chan_send_eof(c->chan); /* it lives on, silently */
	channel_maybe_finish(c);
}

/* The terminal was quiet for a while after its process ended. */
static void
channel_on_settle(void *arg)
{
	struct channel *c = arg;
	uint64_t sent, received;

	oe_ssh_pump_bytes(c->pump, &sent, &received);
	if (sent != c->settle_bytes || oe_ssh_unsent(c->all->ssh)) {
		c->settle_bytes = sent;
		oe_timer_set(c->settle, OE_SRV_PTY_SETTLE_MS);
		return;
	}
	oe_ssh_pump_end_input(c->pump);
}

static size_t
channel_on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct channel *c = arg;

	/* before the start there is nobody to give it to: keep it */
	if (!c->pump)
		return c->finished ? n : 0;
	return oe_ssh_pump_data(c->pump, p, n, ext);
}

static void
channel_on_eof(void *arg)
{
	struct channel *c = arg;

	if (c->pump)
		oe_ssh_pump_eof(c->pump);
}

static void
channel_on_closed(void *arg)
{
	struct channel *c = arg;

	/*
	 * The answer to our EOF, which can come before the process has ended:
	 * the exit status is still to be told, and then closed.
	 */
	if (c->started && c->input_done && !c->exited && !c->agent)
		return;
	c->finished = true;
}

static bool
channel_on_pty(void *arg, const char *term, const uint32_t size[4],
    const uint8_t *modes, size_t modes_len)
{
	struct channel *c = arg;
	struct oe_ipc_msg m;
	int i;

	if (c->started || c->pty || modes_len > OE_SRV_MODES_MAX ||
	    strlen(term) > OE_SRV_TERM_MAX)
		return false;
	channel_msg(c, &m, OE_SRV_REQ_PTY);
	(void)oe_buf_put_cstring(&m.payload, term);
	for (i = 0; i < 4; i++)
		(void)oe_buf_put_u32(&m.payload, size[i]);
	(void)oe_buf_put_string(&m.payload, modes, modes_len);
	c->pty = channel_ask(c, &m, NULL);
	return c->pty;
}

static bool
channel_on_window(void *arg, const uint32_t size[4])
{
	struct channel *c = arg;
	struct oe_ipc_msg m;
	int i;

	channel_msg(c, &m, OE_SRV_REQ_WINDOW);
	for (i = 0; i < 4; i++)
		(void)oe_buf_put_u32(&m.payload, size[i]);
	return channel_ask(c, &m, NULL);
}

static bool
channel_on_env(void *arg, const char *name, const char *value)
{
	struct channel *c = arg;
	struct oe_ipc_msg m;

	if (strlen(name) + strlen(value) > OE_SRV_ENV_TEXT_MAX)
		return false;
	channel_msg(c, &m, OE_SRV_REQ_ENV);
	(void)oe_buf_put_cstring(&m.payload, name);
	(void)oe_buf_put_cstring(&m.payload, value);
	return channel_ask(c, &m, NULL);
}

static void
channel_pump(struct channel *c, struct oe_ipc_msg *reply)
{
	int fd[3] = {oe_ipc_msg_claim(reply, 0), oe_ipc_msg_claim(reply, 1),
	    oe_ipc_msg_claim(reply, 2)};
	struct oe_ssh_pump_plan plan = {
	    .in_fd = c->pty ? fd[0] : fd[1],
	    .more_fd = c->pty ? -1 : fd[2],
	    .out_fd = fd[0],
	    .err_fd = -1,
	    .input_done = channel_on_input_done,
	    .hold_eof = true,
	    .arg = c,
	};
	int i;

	/* this end only: the other has an open file description of its own */
	for (i = 0; i < 3; i++)
		if (fd[i] >= 0)
			(void)oe_fd_set_nonblock(fd[i], true);
	c->pump = oe_ssh_pump_new(c->all->loop, c->chan, &plan);
}

static bool
channel_start(struct channel *c, enum oe_srv_start_kind kind, const char *text)
{
	struct oe_ipc_msg m, reply;
	bool ok;

	if (c->started || strlen(text) > OE_SRV_COMMAND_MAX)
		return false;
	channel_msg(c, &m, OE_SRV_REQ_START);
	(void)oe_buf_put_u8(&m.payload, (uint8_t)kind);
	(void)oe_buf_put_cstring(&m.payload, text);
	ok = channel_ask(c, &m, &reply);
	if (ok) {
		c->started = true;
		channel_pump(c, &reply);
	}
	oe_ipc_msg_done(&reply);
	return ok;
}

static bool
channel_on_shell(void *arg)
{
	return channel_start(arg, OE_SRV_START_SHELL, "");
}

static bool
channel_on_exec(void *arg, const char *command)
{
	return channel_start(arg, OE_SRV_START_EXEC, command);
}

static bool
channel_on_subsystem(void *arg, const char *name)
{
	return channel_start(arg, OE_SRV_START_SUBSYSTEM, name);
}

static void
channel_on_signal(void *arg, const char *name)
{
	struct channel *c = arg;
	struct oe_ipc_msg m;

	if (strlen(name) >= OE_SRV_SIGNAL_MAX)
		return;
	channel_msg(c, &m, OE_SRV_REQ_SIGNAL);
	(void)oe_buf_put_cstring(&m.payload, name);
	(void)channel_ask(c, &m, NULL);
}

static bool
channel_on_agent(void *arg)
{
	struct channel *c = arg;
	struct oe_ipc_msg m;

	channel_msg(c, &m, OE_SRV_REQ_AGENT);
	return channel_ask(c, &m, NULL);
}

static const struct oe_ssh_chan_ops channel_ops = {
    .data = channel_on_data,
    .eof = channel_on_eof,
    .closed = channel_on_closed,
    .pty = channel_on_pty,
    .window_change = channel_on_window,
    .env = channel_on_env,
    .shell = channel_on_shell,
    .exec = channel_on_exec,
    .subsystem = channel_on_subsystem,
    .signal = channel_on_signal,
    .agent = channel_on_agent,
};

static const struct oe_ssh_chan_ops agent_ops = {
    .data = channel_on_data,
    .eof = channel_on_eof,
    .closed = channel_on_closed,
};

static void
channel_free(struct channel *c)
{
	c->all->past += channel_traffic(c);
	channel_report_close(c);
	oe_timer_free(&c->settle);
	oe_ssh_pump_free(&c->pump);
	oe_ssh_chan_free(&c->chan);
	free(c);
}

/* Between rounds, when nobody is inside a channel: take away what is over. */
static bool
channels_sweep(void *arg)
{
	struct oe_srv_channels *cs = arg;
	struct channel **p = &cs->list, *c;

	while ((c = *p)) {
		if (c->finished && !oe_ssh_chan_is_open(c->chan)) {
			*p = c->next;
			channel_free(c);
			continue;
		}
		/* data that came before the start may be given now */
		if (c->pump && oe_ssh_chan_held(c->chan))
			oe_ssh_chan_resume(c->chan);
		p = &c->next;
	}
	return false;
}

struct oe_srv_channels *
oe_srv__channels_new(struct oe_loop *loop, struct oe_ssh *ssh, int rpc)
{
	struct oe_srv_channels *cs = oe_mem_zalloc(sizeof *cs);

	cs->loop = loop;
	cs->ssh = ssh;
	cs->rpc = rpc;
	cs->idle = oe_loop_idle(loop, channels_sweep, cs);
	return cs;
}

bool
oe_srv__channels_reserve(struct oe_srv_channels *cs)
{
	struct oe_ipc_msg m, reply;
	struct channel *c;
	bool ok;

	/* what was closed just before makes room, swept away or not */
	for (c = cs->list; c; c = c->next)
		if (c->finished && !oe_ssh_chan_is_open(c->chan))
			channel_report_close(c);
	oe_ipc_msg_init(&m, OE_SRV_REQ_OPEN);
	ok = oe_srv__rpc_bool(cs->rpc, &m, &reply) &&
	     oe_buf_get_u32(&reply.payload, &cs->reserved) == 0;
	oe_ipc_msg_done(&reply);
	return ok;
}

static struct channel *
channel_new(struct oe_srv_channels *cs, struct oe_ssh_chan *chan)
{
	struct channel *c = oe_mem_zalloc(sizeof *c);

	c->all = cs;
	c->chan = chan;
	c->next = cs->list;
	cs->list = c;
	return c;
}

void
oe_srv__channels_add(struct oe_srv_channels *cs, struct oe_ssh_chan *chan)
{
	struct channel *c = channel_new(cs, chan);

	c->id = cs->reserved;
	oe_ssh_chan_set_ops(chan, &channel_ops, c);
}

void
oe_srv__channels_agent(struct oe_srv_channels *cs, int fd)
{
	struct oe_ssh_pump_plan plan = {.in_fd = fd,
	    .more_fd = -1,
	    .out_fd = -1,
	    .err_fd = -1,
	    .input_done = channel_on_input_done};
	struct oe_ssh_chan *chan;
	struct channel *c;

	if (fd < 0)
		return;
	chan = oe_ssh_open_agent(cs->ssh);
	/* a second descriptor, so that each direction can end by itself */
	plan.out_fd = chan ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (plan.out_fd < 0) {
		oe_ssh_chan_free(&chan);
		oe_fd_close(&fd);
		return;
	}
	(void)oe_fd_set_nonblock(fd, true);
	c = channel_new(cs, chan);
	c->agent = c->started = true;
	plan.arg = c;
	oe_ssh_chan_set_ops(chan, &agent_ops, c);
	c->pump = oe_ssh_pump_new(cs->loop, chan, &plan);
}

void
oe_srv__channels_agent_end(struct oe_srv_channels *cs)
{
	struct channel *c;

	for (c = cs->list; c; c = c->next)
		if (c->agent)
			channel_finish(c);
}

void
oe_srv__channels_exited(struct oe_srv_channels *cs, struct oe_buf *b)
{
	uint8_t by_signal, core;
	uint32_t id, status;
	struct channel *c;
	char *name = NULL;

	if (oe_buf_get_u32(b, &id) < 0 || oe_buf_get_u8(b, &by_signal) < 0 ||
	    oe_buf_get_u32(b, &status) < 0 ||
	    oe_buf_get_cstring(b, OE_SRV_SIGNAL_MAX - 1, &name) < 0 ||
	    oe_buf_get_u8(b, &core) < 0) {
		free(name);
		return;
	}
	for (c = cs->list; c && (c->agent || c->id != id); c = c->next)
		continue;
	if (c && !c->exited) {
		c->exited = true;
		c->by_signal = by_signal;
		c->core = core;
		c->status = (int)status;
		memcpy(c->signal, name, strlen(name) + 1);
		if (c->pty && !c->input_done)
			c->settle = oe_loop_timer(cs->loop,
			    OE_SRV_PTY_SETTLE_MS, channel_on_settle, c);
		channel_maybe_finish(c);
	}
	free(name);
}

void
oe_srv__channels_lost(struct oe_srv_channels *cs)
{
	struct channel *c;

	for (c = cs->list; c; c = c->next)
		channel_report_close(c);
}

uint64_t
oe_srv__channels_traffic(const struct oe_srv_channels *cs)
{
	uint64_t sum = cs->past;
	const struct channel *c;

	for (c = cs->list; c; c = c->next)
		sum += channel_traffic(c);
	return sum;
}
