/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/ssh/internal.h"
#include "core/ssh/readahead.h"

enum stage {
	STAGE_OPEN,
	STAGE_AGENT,
	STAGE_PTY,
	STAGE_ENV,
	STAGE_START,
	STAGE_DONE,
};

struct oe_ssh_open {
	struct oe_ssh *ssh;
	struct oe_ssh_open_plan plan;
	struct oe_ssh_chan *chan;
	struct oe_idle *idle;
	enum stage stage;
	size_t env_at;
	bool pty_refused;
};

void
oe_ssh__why(ssh_session session, char *ret, size_t size)
{
	const char *peer, *ours = ssh_get_error(session);
	char error[256];

	/* asking for the peer's words replaces libssh's own */
	oe_str_copy(error, sizeof error, ours ? ours : "");
	peer = ssh_get_disconnect_message(session);
	if (peer && *peer)
		ours = peer;
	else if (error[0])
		ours = error;
	else
		ours = "the other side closed the connection";
	oe_str_escape(ours, strlen(ours), ret, size);
}

/* ssh_channel_request_pty_size() sends no terminal modes of ours. */
static int
request_pty(ssh_channel ch, const struct oe_ssh_open_plan *p)
{
	const char *term = p->term && *p->term ? p->term : "dumb";

#ifdef HAVE_SSH_CHANNEL_REQUEST_PTY_SIZE_MODES
	if (p->modes_len)
		return ssh_channel_request_pty_size_modes(ch, term,
		    (int)p->size[0], (int)p->size[1], p->modes, p->modes_len);
#endif
	return ssh_channel_request_pty_size(
	    ch, term, (int)p->size[0], (int)p->size[1]);
}

static int
request_env(ssh_channel ch, const char *item)
{
	const char *eq = strchr(item, '=');
	char *name;
	int r;

	if (!eq)
		return SSH_OK;
	name = oe_mem_strndup(item, (size_t)(eq - item));
	r = ssh_channel_request_env(ch, name, eq + 1);
	free(name);
	return r;
}

static bool
open_forwards(const struct oe_ssh_open *o)
{
	return o->plan.kind == OE_SSH_OPEN_DIRECT ||
	       o->plan.kind == OE_SSH_OPEN_DIRECT_UNIX ||
	       o->plan.kind == OE_SSH_OPEN_FORWARDED;
}

static int
open_forward(struct oe_ssh_open *o)
{
	const struct oe_ssh_open_plan *p = &o->plan;
	const char *origin = p->origin ? p->origin : "127.0.0.1";

	if (p->kind == OE_SSH_OPEN_FORWARDED)
		return ssh_channel_open_reverse_forward(
		    o->chan->ch, p->text, p->port, origin, p->origin_port);
	if (p->kind == OE_SSH_OPEN_DIRECT)
		return ssh_channel_open_forward(
		    o->chan->ch, p->text, p->port, origin, p->origin_port);
	/* libssh refuses by itself when the server is not OpenSSH */
	if (ssh_get_openssh_version(o->ssh->session))
		return ssh_channel_open_forward_unix(
		    o->chan->ch, p->text, origin, p->origin_port);
	return ssh_channel_open_forward(
	    o->chan->ch, p->text, 0, origin, p->origin_port);
}

/*
 * Many of these may wait for slow targets, and all are asked in each round:
 * libssh need not look at the socket for each.
 */
static int
open_channel(struct oe_ssh_open *o)
{
	bool held;
	int r;

	if (!open_forwards(o))
		return ssh_channel_open_session(o->chan->ch);
	held = oe_ssh__readahead_hold(o->ssh->fd, true);
	r = open_forward(o);
	(void)oe_ssh__readahead_hold(o->ssh->fd, held);
	return r;
}

static int
start(struct oe_ssh_open *o)
{
	switch (o->plan.kind) {
	case OE_SSH_OPEN_SHELL:
		return ssh_channel_request_shell(o->chan->ch);
	case OE_SSH_OPEN_EXEC:
		return ssh_channel_request_exec(o->chan->ch, o->plan.text);
	case OE_SSH_OPEN_SUBSYSTEM:
		return ssh_channel_request_subsystem(o->chan->ch, o->plan.text);
	case OE_SSH_OPEN_DIRECT:
	case OE_SSH_OPEN_DIRECT_UNIX:
	case OE_SSH_OPEN_FORWARDED:
		break;
	}
	return SSH_OK;
}

