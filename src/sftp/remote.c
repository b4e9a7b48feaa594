/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/remote.h"

#include <stdlib.h>

#include "client/connect.h"
#include "client/forwarding.h"
#include "client/mux.h"
#include "client/mux_client.h"
#include "client/proxy.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/dial.h"
#include "core/ssh/ssh.h"
#include "sftp/session.h"
#include "sftp/wire.h"

/* A server that answers nothing for so long will not; see session.h. */
#define ANSWER_MS (5 * 60 * 1000)
/* Connections to one peer, whoever asks for more. */
#define REMOTE_LANES_MAX 16

/* One connection and the session on it. */
struct lane {
	struct lane *next;
	struct oe_remote *r;
	struct oe_ssh_dial *dial; /* further lanes, until connected */
	struct oe_sftp_wire *wire;
	struct oe_sftp_fs *fs;
	struct oe_sftp_session *session;
	bool first, done;
	int status;
	struct oe_err err;
};

struct oe_remote {
	struct oe_remote_plan plan;
	char *host;
	char *pin;          /* the first connection's host key */
	bool single;        /* there can be no second connection like this */
	struct lane *lanes; /* newest first */
	unsigned n;
	void (*lane_ready)(void *arg, struct oe_sftp_fs *fs);
	void *lane_arg;
};

static size_t
lane_room(void *arg)
{
	struct lane *l = arg;

	return l->wire ? oe_sftp_wire_room(l->wire) : 0;
}

static int
lane_write(void *arg, const void *p, size_t n)
{
	struct lane *l = arg;

	return l->wire ? oe_sftp_wire_write(l->wire, p, n) : OE_ECLOSED;
}

static void
lane_on_data(void *arg, const void *p, size_t n)
{
	struct lane *l = arg;

	oe_sftp_session_input(l->session, p, n);
}

static void
lane_on_writable(void *arg)
{
	struct lane *l = arg;

	oe_sftp_session_writable(l->session);
}

static void
lane_on_lost(void *arg, const struct oe_err *err)
{
	struct lane *l = arg;

	oe_sftp_session_lost(l->session, err);
}

static void
lane_on_ready(void *arg, int status, const struct oe_err *err)
{
	struct lane *l = arg;
	struct oe_remote *r = l->r;

	l->done = true;
	l->status = status;
	if (status < 0 && err)
		l->err = *err;
	if (l->first)
		return;
	if (status < 0)
		oe_log_debug(NULL, "no further connection to %s: %s", r->host,
		    oe_err_text(&l->err));
	else if (r->lane_ready)
		r->lane_ready(r->lane_arg, l->fs);
}

/* A further connection that ends is the engine's affair: its file system
 * has failed. */
static void
lane_on_failed(void *arg, const struct oe_err *err)
{
	struct lane *l = arg;
	struct oe_remote *r = l->r;

	if (l->first && r->plan.failed)
		r->plan.failed(r->plan.arg, err);
	else
		oe_log_debug(
		    NULL, "a further connection: %s", oe_err_text(err));
}

static struct lane *
lane_new(struct oe_remote *r)
{
	struct lane *l = oe_mem_zalloc(sizeof *l);

	l->r = r;
	l->first = !r->lanes;
	l->next = r->lanes;
	r->lanes = l;
	r->n++;
	return l;
}

/* The wire must come first: the session has something to say at once. */
static void
lane_start(struct lane *l)
{
	struct oe_sftp_session_plan plan = {
	    .loop = l->r->plan.loop,
	    .stream = {lane_room, lane_write, l},
	    .host = l->r->host,
	    .data_max = l->r->plan.data_max,
	    .answer_ms = ANSWER_MS,
	    .ready = lane_on_ready,
	    .failed = lane_on_failed,
	    .arg = l,
	};

	l->session = oe_sftp_session_new(&plan);
	l->fs = oe_sftp_session_fs(l->session);
}

static void
lane_plan(struct lane *l, struct oe_sftp_wire_plan *ret)
{
	*ret = (struct oe_sftp_wire_plan){
	    .loop = l->r->plan.loop,
	    .host = l->r->host,
	    .silent = !l->first,
	    .data = lane_on_data,
	    .writable = lane_on_writable,
	    .lost = lane_on_lost,
	    .arg = l,
	};
}

