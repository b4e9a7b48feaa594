/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/policy_api.h"

#include <errno.h>
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/app/notify.h"
#include "core/app/param.h"
#include "core/base/buf.h"
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
#include "core/net/link.h"
#include "mesh/keeper.h"
#include "mesh/roster.h"
#include "server/snapshot.h"

/* A keeper that dies is started again after this. */
#define API_AGAIN_MS 2000
/* Clocks are set now and then: ages are looked at so often. */
#define API_LOOK_MS 20000
/* Past the bound, what lives may still write this share of it. */
#define API_SPARE  2
#define API_ORDERS 64
/* uid and gid of 'nobody' where the account of net does not exist */
#define API_NOBODY 65534

/* Why nothing is permitted. */
enum denial {
	DENIAL_NONE,
	DENIAL_EMPTY,
	DENIAL_OLD,
	DENIAL_BAD,
};

/*
 * A document as it was last believed.  It is parsed when it is another one;
 * what is kept of it is the text that monitors get.
 */
struct kept {
	enum oe_keeper_kind kind;
	uint64_t version; /* 0: none so far */
	char *text; /* JSON of the policy, or of the directory's payload */
	char *bad;  /* why it cannot be obeyed; NULL: it can */
	/*
	 * When the API last said that it is the newest.  Of one from disk that
	 * is a wall clock's time; as soon as the API says so to this process,
	 * nobody who sets a clock makes it younger or older.
	 */
	int64_t issued_ms;    /* wall clock: when it was signed */
	int64_t believed_ms;  /* wall clock */
	int64_t confirmed_ms; /* since boot; -1: not in this process */
	int64_t loaded_ms;    /* since boot: when it was read from disk */
	bool other;           /* another one is on disk */
	bool refused;         /* the file that is there; which was told */
};

