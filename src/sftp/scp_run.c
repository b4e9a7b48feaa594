/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/scp_run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/app/exitcode.h"
#include "core/app/param.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "sftp/ask.h"
#include "sftp/copy.h"
#include "sftp/path.h"
#include "sftp/progress.h"
#include "sftp/scp_peers.h"
#include "sftp/scp_target.h"

/* How often more connections are thought of. */
#define WIDEN_MS 10

/* The signal that ends the run; set by on_signal() only. */
static volatile sig_atomic_t stop_signal;

/* One end of a copy. */
struct end {
	struct oe_sftp_fs *fs;
	struct oe_scp_peer *peer; /* NULL: this machine */
};

struct run {
	const struct oe_scp_plan *plan;
	struct oe_loop *loop;
	struct oe_sftp_fs *local;
	struct oe_scp_peers peers;
	struct oe_progress *progress;
	struct oe_scp_target *targets; /* of all operands */
	size_t sources;                /* all of them but the last */
	struct end from, to;           /* of the engine now */
	char *to_path;
	struct oe_scp_place place;
	struct oe_sftp_copy *copy; /* the engine now */
	struct oe_timer *widen;
};

static void
on_signal(int number)
{
	stop_signal = number;
}

/* The first one ends the copy in order, the second one at once. */
static void
catch_signals(bool on)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction now, old;
	size_t i;

	memset(&now, 0, sizeof now);
	sigemptyset(&now.sa_mask);
	now.sa_handler = on ? on_signal : SIG_DFL;
	now.sa_flags = (int)SA_RESETHAND;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		/* nohup(1) stays what it is */
		if (sigaction(all[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(all[i], &now, NULL);
}

static struct oe_ask
asker(const struct run *r, const struct end *e)
{
	return (struct oe_ask){r->loop, e->fs, &stop_signal};
}

/* While a peer is dialled, a signal ends the program as usual. */
static int
open_end(struct run *r, const struct oe_scp_target *t, struct end *ret,
    struct oe_err *err)
{
	struct oe_scp_peer *peer = NULL;
	int e;

	if (!t->remote) {
		*ret = (struct end){r->local, NULL};
		return 0;
	}
	catch_signals(false);
	e = oe_scp_peers_get(&r->peers, &t->host, &peer, err);
	catch_signals(true);
	if (e == 0)
		*ret = (struct end){oe_scp_peer_fs(peer), peer};
	return e;
}

/* A path as the file system at that end takes it. */
static int
settle_path(struct run *r, const struct end *e, const char *path, char **ret,
    struct oe_err *err)
{
	struct oe_ask ask = asker(r, e);
	char *plain;

	plain = e->peer ? oe_scp_home(path) : oe_mem_strdup(path);
	if (plain) {
		*ret = plain;
		return 0;
	}
	if (!(e->fs->features & OE_FS_EXPAND))
		return oe_err_set(err, OE_EINVAL,
		    "%s: the server cannot tell where the home of another "
		    "user is",
		    path);
	return oe_ask_expand(&ask, path, ret, err);
}

/*
 * The files of this machine that will go there: what they are known to be
 * long is reason enough for more connections, whose logins take as many round
 * trips as the questions that are asked before the first byte.
 */
static void
widen_early(struct run *r)
{
	unsigned n = (unsigned)oe_values_int(r->plan->v, "sessions");
	uint64_t bytes = 0;
	struct stat st;
	size_t i;

	if (!r->to.peer || r->plan->flags & OE_COPY_DRY_RUN)
		return;
	for (i = 0; i < r->sources; i++)
		if (!r->targets[i].remote &&
		    stat(r->targets[i].path, &st) == 0 && S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	if (n == 0)
		n = oe_sftp_copy_sessions(
		    bytes, 0, oe_scp_peer_rtt_us(r->to.peer));
	oe_scp_peer_widen(r->to.peer, n > 1 ? n : 1);
}

static int
look_at_target(struct run *r, struct oe_err *err)
{
	struct oe_scp_target *t = &r->targets[r->sources];
	struct oe_sftp_attrs attrs = {0};
	struct oe_ask ask;
	int e;

	e = open_end(r, t, &r->to, err);
	if (e < 0)
		return e;
	widen_early(r);
	e = settle_path(r, &r->to, t->path, &r->to_path, err);
	if (e < 0)
		return e;
	ask = asker(r, &r->to);
	e = oe_ask_stat(&ask, r->to_path, true, &attrs, err);
	if (e == OE_ECANCEL || r->to.fs->failed)
		return e;
	r->place.path = r->to_path;
	r->place.remote = r->to.peer != NULL;
	r->place.exists = e == 0;
	r->place.is_dir = e == 0 && S_ISDIR(attrs.mode);
	return 0;
}

/* Patterns are for peers: the shell has seen to those of this machine. */
static int
find_sources(struct run *r, const struct end *from, const char *path,
    struct oe_strs *ret, struct oe_err *err)
{
	char *settled = NULL;
	int e = settle_path(r, from, path, &settled, err);

	if (e < 0)
		return e;
	if (from->peer && oe_sftp_glob_is(settled)) {
		e = oe_sftp_glob(
		    r->loop, from->fs, settled, &stop_signal, ret, err);
		/* then it is a name that only looks like a pattern */
		if (e == OE_ENOENT) {
			oe_strs_add(ret, settled);
			e = 0;
		}
	} else {
		oe_strs_add_take(ret, from->peer ? oe_sftp_glob_plain(settled)
						 : oe_mem_strdup(settled));
	}
	free(settled);
	return e;
}

static int
make_target(struct run *r, struct oe_err *err)
{
	struct oe_ask ask = asker(r, &r->to);
	int e = 0;

	if (!(r->plan->flags & OE_COPY_DRY_RUN))
		e = oe_ask_mkdir(&ask, r->to_path, 0777, err);
	if (e == 0)
		r->place.exists = r->place.is_dir = true;
	return e;
}

/* Where one path goes. */
static char *
destination(const struct run *r, enum oe_scp_where where, const char *path)
{
	char *base, *to;

	if (where == OE_SCP_EXACTLY)
		return oe_mem_strdup(r->to_path);
	base = oe_sftp_path_base(path);
	/* what has no name of its own ("..", "/") is merged */
	to = oe_str_eq(base, ".") ? oe_mem_strdup(r->to_path)
				  : oe_sftp_path_join(r->to_path, base);
	free(base);
	return to;
}

static int
add_source(
    struct run *r, const struct end *from, const char *path, struct oe_err *err)
{
	struct oe_strs found = {NULL, 0};
	size_t i;
	int e, where = 0;

	e = find_sources(r, from, path, &found, err);
	if (e == 0)
		e = where = oe_scp_where(&r->place, r->sources, found.n, err);
	if (where == OE_SCP_MAKE_DIR)
		e = make_target(r, err);
	for (i = 0; i < found.n && e >= 0; i++) {
		char *to = destination(r, (enum oe_scp_where)where, found.v[i]);

		oe_sftp_copy_add(r->copy, found.v[i], to);
		free(to);
	}
	oe_strs_done(&found);
	return e < 0 ? e : 0;
}

/* More connections where they would help: a look now and then. */
static void
on_widen(void *arg)
{
	struct run *r = arg;
	unsigned n = (unsigned)oe_values_int(r->plan->v, "sessions");

	if (r->from.peer)
		oe_scp_peer_widen(r->from.peer, n);
	if (r->to.peer)
		oe_scp_peer_widen(r->to.peer, n);
	oe_timer_set(r->widen, WIDEN_MS);
}

/* The engine ends by itself: oe_sftp_copy_run() waits for that. */
static void
on_done(void *arg, int status, const struct oe_err *err)
{
	(void)arg;
	(void)status;
	(void)err;
}

static void
start_engine(struct run *r)
{
	const struct oe_values *v = r->plan->v;
	struct oe_copy_plan plan = {
	    .loop = r->loop,
	    .from = r->from.fs,
	    .to = r->to.fs,
	    .flags = r->plan->flags,
	    .inflight = r->plan->inflight,
	    /* of scp: kilobits */
	    .bytes_per_s = (uint64_t)oe_values_int(v, "limit") * 1024 / 8,
	    .exclude = oe_values_list(v, "exclude"),
	    .ui = oe_progress_ui(r->progress),
	    .done = on_done,
	};

	r->copy = oe_sftp_copy_new(&plan);
	oe_progress_attach(r->progress, r->copy);
	if (r->from.peer)
		oe_scp_peer_serve(r->from.peer, r->copy, false);
	if (r->to.peer && r->to.peer != r->from.peer)
		oe_scp_peer_serve(r->to.peer, r->copy, true);
	r->widen = oe_loop_timer(
	    r->loop, oe_values_int(v, "sessions") ? 0 : WIDEN_MS, on_widen, r);
}

static void
end_engine(struct run *r)
{
	oe_timer_free(&r->widen);
	oe_progress_detach(r->progress);
	if (r->from.peer)
		oe_scp_peer_serve(r->from.peer, NULL, false);
	if (r->to.peer)
		oe_scp_peer_serve(r->to.peer, NULL, true);
	oe_sftp_copy_free(&r->copy);
}

/* A file's failure was told as it happened; is it the end of everything? */
static int
fatal(const struct run *r, int e, struct oe_err *err)
{
	if (stop_signal)
		return OE_ECANCEL;
	if (!r->to.fs->failed && !(r->from.fs && r->from.fs->failed))
		return 0;
	if (!err->code)
		oe_err_set(err, OE_ECLOSED, "the connection was lost");
	return e < 0 ? e : OE_ECLOSED;
}

/* Sources from @first on that are at the same end, in one go. */
static int
copy_group(struct run *r, size_t first, size_t n, struct oe_err *err)
{
	struct oe_err one;
	size_t i;
	int e = 0;

	start_engine(r);
	for (i = first; i < first + n && e == 0; i++) {
		one = (struct oe_err)OE_ERR_INIT;
		e = add_source(r, &r->from, r->targets[i].path, &one);
		if (e == 0)
			continue;
		e = fatal(r, e, &one);
		if (e == 0)
			oe_progress_failed(
			    r->progress, r->plan->operands->v[i], &one);
		else
			*err = one;
	}
	if (e == 0) {
		/* each name's failure was told by the progress */
		oe_sftp_copy_run(r->copy, &stop_signal, err);
		e = fatal(r, 0, err);
	}
	end_engine(r);
	return e;
}

static bool
same_end(const struct oe_scp_target *a, const struct oe_scp_target *b)
{
	if (!a->remote || !b->remote)
		return a->remote == b->remote;
	return oe_str_eq(a->host.user, b->host.user) &&
	       oe_str_eq(a->host.host, b->host.host) &&
	       a->host.port == b->host.port;
}

static int
copy_all(struct run *r, struct oe_err *err)
{
	size_t i, n;
	int e;

	catch_signals(true);
	e = look_at_target(r, err);
	for (i = 0; i < r->sources && e == 0; i += n) {
		for (n = 1; i + n < r->sources &&
			    same_end(&r->targets[i], &r->targets[i + n]);)
			n++;
		e = open_end(r, &r->targets[i], &r->from, err);
		if (e == 0)
			e = copy_group(r, i, n, err);
	}
	return e;
}

static int
parse_targets(struct run *r, struct oe_err *err)
{
	const struct oe_strs *operands = r->plan->operands;
	size_t i;
	int e = 0;

	r->targets = oe_mem_zalloc(operands->n * sizeof *r->targets);
	r->sources = operands->n - 1;
	for (i = 0; i < operands->n && e == 0; i++)
		e = oe_scp_target_parse(operands->v[i], &r->targets[i], err);
	return e;
}

static void
open_run(struct run *r)
{
	const struct oe_values *v = r->plan->v;
	bool json = oe_values_flag(v, "json");
	bool dry = oe_values_flag(v, "dry-run");
	struct oe_progress_plan plan = {
	    .meter = oe_values_flag(v, "progress") && !dry &&
		     !oe_values_flag(v, "quiet"),
	    .json = json,
	    .names = dry && !json,
	    .verbose = oe_values_int(v, "verbose") > 0,
	    .command = "scp",
	};

	r->loop = plan.loop = oe_loop_new();
	r->local = oe_sftp_local_new();
	r->progress = oe_progress_new(&plan);
	r->peers = (struct oe_scp_peers){.loop = r->loop,
	    .modules = r->plan->modules,
	    .v = v,
	    .forwarding = r->plan->forwarding,
	    .program = oe_values_str(v, "program"),
	    .data_max = r->plan->data_max};
}

static void
close_run(struct run *r)
{
	size_t i;

	oe_progress_free(&r->progress);
	oe_scp_peers_done(&r->peers);
	oe_sftp_fs_free(&r->local);
	oe_loop_free(&r->loop);
	for (i = 0; r->targets && i <= r->sources; i++)
		oe_scp_target_done(&r->targets[i]);
	free(r->targets);
	free(r->to_path);
}

/* What to do about a copy that did not come to its end. */
static void
hint(const struct run *r)
{
	unsigned flags = r->plan->flags;

	if (oe_progress_moved(r->progress) &&
	    !(flags & (OE_COPY_IN_PLACE | OE_COPY_DRY_RUN)))
		oe_log_info(
		    NULL, "the same command with --resume goes on from here");
}

static int
exit_for(struct run *r, int e, const struct oe_err *err)
{
	bool unfinished = e == OE_ECANCEL || r->to.fs == NULL ||
			  r->to.fs->failed ||
			  (r->from.fs && r->from.fs->failed);

	if (e < 0 && !stop_signal)
		oe_log_error(NULL, "%s", oe_err_text(err));
	if (unfinished)
		hint(r);
	if (stop_signal)
		return OE_EXIT_SIGNAL + stop_signal;
	if (e == OE_EUSAGE)
		return OE_EXIT_USAGE;
	if (e < 0)
		return OE_EXIT_CONNECT;
	return oe_progress_failures(r->progress) ? OE_EXIT_FAILURE : OE_EXIT_OK;
}

int
oe_scp_run(const struct oe_scp_plan *plan, int *ret_signal)
{
	struct run r = {.plan = plan};
	struct oe_err err = OE_ERR_INIT;
	int e, status;

	open_run(&r);
	e = parse_targets(&r, &err);
	if (e == 0)
		e = copy_all(&r, &err);
	oe_progress_end(r.progress);
	status = exit_for(&r, e, &err);
	close_run(&r);
	catch_signals(false);
	*ret_signal = stop_signal;
	return status;
}
