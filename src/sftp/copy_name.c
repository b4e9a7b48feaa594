/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "sftp/copy_internal.h"
#include "sftp/path.h"

static oe_copy_step root_known, source_known, target_known, link_read,
    link_made, link_moved, drop;

static bool
is_regular(const struct oe_sftp_attrs *a)
{
	return a->flags & OE_ATTR_PERMISSIONS && S_ISREG(a->mode);
}

static void
count(struct oe_sftp_copy *c, struct oe_copy_name *n)
{
	if (n->counted)
		return;
	n->counted = true;
	c->totals.files++;
	if (is_regular(&n->attrs))
		c->totals.bytes += n->attrs.size;
}

void
oe_copy__name_add(struct oe_sftp_copy *c, struct oe_copy_dir *dir,
    const char *name, const struct oe_sftp_attrs *a)
{
	size_t n = strlen(name) + 1;
	struct oe_copy_name *x;

	if (!dir)
		n += strlen(name + n) + 1;
	x = oe_mem_zalloc(sizeof *x + n);
	memcpy(x->name, name, n);
	x->dir = dir;
	x->attrs = *a;
	if (dir) {
		dir->refs++;
		if (is_regular(a))
			count(c, x);
	}
	*c->names_last = x;
	c->names_last = &x->next;
	c->n_names++;
}

static const char *
join(char *to, const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name);

	/* directories and names are bounded where they are made */
	if (d + n + 2 > OE_SFTP_PATH_MAX) {
		to[0] = '\0';
		return to;
	}
	memcpy(to, dir, d);
	if (d && dir[d - 1] != '/')
		to[d++] = '/';
	memcpy(to + d, name, n + 1);
	return to;
}

const char *
oe_copy__from(const struct oe_copy_job *j)
{
	const struct oe_copy_name *n = j->name;

	if (!n->dir)
		return n->name;
	return join(j->c->path_from, n->dir->from, n->name);
}

const char *
oe_copy__to(const struct oe_copy_job *j)
{
	const struct oe_copy_name *n = j->name;

	if (!n->dir)
		return n->name + strlen(n->name) + 1;
	return join(j->c->path_to, n->dir->to, n->name);
}

/* --- what is told --- */

static enum oe_copy_kind
kind_of(const struct oe_sftp_attrs *a)
{
	if (!(a->flags & OE_ATTR_PERMISSIONS) || S_ISREG(a->mode))
		return OE_COPY_FILE;
	if (S_ISDIR(a->mode))
		return OE_COPY_DIR;
	return S_ISLNK(a->mode) ? OE_COPY_LINK : OE_COPY_OTHER;
}

static void
item_of(const struct oe_copy_job *j, struct oe_copy_item *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->from = oe_copy__from(j);
	ret->to = oe_copy__to(j);
	ret->kind = kind_of(&j->name->attrs);
	ret->size = j->name->attrs.size;
	ret->resumed = j->resumed;
	ret->moved = j->moved;
	ret->elapsed_ms = oe_time_mono_ms() - j->begun_ms;
	ret->sha256 = j->sha256[0] ? j->sha256 : NULL;
	ret->status = j->err ? j->err->code : 0;
	ret->skipped = j->skipped;
	ret->err = j->err;
}

void
oe_copy__begin(struct oe_copy_job *j)
{
	struct oe_copy_totals *t = &j->c->totals;
	struct oe_copy_item item;
	const char *base;

	if (j->begun)
		return;
	j->begun = true;
	base = strrchr(j->name->name, '/');
	oe_str_copy(t->current, sizeof t->current,
	    !j->name->dir && base && base[1] ? base + 1 : j->name->name);
	t->current_size = j->name->attrs.size;
	t->current_done = 0;
	if (!j->large || !j->c->plan.ui.begin)
		return;
	item_of(j, &item);
	j->c->plan.ui.begin(j->c->plan.ui.arg, &item);
}

