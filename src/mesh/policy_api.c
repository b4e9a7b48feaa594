/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/policy_api.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/app/param.h"
#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/account.h"
#include "core/mesh/policy.h"
#include "core/mesh/signed.h"
#include "core/mesh/spool.h"
#include "mesh/keeper.h"
#include "mesh/roster.h"

/* A keeper that dies is started again after this. */
#define API_AGAIN_MS 2000
/* Clocks are set now and then: ages are looked at so often. */
#define API_LOOK_MS 20000
/* Past the bound, what lives may still write this share of it. */
#define API_SPARE  2
#define API_ORDERS 64

/* A document as it was last believed. */
struct kept {
	const char *kind;
	uint64_t version; /* 0: none so far */
	int64_t fetched_ms;
	struct oe_jval *payload;
};

struct oe_mesh__api {
	struct oe_keeper_plan plan;
	char *interface; /* of the mesh, or NULL */
	int64_t max_age_ms;
	uint64_t spool_max;
	struct kept policy, directory;
	bool stale; /* the API was away for longer than that is told */
	/* watched: */
	pid_t owner, keeper;
	int poll, timer, keeper_fd, spool;
	char orders[API_ORDERS][OE_KEEPER_ID_MAX];
	size_t n_orders;
	bool taken;
	uint8_t hash[OE_SHA256_SIZE]; /* of what was taken last */
};

/* --- settings --- */

static int
api_key(struct oe_mesh__api *a, const struct oe_mesh_account *acc,
    struct oe_err *err)
{
	uint8_t *key = NULL;
	size_t n = 0;

	if (!acc->signing_key ||
	    oe_str_unbase64(
		acc->signing_key, strlen(acc->signing_key), &key, &n) < 0 ||
	    n != sizeof a->plan.signing_key) {
		free(key);
		return oe_err_set(err, OE_ECONF,
		    "the login in '%s' has no signing key: the control API "
		    "had no SSH part then; log in again",
		    acc->path);
	}
	memcpy(a->plan.signing_key, key, n);
	free(key);
	return 0;
}

static int
api_account(
    struct oe_mesh__api *a, const struct oe_values *v, struct oe_err *err)
{
	struct oe_mesh_account acc = {0};
	const char *network = oe_values_str(v, "api-network");
	int r = oe_mesh_account_load(oe_values_str(v, "api-login"), &acc, err);

	if (r < 0)
		return oe_err_wrap(err, OE_ECONF, "--api");
	a->plan.account = oe_mem_strdup(acc.path);
	a->plan.origin = oe_mem_strdup(acc.origin);
	a->plan.device_id = oe_mem_strdup(acc.device_id);
	a->plan.hardware = oe_mem_strdup(acc.hardware);
	a->plan.network_id =
	    oe_mem_strdup(network && *network ? network : acc.network_id);
	a->plan.key_file = oe_mem_strdup(oe_values_str(v, "api-key"));
	r = api_key(a, &acc, err);
	if (r == 0 && !a->plan.origin)
		r = oe_err_set(err, OE_ECONF,
		    "'%s' does not say which API it is for: log in again",
		    acc.path);
	if (r == 0 && (!a->plan.device_id || !a->plan.network_id))
		r = oe_err_set(err, OE_ECONF,
		    "this machine is not registered by the login in '%s', or "
		    "is in no network: run 'omniedge device register' and "
		    "'omniedge device join' with it",
		    acc.path);
	oe_mesh_account_done(&acc);
	return r;
}

/* Ours alone: what is in it is as good as the policy. */
static int
api_folder(
    struct oe_mesh__api *a, const struct oe_values *v, struct oe_err *err)
{
	const char *set = oe_values_str(v, "api-state");
	const char *slash = strrchr(a->plan.account, '/');
	struct stat st;

	if (set && *set)
		a->plan.folder = oe_mem_strdup(set);
	else
		a->plan.folder = oe_mem_printf("%.*s/ssh-server",
		    slash ? (int)(slash - a->plan.account) : 1,
		    slash ? a->plan.account : ".");
	if (mkdir(a->plan.folder, 0700) < 0 && errno != EEXIST)
		return oe_err_sys(err, "make the folder '%s'", a->plan.folder);
	if (stat(a->plan.folder, &st) < 0)
		return oe_err_sys(err, "'%s'", a->plan.folder);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022))
		return oe_err_set(err, OE_ECONF,
		    "'%s' must be a folder of ours that only we can write",
		    a->plan.folder);
	return 0;
}

int
oe_mesh__api_open(
    const struct oe_values *v, struct oe_mesh__api **ret, struct oe_err *err)
{
	struct oe_mesh__api *a;
	const char *interface;
	int r;

	*ret = NULL;
	if (!oe_values_knows(v, "api") || !oe_values_flag(v, "api"))
		return 0;
	a = oe_mem_zalloc(sizeof *a);
	a->poll = a->timer = a->keeper_fd = a->spool = -1;
	a->policy.kind = "policy";
	a->directory.kind = "directory";
	a->max_age_ms = oe_values_int(v, "policy-max-age") * 1000;
	a->spool_max = (uint64_t)oe_values_int(v, "api-spool");
	a->plan.interval_ms = oe_values_int(v, "api-interval") * 1000;
	interface = oe_values_str(v, "mesh-interface");
	if (interface && *interface)
		a->interface = oe_mem_strdup(interface);
	r = api_account(a, v, err);
	if (r == 0)
		r = api_folder(a, v, err);
	if (r < 0) {
		oe_mesh__api_close(&a);
		return r;
	}
	*ret = a;
	return 0;
}

