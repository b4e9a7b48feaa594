/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that speaks to the peer, and does nothing else.  It decides
 * nothing: every decision is a question to the monitor.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "core/net/sandbox.h"
#include "core/ssh/serve.h"
#include "core/ssh/ssh.h"
#include "server/forwarding.h"
#include "server/internal.h"
#include "server/net_channel.h"
#include "server/net_rpc.h"
#include "server/proto.h"

/* After login, what is still in use after so long stays in use. */
#define OE_SRV_NET_TRIM_MS 500
/* How long the last words to a peer may take. */
#define OE_SRV_NET_FLUSH_MS 2000

struct net {
	const struct oe_srv *srv;
	struct oe_loop *loop;
	struct oe_ssh *ssh;
	int rpc, notices;
	struct oe_watch *notice_watch;
	struct oe_timer *tick, *trim;
	struct oe_srv_channels *channels;
	const struct oe_srv_forwarding *forwarding; /* or NULL */
	struct oe_srv_net_forwards *forwards;
	bool said_hello, done;
	unsigned unanswered; /* keepalives since the last input */
	uint32_t idle_timeout_s;
	int64_t active_ms; /* last moment with channel traffic */
	uint64_t traffic;
};

static void
net_hello(struct net *n)
{
	struct oe_ipc_msg m;
	const char *version = oe_ssh_peer_version(n->ssh);
	char algorithms[256];

	if (n->said_hello)
		return;
	n->said_hello = true;
	oe_ssh_algorithms(n->ssh, algorithms, sizeof algorithms);
	oe_ipc_msg_init(&m, OE_SRV_REQ_HELLO);
	(void)oe_buf_put_string(&m.payload, version ? version : "",
	    version ? strnlen(version, OE_SRV_VERSION_MAX) : 0);
	(void)oe_buf_put_cstring(&m.payload, algorithms);
	(void)oe_srv__rpc_bool(n->rpc, &m, NULL);
}

/* Words for the person that came with an answer; a failure follows them. */
static void
net_say(struct net *n, struct oe_buf *reply)
{
	char *text = NULL;

	if (oe_buf_get_cstring(reply, OE_SRV_MESSAGE_MAX, &text) == 0)
		oe_ssh_banner(n->ssh, text);
	free(text);
}

static enum oe_ssh_answer
net_ask_two(
    struct net *n, uint8_t type, const char *user, const void *p, size_t len)
{
	struct oe_ipc_msg m, reply;
	uint8_t a = OE_SSH_DENY;

	net_hello(n);
	/* past its bounds the monitor would take us for broken */
	if (strlen(user) > OE_SRV_USER_MAX || len > OE_SRV_BLOB_MAX)
		return OE_SSH_DENY;
	oe_ipc_msg_init(&m, type);
	if (oe_buf_put_cstring(&m.payload, user) < 0 ||
	    oe_buf_put_string(&m.payload, p, len) < 0) {
		oe_ipc_msg_done(&m);
		return OE_SSH_DENY;
	}
	oe_srv__rpc(n->rpc, &m, &reply);
	if (oe_buf_get_u8(&reply.payload, &a) < 0)
		a = OE_SSH_DENY;
	net_say(n, &reply.payload);
	oe_ipc_msg_done(&reply);
	return a == OE_SSH_ALLOW ? OE_SSH_ALLOW : OE_SSH_DENY;
}

static enum oe_ssh_answer
net_publickey(
    void *arg, const char *user, const uint8_t *blob, size_t len, bool proven)
{
	return net_ask_two(arg,
	    proven ? OE_SRV_REQ_PROVEN_KEY : OE_SRV_REQ_TRY_KEY, user, blob,
	    len);
}

static enum oe_ssh_answer
net_password(void *arg, const char *user, const char *password)
{
	return net_ask_two(
	    arg, OE_SRV_REQ_PASSWORD, user, password, strlen(password));
}

static enum oe_ssh_answer
net_none(void *arg, const char *user)
{
	return net_ask_two(arg, OE_SRV_REQ_NONE, user, "", 0);
}

