/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/copy_internal.h"
#include "sftp/path.h"

/* READDIRs of one directory at once, when the way there is long. */
#define READS_MAX  4
#define READS_SLOT 3

static oe_copy_step dir_open, dir_opened, dir_checked, dir_read, dir_got,
    dir_closed, dir_ended;

/* --- names that were seen --- */

static uint64_t
hash_name(uint64_t seed, const char *s)
{
	uint64_t h = seed ^ 0xcbf29ce484222325ull;

	/* FNV-1a from a random start; 0 marks a free slot */
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	h ^= h >> 29;
	return h ? h : 1;
}

static void
seen_put(struct oe_copy_seen *s, uint64_t h)
{
	size_t i = h & (s->cap - 1);

	while (s->v[i])
		i = (i + 1) & (s->cap - 1);
	s->v[i] = h;
}

static void
seen_grow(struct oe_copy_seen *s)
{
	struct oe_copy_seen old = *s;
	size_t i;

	s->cap = old.cap ? old.cap * 2 : 64;
	s->v = oe_mem_zalloc(s->cap * sizeof *s->v);
	for (i = 0; i < old.cap; i++)
		if (old.v[i])
			seen_put(s, old.v[i]);
	free(old.v);
}

/* true: it is new.  Past the bound repeated names are not found. */
static bool
seen_add(struct oe_copy_seen *s, uint64_t h)
{
	size_t i;

	if (s->n >= OE_COPY_SEEN_MAX)
		return true;
	if (2 * (s->n + 1) > s->cap)
		seen_grow(s);
	for (i = h & (s->cap - 1); s->v[i]; i = (i + 1) & (s->cap - 1))
		if (s->v[i] == h)
			return false;
	s->v[i] = h;
	s->n++;
	return true;
}

static void
seen_done(struct oe_copy_seen *s)
{
	free(s->v);
	memset(s, 0, sizeof *s);
}

/* --- directories --- */

void
oe_copy__dir_add(struct oe_sftp_copy *c, struct oe_copy_dir *parent,
    const char *name, const struct oe_sftp_attrs *a, unsigned links)
{
	size_t n = strlen(name) + 1;
	struct oe_copy_dir *d;

	if (!parent)
		n += strlen(name + n) + 1;
	d = oe_mem_zalloc(sizeof *d + n);
	memcpy(d->name, name, n);
	d->attrs = *a;
	d->links = links;
	d->refs = 1;
	d->parent = parent;
	if (parent)
		parent->refs++;
	d->next = c->dirs;
	c->dirs = d;
	c->n_dirs++;
}

void
oe_copy__dir_unref(struct oe_sftp_copy *c, struct oe_copy_dir *d)
{
	if (--d->refs)
		return;
	d->next = c->ends;
	c->ends = d;
}

void
oe_copy__dir_free(struct oe_sftp_copy *c, struct oe_copy_dir *d)
{
	seen_done(&d->seen);
	free(d->from);
	free(d->to);
	free(d);
	c->n_dirs--;
}

static void
dir_tell(struct oe_sftp_copy *c, const struct oe_copy_dir *d,
    const struct oe_err *err)
{
	struct oe_copy_item item = {
	    .from = d->from,
	    .to = d->to,
	    .kind = OE_COPY_DIR,
	    .status = d->status,
	    .err = err,
	};

	if (c->plan.ui.end)
		c->plan.ui.end(c->plan.ui.arg, &item);
}

/* A failure of a directory: told once, when it happens. */
static void
dir_fail(struct oe_copy_job *j, int status, const struct oe_err *err)
{
	struct oe_copy_dir *d = j->dir;

	if (d->status)
		return;
	d->status = status;
	j->c->totals.files_failed++;
	oe_copy__failed(j->c, status, err);
	dir_tell(j->c, d, err);
}

static void
dir_fail_op(
    struct oe_copy_job *j, const struct oe_sftp_op *op, const char *path)
{
	struct oe_err err = OE_ERR_INIT;
	int r = oe_sftp_op_error(op, path, &err);

	dir_fail(j, r, &err);
}

static void
dir_fail_text(
    struct oe_copy_job *j, int status, const char *path, const char *words)
{
	struct oe_err err = OE_ERR_INIT;
	char shown[256];

