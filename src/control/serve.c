/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serving process: opens everything, then waits for signals while the
 * loop and its workers serve.
 */
#include "control/serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/loop.h"
#include "control/routes.h"
#include "control/server.h"
#include "control/store.h"
#include "control/text.h"
#include "control/tls_cert.h"
#include "core/app/command.h"
#include "core/app/daemon.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/app/notify.h"

/* How often what has run out is removed from the store. */
#define SWEEP_MS (INT64_C(600) * 1000)
/* A certificate that ends so soon is told of. */
#define EXPIRY_WARN_S (INT64_C(21) * 86400)

/* Signed documents that are kept in memory; those of 10,000 devices have 2 MB
 * and more. */
#define KEPT_BYTES (64u << 20)

struct process {
	const struct oe_ctx *ctx;
	struct oe_ctl_config *cfg;
	struct oe_ctl_server srv;
	struct oe_ctl_listener *listeners;
	struct oe_strs urls;
	struct oe_ctl_tls *tls;
	struct oe_ctl_loop *loop;
	pthread_t thread;
	sigset_t signals;
	_Atomic bool ready; /* srv.auth is there for on_told() */
	uint64_t beat;
	int64_t sweep_ms, expiry_ms;
};

static bool
wants_tls(const struct oe_ctl_config *c)
{
	size_t i;

	for (i = 0; i < c->n_listen; i++)
		if (c->listen[i].tls)
			return true;
	return false;
}

/* What a certificate of our own is good for. */
static void
own_names(const struct process *p, struct oe_strs *names)
{
	char text[OE_ADDR_TEXT_MAX], *host;
	const struct oe_strs *more = oe_values_list(p->ctx->values, "tls-name");
	size_t i;

	oe_strs_add(names, "localhost");
	oe_strs_add(names, "127.0.0.1");
	oe_strs_add(names, "::1");
	if (!oe_strs_has(names, p->srv.host))
		oe_strs_add(names, p->srv.host);
	for (i = 0; i < p->cfg->n_listen; i++) {
		oe_addr_format(&p->cfg->listen[i].addr, text);
		if (!oe_strs_has(names, text))
			oe_strs_add(names, text);
	}
	for (i = 0; i < more->n; i++)
		if (!oe_strs_has(names, more->v[i]))
			oe_strs_add(names, more->v[i]);
	if (p->cfg->public_url) {
		host = oe_mem_strdup(strstr(p->cfg->public_url, "://") + 3);
		if (host[0] != '[') {
			host[strcspn(host, ":/")] = '\0';
			if (!oe_strs_has(names, host))
				oe_strs_add(names, host);
		}
		free(host);
	}
}

static int
open_tls(struct process *p, struct oe_err *err)
{
	const struct oe_ctl_config *c = p->cfg;
	struct oe_strs names = {NULL, 0};
	int r = 0;

	if (!wants_tls(c))
		return 0;
	if (c->own_cert && access(c->cert, F_OK) < 0 && errno == ENOENT) {
		own_names(p, &names);
		r = oe_ctl_tls_make(c->cert, c->key, &names, err);
		oe_strs_done(&names);
		if (r == 0)
			oe_log_info(NULL, "made a certificate: %s", c->cert);
	}
	return r < 0 ? r : oe_ctl_tls_load(c->cert, c->key, &p->tls, err);
}

/* What an administrator should do about the certificate, once a day. */
static void
tell_certificate(struct process *p)
{
	const char *hint = p->cfg->own_cert
			       ? ": remove it, and the next start makes "
				 "another for the same key"
			       : "";
	int64_t left;

	if (!p->tls)
		return;
	p->srv.metrics.certificate_until_s = oe_ctl_tls_until_s(p->tls);
	left = oe_ctl_tls_until_s(p->tls) - oe_time_wall_ms() / 1000;
	if (left <= 0)
		oe_log_error(
		    NULL, "certificate %s has ended%s", p->cfg->cert, hint);
	else if (left < EXPIRY_WARN_S)
		oe_log_warn(NULL, "certificate %s ends in %lld days%s",
		    p->cfg->cert, (long long)(left / 86400), hint);
	p->expiry_ms = oe_time_mono_ms() + INT64_C(86400) * 1000;
}

/* Names that were asked for after the certificate had been made. */
static void
tell_names(struct process *p)
{
	struct oe_strs names = {NULL, 0};
	size_t i;

	if (p->tls && p->cfg->own_cert)
		own_names(p, &names);
	for (i = 0; i < names.n; i++)
		if (!oe_ctl_tls_names(p->tls, names.v[i]))
			oe_log_warn(NULL,
			    "certificate %s is not good for '%s': remove it, "
			    "and the next start makes another for the same key",
			    p->cfg->cert, names.v[i]);
	oe_strs_done(&names);
}