static int
net_read_prompts(struct oe_buf *b, struct oe_ssh_prompts *ret)
{
	uint32_t count, i;
	uint8_t echo;

	if (oe_buf_get_cstring(b, OE_IPC_PAYLOAD_MAX, &ret->name) < 0 ||
	    oe_buf_get_cstring(b, OE_IPC_PAYLOAD_MAX, &ret->instruction) < 0 ||
	    oe_buf_get_u32(b, &count) < 0 || count > OE_SSH_PROMPTS_MAX)
		return OE_EPROTO;
	for (i = 0; i < count; i++) {
		if (oe_buf_get_cstring(b, OE_IPC_PAYLOAD_MAX, &ret->text[i]) <
		    0)
			return OE_EPROTO;
		ret->n = i + 1;
		if (oe_buf_get_u8(b, &echo) < 0)
			return OE_EPROTO;
		ret->echo[i] = (char)(echo != 0);
	}
	return 0;
}

static enum oe_ssh_answer
net_kbdint(void *arg, const char *user, const char *const *answers,
    unsigned count, struct oe_ssh_prompts *ret)
{
	struct net *n = arg;
	struct oe_ipc_msg m, reply;
	uint8_t a = OE_SSH_DENY;
	unsigned i;
	int r = 0;

	net_hello(n);
	if (user && strlen(user) > OE_SRV_USER_MAX)
		return OE_SSH_DENY;
	oe_ipc_msg_init(&m, OE_SRV_REQ_KBDINT);
	r |= oe_buf_put_cstring(&m.payload, user);
	r |= oe_buf_put_u8(&m.payload, answers != NULL);
	r |= oe_buf_put_u32(&m.payload, count);
	for (i = 0; i < count; i++)
		r |= oe_buf_put_cstring(&m.payload, answers[i]);
	if (r < 0) {
		oe_ipc_msg_done(&m);
		return OE_SSH_DENY;
	}
	oe_srv__rpc(n->rpc, &m, &reply);
	if (oe_buf_get_u8(&reply.payload, &a) < 0 ||
	    (a == OE_SSH_ASK && net_read_prompts(&reply.payload, ret) < 0))
		a = OE_SSH_DENY;
	if (a == OE_SSH_ALLOW)
		net_say(n, &reply.payload);
	oe_ipc_msg_done(&reply);
	return a == OE_SSH_ALLOW || a == OE_SSH_ASK ? (enum oe_ssh_answer)a
						    : OE_SSH_DENY;
}

static bool
net_may_open(void *arg)
{
	struct net *n = arg;

	return oe_srv__channels_reserve(n->channels);
}

static void
net_opened(void *arg, struct oe_ssh_chan *chan)
{
	struct net *n = arg;

	oe_srv__channels_add(n->channels, chan);
}

static void
net_refused(void *arg, const char *what)
{
	struct net *n = arg;
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_SRV_REQ_REFUSED);
	(void)oe_buf_put_cstring(&m.payload, what);
	(void)oe_srv__rpc_bool(n->rpc, &m, NULL);
}

static const struct oe_ssh_serve_ops net_ops = {
    .publickey = net_publickey,
    .password = net_password,
    .none = net_none,
    .kbdint = net_kbdint,
    .may_open = net_may_open,
    .opened = net_opened,
    .refused = net_refused,
};

static void
net_on_lost(void *arg)
{
	struct net *n = arg;

	n->done = true;
}

static void
net_end(struct net *n, const char *why)
{
	if (n->done)
		return;
	(void)oe_ssh_flush(n->ssh, OE_SRV_NET_FLUSH_MS);
	oe_ssh_disconnect(n->ssh, why);
	n->done = true;
}

/* Often enough to be exact to a quarter, seldom enough to cost nothing. */
static int64_t
net_tick_ms(const struct net *n)
{
	int64_t least = 60, every = n->srv->cfg->keepalive_s;

	if (every && every < least)
		least = every;
	if (n->idle_timeout_s && n->idle_timeout_s < least)
		least = n->idle_timeout_s;
	return least * 250;
}

static void
net_on_notice(void *arg, short revents)
{
	struct net *n = arg;
	struct oe_ipc_msg m;
	char *text = NULL;

	(void)revents;
	if (oe_ipc_recv(n->notices, 0, &m, NULL) < 0) {
		/* without a monitor nothing may go on */
		net_end(n, "internal error");
		return;
	}
	switch (m.type) {
	case OE_SRV_NOTE_EXITED:
		oe_srv__channels_exited(n->channels, &m.payload);
		break;
	case OE_SRV_NOTE_DISCONNECT:
		if (oe_buf_get_cstring(&m.payload, 4096, &text) == 0)
			net_end(n, text);
		free(text);
		break;
	case OE_SRV_NOTE_LIMITS:
		(void)!oe_buf_get_u32(&m.payload, &n->idle_timeout_s);
		n->active_ms = oe_time_mono_ms();
		oe_timer_set(n->tick, net_tick_ms(n));
		oe_timer_set(n->trim, OE_SRV_NET_TRIM_MS);
		break;
	case OE_SRV_NOTE_AGENT:
		oe_srv__channels_agent(n->channels, oe_ipc_msg_claim(&m, 0));
		break;
	case OE_SRV_NOTE_AGENT_END:
		oe_srv__channels_agent_end(n->channels);
		break;
	case OE_SRV_NOTE_FORWARD_END:
	case OE_SRV_NOTE_FORWARD_CONNECTED:
	case OE_SRV_NOTE_FORWARD_LISTENING:
	case OE_SRV_NOTE_FORWARD_ACCEPTED:
		if (n->forwards)
			n->forwarding->net_notice(n->forwards, &m);
		break;
	}
	oe_ipc_msg_done(&m);
}