void
oe_copy__placed(struct oe_copy_job *j, uint64_t n)
{
	struct oe_copy_totals *t = &j->c->totals;

	j->counted += n;
	t->bytes_done += n;
	/* a source that grew */
	if (j->counted > j->name->attrs.size) {
		t->bytes += j->counted - j->name->attrs.size;
		j->name->attrs.size = j->counted;
	}
	t->current_size = j->name->attrs.size;
	t->current_done = j->counted;
}

void
oe_copy__progress(struct oe_copy_job *j, uint64_t n, bool moved)
{
	oe_copy__placed(j, n);
	if (moved) {
		j->moved += n;
		j->c->totals.bytes_moved += n;
	} else {
		j->resumed += n;
	}
}

void
oe_copy__end(struct oe_copy_job *j)
{
	struct oe_sftp_copy *c = j->c;
	struct oe_copy_name *n = j->name;
	struct oe_copy_item item;

	if (j->err) {
		c->totals.files_failed++;
		oe_copy__failed(c, j->err->code, j->err);
	} else {
		c->totals.files_done++;
		/* holes and what was there already are done, too; a source
		 * that shrank had less */
		if (is_regular(&n->attrs) && n->attrs.size > j->counted)
			c->totals.bytes_done += n->attrs.size - j->counted;
	}
	if (c->plan.ui.end) {
		item_of(j, &item);
		c->plan.ui.end(c->plan.ui.arg, &item);
	}
	oe_copy__large_free(j);
	oe_copy__job_done(j);
	if (n->dir)
		oe_copy__dir_unref(c, n->dir);
	free(n);
}

/* The job leaves without a word: a directory, or all was stopped. */
static void
drop(struct oe_copy_job *j)
{
	struct oe_copy_name *n = j->name;
	struct oe_sftp_copy *c = j->c;

	oe_copy__job_done(j);
	if (n->dir)
		oe_copy__dir_unref(c, n->dir);
	free(n);
}

/* --- symbolic links as such --- */

static void
link_text(struct oe_sftp_op *op)
{
	struct oe_copy_job *j = op->arg;

	if (op->status == 0 && op->text && !j->buf)
		j->buf = (uint8_t *)oe_mem_strdup(op->text);
	oe_copy__done(op);
}

static void
link_begin(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = oe_copy__op(j, 0);

	j->step = link_read;
	op->done = link_text;
	j->from->fs->ops->readlink(j->from->fs, op, oe_copy__from(j));
}

static void
link_read(struct oe_copy_job *j)
{
	if (j->op[0].status < 0) {
		oe_copy__fail(j, &j->op[0], oe_copy__from(j));
		return;
	}
	j->step = link_made;
	j->to->fs->ops->symlink(
	    j->to->fs, oe_copy__op(j, 0), (const char *)j->buf, oe_copy__to(j));
}

/* Something is at its place: make it beside, then move it over. */
static void
link_made(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to->fs;
	const char *text = (const char *)j->buf;

	if (j->op[0].status == 0 || j->c->plan.flags & OE_COPY_OVERWRITE_OFF ||
	    j->op[0].status == OE_ECLOSED) {
		link_moved(j);
		return;
	}
	j->part = oe_sftp_path_part(oe_copy__to(j), text, strlen(text));
	j->step = link_moved;
	fs->ops->remove(fs, oe_copy__op(j, 1), j->part);
	fs->ops->symlink(fs, oe_copy__op(j, 2), text, j->part);
	if (!(fs->features & OE_FS_RENAME_OVER))
		fs->ops->remove(fs, oe_copy__op(j, 3), oe_copy__to(j));
	fs->ops->rename(fs, oe_copy__op(j, 0), j->part, oe_copy__to(j),
	    fs->features & OE_FS_RENAME_OVER);
}

static void
link_moved(struct oe_copy_job *j)
{
	if (j->op[0].status < 0)
		oe_copy__fail(j, &j->op[0], oe_copy__to(j));
	else
		oe_copy__end(j);
}

/* --- what a name is --- */