/* Where others reach us; "0.0.0.0" is no place, but this machine has a name. */
static char *
public_url(const struct process *p)
{
	static const uint8_t any[16];
	const char *url = p->urls.v[0];

	if (p->cfg->public_url)
		return oe_mem_strdup(p->cfg->public_url);
	if (memcmp(p->cfg->listen[0].addr.bytes, any, sizeof any) != 0)
		return oe_mem_strdup(url);
	return oe_mem_printf("https://%s%s", p->srv.host, strrchr(url, ':'));
}

static int
open_sockets(struct process *p, struct oe_err *err)
{
	const struct oe_ctl_config *c = p->cfg;
	char *url = NULL;
	size_t i;
	int r = 0;

	p->listeners = oe_mem_zalloc((c->n_listen + 1) * sizeof *p->listeners);
	for (i = 0; i < c->n_listen; i++)
		p->listeners[i].fd = -1;
	for (i = 0; i < c->n_listen && r == 0; i++) {
		r = oe_ctl_listen_open(
		    &c->listen[i], &p->listeners[i].fd, &url, err);
		p->listeners[i].tls = c->listen[i].tls;
		if (r == 0)
			oe_strs_add_take(&p->urls, url);
	}
	if (r == 0)
		p->srv.public_url = public_url(p);
	return r;
}

/* In a thread of the store: what this or another server has told. */
static void
on_told(void *arg, enum oe_ctl_topic topic, const char *id)
{
	struct process *p = arg;

	if (p->ready && (id == NULL || topic == OE_CTL_TOPIC_TOKENS))
		oe_ctl_auth_forget(p->srv.auth, id);
}

static int
open_server(struct process *p, struct oe_err *err)
{
	struct oe_ctl_auth_plan plan = {
	    p->cfg->access_s, p->cfg->refresh_s, p->cfg->hashing};
	char host[256] = "localhost";
	int r;

	(void)gethostname(host, sizeof host - 1);
	p->srv.routes = oe_ctl_routes;
	p->srv.proxies = p->cfg->proxies;
	p->srv.host = oe_mem_strdup(host);
	p->srv.started_ms = oe_time_wall_ms();
	p->srv.events.fd = p->cfg->quiet ? -1 : STDOUT_FILENO;
	p->srv.events.node = p->srv.host;
	r = oe_ctl_config_store(p->cfg, &p->srv.store, err);
	if (r == 0)
		r = oe_ctl_store_watch(p->srv.store, on_told, p, err);
	if (r == 0)
		r = oe_ctl_auth_new(p->srv.store, &plan, &p->srv.auth, err);
	p->srv.kept = oe_ctl_kept_new(KEPT_BYTES);
	p->ready = r == 0;
	return r;
}

static int
open_loop(struct process *p, struct oe_err *err)
{
	const struct oe_ctl_config *c = p->cfg;
	struct oe_ctl_loop_plan plan = {.server = &p->srv,
	    .listeners = p->listeners,
	    .n_listeners = c->n_listen,
	    .tls = p->tls,
	    .workers = c->workers,
	    .hashing = c->hashing,
	    .max_connections = c->max_connections,
	    .max_per_address = c->max_per_address,
	    .head_ms = c->head_ms,
	    .body_ms = c->body_ms,
	    .idle_ms = c->idle_ms};

	return oe_ctl_loop_new(&plan, &p->loop, err);
}

static void *
run_loop(void *arg)
{
	struct process *p = arg;

	oe_ctl_loop_run(p->loop);
	(void)kill(getpid(), SIGUSR1);
	return NULL;
}

static void
announce(struct process *p)
{
	struct oe_event e;
	size_t i;

	for (i = 0; i < p->urls.n; i++)
		oe_log_info(NULL, "listening on %s", p->urls.v[i]);
	if (p->tls) {
		oe_log_info(
		    NULL, "certificate %s", oe_ctl_tls_fingerprint(p->tls));
		oe_log_info(NULL, "pin %s", oe_ctl_tls_pin(p->tls));
	}
	tell_certificate(p);
	tell_names(p);
	if (p->tls && p->cfg->own_cert)
		oe_log_info(NULL,
		    "log in with: omniedge login --api %s --pin %s -u EMAIL",
		    p->srv.public_url, oe_ctl_tls_pin(p->tls));
	oe_daemon_started(&e, &p->srv.events, "control.start");
	oe_event_str(&e, "url", p->urls.v[0]);
	if (p->tls)
		oe_event_str(&e, "pin", oe_ctl_tls_pin(p->tls));
	oe_event_end(&e, &p->srv.events);
	oe_notify("READY=1\nSTATUS=listening on %s", p->urls.v[0]);
}

/* New certificate files and the level of messages; the rest needs a start. */
static int
apply(void *arg, const struct oe_values *v, struct oe_err *err)
{
	struct process *p = arg;
	struct oe_ctl_config *c = NULL;
	struct oe_ctl_tls *t = NULL;
	int r = oe_ctl_config_load(v, &c, err);

	if (r == 0 && p->tls)
		r = oe_ctl_tls_load(c->cert, c->key, &t, err);
	oe_ctl_config_free(&c);
	if (r < 0)
		return r;
	(void)oe_daemon_log(v);
	if (!t)
		return 0;
	oe_log_info(NULL, "certificate %s", oe_ctl_tls_fingerprint(t));
	oe_log_info(NULL, "pin %s", oe_ctl_tls_pin(t));
	oe_ctl_loop_set_tls(p->loop, oe_ctl_tls_ref(t));
	oe_ctl_tls_free(&p->tls);
	p->tls = t;
	tell_certificate(p);
	return 0;
}

