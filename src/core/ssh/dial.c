/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/dial.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/net/race.h"
#include "core/ssh/clientauth.h"
#include "core/ssh/dialopts.h"
#include "core/ssh/peerkey.h"
#include "core/ssh/internal.h"

enum step { STEP_RACE, STEP_KEX, STEP_AUTH, STEP_DONE };

struct oe_ssh_dial {
	struct oe_ssh_dial_plan plan;
	struct oe_loop *loop;
	enum step step;
	struct oe_race *race;
	int fd; /* libssh's once the session has it */
	ssh_session session;
	struct oe_clientauth *auth;
	struct oe_watch *watch;
	struct oe_timer *limit; /* of the present step */
	struct oe_timer *kick;  /* first turn on a given descriptor */
	int64_t step_ms;
	bool wary;
	char what[320]; /* the present step, for the message of a timeout */
	struct oe_err err;
};

static void
dial_say(struct oe_ssh_dial *d, const char *what)
{
	oe_str_copy(d->what, sizeof d->what, what);
	if (d->plan.ui.step)
		d->plan.ui.step(d->plan.ui.arg, what);
}

static void
dial_quiet(struct oe_ssh_dial *d)
{
	oe_watch_free(&d->watch);
	oe_timer_free(&d->limit);
	oe_timer_free(&d->kick);
	oe_race_free(&d->race);
	oe_clientauth_free(&d->auth);
}

static void
dial_end(struct oe_ssh_dial *d, int status)
{
	struct oe_ssh *ssh = NULL;

	d->step = STEP_DONE;
	dial_quiet(d);
	if (status == 0) {
		ssh = oe_ssh__wrap(d->session, d->fd);
		d->session = NULL;
	}
	d->plan.done(d->plan.arg, status, ssh, &d->err);
}

static void
dial_on_limit(void *arg)
{
	struct oe_ssh_dial *d = arg;
	const char *what = d->auth ? oe_clientauth_what(d->auth) : d->what;

	oe_err_set(&d->err, OE_ETIMEOUT,
	    "no answer within %lld s while %s; give more time with "
	    "-o ConnectTimeout=SECONDS",
	    (long long)(d->step_ms / 1000), what);
	dial_end(d, OE_ETIMEOUT);
}

static void
dial_arm(struct oe_ssh_dial *d)
{
	if (!d->limit)
		d->limit = oe_loop_timer(d->loop, d->step_ms, dial_on_limit, d);
	else
		oe_timer_set(d->limit, d->step_ms);
}

/* What libssh says, with what to try where we know. */
static int
dial_kex_failed(struct oe_ssh_dial *d)
{
	const char *banner = ssh_get_serverbanner(d->session);
	char safe[300];

	oe_ssh__why(d->session, safe, sizeof safe);
	if (strstr(safe, "no match for method"))
		return oe_err_set(
		    &d->err, OE_EPROTO, "no algorithm in common: %s", safe);
	if (!banner && d->plan.fd >= 0)
		return oe_err_set(&d->err, OE_ECLOSED,
		    "the proxy or jump host gave no connection to the peer "
		    "(%s)",
		    safe);
	if (!banner)
		return oe_err_set(&d->err, OE_ECLOSED,
		    "the server closed the connection before saying its "
		    "version: is it an SSH server, and may this address "
		    "use it? (%s)",
		    safe);
	return oe_err_set(&d->err, OE_ECLOSED, "%s: %s", d->what, safe);
}

static int
dial_begin_auth(struct oe_ssh_dial *d)
{
	char text[200];
	int r;

	snprintf(text, sizeof text, "%s %s",
	    ssh_get_kex_algo(d->session) ? ssh_get_kex_algo(d->session) : "?",
	    ssh_get_cipher_out(d->session) ? ssh_get_cipher_out(d->session)
					   : "?");
	oe_log_debug(NULL, "key exchange and cipher: %s", text);
	dial_say(d, "checking the host key");
	r = d->plan.pin ? oe_peerkey_pinned(d->session, d->plan.pin, &d->err)
			: oe_peerkey_check(
			      d->session, d->plan.conf, &d->plan.ui, &d->err);
	if (r < 0)
		return r;
	d->wary = r == 1;
	d->auth =
	    oe_clientauth_new(d->session, d->plan.conf, &d->plan.ui, d->wary);
	d->step = STEP_AUTH;
	/* the user may have taken his time over the host key */
	dial_arm(d);
	return 0;
}

static int
dial_kex(struct oe_ssh_dial *d)
{
	int r = ssh_connect(d->session);

	if (r == SSH_AGAIN)
		return OE_EAGAIN;
	if (r != SSH_OK)
		return dial_kex_failed(d);
	return dial_begin_auth(d);
}

