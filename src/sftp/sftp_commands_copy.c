/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_commands.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "sftp/copy.h"
#include "sftp/path.h"
#include "sftp/progress.h"
#include "sftp/remote.h"

/* How often it is asked whether more sessions would help. */
#define WIDEN_MS 200

/* One get or put. */
struct job {
	struct oe_sftp_shell *sh;
	const struct oe_sftp_args *args;
	bool upload;
	unsigned flags;
	struct oe_sftp_fs *from, *to;
	struct oe_strs sources;
	const char *target; /* as given, or NULL */
	bool into;          /* the target is a directory */
};

static unsigned
flags_of(const struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	unsigned f = sh->copy_flags;

	if (oe_sftp_has(a, 'p') || oe_sftp_has(a, 'P'))
		f |= OE_COPY_PRESERVE;
	if (oe_sftp_has(a, 'r') || oe_sftp_has(a, 'R'))
		f |= OE_COPY_RECURSIVE;
	if (oe_sftp_has(a, 'a'))
		f |= OE_COPY_RESUME | OE_COPY_APPEND;
	if (oe_sftp_has(a, 'f'))
		f &= ~OE_COPY_NO_SYNC;
	return f;
}

static void
on_done(void *arg, int status, const struct oe_err *err)
{
	(void)arg;
	(void)status;
	(void)err;
}

static void
on_lane(void *arg, struct oe_sftp_fs *fs)
{
	struct oe_sftp_shell *sh = arg;

	if (sh->n_lanes == OE_SFTP_LANES_MAX)
		return;
	sh->lanes[sh->n_lanes++] = fs;
	if (sh->copy)
		oe_sftp_copy_lane(sh->copy, sh->uploads, fs);
}

static void
on_widen(void *arg)
{
	struct oe_sftp_shell *sh = arg;
	unsigned n = sh->jobs;

	if (!n)
		n = oe_sftp_copy_wants(
		    sh->copy, oe_sftp_remote_rtt_us(sh->peer));
	if (n > OE_SFTP_LANES_MAX)
		n = OE_SFTP_LANES_MAX;
	if (n > sh->widened) {
		sh->widened = n;
		oe_sftp_remote_widen(sh->peer, n, on_lane, sh);
	}
	oe_timer_set(sh->widen, WIDEN_MS);
}

static void
begin_lanes(struct oe_sftp_shell *sh, struct oe_sftp_copy *c, bool upload)
{
	unsigned i;

	sh->copy = c;
	sh->uploads = upload;
	for (i = 0; i < sh->n_lanes; i++)
		if (!sh->lanes[i]->failed)
			oe_sftp_copy_lane(c, upload, sh->lanes[i]);
	if (sh->peer && sh->jobs != 1)
		sh->widen = oe_loop_timer(sh->loop, 0, on_widen, sh);
}

static void
end_lanes(struct oe_sftp_shell *sh)
{
	sh->copy = NULL;
	oe_timer_free(&sh->widen);
}

static struct oe_sftp_copy *
new_copy(const struct job *j, struct oe_progress *p)
{
	const struct oe_sftp_shell *sh = j->sh;
	struct oe_copy_plan plan = {
	    .loop = sh->loop,
	    .from = j->from,
	    .to = j->to,
	    .flags = j->flags,
	    .bytes_per_s = sh->bytes_per_s,
	    .inflight = sh->inflight,
	    .stop_at_error = j->args->stop_at_error,
	    .ui = oe_progress_ui(p),
	    .done = on_done,
	};

	return oe_sftp_copy_new(&plan);
}

static char *
target_of(const struct job *j, const char *source)
{
	char *base = oe_sftp_path_base(source), *to;

	if (!j->target)
		to = j->upload ? oe_sftp_absolute(j->sh, base)
			       : oe_mem_strdup(base);
	else if (j->into)
		to = oe_sftp_path_join(j->target, base);
	else
		to = oe_mem_strdup(j->target);
	free(base);
	return to;
}

static void
tell(const struct job *j, const char *from, const char *to)
{
	bool resumes = j->flags & OE_COPY_RESUME;
	const char *what = resumes ? "Resuming" : "Fetching";

	if (j->upload)
		what = resumes ? "Resuming upload of" : "Uploading";
	if (!j->sh->json)
		oe_sftp_tell(j->sh, "%s %s to %s", what, from, to);
}