static bool
follow(const struct oe_copy_job *j)
{
	return !(j->c->plan.flags & OE_COPY_LINKS);
}

static void
directory(struct oe_copy_job *j)
{
	struct oe_copy_name *n = j->name;
	unsigned links = (n->dir ? n->dir->links : 0) + j->links;

	if (!(j->c->plan.flags & OE_COPY_RECURSIVE)) {
		oe_copy__fail_text(
		    j, OE_EINVAL, oe_copy__from(j), "is a directory");
		return;
	}
	if (links > OE_COPY_LINKS_MAX) {
		oe_copy__fail_text(j, OE_ETOOBIG, oe_copy__from(j),
		    "too many links on the way: they go round in a circle?");
		return;
	}
	oe_copy__dir_add(j->c, n->dir, n->name, &n->attrs, links);
	drop(j);
}

/* Neither file, directory nor link: told, and left out of a tree. */
static void
other(struct oe_copy_job *j)
{
	char shown[256], text[320];
	const char *path = oe_copy__from(j);

	if (!j->name->dir) {
		oe_copy__fail_text(j, OE_EINVAL, path, "is not a regular file");
		return;
	}
	oe_str_escape(path, strlen(path), shown, sizeof shown);
	snprintf(
	    text, sizeof text, "%s: is not a regular file, left out", shown);
	oe_copy__warn(j->c, text);
	j->skipped = true;
	oe_copy__end(j);
}

/* With OE_COPY_RESUME: the target may be there and right. */
static bool
same_already(const struct oe_copy_job *j)
{
	const struct oe_sftp_attrs *a = &j->name->attrs, *t = &j->target;

	return j->c->plan.flags & OE_COPY_RESUME &&
	       j->c->plan.flags & OE_COPY_PRESERVE && is_regular(t) &&
	       t->flags & a->flags & OE_ATTR_SIZE && t->size == a->size &&
	       t->flags & a->flags & OE_ATTR_ACMODTIME && t->mtime == a->mtime;
}

static void
file(struct oe_copy_job *j)
{
	struct oe_copy_name *n = j->name;
	unsigned flags = j->c->plan.flags;

	if (j->c->plan.flags & OE_COPY_DRY_RUN) {
		oe_copy__begin(j);
		oe_copy__end(j);
		return;
	}
	/* a round trip that a fresh directory saves */
	if (flags & (OE_COPY_RESUME | OE_COPY_APPEND) && !j->target_known &&
	    !(n->dir && n->dir->fresh)) {
		j->step = target_known;
		j->to->fs->ops->stat(j->to->fs, oe_copy__op(j, 1),
		    oe_copy__to(j), (flags & OE_COPY_APPEND) != 0);
		return;
	}
	if (j->target.flags & OE_ATTR_PERMISSIONS && S_ISDIR(j->target.mode))
		oe_copy__fail_text(
		    j, OE_EEXIST, oe_copy__to(j), "is a directory");
	else if (j->target.flags && flags & OE_COPY_OVERWRITE_OFF)
		oe_copy__fail_text(
		    j, OE_EEXIST, oe_copy__to(j), "is there already");
	else if (same_already(j)) {
		j->skipped = true;
		oe_copy__progress(j, n->attrs.size, false);
		oe_copy__end(j);
	} else
		j->step =
		    oe_copy__is_small(j) ? oe_copy__small : oe_copy__large;
}

static void
target_known(struct oe_copy_job *j)
{
	j->target_known = true;
	if (j->op[1].status == 0)
		j->target = j->op[1].attrs;
	else if (j->op[1].status == OE_ECLOSED) {
		oe_copy__fail(j, &j->op[1], oe_copy__to(j));
		return;
	}
	file(j);
}