/* Between signals: the watchdog, and what has run out. */
static void
chores(struct process *p)
{
	struct oe_err err = OE_ERR_INIT;
	int64_t now = oe_time_mono_ms();
	uint64_t beat = oe_ctl_loop_beat(p->loop);
	bool more = false;

	/* a loop that does not turn does not get us fed */
	if (beat != p->beat)
		oe_notify("WATCHDOG=1");
	p->beat = beat;
	if (now >= p->expiry_ms)
		tell_certificate(p);
	if (now < p->sweep_ms)
		return;
	if (oe_ctl_store_sweep(p->srv.store, &p->cfg->keep, oe_time_wall_ms(),
		&more, &err) < 0)
		oe_log_warn(NULL, "sweep: %s", oe_err_text(&err));
	p->sweep_ms = now + (more ? 0 : SWEEP_MS);
}

static int
wait_for_end(struct process *p)
{
	int64_t dog = oe_notify_watchdog_ms();
	int64_t ms = dog && dog < 60000 ? dog : 60000;
	struct timespec ts = {ms / 1000, (ms % 1000) * 1000000};
	int sig;

	for (;;) {
		sig = sigtimedwait(&p->signals, NULL, &ts);
		if (sig == SIGTERM || sig == SIGINT)
			return OE_EXIT_OK;
		if (sig == SIGHUP)
			oe_daemon_reload(
			    p->ctx, &p->srv.events, "control.reload", apply, p);
		if (sig == SIGUSR1) {
			oe_log_error(NULL, "the loop has ended by itself");
			return OE_EXIT_FAILURE;
		}
		chores(p);
	}
}

static int
serve(struct process *p)
{
	int status;

	if (pthread_create(&p->thread, NULL, run_loop, p) != 0) {
		oe_log_error(NULL, "cannot start a thread");
		return OE_EXIT_FAILURE;
	}
	announce(p);
	status = wait_for_end(p);
	oe_notify("STOPPING=1");
	oe_ctl_loop_stop(p->loop, p->cfg->grace_ms);
	pthread_join(p->thread, NULL);
	oe_daemon_ended(&p->srv.events, "control.stop");
	return status;
}

static void
done(struct process *p)
{
	size_t i;

	oe_ctl_loop_free(&p->loop);
	p->ready = false;
	for (i = 0; p->listeners && i < p->cfg->n_listen; i++)
		oe_fd_close(&p->listeners[i].fd);
	free(p->listeners);
	oe_strs_done(&p->urls);
	oe_ctl_tls_free(&p->tls);
	/* closing it ends the thread that calls on_told() */
	oe_ctl_store_close(&p->srv.store);
	oe_ctl_auth_free(&p->srv.auth);
	oe_ctl_kept_free(&p->srv.kept);
	free(p->srv.public_url);
	free(p->srv.host);
}

/* As many descriptors as connections may come, and some for the rest. */
static void
raise_descriptors(const struct oe_ctl_config *c)
{
	rlim_t want = c->max_connections + 512;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= want)
		return;
	l.rlim_cur = l.rlim_max < want ? l.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur < want)
		oe_log_warn(NULL,
		    "%zu connections need %llu descriptors, and there are "
		    "%llu: raise the limit or lower --max-connections",
		    c->max_connections, (unsigned long long)want,
		    (unsigned long long)l.rlim_cur);
}

int
oe_ctl_serve(const struct oe_ctx *ctx, struct oe_ctl_config *c)
{
	struct process p = {.ctx = ctx, .cfg = c};
	struct oe_err err = OE_ERR_INIT;
	int r, status = OE_EXIT_CONFIG;

	(void)umask(077);
	/* keys, tokens and passwords go through this memory */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (geteuid() == 0)
		oe_log_warn(NULL, "running as root, which is not needed: "
				  "give it an account of its own");
	raise_descriptors(c);
	sigemptyset(&p.signals);
	sigaddset(&p.signals, SIGUSR1);
	oe_daemon_signals(&p.signals);
	r = open_server(&p, &err);
	if (r == 0)
		r = open_tls(&p, &err);
	if (r == 0)
		r = open_sockets(&p, &err);
	if (r == 0)
		r = open_loop(&p, &err);
	if (r == 0)
		status = serve(&p);
	else
		oe_log_error(NULL, "%s", oe_err_text(&err));
	if (r == OE_EABSENT)
		status = OE_EXIT_UNAVAILABLE;
	done(&p);
	/* the check for leaks looks at the process from outside */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return status;
}