	oe_str_escape(path, strlen(path), shown, sizeof shown);
	oe_err_set(&err, status, "%s: %s", shown, words);
	dir_fail(j, status, &err);
}

/* The paths of @d; false when one is too long. */
static bool
dir_paths(struct oe_copy_dir *d)
{
	if (!d->parent) {
		d->from = oe_mem_strdup(d->name);
		d->to = oe_mem_strdup(d->name + strlen(d->name) + 1);
	} else {
		d->from = oe_sftp_path_join(d->parent->from, d->name);
		d->to = oe_sftp_path_join(d->parent->to, d->name);
	}
	return strlen(d->from) < OE_SFTP_PATH_MAX &&
	       strlen(d->to) < OE_SFTP_PATH_MAX;
}

/* --- opening --- */

static void
dir_leave(struct oe_copy_job *j)
{
	struct oe_sftp_copy *c = j->c;
	struct oe_copy_dir *d = j->dir;

	seen_done(&d->seen);
	oe_copy__job_done(j);
	oe_copy__dir_unref(c, d);
}

static uint32_t
dir_mode(const struct oe_copy_dir *d)
{
	if (!(d->attrs.flags & OE_ATTR_PERMISSIONS))
		return 0777;
	/* what is to be written into must be writable meanwhile */
	return (d->attrs.mode & 0777) | 0700;
}

static void
dir_open(struct oe_copy_job *j)
{
	struct oe_copy_dir *d = j->dir;
	struct oe_sftp_op *op;

	if (!dir_paths(d)) {
		dir_fail_text(j, OE_ETOOBIG, d->from, "the path is too long");
		dir_leave(j);
		return;
	}
	if (j->c->stopping || !oe_copy__use_lanes(j)) {
		dir_leave(j);
		return;
	}
	j->used = 0;
	j->step = dir_opened;
	op = oe_copy__op(j, OE_COPY_OP_OPEN_FROM);
	j->from->fs->ops->opendir(j->from->fs, op, d->from);
	if (j->c->plan.flags & OE_COPY_DRY_RUN)
		return;
	if (op->finished && op->status < 0)
		return;
	op = oe_copy__op(j, OE_COPY_OP_OPEN_TO);
	j->to->fs->ops->mkdir(j->to->fs, op, d->to, dir_mode(d));
}

static void
dir_close(struct oe_copy_job *j)
{
	struct oe_sftp_file *f = j->ff;

	j->ff = NULL;
	j->step = dir_closed;
	if (f)
		j->from->fs->ops->close(
		    j->from->fs, oe_copy__op(j, READS_SLOT), f);
}

static void
dir_closed(struct oe_copy_job *j)
{
	dir_leave(j);
}

static void
dir_opened(struct oe_copy_job *j)
{
	struct oe_copy_dir *d = j->dir;
	struct oe_sftp_op *open = &j->op[OE_COPY_OP_OPEN_FROM];
	struct oe_sftp_op *mk = &j->op[OE_COPY_OP_OPEN_TO];
	bool local = j->to->fs->features & OE_FS_LOCAL;

	if (open->status < 0) {
		dir_fail_op(j, open, d->from);
		dir_leave(j);
		return;
	}
	j->ff = oe_copy__take(open);
	j->step = dir_read;
	if (!(j->used & 1u << OE_COPY_OP_OPEN_TO))
		return;
	d->fresh = mk->status == 0;
	if (d->fresh)
		return;
	/* a root was named by the user, a link to a directory included */
	j->step = dir_checked;
	j->to->fs->ops->stat(
	    j->to->fs, oe_copy__op(j, 1), d->to, !local || !d->parent);
}

static void
dir_checked(struct oe_copy_job *j)
{
	struct oe_copy_dir *d = j->dir;
	struct oe_sftp_op *st = &j->op[1];

	j->step = dir_read;
	if (st->status == 0 && S_ISDIR(st->attrs.mode))
		return;
	if (st->status == 0)
		dir_fail_text(j, OE_EEXIST, d->to,
		    "is there already and not a directory");
	else
		dir_fail_op(j, &j->op[OE_COPY_OP_OPEN_TO], d->to);
	dir_close(j);
}

/* --- reading --- */

