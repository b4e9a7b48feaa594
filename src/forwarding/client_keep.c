/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_keep.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/keepalive.h"
#include "client/settings.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "core/app/notify.h"
#include "core/ssh/ssh.h"
#include "forwarding/client_backoff.h"
#include "forwarding/client_internal.h"

/* The server may hold a port for a connection that it thinks alive. */
#define RETRY_MS    5000
#define FAREWELL_MS 500

struct keep {
	struct oe_settings *settings; /* those that the forwards are from */
	const struct oe_fwd_again *again;
	struct oe_settings *fresh; /* to connect by, or NULL */
	bool tried;
	struct oe_loop *loop;
	struct oe_cli_forwards *forwards;
	struct oe_fwd_backoff backoff;
	struct oe_timer *retry; /* of what the peer refused */
	int signal_fd;
	struct oe_watch *signal_watch;
	int signal;   /* that ended us, or 0 */
	bool dialing; /* in a call that returns when it likes */
	bool lost;
	bool been_up;
	bool waited;
};

static const char *
peer(const struct keep *k)
{
	return oe_sshconf_host(k->settings->conf);
}

/* To the log and to the service manager. */
static void
tell(const char *text, const char *more)
{
	oe_log_info(NULL, "%s%s", text, more);
	oe_notify("STATUS=%s%s", text, more);
}

static void
on_signal(void *arg, short revents)
{
	struct signalfd_siginfo info;
	struct keep *k = arg;

	(void)revents;
	if (read(k->signal_fd, &info, sizeof info) != sizeof info)
		return;
	k->signal = (int)info.ssi_signo;
	if (!k->dialing)
		return;
	/* a login is not to be waited for; nothing of it is worth keeping */
	oe_fwd__close(&k->forwards);
	exit(OE_EXIT_SIGNAL + k->signal);
}

static void
watch_signals(struct keep *k)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	k->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k->signal_fd >= 0)
		k->signal_watch =
		    oe_loop_watch(k->loop, k->signal_fd, POLLIN, on_signal, k);
}

static void
on_lost(void *arg)
{
	((struct keep *)arg)->lost = true;
}

static void
on_dead_peer(void *arg)
{
	struct keep *k = arg;

	oe_log_warn(NULL, "%s does not answer any more", peer(k));
	k->lost = true;
}

static void
on_retry(void *arg)
{
	struct keep *k = arg;
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd__forward *f;

	for (f = k->forwards->first; f; f = f->next) {
		if (f->state != OE_FWD__FAILED)
			continue;
		oe_fwd__remote_stop(f);
		oe_fwd__listen_close(f);
		if (oe_fwd__start(f, &err) < 0)
			oe_log_debug(NULL, "%s", oe_err_text(&err));
	}
	oe_timer_set(k->retry, RETRY_MS);
}

static bool
over(const struct keep *k)
{
	return k->signal || !k->forwards->n;
}

static void
run_loop(struct keep *k)
{
	while (!k->lost && !over(k))
		if (oe_loop_once(k->loop, -1) < 0)
			k->lost = true;
}

/* As long as the connection holds. */
static void
serve(struct keep *k, struct oe_connect *c)
{
	struct oe_keepalive *alive;

	k->lost = false;
	k->been_up = true;
	tell("connected to ", peer(k));
	oe_notify("READY=1");
	oe_ssh_attach(c->ssh, k->loop, on_lost, k);
	alive = oe_keepalive_new(c, k->settings->conf, on_dead_peer, k);
	oe_fwd__attach(k->forwards, c);
	oe_timer_set(k->retry, RETRY_MS);
	run_loop(k);
	oe_timer_set(k->retry, -1);
	oe_fwd__detach(k->forwards);
	oe_keepalive_free(&alive);
	if (oe_ssh_is_alive(c->ssh)) {
		(void)oe_ssh_flush(c->ssh, FAREWELL_MS);
		oe_ssh_disconnect(c->ssh, NULL);
	}
}

static void
on_waited(void *arg)
{
	((struct keep *)arg)->waited = true;
}

static void
wait_ms(struct keep *k, int64_t ms)
{
	struct oe_timer *t = oe_loop_timer(k->loop, ms, on_waited, k);

	k->waited = false;
	while (!k->waited && !over(k))
		if (oe_loop_once(k->loop, -1) < 0)
			break;
	oe_timer_free(&t);
}

/* A way that does not exist may exist later; a key that is wrong stays so. */
static bool
may_pass(int status)
{
	return status == OE_ESYS || status == OE_ETIMEOUT ||
	       status == OE_ECLOSED || status == OE_ENOENT ||
	       status == OE_EAGAIN;
}

