/* SPDX-License-Identifier: Apache-2.0 */
#include "control/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/conn.h"
#include "control/loop_internal.h"
#include "control/pool.h"
#include "control/server.h"
#include "control/tls_cert.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

/* Connections taken before others get their turn. */
#define ACCEPT_BURST 32
/* No descriptors: how long accepting rests. */
#define ACCEPT_REST_MS 200
/* Large bodies that are on their way or being worked on, in bytes: a policy
 * has up to 20 MiB, and takes many times that while it is parsed. */
#define BODIES_MAX (48 << 20)
/* Replies that clients have not taken yet, in bytes. */
#define UNSENT_MAX (192 << 20)
/* Who has asked for nothing after this long makes room for others. */
#define SLOW_MS 1000
/* Threads for what takes a processor for a while. */
#define LONG_THREADS 2
/* Threads that write for each that reads. */
#define WRITERS_EACH 3
/* Threads for logins that need no hash of a password. */
#define LOGIN_SPARE 4
/* Descriptors that libwebsockets may have a table for. */
#define TABLE_MAX 262144

static int on_door(struct lws *wsi, enum lws_callback_reasons why, void *user,
    void *in, size_t len);

static const struct lws_protocols protocols[] = {
    {.name = "conn",
	.callback = oe_ctl__on_conn,
	.rx_buffer_size = OE_CTL_CONN_READ_MAX},
    {.name = NULL},
};

/* A vhost of their own: libwebsockets tells the first protocol of a vhost
 * about the end of whatever was in it. */
static const struct lws_protocols door_protocols[] = {
    {.name = "door", .callback = on_door},
    {.name = NULL},
};

static void
emit(int level, const char *line)
{
	size_t n = strcspn(line, "\n");

	oe_log(level == LLL_ERR ? OE_LOG_DEBUG : OE_LOG_DEBUG2, NULL,
	    "libwebsockets: %.*s", (int)n, line);
}

/* Where the other side is; a trusted proxy is many and not counted. */
static bool
identify(struct oe_ctl_loop *l, int fd, struct oe_ctl__link *k)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;
	struct oe_addr a;
	struct oe_ctl_client c;

	if (getpeername(fd, (struct sockaddr *)&ss, &n) < 0 ||
	    oe_addr_from_sockaddr((struct sockaddr *)&ss, n, &a) < 0)
		return false;
	oe_addr_format(&a, k->address);
	k->proxy = oe_cidr_list_contains(l->plan.server->proxies, &a);
	oe_ctl_client_find(k->address, NULL, 0, l->plan.server->proxies, &c);
	memcpy(k->source, c.source, sizeof k->source);
	return true;
}

/* Who goes when somebody comes and all is taken, or NULL. */
static struct oe_ctl__link *
dispensable(struct oe_ctl_loop *l)
{
	struct oe_ctl__link *i, *idlest = NULL, *slowest = NULL;
	struct oe_ctl__link **to;
	int64_t now = oe_time_mono_ms();

	for (i = l->first; i; i = i->next) {
		if (i->dead || i->working || i->sending)
			continue;
		if (i->served && !oe_ctl_conn_idle(&i->conn))
			continue;
		to = i->served ? &idlest : &slowest;
		if (!*to || i->deadline_ms < (*to)->deadline_ms)
			*to = i;
	}
	/*
	 * Who has asked for nothing yet and takes long over it, then the one
	 * that was used least recently: neither many that never ask nor many
	 * that asked once keep others out.
	 */
	if (slowest && (!idlest || now - slowest->since_ms >= SLOW_MS))
		return slowest;
	return idlest;
}