struct oe_mesh__api {
	struct oe_keeper_plan plan;
	char *interface; /* of the mesh, or NULL */
	bool trust_members;
	int64_t max_age_ms;
	uint64_t spool_max;
	struct kept policy, directory;
	bool stale; /* the API was away for longer than that is told */
	/* watched: */
	pid_t keeper;
	int poll, timer, keeper_fd, spool;
	char orders[API_ORDERS][OE_KEEPER_ID_MAX];
	size_t n_orders;
	bool taken;
	enum denial denial; /* as it was taken last */
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

/* The account of the courier is the one of net: its own, or nobody's. */
static void
api_courier(struct oe_mesh__api *a, const struct oe_values *v)
{
	const struct passwd *pw;
	int64_t verbose = oe_values_int(v, "verbose");

	a->plan.level = (enum oe_log_level)(OE_LOG_INFO + verbose);
	a->plan.format = oe_str_eq(oe_values_str(v, "log-format"), "json")
			     ? OE_LOG_JSON
			     : OE_LOG_TEXT;
	a->plan.journal = oe_notify_under_journal();
	a->plan.root = geteuid() == 0;
	if (!a->plan.root)
		return;
	pw = getpwnam(oe_values_str(v, "net-user"));
	a->plan.uid = pw && pw->pw_uid ? pw->pw_uid : API_NOBODY;
	a->plan.gid = pw && pw->pw_uid ? pw->pw_gid : API_NOBODY;
}

/* What is found out at each connection is told early, where it can be. */
static void
api_interface(struct oe_mesh__api *a, const struct oe_values *v)
{
	const char *name = oe_values_str(v, "mesh-interface");

	a->trust_members = oe_values_flag(v, "mesh-trust-members");
	if (!name || !*name)
		return;
	a->interface = oe_mem_strdup(name);
	if (!a->trust_members && if_nametoindex(name) &&
	    oe_link_is_shared(name))
		oe_log_warn(NULL,
		    "mesh interface '%s' is an Ethernet, where any member of "
		    "the mesh can take another's address: addresses are "
		    "believed with --mesh-trust-members only",
		    name);
}

int
oe_mesh__api_open(
    const struct oe_values *v, struct oe_mesh__api **ret, struct oe_err *err)
{
	struct oe_mesh__api *a;
	int r;

	*ret = NULL;
	if (!oe_values_knows(v, "api") || !oe_values_flag(v, "api"))
		return 0;
	a = oe_mem_zalloc(sizeof *a);
	a->poll = a->timer = a->keeper_fd = a->spool = -1;
	a->policy = (struct kept){.kind = OE_KEEPER_POLICY, .confirmed_ms = -1};
	a->directory =
	    (struct kept){.kind = OE_KEEPER_DIRECTORY, .confirmed_ms = -1};
	a->max_age_ms = oe_values_int(v, "policy-max-age") * 1000;
	a->spool_max = (uint64_t)oe_values_int(v, "api-spool");
	a->plan.interval_ms = oe_values_int(v, "api-interval") * 1000;
	api_interface(a, v);
	api_courier(a, v);
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

static void
kept_done(struct kept *k)
{
	oe_mem_free(&k->text);
	oe_mem_free(&k->bad);
}

void
oe_mesh__api_close(struct oe_mesh__api **pa)
{
	struct oe_mesh__api *a = *pa;

	if (!a)
		return;
	/* the keeper's end, as soon as it has brought to an end what it does */
	oe_fd_close(&a->keeper_fd);
	oe_fd_close(&a->timer);
	oe_fd_close(&a->poll);
	oe_fd_close(&a->spool);
	kept_done(&a->policy);
	kept_done(&a->directory);
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

/*
 * An API signs a document anew when it has not done so for an hour.  One that
 * only ever confirms an older one is not the API, or not well: its word does
 * not keep the document alive.
 */
static int64_t
kept_believed(const struct kept *k, int64_t fetched_ms)
{
	int64_t until = k->issued_ms + OE_SIGNED_ANEW_MS;

	return until < fetched_ms ? until : fetched_ms;
}

static void
kept_confirm(struct kept *k)
{
	int64_t now = oe_time_wall_ms();

	k->confirmed_ms = oe_time_boot_ms() - (now - kept_believed(k, now));
}

static void
api_note(struct oe_mesh__api *a, const struct oe_keeper_note *n)
{
	struct kept *k =
	    n->kind == OE_KEEPER_POLICY ? &a->policy : &a->directory;

	switch (n->what) {
	case OE_KEEPER_NEW:
		k->other = true;
		break;
	case OE_KEEPER_SAME:
		if (n->version == k->version && !k->other)
			kept_confirm(k);
		break;
	case OE_KEEPER_ORDER:
		/* it comes again when there is no room for it now */
		if (a->n_orders < API_ORDERS)
			(void)oe_str_copy(a->orders[a->n_orders++],
			    sizeof a->orders[0], n->conn);
		break;
	}
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

/* All of it is tried once, so that monitors need not find out. */
static char *
kept_check(const struct kept *k, const struct oe_jval *payload)
{
	struct oe_policy *policy = NULL;
	struct oe_roster *roster = NULL;
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (k->kind == OE_KEEPER_POLICY)
		r = oe_policy_parse_value(
		    oe_jval_get(payload, "policy"), NULL, &policy, &err);
	else
		r = oe_roster_read(payload, &roster, &err);
	oe_policy_free(&policy);
	oe_roster_free(&roster);
	return r < 0 ? oe_mem_strdup(oe_err_text(&err)) : NULL;
}

static bool
kept_take(struct kept *k, const struct oe_signed_cached *c)
{
	const struct oe_jval *payload = c->doc.payload;
	const struct oe_jval *part =
	    oe_jval_get(payload, oe_keeper_name(k->kind));
	/* a directory may be the payload itself */
	char *text = oe_jval_dump(part ? part : payload, 0);
	bool another = !oe_str_eq(text, k->text);

	if (another) {
		kept_done(k);
		k->bad = kept_check(k, payload);
		k->text = text;
	} else {
		free(text);
	}
	k->version = c->doc.version;
	k->issued_ms = c->doc.issued_ms;
	k->believed_ms = kept_believed(k, c->fetched_ms);
	k->loaded_ms = oe_time_boot_ms();
	k->confirmed_ms = -1;
	/* the keeper has just had it from the API */
	if (k->other)
		kept_confirm(k);
	return another;
}

/*
 * What is on disk, when it can be believed and is no older than before.
 * True: it says something else than before.
 */
static bool
kept_load(struct oe_mesh__api *a, struct kept *k)
{
	const struct oe_signed_expect e = {
	    .public_key = a->plan.signing_key,
	    .kind = oe_keeper_name(k->kind),
	    .network_id = a->plan.network_id,
	    .version = k->version,
	    .now_ms = oe_time_wall_ms(),
	};
	char *path = oe_keeper_path(&a->plan, e.kind);
	struct oe_signed_cached c = {.doc = {0}};
	struct oe_err err = OE_ERR_INIT;
	int r = oe_signed_load(path, &e, &c, &err);
	bool another = r == 0 && kept_take(k, &c);

	if (r < 0 && r != OE_ENOENT && !k->refused)
		oe_log_error(NULL, "the %s on disk is REFUSED: %s", e.kind,
		    oe_err_text(&err));
	k->refused = r < 0 && r != OE_ENOENT;
	k->other = false;
	oe_signed_cached_done(&c);
	free(path);
	return another;
}

/* Milliseconds since the API confirmed it; INT64_MAX: that cannot be said. */
static int64_t
kept_age(const struct kept *k)
{
	int64_t boot = oe_time_boot_ms(), age;

	if (k->confirmed_ms >= 0)
		return boot - k->confirmed_ms;
	age = oe_time_wall_ms() - k->believed_ms;
	/* a time in the future is no time: a clock was set back */
	if (age < -OE_SIGNED_AHEAD_MS)
		return INT64_MAX;
	return age > boot - k->loaded_ms ? age : boot - k->loaded_ms;
}

static int64_t
api_age(const struct oe_mesh__api *a)
{
	int64_t p = kept_age(&a->policy), d = kept_age(&a->directory);

	return p > d ? p : d;
}

static enum denial
api_denial(const struct oe_mesh__api *a)
{
	if (!a->policy.text || !a->directory.text)
		return DENIAL_EMPTY;
	if (api_age(a) > a->max_age_ms)
		return DENIAL_OLD;
	return a->policy.bad || a->directory.bad ? DENIAL_BAD : DENIAL_NONE;
}

static char *
denial_text(const struct oe_mesh__api *a, enum denial d)
{
	switch (d) {
	case DENIAL_NONE:
		break;
	case DENIAL_EMPTY:
		return oe_mem_strdup(
		    "the control API has not told its policy yet");
	case DENIAL_OLD:
		return oe_mem_strdup("the control API has been away for longer "
				     "than its policy is good for");
	case DENIAL_BAD:
		return oe_mem_printf(
		    "what the control API said cannot be obeyed: %s",
		    a->policy.bad ? a->policy.bad : a->directory.bad);
	}
	return NULL;
}

/* Told once when it begins, and once when it is over. */
static void
api_tell_age(struct oe_mesh__api *a)
{
	int64_t age = api_age(a);
	bool stale = a->policy.text && a->directory.text &&
		     age > 3 * a->plan.interval_ms;

	if (stale && !a->stale && age == INT64_MAX)
		oe_log_warn(NULL,
		    "the policy on disk is from the future: the clock is "
		    "wrong, and nothing is permitted");
	else if (stale && !a->stale)
		oe_log_warn(NULL,
		    "the control API is away: the policy of %lld s ago is "
		    "obeyed, for %lld s at most",
		    (long long)age / 1000, (long long)a->max_age_ms / 1000);
	else if (!stale && a->stale)
		oe_log_info(NULL, "the control API is back");
	a->stale = stale;
}

/* The texts are whole JSON values: one object is made around them. */
static void
api_compose(const struct oe_mesh__api *a, struct oe_buf *ret)
{
	struct oe_jval *v = oe_jval_object();
	char *denied = denial_text(a, a->denial), *head;
	size_t n;

	oe_jval_set_text(v, "device_id", a->plan.device_id);
	oe_jval_set_text(v, "network_id", a->plan.network_id);
	if (a->interface)
		oe_jval_set_text(v, "interface", a->interface);
	if (a->trust_members)
		oe_jval_set_bool(v, "trust_members", true);
	if (denied)
		oe_jval_set_text(v, "denied", denied);
	head = oe_jval_dump(v, 0);
	n = strlen(head);
	oe_buf_init(ret, OE_SRV_SNAPSHOT_MAX);
	(void)oe_buf_printf(ret, "%s%.*s", OE_MESH__API_MARK, (int)n - 1, head);
	if (!denied) {
		(void)oe_buf_printf(ret, ",\"policy\":");
		(void)oe_buf_put(ret, a->policy.text, strlen(a->policy.text));
		(void)oe_buf_printf(ret, ",\"directory\":");
		(void)oe_buf_put(
		    ret, a->directory.text, strlen(a->directory.text));
	}
	(void)oe_buf_printf(ret, "}");
	free(head);
	free(denied);
	oe_jval_free(&v);
}

/*
 * One that another word came about, that was never there, or that is too old
 * by a clock which may have been set since.
 */
static bool
kept_refresh(struct oe_mesh__api *a, struct kept *k)
{
	bool old = k->confirmed_ms < 0 && kept_age(k) > a->max_age_ms;

	return (k->other || !k->text || old) && kept_load(a, k);
}

/* The next look: when the age matters, or soon, since clocks are set. */
static void
api_next_look(struct oe_mesh__api *a)
{
	int64_t ms = API_LOOK_MS, left;

	if (a->poll < 0 || a->keeper_fd < 0)
		return;
	left = a->denial == DENIAL_NONE ? a->max_age_ms - api_age(a) + 1 : ms;
	api_timer(a, left < ms ? left : ms);
}

int
oe_mesh__api_take(
    struct oe_mesh__api *a, struct oe_buf *ret, struct oe_err *err)
{
	enum denial denial;
	bool changed;

	(void)err;
	api_serve(a);
	changed = kept_refresh(a, &a->policy);
	changed |= kept_refresh(a, &a->directory);
	api_tell_age(a);
	denial = api_denial(a);
	changed |= !a->taken || denial != a->denial;
	a->denial = denial;
	api_next_look(a);
	if (!changed)
		return OE_EAGAIN;
	api_compose(a, ret);
	a->taken = true;
	return 0;
}