/* One request; SSH_AGAIN while its answer is not there. */
static int
stage_run(struct oe_ssh_open *o)
{
	switch (o->stage) {
	case STAGE_OPEN:
		return open_channel(o);
	case STAGE_AGENT:
		return o->plan.agent
			   ? ssh_channel_request_auth_agent(o->chan->ch)
			   : SSH_OK;
	case STAGE_PTY:
		return o->plan.pty ? request_pty(o->chan->ch, &o->plan)
				   : SSH_OK;
	case STAGE_ENV:
		return o->env_at < o->plan.env.n
			   ? request_env(o->chan->ch, o->plan.env.v[o->env_at])
			   : SSH_OK;
	case STAGE_START:
		return start(o);
	case STAGE_DONE:
		break;
	}
	return SSH_OK;
}

/* Is a refusal of this stage the end? */
static bool
stage_needed(struct oe_ssh_open *o)
{
	if (o->stage == STAGE_PTY)
		o->pty_refused = true;
	if (o->stage == STAGE_ENV)
		oe_log_debug(NULL, "the server does not take %s",
		    o->plan.env.v[o->env_at]);
	return o->stage == STAGE_OPEN || o->stage == STAGE_START;
}

static void
stage_next(struct oe_ssh_open *o)
{
	if (o->stage == STAGE_ENV && o->env_at < o->plan.env.n) {
		o->env_at++;
		return;
	}
	o->stage++;
	if (open_forwards(o))
		o->stage = STAGE_DONE;
}

static void
open_end(struct oe_ssh_open *o, const struct oe_err *err)
{
	struct oe_ssh_chan *chan = o->chan;

	oe_idle_free(o->ssh->loop, &o->idle);
	o->stage = STAGE_DONE;
	if (err->code) {
		oe_ssh_chan_free(&o->chan);
		chan = NULL;
	}
	o->chan = NULL;
	o->plan.done(o->plan.arg, chan, o->pty_refused, err);
}

static const char *
stage_name(const struct oe_ssh_open *o)
{
	if (o->stage == STAGE_OPEN)
		return open_forwards(o) ? "open a connection"
					: "open a session";
	return o->plan.kind == OE_SSH_OPEN_SHELL  ? "start a shell"
	       : o->plan.kind == OE_SSH_OPEN_EXEC ? "start the command"
						  : "start the subsystem";
}

/*
 * RFC 4254 section 5.1, where libssh tells the reason in its text only; that
 * of the last refusal when several come at once.
 */
static int
refusal_code(const char *text)
{
	const char *reason = strstr(text, "error (");

	switch (reason ? strtol(reason + strlen("error ("), NULL, 10) : 0) {
	case 2: /* SSH_OPEN_CONNECT_FAILED */
		return OE_ENOENT;
	case 4: /* SSH_OPEN_RESOURCE_SHORTAGE */
		return OE_EAGAIN;
	default:
		return OE_EPERM;
	}
}

/* The reason of a refusal, then what the server says about it. */
static void
refusal_text(const char *text, char *ret, size_t size)
{
	static const char *const names[] = {
	    [1] = "administratively prohibited",
	    [2] = "connect failed",
	    [3] = "unknown channel type",
	    [4] = "resource shortage",
	};
	const char *at = strstr(text, "error ("), *words;
	char *end;
	unsigned long code;

	code = at ? strtoul(at + strlen("error ("), &end, 10) : 0;
	if (!code || code >= OE_ARRAY_LEN(names) || end[0] != ')') {
		snprintf(ret, size, "%s", text);
		return;
	}
	words = end + 1 + strspn(end + 1, " ");
	/* most servers only repeat what the code says */
	if (!*words || strcasecmp(words, names[code]) == 0)
		snprintf(ret, size, "%s", names[code]);
	else
		snprintf(ret, size, "%s: %s", names[code], words);
}

/* RFC 4254 section 7.2: the server does not connect to the target. */
static void
refused_forward(const struct oe_ssh_open *o, struct oe_err *err)
{
	const struct oe_ssh_open_plan *p = &o->plan;
	const char *text = oe_ssh_error(o->ssh);
	char why[256], port[16] = "";

	refusal_text(text, why, sizeof why);
	if (p->kind != OE_SSH_OPEN_DIRECT_UNIX)
		snprintf(port, sizeof port, " port %d", p->port);
	oe_err_set(err, refusal_code(text),
	    "the server refused to open a connection to %s%s: %s", p->text,
	    port, why);
}