/* Make room for @k: false when its source or the server is full. */
static bool
has_room(struct oe_ctl_loop *l, const struct oe_ctl__link *k)
{
	struct oe_ctl__link *i;
	size_t same = 0;

	for (i = l->first; i; i = i->next)
		same += oe_str_eq(i->source, k->source);
	if (!k->proxy && same >= l->plan.max_per_address)
		return false;
	if (l->n_links < l->plan.max_connections)
		return true;
	i = dispensable(l);
	/* those that are on their way out still count */
	if (!i || l->n_links >= l->plan.max_connections * 2)
		return false;
	oe_ctl__kill(i);
	return true;
}

/* Large bodies are for those who have logged in, and a few at a time: memory
 * is not for all. */
static int
may_send(void *arg, const struct oe_ctl_request *r)
{
	struct oe_ctl__link *k = arg;
	struct oe_ctl_loop *l = k->loop;
	const struct oe_ctl_route *route = r->match.route;

	if (!route)
		return r->match.path_known ? 405 : 404;
	if (route->need == OE_CTL_NEED_NOBODY)
		return 413;
	if (!oe_ctl_auth_plausible(
		l->plan.server->auth, r->h.authorization, oe_time_wall_ms()))
		return 401;
	if (l->expected + r->h.body_len > BODIES_MAX)
		return 503;
	k->expected = r->h.body_len;
	l->expected += k->expected;
	return 0;
}