static int
run_job(const struct job *j)
{
	struct oe_sftp_shell *sh = j->sh;
	struct oe_progress_plan plan = {
	    .loop = sh->loop,
	    .meter = sh->meter,
	    .json = sh->json,
	    .command = "sftp",
	};
	struct oe_progress *p = oe_progress_new(&plan);
	struct oe_sftp_copy *c = new_copy(j, p);
	struct oe_err err = OE_ERR_INIT;
	size_t i;
	char *to;
	int r;

	begin_lanes(sh, c, j->upload);
	for (i = 0; i < j->sources.n; i++) {
		to = target_of(j, j->sources.v[i]);
		tell(j, j->sources.v[i], to);
		oe_sftp_copy_add(c, j->sources.v[i], to);
		free(to);
	}
	fflush(sh->out);
	oe_progress_attach(p, c);
	r = oe_sftp_copy_run(c, sh->stop, &err);
	oe_progress_end(p);
	end_lanes(sh);
	oe_sftp_copy_free(&c);
	oe_progress_free(&p);
	return r;
}

/* More than one source goes into a directory only. */
static int
check_target(const struct job *j)
{
	if (j->sources.n > 1 && j->target && !j->into)
		return oe_sftp_fail(j->sh,
		    "Several files match, but \"%s\" is not a directory",
		    j->target);
	return 0;
}

static int
get(struct oe_sftp_shell *sh, const struct oe_sftp_args *a, unsigned flags)
{
	struct job j = {.sh = sh,
	    .args = a,
	    .flags = flags,
	    .from = sh->remote,
	    .to = sh->local};
	struct oe_ask here = {sh->loop, sh->local, sh->stop};
	struct oe_sftp_attrs st = {0};
	struct oe_err err = OE_ERR_INIT;
	char *pattern = oe_sftp_absolute_pattern(sh, a->words[0]);
	char *to = a->n > 1 ? oe_sftp_glob_plain(a->words[1]) : NULL;
	int r;

	r = oe_sftp_glob(
	    sh->loop, sh->remote, pattern, sh->stop, &j.sources, &err);
	if (r < 0)
		oe_sftp_fail(sh, "%s", oe_err_text(&err));
	j.target = to;
	j.into = to && oe_ask_stat(&here, to, true, &st, NULL) == 0 &&
		 S_ISDIR(st.mode);
	if (r == 0)
		r = check_target(&j);
	if (r == 0)
		r = run_job(&j);
	oe_strs_done(&j.sources);
	free(pattern);
	free(to);
	return r;
}

static int
put(struct oe_sftp_shell *sh, const struct oe_sftp_args *a, unsigned flags)
{
	struct job j = {.sh = sh,
	    .args = a,
	    .upload = true,
	    .flags = flags,
	    .from = sh->local,
	    .to = sh->remote};
	struct oe_err err = OE_ERR_INIT;
	char *plain = a->n > 1 ? oe_sftp_glob_plain(a->words[1]) : NULL;
	char *to = plain ? oe_sftp_absolute(sh, plain) : NULL;
	int r;

	r = oe_sftp_glob(
	    sh->loop, sh->local, a->words[0], sh->stop, &j.sources, &err);
	if (r < 0)
		oe_sftp_fail(sh, "%s", oe_err_text(&err));
	j.target = to;
	j.into = to && oe_sftp_is_dir(sh, to);
	if (r == 0)
		r = check_target(&j);
	if (r == 0)
		r = run_job(&j);
	oe_strs_done(&j.sources);
	free(plain);
	free(to);
	return r;
}

int
oe_sftp_cmd_get(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return get(sh, a, flags_of(sh, a));
}

int
oe_sftp_cmd_reget(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return get(sh, a, flags_of(sh, a) | OE_COPY_RESUME | OE_COPY_APPEND);
}

int
oe_sftp_cmd_put(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return put(sh, a, flags_of(sh, a));
}

int
oe_sftp_cmd_reput(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return put(sh, a, flags_of(sh, a) | OE_COPY_RESUME | OE_COPY_APPEND);
}