/*
 * A device is a device by the name of its host keys, whatever its address is
 * now: one that is not known any more, or another one, is not gone to.
 */
static bool
is_same(const struct oe_sshconf *was, const struct oe_sshconf *now)
{
	const char *alias = oe_sshconf_str(was, OE_SSHCONF_HOSTKEYALIAS);

	return !alias ||
	       oe_str_eq(alias, oe_sshconf_str(now, OE_SSHCONF_HOSTKEYALIAS));
}

static void
drop_settings(struct oe_settings **s)
{
	if (*s)
		oe_settings_done(*s);
	oe_mem_free(s);
}

/* Addresses, certificates and host keys may have changed since. */
static void
look_again(struct keep *k)
{
	struct oe_settings *now = oe_mem_zalloc(sizeof *now), *was;
	struct oe_err err = OE_ERR_INIT;

	was = k->fresh ? k->fresh : k->settings;
	if (k->again->settle(k->again->arg, now, &err) < 0) {
		oe_log_warn(NULL, "%s: %s; what was known before serves",
		    peer(k), oe_err_text(&err));
		drop_settings(&now);
	} else if (!is_same(was->conf, now->conf)) {
		oe_log_debug(NULL, "%s is not known as what it was", peer(k));
		drop_settings(&now);
	} else {
		drop_settings(&k->fresh);
		k->fresh = now;
	}
}

/* One connection from its beginning to its end; how long it held, or < 0. */
static int64_t
once(struct keep *k)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_connect_plan plan;
	struct oe_connect c;
	int64_t start;
	int r;

	k->dialing = true;
	if (k->tried)
		look_again(k);
	k->tried = true;
	plan = oe_settings_plan(k->fresh ? k->fresh : k->settings);
	plan.loop = k->loop;
	r = oe_connect_open(&plan, &c, &err);
	k->dialing = false;
	if (r < 0) {
		oe_log_error(NULL, "%s: %s", peer(k), oe_err_text(&err));
		return k->been_up || may_pass(r) ? 0 : -1;
	}
	start = oe_time_mono_ms();
	serve(k, &c);
	oe_connect_close(&c);
	if (!over(k))
		tell("lost the connection to ", peer(k));
	return oe_time_mono_ms() - start;
}

static int
run_all(struct keep *k)
{
	int64_t held, wait;
	char text[48];

	while (!over(k)) {
		held = once(k);
		/* one that ended a prompt has not been looked at */
		on_signal(k, 0);
		if (over(k))
			break;
		if (held < 0)
			return OE_EXIT_CONNECT;
		wait = oe_fwd_backoff_next(&k->backoff, held, oe_mem_random(0));
		snprintf(text, sizeof text, "%lld.%lld s",
		    (long long)(wait / 1000), (long long)(wait % 1000 / 100));
		tell("next attempt in ", text);
		wait_ms(k, wait);
	}
	oe_notify("STOPPING=1");
	return k->signal ? OE_EXIT_SIGNAL + k->signal : OE_EXIT_OK;
}

int
oe_fwd_keep(struct oe_settings *set, const struct oe_fwd_again *again)
{
	struct keep k = {.settings = set, .again = again, .signal_fd = -1};
	struct oe_err err = OE_ERR_INIT;
	int status;

	if (oe_fwd__open(set->conf, &k.forwards, &err) < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		return OE_EXIT_USAGE;
	}
	if (!k.forwards->n) {
		oe_log_error(NULL, "--keep needs forwards: -L, -R or -D");
		oe_fwd__close(&k.forwards);
		return OE_EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	k.loop = oe_loop_new();
	k.retry = oe_loop_timer(k.loop, -1, on_retry, &k);
	watch_signals(&k);
	oe_fwd__listen_all(k.forwards, k.loop);
	if (k.forwards->failed &&
	    oe_sshconf_yes(set->conf, OE_SSHCONF_EXITONFORWARDFAILURE)) {
		status = OE_EXIT_CONNECT;
	} else {
		if (oe_fwd__control_open(
			k.forwards, &k.forwards->control, &err) < 0)
			oe_log_debug(NULL, "%s", oe_err_text(&err));
		status = run_all(&k);
	}
	oe_fwd__close(&k.forwards);
	oe_timer_free(&k.retry);
	oe_watch_free(&k.signal_watch);
	oe_fd_close(&k.signal_fd);
	oe_loop_free(&k.loop);
	drop_settings(&k.fresh);
	return status;
}