static void
take(struct oe_ctl_loop *l, int fd, bool tls)
{
	struct oe_ctl__link *k = oe_mem_zalloc(sizeof *k);
	lws_adopt_desc_t how;
	const int on = 1;

	if (!identify(l, fd, k) || !has_room(l, k)) {
		l->plan.server->metrics.refused_total++;
		free(k);
		oe_fd_close(&fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	k->loop = l;
	k->tls = tls;
	k->since_ms = oe_time_mono_ms();
	k->deadline_ms = k->since_ms + l->plan.head_ms;
	oe_ctl_conn_init(&k->conn, l->plan.server->routes);
	k->conn.may_send = may_send;
	k->conn.arg = k;
	oe_ctl__link_in(l, k);
	memset(&how, 0, sizeof how);
	how.vh = tls ? l->tls_vhost : l->plain_vhost;
	how.type = (lws_adoption_type)(LWS_ADOPT_SOCKET |
				       (tls ? LWS_ADOPT_ALLOW_SSL : 0));
	how.fd.sockfd = fd;
	how.vh_prot_name = "conn";
	how.opaque = k;
	/* on failure it has closed fd, and told oe_ctl__on_conn() or not */
	k->adopting = true;
	k->wsi = oe_ctl__lws()->lws_adopt_descriptor_vhost_via_info(&how);
	k->adopting = false;
	if (!k->wsi)
		oe_ctl__link_out(&k);
}

/* Once a minute: who can fill the server is not to fill the log as well. */
static void
tell_full(struct oe_ctl_loop *l, int error)
{
	int64_t now = oe_time_mono_ms();

	if (l->told_full_ms && now - l->told_full_ms < 60000)
		return;
	l->told_full_ms = now;
	oe_log_error(NULL, "accept: %s: resting a moment", strerror(error));
}

static void
accept_some(struct oe_ctl_loop *l, struct oe_ctl__door *d)
{
	int i, fd;

	for (i = 0; i < ACCEPT_BURST && !l->stopping; i++) {
		fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			take(l, fd, d->tls);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			tell_full(l, errno);
			oe_ctl__lws()->lws_rx_flow_control(d->wsi, 0);
			l->rest_until_ms = oe_time_mono_ms() + ACCEPT_REST_MS;
		}
		return;
	}
}

static int
on_door(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
    size_t len)
{
	struct oe_ctl__door *d;

	if (why == LWS_CALLBACK_EVENT_WAIT_CANCELLED)
		return 0;
	d = oe_ctl__lws()->lws_get_opaque_user_data(wsi);
	(void)user;
	(void)in;
	(void)len;
	if (why == LWS_CALLBACK_RAW_RX_FILE && d)
		accept_some(d->loop, d);
	if (why == LWS_CALLBACK_RAW_CLOSE_FILE && d)
		d->wsi = NULL;
	return d && d->loop->stopping ? -1 : 0;
}

static void
make_id(char ret[24])
{
	oe_random_text(ret, 16);
}

static enum oe_ctl_lane
lane_of(const struct oe_ctl_request *r)
{
	const struct oe_ctl_route *route = r->match.route;

	if (r->refuse || !route)
		return OE_CTL_LANE_READ;
	if (oe_str_eq(route->method, "GET"))
		return route->flags & OE_CTL_LONG ? OE_CTL_LANE_LONG
						  : OE_CTL_LANE_READ;
	return route->flags & OE_CTL_LOGIN ? OE_CTL_LANE_LOGIN
					   : OE_CTL_LANE_WRITE;
}

void
oe_ctl__hand_over(struct oe_ctl__link *k, struct oe_ctl_request *r)
{
	struct oe_ctl_loop *l = k->loop;

	make_id(r->id);
	memcpy(r->address, k->address, sizeof r->address);
	r->tls = k->tls;
	r->owner = k;
	r->began_us = oe_time_mono_us();
	r->close = r->close || l->stopping;
	k->working = r;
	l->n_working++;
	oe_ctl_pool_put(l->pool, lane_of(r), r);
}

/* Who has taken longest over a reply does without the rest of it. */
static void
bound_unsent(struct oe_ctl_loop *l)
{
	struct oe_ctl__link *k, *slowest;

	while (l->unsent > UNSENT_MAX) {
		slowest = NULL;
		for (k = l->first; k; k = k->next)
			if (k->sending && !k->dead &&
			    (!slowest || k->since_ms < slowest->since_ms))
				slowest = k;
		if (!slowest)
			return;
		oe_ctl__kill(slowest);
		oe_ctl__unsend(slowest);
	}
}

/* What the workers have finished goes out. */
static void
collect(struct oe_ctl_loop *l)
{
	struct oe_ctl_request *r = oe_ctl_pool_done(l->pool), *next;
	struct oe_ctl__link *k;

	for (; r; r = next) {
		next = r->next;
		l->n_working--;
		k = r->owner;
		if (!k) {
			oe_ctl_request_free(&r);
			continue;
		}
		k->working = NULL;
		oe_ctl__expect_none(k);
		k->sending = r;
		k->sent = 0;
		l->unsent += r->out_len;
		k->since_ms = oe_time_mono_ms();
		/* mostly there is room: no need to ask for it and come back */
		oe_ctl__send(k);
	}
	bound_unsent(l);
	l->plan.server->metrics.waiting = (int64_t)oe_ctl_pool_waiting(l->pool);
}

static void
take_tls(struct oe_ctl_loop *l)
{
	struct oe_ctl_tls *t = atomic_exchange(&l->new_tls, NULL);

	if (!t)
		return;
	oe_ctl_tls_free(&l->tls);
	l->tls = t;
}

void
oe_ctl__woken(struct oe_ctl_loop *l)
{
	l->beat++;
	take_tls(l);
	collect(l);
}

static void
close_doors(struct oe_ctl_loop *l)
{
	size_t i;

	for (i = 0; i < l->n_doors; i++)
		if (l->doors[i].wsi)
			oe_ctl__lws()->lws_set_timeout(l->doors[i].wsi,
			    PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static void
sweep(struct oe_ctl_loop *l)
{
	int64_t now = oe_time_mono_ms();
	struct oe_ctl__link *k, *next;
	size_t i;

	for (k = l->first; k; k = next) {
		next = k->next;
		if (k->dead || k->working)
			continue;
		if (now >= k->deadline_ms ||
		    (l->stopping && oe_ctl_conn_idle(&k->conn)))
			oe_ctl__timed_out(k);
	}
	if (l->rest_until_ms && now >= l->rest_until_ms) {
		l->rest_until_ms = 0;
		for (i = 0; i < l->n_doors; i++)
			if (l->doors[i].wsi)
				oe_ctl__lws()->lws_rx_flow_control(
				    l->doors[i].wsi, 1);
	}
}

static void
on_tick(lws_sorted_usec_list_t *sul)
{
	struct oe_ctl_loop *l = lws_container_of(sul, struct oe_ctl_loop, tick);

	sweep(l);
	oe_ctl__lws()->lws_sul_schedule(l->context, 0, &l->tick, on_tick,
	    l->stopping || l->rest_until_ms ? 50000 : 500000);
}

static void
work(void *arg, struct oe_ctl_request *r)
{
	struct oe_ctl_loop *l = arg;

	oe_ctl_dispatch(l->plan.server, r);
}

static void
wake(void *arg)
{
	struct oe_ctl_loop *l = arg;

	oe_ctl__lws()->lws_cancel_service(l->context);
}

static int
make_vhosts(struct oe_ctl_loop *l, struct oe_err *err)
{
	struct lws_context_creation_info i;

	memset(&i, 0, sizeof i);
	i.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	i.protocols = protocols;
	i.vhost_name = "plain";
	l->plain_vhost = oe_ctl__lws()->lws_create_vhost(l->context, &i);
	i.vhost_name = "doors";
	i.protocols = door_protocols;
	l->door_vhost = oe_ctl__lws()->lws_create_vhost(l->context, &i);
	i.protocols = protocols;
	if (l->plan.tls) {
		i.vhost_name = "tls";
		i.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			    LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
		i.alpn = "http/1.1";
		l->tls_vhost = oe_ctl__lws()->lws_create_vhost(l->context, &i);
	}
	if (!l->plain_vhost || !l->door_vhost || (l->plan.tls && !l->tls_vhost))
		return oe_err_set(err, OE_ELIB, "libwebsockets: no vhost");
	if (l->plan.tls && !l->ssl_ctx)
		return oe_err_set(err, OE_ELIB, "libwebsockets: no TLS");
	return l->ssl_ctx ? oe_ctl_tls_setup(l->ssl_ctx, &l->tls, err) : 0;
}

static int
open_doors(struct oe_ctl_loop *l, struct oe_err *err)
{
	lws_adopt_desc_t how;
	size_t i;

	l->n_doors = l->plan.n_listeners;
	l->doors = oe_mem_zalloc(l->n_doors * sizeof *l->doors);
	for (i = 0; i < l->n_doors; i++) {
		l->doors[i].loop = l;
		l->doors[i].tls = l->plan.listeners[i].tls;
		/* libwebsockets closes what it was given */
		l->doors[i].fd = dup(l->plan.listeners[i].fd);
		memset(&how, 0, sizeof how);
		how.vh = l->door_vhost;
		how.type = LWS_ADOPT_RAW_FILE_DESC;
		how.fd.filefd = l->doors[i].fd;
		how.vh_prot_name = "door";
		how.opaque = &l->doors[i];
		l->doors[i].wsi =
		    oe_ctl__lws()->lws_adopt_descriptor_vhost_via_info(&how);
		if (l->doors[i].fd < 0 || !l->doors[i].wsi)
			return oe_err_set(
			    err, OE_ELIB, "libwebsockets: cannot listen");
	}
	return 0;
}

/*
 * For libwebsockets: 0 is as many as the process may have, found by number.
 * Where that is very many it takes a limit of ours, and searches.
 */
static unsigned
descriptors(const struct oe_ctl_loop_plan *plan)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur <= TABLE_MAX)
		return 0;
	/* twice: those that are on their way out still count */
	return (unsigned)(2 * plan->max_connections + plan->n_listeners + 16);
}

int
oe_ctl_loop_new(const struct oe_ctl_loop_plan *plan, struct oe_ctl_loop **ret,
    struct oe_err *err)
{
	struct oe_ctl_loop *l = oe_mem_zalloc(sizeof *l);
	struct oe_ctl_pool_calls calls = {work, wake, l};
	const unsigned lanes[OE_CTL_LANES] = {
	    [OE_CTL_LANE_READ] = plan->workers,
	    /* they wait, and one sync is for all who wait together */
	    [OE_CTL_LANE_WRITE] = WRITERS_EACH * plan->workers,
	    /* not all of them hash: keys and refresh tokens get their turn */
	    [OE_CTL_LANE_LOGIN] = 2 * plan->hashing + LOGIN_SPARE,
	    [OE_CTL_LANE_LONG] = LONG_THREADS,
	};
	struct lws_context_creation_info i;
	int r = oe_ctl__lws_load(err);

	if (r < 0) {
		free(l);
		return r;
	}
	l->plan = *plan;
	l->tls = oe_ctl_tls_ref(plan->tls);
	l->grace_ms = -1;
	oe_ctl__lws()->lws_set_log_level(LLL_ERR | LLL_WARN, emit);
	memset(&i, 0, sizeof i);
	i.port = CONTEXT_PORT_NO_LISTEN;
	i.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		    LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	i.user = l;
	i.pt_serv_buf_size = OE_CTL_CONN_READ_MAX;
	i.fd_limit_per_thread = descriptors(plan);
	l->context = oe_ctl__lws()->lws_create_context(&i);
	r = l->context ? 0
		       : oe_err_set(err, OE_ELIB, "libwebsockets: no context");
	if (r == 0)
		r = make_vhosts(l, err);
	if (r == 0)
		r = oe_ctl_pool_new(lanes, &calls, &l->pool, err);
	if (r == 0)
		r = open_doors(l, err);
	if (r < 0)
		oe_ctl_loop_free(&l);
	else
		*ret = l;
	return r;
}

void
oe_ctl_loop_free(struct oe_ctl_loop **lp)
{
	struct oe_ctl_loop *l = *lp;
	struct oe_ctl__link *k;
	struct oe_ctl_tls *t;

	if (!l)
		return;
	oe_ctl_pool_free(&l->pool);
	/* requests that were not finished in time went with it */
	for (k = l->first; k; k = k->next)
		k->working = NULL;
	l->freeing = true;
	if (l->context)
		oe_ctl__lws()->lws_context_destroy(l->context);
	t = atomic_exchange(&l->new_tls, NULL);
	oe_ctl_tls_free(&t);
	oe_ctl_tls_free(&l->tls);
	free(l->doors);
	oe_mem_free(lp);
}

void
oe_ctl_loop_run(struct oe_ctl_loop *l)
{
	int64_t grace;
	bool closing = false;

	oe_ctl__lws()->lws_sul_schedule(
	    l->context, 0, &l->tick, on_tick, 500000);
	while (oe_ctl__lws()->lws_service(l->context, 0) >= 0) {
		grace = l->grace_ms;
		if (grace < 0)
			continue;
		if (!closing) {
			closing = l->stopping = true;
			l->stop_at_ms = oe_time_mono_ms() + grace;
			close_doors(l);
			sweep(l);
		}
		if (!l->first || oe_time_mono_ms() >= l->stop_at_ms)
			break;
	}
	oe_ctl__lws()->lws_sul_cancel(&l->tick);
}

void
oe_ctl_loop_stop(struct oe_ctl_loop *l, int64_t grace_ms)
{
	l->grace_ms = grace_ms;
	oe_ctl__lws()->lws_cancel_service(l->context);
}

void
oe_ctl_loop_set_tls(struct oe_ctl_loop *l, struct oe_ctl_tls *tls)
{
	struct oe_ctl_tls *old = atomic_exchange(&l->new_tls, tls);

	oe_ctl_tls_free(&old);
	oe_ctl__lws()->lws_cancel_service(l->context);
}

uint64_t
oe_ctl_loop_beat(struct oe_ctl_loop *l)
{
	uint64_t n = l->beat;

	oe_ctl__lws()->lws_cancel_service(l->context);
	return n;
}