/* Patterns with a '/' see the path below the root. */
static void
below_root(const struct oe_copy_dir *d, const char *name, char *ret, size_t max)
{
	const struct oe_copy_dir *root = d;
	const char *rest;
	size_t n;

	while (root->parent)
		root = root->parent;
	rest = d->from + strlen(root->from);
	while (*rest == '/')
		rest++;
	n = strlen(rest);
	if (n + 1 + strlen(name) >= max)
		n = 0;
	memcpy(ret, rest, n);
	if (n)
		ret[n++] = '/';
	oe_str_copy(ret + n, max - n, name);
}

static bool
pattern_hits(const char *pattern, const char *name, const char *path, bool dir)
{
	char text[OE_SFTP_PATH_MAX];
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '/') {
		if (!dir)
			return false;
		n--;
	}
	if (n == 0 || n >= sizeof text)
		return false;
	memcpy(text, pattern, n);
	text[n] = '\0';
	if (!strchr(text, '/'))
		return oe_str_match(text, name);
	return oe_str_match(text[0] == '/' ? text + 1 : text, path);
}

static bool
excluded(const struct oe_copy_job *j, const char *name, bool dir)
{
	const struct oe_strs *x = j->c->plan.exclude;
	char path[OE_SFTP_PATH_MAX];
	size_t i;

	if (!x || !x->n)
		return false;
	below_root(j->dir, name, path, sizeof path);
	for (i = 0; i < x->n; i++)
		if (pattern_hits(x->v[i], name, path, dir))
			return true;
	return false;
}

/* A name that must not be: told, counted, left out. */
static void
refuse(struct oe_copy_job *j, const char *name, const char *why)
{
	struct oe_err err = OE_ERR_INIT;
	char dir[200], shown[200];

	oe_str_escape(j->dir->from, strlen(j->dir->from), dir, sizeof dir);
	oe_str_escape(name, strlen(name), shown, sizeof shown);
	oe_err_set(&err, OE_EPROTO, "%s: the name '%s' %s", dir, shown, why);
	j->c->totals.files_failed++;
	oe_copy__warn(j->c, err.msg);
	oe_copy__failed(j->c, OE_EPROTO, &err);
}

static void
entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct oe_copy_job *j = op->arg;
	struct oe_sftp_copy *c = j->c;
	bool dir =
	    e->attrs.flags & OE_ATTR_PERMISSIONS && S_ISDIR(e->attrs.mode);

	if (c->orphan || c->stopping)
		return;
	if (!oe_sftp_name_ok(e->name)) {
		refuse(j, e->name, "is not one of a file, and is refused");
		return;
	}
	if (!(j->from->fs->features & OE_FS_LOCAL) &&
	    !seen_add(&j->dir->seen, hash_name(c->seed, e->name))) {
		refuse(j, e->name, "is there twice, and is refused");
		return;
	}
	if (excluded(j, e->name, dir))
		return;
	if (dir)
		oe_copy__dir_add(c, j->dir, e->name, &e->attrs, j->dir->links);
	else
		oe_copy__name_add(c, j->dir, e->name, &e->attrs);
}

static void
dir_read(struct oe_copy_job *j)
{
	struct oe_sftp_copy *c = j->c;
	struct oe_sftp_fs *fs = j->from->fs;
	unsigned i, n = fs->features & OE_FS_LOCAL ? 1 : READS_MAX;

	if (c->stopping) {
		dir_close(j);
		return;
	}
	if (c->n_names >= OE_COPY_NAMES_MAX) {
		j->parked = true;
		j->next = c->paused;
		c->paused = j;
		return;
	}
	/* two tell a small directory whole and that it ends there */
	if (n > 2 && !j->again)
		n = 2;
	j->again = true;
	j->used = 0;
	j->step = dir_got;
	for (i = 0; i < n; i++) {
		struct oe_sftp_op *op = oe_copy__op(j, READS_SLOT + i);

		op->entry = entry;
		fs->ops->readdir(fs, op, j->ff);
	}
}