static int
dial_auth(struct oe_ssh_dial *d)
{
	bool asked = false;
	int r = oe_clientauth_step(d->auth, &asked, &d->err);

	if (asked)
		dial_arm(d);
	return r;
}

static void
dial_run(struct oe_ssh_dial *d)
{
	int r = 0, flags;

	if (d->step == STEP_KEX)
		r = dial_kex(d);
	if (r == 0 && d->step == STEP_AUTH) {
		r = dial_auth(d);
		if (r == 0) {
			dial_end(d, 0);
			return;
		}
	}
	if (r != OE_EAGAIN) {
		dial_end(d, r);
		return;
	}
	flags = ssh_get_poll_flags(d->session);
	oe_watch_set(d->watch,
	    (short)(flags & SSH_WRITE_PENDING ? POLLIN | POLLOUT : POLLIN));
}

static void
dial_on_ready(void *arg, short revents)
{
	(void)revents;
	dial_run(arg);
}

static void
dial_on_kick(void *arg)
{
	dial_run(arg);
}

/* A connected stream is there: libssh takes over. */
static void
dial_begin_kex(struct oe_ssh_dial *d, int fd)
{
	int r;

	d->fd = fd;
	d->step = STEP_KEX;
	(void)oe_fd_set_nonblock(fd, true);
	dial_say(d, "exchanging versions and keys");
	d->session = ssh_new();
	r = d->session ? oe_dialopts_set(d->session, d->plan.conf, fd, &d->err)
		       : oe_err_set(&d->err, OE_ENOMEM, "start libssh");
	if (r < 0) {
		oe_fd_close(&d->fd);
		dial_end(d, r);
		return;
	}
	ssh_set_blocking(d->session, 0);
	dial_arm(d);
	d->watch = oe_loop_watch(d->loop, fd, POLLIN, dial_on_ready, d);
	dial_run(d);
}

static void
dial_on_race(void *arg, int status, int fd, const struct oe_err *err)
{
	struct oe_ssh_dial *d = arg;

	if (status < 0) {
		d->err = *err;
		dial_end(d, status);
		return;
	}
	dial_begin_kex(d, fd);
}

static void
dial_on_race_step(void *arg, const char *what)
{
	dial_say(arg, what);
}

static void
dial_on_given(void *arg)
{
	struct oe_ssh_dial *d = arg;

	oe_timer_free(&d->kick);
	d->kick = oe_loop_timer(d->loop, -1, dial_on_kick, d);
	dial_begin_kex(d, d->plan.fd);
}

static int
dial_family(const struct oe_sshconf *conf)
{
	if (oe_sshconf_is(conf, OE_SSHCONF_ADDRESSFAMILY, "inet"))
		return AF_INET;
	if (oe_sshconf_is(conf, OE_SSHCONF_ADDRESSFAMILY, "inet6"))
		return AF_INET6;
	return AF_UNSPEC;
}

static void
dial_race(struct oe_ssh_dial *d)
{
	const struct oe_sshconf *c = d->plan.conf;
	struct oe_race_plan plan = {
	    .host = oe_sshconf_str(c, OE_SSHCONF_HOSTNAME),
	    .port = (int)oe_sshconf_num(c, OE_SSHCONF_PORT),
	    .family = dial_family(c),
	    .bind = oe_sshconf_str(c, OE_SSHCONF_BINDADDRESS),
	    .step_ms = d->step_ms,
	    .attempts = (int)oe_sshconf_num(c, OE_SSHCONF_CONNECTIONATTEMPTS),
	    .keepalive = oe_sshconf_yes(c, OE_SSHCONF_TCPKEEPALIVE),
	    .step = dial_on_race_step,
	    .done = dial_on_race,
	    .arg = d,
	};

	d->race = oe_race_start(d->loop, &plan);
}

struct oe_ssh_dial *
oe_ssh_dial_start(struct oe_loop *loop, const struct oe_ssh_dial_plan *plan)
{
	struct oe_ssh_dial *d = oe_mem_zalloc(sizeof *d);
	int64_t s = oe_sshconf_num(plan->conf, OE_SSHCONF_CONNECTTIMEOUT);

	d->plan = *plan;
	d->loop = loop;
	d->fd = -1;
	d->step_ms = s > 0 && s < INT32_MAX / 1000 ? s * 1000 : OE_SSH_STEP_MS;
	if (plan->fd >= 0)
		d->kick = oe_loop_timer(loop, 0, dial_on_given, d);
	else
		dial_race(d);
	return d;
}

bool
oe_ssh_dial_wary(const struct oe_ssh_dial *d)
{
	return d->wary;
}

void
oe_ssh_dial_free(struct oe_ssh_dial **pd)
{
	struct oe_ssh_dial *d = *pd;

	if (!d)
		return;
	dial_quiet(d);
	if (d->session)
		ssh_free(d->session); /* closes the descriptor */
	free(d);
	*pd = NULL;
}