void
oe_mesh__api_close(struct oe_mesh__api **pa)
{
	struct oe_mesh__api *a = *pa;

	if (!a)
		return;
	if (a->keeper > 0 && a->owner == getpid())
		(void)kill(a->keeper, SIGTERM);
	oe_fd_close(&a->keeper_fd);
	oe_fd_close(&a->timer);
	oe_fd_close(&a->poll);
	oe_fd_close(&a->spool);
	oe_jval_free(&a->policy.payload);
	oe_jval_free(&a->directory.payload);
	oe_keeper_plan_done(&a->plan);
	oe_mem_free(&a->interface);
	oe_mem_free(pa);
}

/* --- the keeper --- */

static void
api_timer(struct oe_mesh__api *a, int64_t ms)
{
	struct itimerspec t = {.it_value = {.tv_sec = ms / 1000,
				   .tv_nsec = ms % 1000 * 1000000 + 1}};

	(void)timerfd_settime(a->timer, 0, &t, NULL);
}

static int
api_add(struct oe_mesh__api *a, int fd, struct oe_err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data = {.fd = fd}};

	if (epoll_ctl(a->poll, EPOLL_CTL_ADD, fd, &e) < 0)
		return oe_err_sys(err, "watch for the control API");
	return 0;
}

static void
api_start(struct oe_mesh__api *a)
{
	struct oe_err err = OE_ERR_INIT;

	a->keeper = oe_keeper_start(&a->plan, &a->keeper_fd, &err);
	if (a->keeper < 0 || api_add(a, a->keeper_fd, &err) < 0)
		oe_log_error(NULL, "%s", oe_err_text(&err));
}

/*
 * One descriptor for all of it, which is the same when a keeper is started
 * anew.
 */
int
oe_mesh__api_watch(struct oe_mesh__api *a, const struct oe_strs *host_keys,
    int port, struct oe_err *err)
{
	size_t i;
	int r;

	for (i = 0; i < host_keys->n; i++)
		oe_strs_add(&a->plan.host_keys, host_keys->v[i]);
	a->plan.port = port;
	a->owner = getpid();
	a->poll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->poll < 0 || a->timer < 0)
		return oe_err_sys(err, "watch for the control API");
	r = api_add(a, a->timer, err);
	if (r == 0)
		r = oe_spool_append(a->plan.folder, &a->spool, err);
	if (r < 0)
		return r;
	api_timer(a, API_LOOK_MS);
	api_start(a);
	return a->poll;
}

static void
api_note(struct oe_mesh__api *a, const struct oe_keeper_note *n)
{
	if (n->what != OE_KEEPER_ORDER)
		return;
	/* it comes again when there is no room for it now */
	if (a->n_orders < API_ORDERS)
		(void)oe_str_copy(
		    a->orders[a->n_orders++], sizeof a->orders[0], n->conn);
}