static void
open_failed(struct oe_ssh_open *o)
{
	struct oe_err err = OE_ERR_INIT;

	if (o->ssh->dead)
		oe_err_set(&err, OE_ECLOSED, "%s: the connection ended: %s",
		    stage_name(o), oe_ssh_error(o->ssh));
	else if (open_forwards(o))
		refused_forward(o, &err);
	else
		oe_err_set(&err, o->stage == STAGE_OPEN ? OE_EAGAIN : OE_EPERM,
		    "the server refused to %s", stage_name(o));
	open_end(o, &err);
}

static bool
open_run(void *arg)
{
	struct oe_ssh_open *o = arg;
	struct oe_err none = OE_ERR_INIT;
	int r = SSH_OK;

	if (o->ssh->depth)
		return false;
	while (o->stage != STAGE_DONE) {
		if (!o->ssh->dead) {
			o->ssh->depth++;
			r = stage_run(o);
			o->ssh->depth--;
		}
		if (!o->ssh->dead && !ssh_is_connected(o->ssh->session))
			oe_ssh__break(o->ssh, NULL);
		if (r == SSH_AGAIN && !o->ssh->dead)
			return false;
		if (o->ssh->dead || (r != SSH_OK && stage_needed(o))) {
			open_failed(o);
			return true;
		}
		stage_next(o);
	}
	open_end(o, &none);
	return true;
}

struct oe_ssh_open *
oe_ssh_open_start(struct oe_ssh *s, const struct oe_ssh_open_plan *plan)
{
	struct oe_ssh_open *o = oe_mem_zalloc(sizeof *o);

	o->ssh = s;
	o->plan = *plan;
	o->chan = oe_ssh__chan_wrap(s, ssh_channel_new(s->session));
	ssh_channel_set_blocking(o->chan->ch, 0);
	oe_ssh_chan_set_ops(o->chan, plan->ops, plan->ops_arg);
	o->idle = oe_loop_idle(s->loop, open_run, o);
	return o;
}

void
oe_ssh_open_free(struct oe_ssh_open **po)
{
	struct oe_ssh_open *o = *po;

	if (!o)
		return;
	oe_idle_free(o->ssh->loop, &o->idle);
	oe_ssh_chan_free(&o->chan);
	oe_strs_done(&o->plan.env);
	free(o);
	*po = NULL;
}

void
oe_ssh_chan_resize(struct oe_ssh_chan *c, const uint32_t size[4])
{
	if (oe_ssh_chan_is_open(c))
		ssh_channel_change_pty_size(c->ch, (int)size[0], (int)size[1]);
}

int
oe_ssh_chan_break(struct oe_ssh_chan *c, uint32_t ms)
{
	if (!oe_ssh_chan_is_open(c))
		return OE_ECLOSED;
	return ssh_channel_request_send_break(c->ch, ms) == SSH_OK ? 0
								   : OE_ECLOSED;
}

void
oe_ssh_chan_signal(struct oe_ssh_chan *c, const char *name)
{
	if (oe_ssh_chan_is_open(c))
		ssh_channel_request_send_signal(c->ch, name);
}

struct oe_ssh__agent_hook {
	struct ssh_callbacks_struct cb;
	struct oe_ssh *ssh;
	void (*fn)(void *arg, struct oe_ssh_chan *chan);
	void *arg;
};

/* The server opens a channel towards our agent. */
static ssh_channel
on_agent_channel(ssh_session session, void *userdata)
{
	struct oe_ssh__agent_hook *h = userdata;
	ssh_channel ch = ssh_channel_new(session);

	if (ch)
		h->fn(h->arg, oe_ssh__chan_wrap(h->ssh, ch));
	return ch;
}

void
oe_ssh_accept_agent(struct oe_ssh *s,
    void (*fn)(void *arg, struct oe_ssh_chan *chan), void *arg)
{
	struct oe_ssh__agent_hook *h = oe_mem_zalloc(sizeof *h);

	h->ssh = s;
	h->fn = fn;
	h->arg = arg;
	h->cb.userdata = h;
	h->cb.channel_open_request_auth_agent_function = on_agent_channel;
	ssh_callbacks_init(&h->cb);
	ssh_set_callbacks(s->session, &h->cb);
	free(s->agent_hook);
	s->agent_hook = h;
}