static void
net_check_idle(struct net *n, int64_t now)
{
	uint64_t traffic =
	    oe_srv__channels_traffic(n->channels) +
	    (n->forwards ? n->forwarding->net_traffic(n->forwards) : 0);
	int64_t limit = (int64_t)n->idle_timeout_s * 1000;

	if (traffic != n->traffic) {
		n->traffic = traffic;
		n->active_ms = now;
	}
	if (limit && now - n->active_ms >= limit)
		net_end(n, "idle for too long");
}

/* Keepalives: a peer that is gone without a word is noticed. */
static void
net_check_alive(struct net *n, int64_t now)
{
	int64_t every = (int64_t)n->srv->cfg->keepalive_s * 1000;
	int64_t quiet = now - oe_ssh_last_input_ms(n->ssh);

	if (!every || !oe_ssh_is_authenticated(n->ssh))
		return;
	if (quiet < every) {
		n->unanswered = 0;
		return;
	}
	if (quiet < every * (n->unanswered + 1))
		return;
	if (n->unanswered++ >= n->srv->cfg->keepalive_max) {
		net_end(n, "no answer to keepalives");
		return;
	}
	(void)oe_ssh_keepalive(n->ssh);
}

static void
net_on_trim(void *arg)
{
	(void)arg;
	oe_mem_trim();
}

static void
net_on_tick(void *arg)
{
	struct net *n = arg;
	int64_t now = oe_time_mono_ms();

	net_check_alive(n, now);
	net_check_idle(n, now);
	oe_timer_set(n->tick, net_tick_ms(n));
}

static int
net_enter(const struct oe_srv *srv, struct oe_err *err)
{
	struct oe_sandbox_identity id = {
	    .change = srv->cfg->root,
	    .uid = srv->net_uid,
	    .gid = srv->net_gid,
	    .die_with_parent = true,
	};

	return oe_sandbox_enter(srv->sandbox, &id, err);
}

void
oe_srv__net_run(const struct oe_srv *srv, const struct oe_srv_peer *peer,
    int fd, int rpc, int notices)
{
	struct oe_logctx lc = {NULL, "conn", peer->id};
	struct net n = {.srv = srv, .rpc = rpc, .notices = notices};
	struct oe_err err = OE_ERR_INIT;

	if (net_enter(srv, &err) < 0) {
		oe_log_error(&lc, "sandbox: %s", oe_err_text(&err));
		_exit(1);
	}
	if (oe_ssh_accept(srv->bind, fd, &net_ops, &n, &n.ssh, &err) < 0) {
		oe_log_debug(&lc, "%s", oe_err_text(&err));
		_exit(1);
	}
	n.loop = oe_loop_new();
	n.channels = oe_srv__channels_new(n.loop, n.ssh, rpc);
	oe_ssh_attach(n.ssh, n.loop, net_on_lost, &n);
	n.forwarding = oe_srv_forwarding_of(srv->cfg->modules);
	if (n.forwarding)
		n.forwards = n.forwarding->net_new(n.loop, n.ssh, rpc);
	n.notice_watch =
	    oe_loop_watch(n.loop, notices, POLLIN, net_on_notice, &n);
	n.tick = oe_loop_timer(n.loop, net_tick_ms(&n), net_on_tick, &n);
	n.trim = oe_loop_timer(n.loop, -1, net_on_trim, &n);
	while (!n.done && oe_loop_once(n.loop, -1) == 0)
		continue;
	oe_log_debug(&lc, "net ends: %s", oe_ssh_error(n.ssh));
	if (n.forwards)
		n.forwarding->net_lost(n.forwards);
	oe_srv__channels_lost(n.channels);
	_exit(0);
}