static void
dir_got(struct oe_copy_job *j)
{
	unsigned i;

	j->step = dir_read;
	for (i = 0; i < READS_MAX; i++) {
		struct oe_sftp_op *op = &j->op[READS_SLOT + i];

		if (!(j->used & 1u << (READS_SLOT + i)) || op->status == 0)
			continue;
		if (op->status != OE_ESHORT)
			dir_fail_op(j, op, j->dir->from);
		if (j->step == dir_read)
			dir_close(j);
	}
}

void
oe_copy__walk_more(struct oe_sftp_copy *c)
{
	struct oe_copy_job *j;

	if (c->n_names >= OE_COPY_NAMES_MAX / 2 && !c->stopping)
		return;
	while ((j = c->paused)) {
		c->paused = j->next;
		oe_copy__ready(j);
	}
}

/* --- the end of a directory --- */

static struct oe_sftp_attrs
dir_attrs(const struct oe_sftp_copy *c, const struct oe_copy_dir *d)
{
	struct oe_sftp_attrs a = {0};

	a.mode = d->attrs.mode & 0777;
	a.atime = d->attrs.atime;
	a.mtime = d->attrs.mtime;
	if (d->status || c->plan.flags & OE_COPY_DRY_RUN || !d->to)
		return a;
	if (c->plan.flags & OE_COPY_PRESERVE)
		a.flags =
		    d->attrs.flags & (OE_ATTR_PERMISSIONS | OE_ATTR_ACMODTIME);
	else if (d->fresh && d->attrs.flags & OE_ATTR_PERMISSIONS &&
		 (a.mode & 0700) != 0700)
		a.flags = OE_ATTR_PERMISSIONS;
	return a;
}

static void
dir_gone(struct oe_sftp_copy *c, struct oe_copy_dir *d)
{
	struct oe_copy_dir *parent = d->parent;

	if (!d->status && d->from && !c->stopping)
		dir_tell(c, d, NULL);
	oe_copy__dir_free(c, d);
	if (parent)
		oe_copy__dir_unref(c, parent);
}

static void
dir_ended(struct oe_copy_job *j)
{
	struct oe_copy_dir *d = j->dir;
	struct oe_sftp_copy *c = j->c;

	if (j->op[0].status < 0)
		dir_fail_op(j, &j->op[0], d->to);
	oe_copy__job_done(j);
	dir_gone(c, d);
}

static struct oe_copy_job *
dir_job(struct oe_sftp_copy *c, struct oe_copy_dir *d, oe_copy_step *step)
{
	struct oe_copy_job *j = oe_copy__job(c, step);

	c->n_dir_jobs++;
	j->dir = d;
	return j;
}

static void
dir_end(struct oe_sftp_copy *c, struct oe_copy_dir *d)
{
	struct oe_sftp_attrs a = dir_attrs(c, d);
	struct oe_copy_job *j;

	if (!a.flags || c->stopping) {
		dir_gone(c, d);
		return;
	}
	j = dir_job(c, d, dir_ended);
	if (!oe_copy__use_lanes(j)) {
		oe_copy__job_done(j);
		dir_gone(c, d);
		return;
	}
	j->to->fs->ops->setstat(j->to->fs, oe_copy__op(j, 0), d->to, &a, true);
}

bool
oe_copy__walk(struct oe_sftp_copy *c)
{
	struct oe_copy_dir *d;
	bool did = false;

	oe_copy__walk_more(c);
	while ((d = c->ends) && c->n_dir_jobs < 2 * OE_COPY_DIRS_MAX) {
		c->ends = d->next;
		dir_end(c, d);
		did = true;
	}
	while ((d = c->dirs) && c->n_dir_jobs < OE_COPY_DIRS_MAX &&
	       c->n_names < OE_COPY_NAMES_MAX) {
		c->dirs = d->next;
		oe_copy__ready(dir_job(c, d, dir_open));
		did = true;
	}
	return did;
}

void
oe_copy__walk_drop(struct oe_sftp_copy *c)
{
	struct oe_copy_dir *d;
	struct oe_copy_name *n;

	while ((d = c->dirs)) {
		c->dirs = d->next;
		oe_copy__dir_unref(c, d);
	}
	while ((n = c->names)) {
		c->names = n->next;
		if (n->dir)
			oe_copy__dir_unref(c, n->dir);
		free(n);
	}
	c->names_last = &c->names;
	c->n_names = 0;
}