static void
classify(struct oe_copy_job *j)
{
	struct oe_copy_name *n = j->name;

	if (n->dir && strlen(oe_copy__from(j)) == 0) {
		oe_copy__fail_text(
		    j, OE_ETOOBIG, n->name, "the path is too long");
		return;
	}
	switch (kind_of(&n->attrs)) {
	case OE_COPY_DIR:
		directory(j);
		break;
	case OE_COPY_LINK:
		count(j->c, n);
		if (j->c->plan.flags & OE_COPY_DRY_RUN)
			oe_copy__end(j);
		else
			link_begin(j);
		break;
	case OE_COPY_FILE:
		count(j->c, n);
		file(j);
		break;
	case OE_COPY_OTHER:
		other(j);
		break;
	}
}

static void
source_known(struct oe_copy_job *j)
{
	if (j->op[0].status < 0) {
		oe_copy__fail(j, &j->op[0], oe_copy__from(j));
		return;
	}
	j->name->attrs = j->op[0].attrs;
	classify(j);
}

/*
 * A target that the user named: what is no regular file (a device, a FIFO, a
 * link) is written through, as scp does.
 */
static void
root_known(struct oe_copy_job *j)
{
	const struct oe_sftp_op *t = &j->op[1];

	if (!(j->c->plan.flags & OE_COPY_DRY_RUN) && t->status == 0) {
		j->target = t->attrs;
		if (t->attrs.flags & OE_ATTR_PERMISSIONS &&
		    !S_ISREG(t->attrs.mode) && !S_ISDIR(t->attrs.mode))
			j->in_place = true;
	}
	j->target_known = true;
	source_known(j);
}

bool
oe_copy__use_lanes(struct oe_copy_job *j)
{
	struct oe_copy_lane *from = oe_copy__lane(&j->c->from);
	struct oe_copy_lane *to = oe_copy__lane(&j->c->to);

	if (!from || !to)
		return false;
	if (j->from)
		j->from->jobs--;
	if (j->to)
		j->to->jobs--;
	j->from = from;
	j->to = to;
	from->jobs++;
	to->jobs++;
	return true;
}

void
oe_copy__start(struct oe_copy_job *j)
{
	const struct oe_sftp_attrs *a = &j->name->attrs;
	bool link;

	if (!oe_copy__use_lanes(j)) {
		drop(j);
		return;
	}
	j->begun_ms = j->c->plan.ui.end ? oe_time_mono_ms() : 0;
	j->in_place = j->c->plan.flags & (OE_COPY_IN_PLACE | OE_COPY_APPEND);
	j->used = 0;
	link = a->flags & OE_ATTR_PERMISSIONS && S_ISLNK(a->mode);
	if (j->name->dir && a->flags & OE_ATTR_PERMISSIONS &&
	    !(link && follow(j))) {
		classify(j);
		return;
	}
	j->links = link;
	j->step = j->name->dir ? source_known : root_known;
	j->from->fs->ops->stat(
	    j->from->fs, oe_copy__op(j, 0), oe_copy__from(j), follow(j));
	if (!j->name->dir && !(j->c->plan.flags & OE_COPY_DRY_RUN))
		j->to->fs->ops->stat(
		    j->to->fs, oe_copy__op(j, 1), oe_copy__to(j), false);
}

static bool
may_begin(struct oe_sftp_copy *c)
{
	struct oe_copy_lane *to;

	if (!c->names || c->stopping || c->n_file_jobs >= OE_COPY_FILES_MAX ||
	    c->job_bytes >= OE_COPY_AHEAD || c->n_large >= OE_COPY_LARGE_MAX)
		return false;
	to = oe_copy__lane(&c->to);
	return to && to->fs->room(to->fs) > 0 && oe_copy__tokens(c);
}

bool
oe_copy__names(struct oe_sftp_copy *c)
{
	struct oe_copy_name *n;
	struct oe_copy_job *j;
	bool did = false;

	while (may_begin(c)) {
		n = c->names;
		c->names = n->next;
		if (!c->names)
			c->names_last = &c->names;
		c->n_names--;
		j = oe_copy__job(c, oe_copy__start);
		j->is_file = true;
		j->name = n;
		c->n_file_jobs++;
		oe_copy__run(j);
		did = true;
	}
	return did;
}