static void
lane_over(struct lane *l, struct oe_connect *c)
{
	const char *subsystem = l->r->plan.subsystem;
	struct oe_sftp_wire_plan wp;

	lane_plan(l, &wp);
	l->wire = oe_sftp_wire_ssh(
	    &wp, c, l->r->plan.connect->conf, subsystem ? subsystem : "sftp");
	lane_start(l);
}

static void
lane_free(struct lane *l)
{
	oe_ssh_dial_free(&l->dial);
	oe_sftp_fs_free(&l->fs);
	oe_sftp_wire_free(&l->wire);
	free(l);
}

static int
remote_program(struct oe_remote *r, struct oe_err *err)
{
	struct lane *l = lane_new(r);
	struct oe_sftp_wire_plan wp;

	r->single = true;
	lane_plan(l, &wp);
	l->wire = oe_sftp_wire_program(&wp, r->plan.program, err);
	if (!l->wire)
		return err && err->code ? err->code : OE_ESYS;
	lane_start(l);
	return 0;
}

static bool
has_jump(const struct oe_sshconf *conf)
{
	const char *jump = oe_sshconf_str(conf, OE_SSHCONF_PROXYJUMP);

	return jump && !oe_str_eq_nocase(jump, "none");
}

/* A session of a shared connection; its master is what takes care of it. */
static int
remote_share(struct oe_remote *r, struct oe_mux_client *shared)
{
	const char *subsystem = r->plan.subsystem;
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_wire_plan wp;
	struct oe_sftp_wire *wire;
	struct lane *l = lane_new(r);

	lane_plan(l, &wp);
	wire = oe_sftp_wire_mux(&wp, shared, r->plan.connect->conf,
	    subsystem ? subsystem : "sftp", &err);
	if (!wire) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		oe_mux_client_close(shared);
		r->lanes = l->next;
		r->n--;
		free(l);
		return OE_EAGAIN;
	}
	l->wire = wire;
	r->single = true;
	lane_start(l);
	return 0;
}

/* Become the master of @c, and its first client. */
static int
remote_lead(struct oe_remote *r, struct oe_connect *c, struct oe_err *err)
{
	const struct oe_connect_plan *plan = r->plan.connect;
	struct oe_cli_forwards *forwards = NULL;
	struct oe_mux_client first;
	int e = 0;

	if (!oe_mux_masters(plan->conf))
		return OE_EAGAIN;
	if (plan->forwarding)
		e = plan->forwarding->open(plan->conf, &forwards, err);
	if (e < 0)
		return OE_EUSAGE;
	e = oe_mux_lead(
	    c, plan->conf, plan->forwarding, &forwards, false, &first);
	if (plan->forwarding)
		plan->forwarding->close(&forwards);
	if (e == 0)
		e = remote_share(r, &first) < 0 ? OE_ECLOSED : 0;
	if (e < 0 && e != OE_EAGAIN)
		oe_err_set(err, OE_ECLOSED, "the connection's master ended");
	return e;
}

/*
 * A process that may become the master shares nothing with what is open
 * already: its connection has a loop of its own until that is settled.
 */
static int
remote_dial(struct oe_remote *r, struct oe_connect *ret, struct oe_err *err)
{
	struct oe_connect_plan plan = *r->plan.connect;
	int e;

	plan.loop = oe_mux_masters(plan.conf) ? NULL : r->plan.loop;
	/* the caller decides what Ctrl-C ends, and closes us when it is all */
	plan.sheltered = true;
	e = oe_connect_open(&plan, ret, err);
	if (e < 0 || plan.loop)
		return e;
	e = remote_lead(r, ret, err);
	if (e != OE_EAGAIN) {
		oe_connect_close(ret);
		return e;
	}
	oe_loop_free(&ret->loop);
	ret->loop = r->plan.loop;
	ret->shares_loop = true;
	return 0;
}