static void
api_hear(struct oe_mesh__api *a)
{
	struct oe_keeper_note n;
	ssize_t got;

	while ((got = recv(a->keeper_fd, &n, sizeof n, MSG_DONTWAIT)) ==
	       (ssize_t)sizeof n) {
		n.conn[sizeof n.conn - 1] = 0;
		api_note(a, &n);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	oe_log_error(NULL,
	    "the process for the control API has ended: it is started again");
	oe_fd_close(&a->keeper_fd);
	if (a->keeper > 0)
		(void)kill(a->keeper, SIGKILL);
	a->keeper = 0;
	api_timer(a, API_AGAIN_MS);
}

static void
api_serve(struct oe_mesh__api *a)
{
	uint64_t times;

	if (a->poll < 0)
		return;
	if (read(a->timer, &times, sizeof times) > 0) {
		if (a->keeper_fd < 0)
			api_start(a);
		api_timer(a, API_LOOK_MS);
	}
	if (a->keeper_fd >= 0)
		api_hear(a);
}

bool
oe_mesh__api_order(struct oe_mesh__api *a, char *conn, size_t size)
{
	return a->n_orders && oe_str_copy(conn, size, a->orders[--a->n_orders]);
}

int
oe_mesh__api_events(const struct oe_mesh__api *a)
{
	return a->spool;
}

int
oe_mesh__api_room(const struct oe_mesh__api *a, struct oe_err *err)
{
	uint64_t n;

	if (a->spool < 0)
		return 0;
	n = oe_spool_fill(a->plan.folder, a->spool);
	if (n < a->spool_max)
		return 0;
	return oe_err_set(err,
	    n < a->spool_max * API_SPARE ? OE_ETOOBIG : OE_EAGAIN,
	    "%llu bytes of events wait for the control API",
	    (unsigned long long)n);
}

/* --- documents --- */

/* What is on disk, when it can be believed and is no older than before. */
static void
kept_load(struct oe_mesh__api *a, struct kept *k)
{
	const struct oe_signed_expect e = {
	    .public_key = a->plan.signing_key,
	    .kind = k->kind,
	    .network_id = a->plan.network_id,
	    .version = k->version,
	    .now_ms = oe_time_wall_ms(),
	};
	char *path = oe_keeper_path(&a->plan, k->kind);
	struct oe_signed_cached c = {.doc = {0}};
	struct oe_err err = OE_ERR_INIT;
	int r = oe_signed_load(path, &e, &c, &err);

	if (r == 0) {
		oe_jval_free(&k->payload);
		k->payload = c.doc.payload;
		c.doc.payload = NULL;
		k->version = c.doc.version;
		k->fetched_ms = c.fetched_ms;
	} else if (r != OE_ENOENT) {
		oe_log_error(NULL, "the %s on disk is REFUSED: %s", k->kind,
		    oe_err_text(&err));
	}
	oe_signed_cached_done(&c);
	free(path);
}

/* A time in the future is no time: a clock was set, or the file is wrong. */
static bool
kept_is_old(const struct oe_mesh__api *a, const struct kept *k, int64_t max_ms)
{
	int64_t age = oe_time_wall_ms() - k->fetched_ms;

	(void)a;
	return age > max_ms || age < -OE_SIGNED_AHEAD_MS;
}

/* Why nothing is permitted; NULL: something may be. */
static char *
api_denied(const struct oe_mesh__api *a)
{
	struct oe_policy *policy = NULL;
	struct oe_roster *roster = NULL;
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (!a->policy.payload || !a->directory.payload)
		return oe_mem_strdup(
		    "the control API has not told its policy yet");
	if (kept_is_old(a, &a->policy, a->max_age_ms) ||
	    kept_is_old(a, &a->directory, a->max_age_ms))
		return oe_mem_strdup("the control API has been away for longer "
				     "than its policy is good for");
	r = oe_policy_parse_value(
	    oe_jval_get(a->policy.payload, "policy"), NULL, &policy, &err);
	if (r == 0)
		r = oe_roster_read(a->directory.payload, &roster, &err);
	oe_policy_free(&policy);
	oe_roster_free(&roster);
	return r < 0 ? oe_mem_printf("what the control API said cannot be "
				     "obeyed: %s",
			   oe_err_text(&err))
		     : NULL;
}

/* Told once when it begins, and once when it is over. */
static void
api_tell_age(struct oe_mesh__api *a)
{
	bool stale = a->policy.payload &&
		     kept_is_old(a, &a->policy, 3 * a->plan.interval_ms);

	if (stale && !a->stale)
		oe_log_warn(NULL,
		    "the control API is away: the policy of %lld s ago is "
		    "obeyed, for %lld s at most",
		    (long long)(oe_time_wall_ms() - a->policy.fetched_ms) /
			1000,
		    (long long)a->max_age_ms / 1000);
	else if (!stale && a->stale)
		oe_log_info(NULL, "the control API is back");
	a->stale = stale;
}

static void
api_compose(struct oe_mesh__api *a, struct oe_buf *ret)
{
	struct oe_jval *v = oe_jval_object();
	char *denied = api_denied(a), *text;

	oe_jval_set_text(v, "device_id", a->plan.device_id);
	oe_jval_set_text(v, "network_id", a->plan.network_id);
	if (a->interface)
		oe_jval_set_text(v, "interface", a->interface);
	if (denied) {
		oe_jval_set_text(v, "denied", denied);
	} else {
		oe_jval_set(v, "policy",
		    oe_jval_ref(oe_jval_get(a->policy.payload, "policy")));
		oe_jval_set(v, "directory", oe_jval_ref(a->directory.payload));
	}
	text = oe_jval_dump(v, 0);
	oe_buf_init(ret, strlen(OE_MESH__API_MARK) + strlen(text) + 1);
	(void)oe_buf_put(ret, OE_MESH__API_MARK, strlen(OE_MESH__API_MARK));
	(void)oe_buf_put(ret, text, strlen(text));
	free(text);
	free(denied);
	oe_jval_free(&v);
}

int
oe_mesh__api_take(
    struct oe_mesh__api *a, struct oe_buf *ret, struct oe_err *err)
{
	uint8_t hash[OE_SHA256_SIZE];

	(void)err;
	api_serve(a);
	kept_load(a, &a->policy);
	kept_load(a, &a->directory);
	api_tell_age(a);
	api_compose(a, ret);
	oe_sha256(oe_buf_head(ret), oe_buf_left(ret), hash);
	if (a->taken && !memcmp(hash, a->hash, sizeof hash)) {
		oe_buf_done(ret);
		return OE_EAGAIN;
	}
	memcpy(a->hash, hash, sizeof hash);
	a->taken = true;
	return 0;
}
