/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/race.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/net/resolve.h"

#define RETRY_MS 1000

struct runner {
	struct oe_race *race;
	const struct addrinfo *ai; /* borrowed from the answer */
	char name[80];             /* "127.0.0.1:22" */
	int fd;
	struct oe_watch *watch;
};

struct oe_race {
	struct oe_race_plan plan;
	char *host, *bind;
	struct oe_loop *loop;
	struct oe_lookup *lookup;
	struct oe_watch *lookup_watch;
	struct oe_timer *limit; /* of the whole step */
	struct oe_timer *next;  /* when to start the next runner */
	struct addrinfo *answer;
	struct runner runners[OE_RACE_ADDRS_MAX];
	size_t n, started, failed;
	int attempts_left;
	struct oe_err err; /* of the first runner that failed */
};

static void
race_step(struct oe_race *r, const char *fmt, const char *what)
{
	char text[320];

	if (!r->plan.step)
		return;
	snprintf(text, sizeof text, "%s %s", fmt, what);
	r->plan.step(r->plan.arg, text);
}

static void
race_stop(struct oe_race *r)
{
	size_t i;

	oe_timer_free(&r->limit);
	oe_timer_free(&r->next);
	oe_watch_free(&r->lookup_watch);
	oe_lookup_free(&r->lookup);
	for (i = 0; i < r->n; i++) {
		oe_watch_free(&r->runners[i].watch);
		oe_fd_close(&r->runners[i].fd);
	}
}

static void
race_end(struct oe_race *r, int status, int fd)
{
	race_stop(r);
	r->plan.done(r->plan.arg, status, fd, &r->err);
}

static void race_start_next(struct oe_race *r);
static void race_arm(struct oe_race *r);

static void
race_again(void *arg)
{
	race_arm(arg);
}

/* Every runner failed: another attempt, or the end. */
static void
race_lost(struct oe_race *r)
{
	size_t i;

	if (--r->attempts_left <= 0) {
		race_end(r, r->err.code, -1);
		return;
	}
	for (i = 0; i < r->n; i++) {
		oe_watch_free(&r->runners[i].watch);
		oe_fd_close(&r->runners[i].fd);
	}
	oe_timer_free(&r->limit);
	oe_timer_free(&r->next);
	r->next = oe_loop_timer(r->loop, RETRY_MS, race_again, r);
}

static void
runner_failed(struct runner *u, int sys_errno)
{
	struct oe_race *r = u->race;

	oe_watch_free(&u->watch);
	oe_fd_close(&u->fd);
	oe_log_debug(NULL, "connect to %s: %s", u->name, strerror(sys_errno));
	if (!r->err.code) {
		errno = sys_errno;
		oe_err_sys(&r->err, "connect to %s", u->name);
	}
	r->failed++;
	if (r->started < r->n)
		race_start_next(r);
	else if (r->failed == r->n)
		race_lost(r);
}

static void
runner_won(struct runner *u)
{
	int fd = u->fd;

	u->fd = -1;
	oe_log_debug(NULL, "connected to %s", u->name);
	race_end(u->race, 0, fd);
}