static int
remote_connect(struct oe_remote *r, struct oe_err *err)
{
	const struct oe_connect_plan *plan = r->plan.connect;
	struct oe_mux_client shared;
	struct oe_connect c = {.loop = NULL};
	int e;

	if (oe_mux_join(plan->conf, &shared) == 0 &&
	    remote_share(r, &shared) == 0)
		return 0;
	e = remote_dial(r, &c, err);
	/* led, and used: there is no connection of our own */
	if (e < 0 || !c.ssh)
		return e;
	r->pin = oe_ssh_hostkey(c.ssh);
	/*
	 * What needed the user needs him again; a doubtful peer gets no more;
	 * a jump host is a fork of this process, too late for that once files
	 * are open.
	 */
	r->single = c.asked || c.wary || !r->pin || plan->fd >= 0 ||
		    has_jump(plan->conf);
	lane_over(lane_new(r), &c);
	return 0;
}

/* Until the session is known to work, or not to. */
static int
remote_await(struct oe_remote *r, struct oe_err *err)
{
	struct lane *l = r->lanes;

	while (!l->done)
		if (oe_loop_once(r->plan.loop, -1) < 0)
			return oe_err_sys(err, "wait");
	if (l->status < 0 && err)
		*err = l->err;
	return l->status;
}

int
oe_sftp_remote_open(const struct oe_remote_plan *plan, struct oe_remote **ret,
    struct oe_err *err)
{
	struct oe_remote *r = oe_mem_zalloc(sizeof *r);
	int e;

	r->plan = *plan;
	r->host =
	    oe_mem_strdup(plan->program ? plan->program
					: oe_sshconf_host(plan->connect->conf));
	e = plan->program ? remote_program(r, err) : remote_connect(r, err);
	if (e == 0)
		e = remote_await(r, err);
	if (e < 0)
		oe_sftp_remote_close(&r);
	else
		*ret = r;
	return e;
}

struct oe_sftp_fs *
oe_sftp_remote_fs(struct oe_remote *r)
{
	struct lane *l = r->lanes;

	while (!l->first)
		l = l->next;
	return l->fs;
}

static void
lane_on_dialled(
    void *arg, int status, struct oe_ssh *ssh, const struct oe_err *err)
{
	struct lane *l = arg;
	struct oe_connect c = {
	    .loop = l->r->plan.loop, .ssh = ssh, .shares_loop = true};

	if (status < 0)
		oe_log_debug(NULL, "no further connection to %s: %s",
		    l->r->host, oe_err_text(err));
	else
		lane_over(l, &c);
}

/* A stream through a fresh ProxyCommand, or -1 to dial. */
static int
lane_stream(struct oe_remote *r, int *ret_fd)
{
	struct oe_connect_plan plan = *r->plan.connect;
	struct oe_err err = OE_ERR_INIT;
	int e;

	plan.unattended = true;
	plan.outlived = false;
	e = oe_proxy_open(&plan, ret_fd, &err);
	if (e < 0)
		oe_log_debug(NULL, "no further connection to %s: %s", r->host,
		    oe_err_text(&err));
	return e;
}

void
oe_sftp_remote_widen(struct oe_remote *r, unsigned n,
    void (*lane)(void *arg, struct oe_sftp_fs *fs), void *arg)
{
	struct oe_ssh_dial_plan dp = {.done = lane_on_dialled, .fd = -1};
	struct lane *l;

	r->lane_ready = lane;
	r->lane_arg = arg;
	if (n > REMOTE_LANES_MAX)
		n = REMOTE_LANES_MAX;
	while (!r->single && r->n < n && lane_stream(r, &dp.fd) == 0) {
		l = lane_new(r);
		dp.conf = r->plan.connect->conf;
		dp.pin = r->pin;
		dp.arg = l;
		l->dial = oe_ssh_dial_start(r->plan.loop, &dp);
	}
}

uint64_t
oe_sftp_remote_rtt_us(const struct oe_remote *r)
{
	const struct lane *l = r->lanes;
	uint64_t us;

	while (!l->first)
		l = l->next;
	us = l->wire ? oe_sftp_wire_rtt_us(l->wire) : 0;
	return us ? us : l->fs->rtt_us;
}

void
oe_sftp_remote_close(struct oe_remote **pr)
{
	struct oe_remote *r = *pr;
	struct lane *l;

	if (!r)
		return;
	*pr = NULL;
	while ((l = r->lanes)) {
		r->lanes = l->next;
		lane_free(l);
	}
	free(r->host);
	free(r->pin);
	free(r);
}