static void
runner_ready(void *arg, short revents)
{
	struct runner *u = arg;
	socklen_t len = sizeof(int);
	int e = 0;

	(void)revents;
	if (getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	if (e)
		runner_failed(u, e);
	else
		runner_won(u);
}

static int
runner_bind(const struct runner *u)
{
	struct addrinfo hints, *ai = NULL;
	int r;

	memset(&hints, 0, sizeof hints);
	hints.ai_family = u->ai->ai_family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
	if (getaddrinfo(u->race->bind, NULL, &hints, &ai) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	r = bind(u->fd, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return r;
}

/* Begin one connection; 0, or the errno of an immediate failure. */
static int
runner_start(struct runner *u)
{
	const struct addrinfo *ai = u->ai;
	int on = 1;

	u->fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (u->fd < 0)
		return errno;
	(void)setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (u->race->plan.keepalive)
		(void)setsockopt(
		    u->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (u->race->bind && runner_bind(u) < 0)
		return errno;
	if (connect(u->fd, ai->ai_addr, ai->ai_addrlen) < 0 &&
	    errno != EINPROGRESS)
		return errno;
	u->watch =
	    oe_loop_watch(u->race->loop, u->fd, POLLOUT, runner_ready, u);
	return 0;
}

static void
race_start_next(struct oe_race *r)
{
	struct runner *u = &r->runners[r->started++];
	int e;

	race_step(r, "connecting to", u->name);
	oe_timer_set(r->next, r->started < r->n ? OE_RACE_STAGGER_MS : -1);
	e = runner_start(u);
	if (e)
		runner_failed(u, e);
}

static void
race_on_next(void *arg)
{
	struct oe_race *r = arg;

	if (r->started < r->n)
		race_start_next(r);
}

static void
race_on_limit(void *arg)
{
	struct oe_race *r = arg;

	oe_err_set(&r->err, OE_ETIMEOUT, "no answer from %s%s within %lld s",
	    r->runners[0].name, r->n > 1 ? " and the other addresses" : "",
	    (long long)(r->plan.step_ms / 1000));
	race_lost(r);
}

static void
race_arm(struct oe_race *r)
{
	oe_timer_free(&r->next);
	oe_timer_free(&r->limit);
	memset(&r->err, 0, sizeof r->err);
	r->started = r->failed = 0;
	r->limit = oe_loop_timer(r->loop, r->plan.step_ms, race_on_limit, r);
	r->next = oe_loop_timer(r->loop, -1, race_on_next, r);
	race_start_next(r);
}

static void
race_add(struct oe_race *r, const struct addrinfo *ai)
{
	struct runner *u = &r->runners[r->n];
	char host[64] = "?", port[16] = "?";

	getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof host, port,
	    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	u->race = r;
	u->ai = ai;
	u->fd = -1;
	snprintf(u->name, sizeof u->name,
	    ai->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	r->n++;
}

/*
 * RFC 8305 section 4: the resolver's order (RFC 6724) decides which family
 * goes first; then they alternate.
 */
static void
race_interleave(struct oe_race *r, const struct addrinfo *list)
{
	int family = list->ai_family;
	const struct addrinfo *a = list, *b = list;

	while ((a || b) && r->n < OE_RACE_ADDRS_MAX) {
		while (a && a->ai_family != family)
			a = a->ai_next;
		while (b && b->ai_family == family)
			b = b->ai_next;
		if (a) {
			race_add(r, a);
			a = a->ai_next;
		}
		if (b && r->n < OE_RACE_ADDRS_MAX) {
			race_add(r, b);
			b = b->ai_next;
		}
	}
}

static void
race_resolved(struct oe_race *r, int code)
{
	oe_timer_free(&r->limit);
	if (code != 0 || !r->answer) {
		oe_err_set(&r->err, OE_ENOENT, "resolve '%s': %s", r->host,
		    code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
		race_end(r, r->err.code, -1);
		return;
	}
	race_interleave(r, r->answer);
	race_arm(r);
}

static void
race_on_lookup(void *arg, short revents)
{
	struct oe_race *r = arg;
	int code = oe_lookup_take(r->lookup, &r->answer);

	(void)revents;
	oe_watch_free(&r->lookup_watch);
	race_resolved(r, code);
}

static void
race_on_lookup_limit(void *arg)
{
	struct oe_race *r = arg;

	oe_err_set(&r->err, OE_ETIMEOUT,
	    "resolve '%s': no answer from the name service within %lld s",
	    r->host, (long long)(r->plan.step_ms / 1000));
	race_end(r, r->err.code, -1);
}

/* First turn of the loop: a literal needs no resolver. */
static void
race_begin(void *arg)
{
	struct oe_race *r = arg;
	struct addrinfo hints;
	char port[16];

	memset(&hints, 0, sizeof hints);
	hints.ai_family = r->plan.family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST;
	snprintf(port, sizeof port, "%d", r->plan.port);
	oe_timer_free(&r->limit);
	if (r->plan.known) {
		race_interleave(r, r->plan.known);
		race_arm(r);
		return;
	}
	if (getaddrinfo(r->host, port, &hints, &r->answer) == 0) {
		race_resolved(r, 0);
		return;
	}
	r->answer = NULL;
	race_step(r, "resolving", r->host);
	r->lookup = oe_lookup_start(r->host, r->plan.port, r->plan.family);
	if (!r->lookup) {
		race_resolved(r, EAI_MEMORY);
		return;
	}
	r->lookup_watch = oe_loop_watch(
	    r->loop, oe_lookup_fd(r->lookup), POLLIN, race_on_lookup, r);
	r->limit =
	    oe_loop_timer(r->loop, r->plan.step_ms, race_on_lookup_limit, r);
}

struct oe_race *
oe_race_start(struct oe_loop *loop, const struct oe_race_plan *plan)
{
	struct oe_race *r = oe_mem_zalloc(sizeof *r);

	r->plan = *plan;
	r->loop = loop;
	r->host = oe_mem_strdup(plan->host);
	r->bind = oe_mem_strdup(plan->bind);
	r->attempts_left = plan->attempts;
	r->limit = oe_loop_timer(loop, 0, race_begin, r);
	return r;
}

void
oe_race_free(struct oe_race **pr)
{
	struct oe_race *r = *pr;

	if (!r)
		return;
	race_stop(r);
	if (r->answer)
		freeaddrinfo(r->answer);
	free(r->host);
	free(r->bind);
	free(r);
	*pr = NULL;
}
