/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/copy_internal.h"
#include "sftp/path.h"

/* Attempts of one file on other sessions when its own is lost. */
#define RETRIES_MAX 3

static oe_copy_step renamed, removed, cleanup, cleaned;

static bool
exists(const struct oe_copy_job *j)
{
	return j->target.flags & OE_ATTR_PERMISSIONS;
}

/* --- opening --- */

/*
 * The same for each run that copies this state of this source: where, which
 * path, size, time.
 */
static char *
part_name(const struct oe_copy_job *j)
{
	const struct oe_sftp_attrs *a = &j->name->attrs;
	const struct oe_sftp_copy *c = j->c;
	const char *from = oe_copy__from(j);
	struct oe_buf b;
	char *part;

	oe_buf_init(&b, 4 * OE_SFTP_PATH_MAX);
	oe_buf_put_cstring(&b, j->from->fs->host);
	oe_buf_put_cstring(&b, from[0] == '/' ? "" : c->cwd);
	oe_buf_put_cstring(&b, from);
	oe_buf_put_u64(&b, a->size);
	oe_buf_put_u32(&b, a->mtime);
	part =
	    oe_sftp_path_part(oe_copy__to(j), oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return part;
}

const char *
oe_copy__place(struct oe_copy_job *j)
{
	if (j->in_place)
		return oe_copy__to(j);
	if (!j->part)
		j->part = part_name(j);
	return j->part;
}

uint32_t
oe_copy__pflags(const struct oe_copy_job *j)
{
	uint32_t p = OE_FXF_WRITE;

	/* hashes are made by reading */
	if (j->c->plan.flags & (OE_COPY_VERIFY | OE_COPY_RESUME))
		p |= OE_FXF_READ;
	/* a link that the user named is written through, others never */
	if (!j->in_place || j->name->dir)
		p |= OE_FXF_NOFOLLOW;
	return p;
}

static void
issue_open(struct oe_copy_job *j)
{
	struct oe_sftp_attrs a = {0};
	struct oe_sftp_fs *fs = j->to->fs;
	uint32_t p = oe_copy__pflags(j);

	a.flags = OE_ATTR_PERMISSIONS;
	a.mode = 0666;
	if (j->name->attrs.flags & OE_ATTR_PERMISSIONS)
		a.mode = j->name->attrs.mode & 0777;
	if (!j->resume) {
		p |= OE_FXF_CREAT | OE_FXF_TRUNC;
		if (!j->in_place)
			p |= OE_FXF_EXCL;
	} else if (j->in_place) {
		p |= OE_FXF_CREAT;
	}
	fs->ops->open(
	    fs, oe_copy__op(j, OE_COPY_OP_OPEN_TO), oe_copy__place(j), p, &a);
}

void
oe_copy__open_target(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to->fs;

	j->used = 0;
	issue_open(j);
	if (!j->target_known && !j->in_place &&
	    !(j->name->dir && j->name->dir->fresh))
		fs->ops->stat(fs, oe_copy__op(j, 1), oe_copy__to(j), false);
}

/* What is at the target forbids to go on: noted.  false: go on. */
static bool
target_refuses(struct oe_copy_job *j)
{
	if (j->used & 2u && j->op[1].status == 0)
		j->target = j->op[1].attrs;
	if (j->used & 2u)
		j->target_known = true;
	if (!exists(j))
		return false;
	if (S_ISDIR(j->target.mode))
		oe_copy__fail_text(
		    j, OE_EEXIST, oe_copy__to(j), "is a directory");
	else if (j->c->plan.flags & OE_COPY_OVERWRITE_OFF)
		oe_copy__fail_text(
		    j, OE_EEXIST, oe_copy__to(j), "is there already");
	else
		return false;
	return true;
}

/* A directory that takes no new file may hold one that can be written. */
static bool
try_in_place(struct oe_copy_job *j)
{
	char shown[256], text[340];
	const char *to = oe_copy__to(j);

	if (j->op[0].status != OE_EPERM || j->in_place || !exists(j) ||
	    !S_ISREG(j->target.mode))
		return false;
	oe_str_escape(to, strlen(to), shown, sizeof shown);
	snprintf(text, sizeof text,
	    "%s: written in place, as its directory takes no new file", shown);
	oe_copy__warn(j->c, text);
	j->in_place = true;
	j->resume = false;
	j->used = 0;
	issue_open(j);
	return true;
}

int
oe_copy__opened(struct oe_copy_job *j)
{
	struct oe_sftp_op *op = &j->op[OE_COPY_OP_OPEN_TO];
	struct oe_sftp_fs *fs = j->to->fs;

	if (op->status == 0) {
		j->tf = oe_copy__take(op);
		j->made = true;
	}
	if (target_refuses(j))
		return OE_EEXIST;
	if (op->status == 0)
		return 0;
	if (try_in_place(j))
		return OE_EAGAIN;
	/* an older part file of the same source: version 3 has no code */
	if (!j->in_place && !j->again &&
	    (j->resume || op->status == OE_EEXIST || op->status == OE_ESYS)) {
		j->again = true;
		j->resume = false;
		j->used = 0;
		fs->ops->remove(fs, oe_copy__op(j, 3), j->part);
		issue_open(j);
		return OE_EAGAIN;
	}
	oe_copy__fail(j, op, oe_copy__place(j));
	return op->status;
}

/* --- the end of a file that is whole --- */

struct oe_sftp_attrs
oe_copy__attrs(const struct oe_copy_job *j)
{
	struct oe_sftp_attrs a = j->name->attrs;

	if (j->c->plan.flags & OE_COPY_PRESERVE) {
		a.flags &= OE_ATTR_PERMISSIONS | OE_ATTR_ACMODTIME;
		a.mode &= 0777;
	} else if (exists(j) && S_ISREG(j->target.mode) && !j->in_place) {
		/* as if it had been written into */
		a.flags = OE_ATTR_PERMISSIONS;
		a.mode = j->target.mode & 0777;
	} else {
		a.flags = 0;
	}
	return a;
}

void
oe_copy__finish(struct oe_copy_job *j)
{
	struct oe_sftp_attrs a = oe_copy__attrs(j);
	struct oe_sftp_fs *fs = j->to->fs;
	struct oe_sftp_file *f = j->tf;

	j->step = oe_copy__finished;
	if (j->large && (j->large->old > j->large->size ||
			    j->large->written < j->large->size)) {
		struct oe_sftp_attrs size = {
		    .flags = OE_ATTR_SIZE, .size = j->large->size};

		fs->ops->fsetstat(fs, oe_copy__op(j, 3), f, &size);
	}
	if (a.flags)
		fs->ops->fsetstat(fs, oe_copy__op(j, 4), f, &a);
	if (fs->features & OE_FS_FSYNC &&
	    !(j->c->plan.flags & OE_COPY_NO_SYNC) &&
	    !(exists(j) && !S_ISREG(j->target.mode)))
		fs->ops->fsync(fs, oe_copy__op(j, 5), f);
	j->tf = NULL;
	fs->ops->close(fs, oe_copy__op(j, 6), f);
	if (j->ff)
		oe_copy__close(j->from->fs, &j->ff);
}

/* Times and permissions that could not be set do not make it a failure. */
static void
attrs_failed(struct oe_copy_job *j, const struct oe_sftp_op *op)
{
	struct oe_err err = OE_ERR_INIT;

	oe_sftp_op_error(op, oe_copy__to(j), &err);
	oe_err_wrap(&err, op->status, "set permissions and times");
	oe_copy__warn(j->c, err.msg);
}

static void
issue_rename(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to->fs;
	bool over = fs->features & OE_FS_RENAME_OVER &&
		    !(j->c->plan.flags & OE_COPY_OVERWRITE_OFF);

	j->used = 0;
	j->step = renamed;
	fs->ops->rename(fs, oe_copy__op(j, 0), j->part, oe_copy__to(j), over);
}

void
oe_copy__finished(struct oe_copy_job *j)
{
	unsigned i;

	for (i = 0; i <= 6; i++) {
		const struct oe_sftp_op *op = &j->op[i];

		if (!(j->used & 1u << i) || op->status >= 0)
			continue;
		if (i == 4 && op->status != OE_ECLOSED) {
			attrs_failed(j, op);
			continue;
		}
		/* announced, but not for this file */
		if (i == 5 && op->status == OE_EINVAL)
			continue;
		oe_copy__fail(j, op, oe_copy__to(j));
		return;
	}
	if (j->in_place)
		oe_copy__end(j);
	else
		issue_rename(j);
}

static void
renamed(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to->fs;
	struct oe_sftp_op *op = &j->op[0];

	if (op->status == 0) {
		j->made = false;
		oe_copy__end(j);
		return;
	}
	/* without posix-rename what is there must go first */
	if (fs->features & OE_FS_RENAME_OVER || op->status == OE_ECLOSED ||
	    j->c->plan.flags & OE_COPY_OVERWRITE_OFF || j->used & 2u) {
		oe_copy__fail(j, op, oe_copy__to(j));
		return;
	}
	j->used = 0;
	j->step = removed;
	fs->ops->remove(fs, oe_copy__op(j, 1), oe_copy__to(j));
	fs->ops->rename(fs, oe_copy__op(j, 0), j->part, oe_copy__to(j), false);
}

static void
removed(struct oe_copy_job *j)
{
	/* without what was there the part file is all there is */
	j->keep = true;
	renamed(j);
}

/* --- failures --- */

static void
fail(struct oe_copy_job *j)
{
	/* the first reason is the one that is told */
	j->step = cleanup;
}

void
oe_copy__fail(
    struct oe_copy_job *j, const struct oe_sftp_op *op, const char *path)
{
	if (!j->err) {
		j->err = oe_mem_zalloc(sizeof *j->err);
		j->err->code = oe_sftp_op_error(op, path, j->err);
	}
	if (op->status == OE_ECLOSED || op->status == OE_ETIMEOUT)
		j->keep = true;
	fail(j);
}

void
oe_copy__fail_text(
    struct oe_copy_job *j, int status, const char *path, const char *words)
{
	char shown[256];

	if (!j->err) {
		oe_str_escape(path, strlen(path), shown, sizeof shown);
		j->err = oe_mem_zalloc(sizeof *j->err);
		oe_err_set(j->err, status, "%s: %s", shown, words);
	}
	fail(j);
}

static void
cleanup(struct oe_copy_job *j)
{
	struct oe_sftp_fs *fs = j->to ? j->to->fs : NULL;

	if (j->large && oe_copy__large_busy(j)) {
		j->large->failed = true;
		j->parked = true;
		return;
	}
	oe_copy__large_free(j);
	if (j->ff)
		oe_copy__close(j->from->fs, &j->ff);
	if (j->tf)
		oe_copy__close(fs, &j->tf);
	j->step = cleaned;
	if (j->made && j->part && !j->in_place && !j->keep && !fs->failed)
		fs->ops->remove(fs, oe_copy__op(j, 0), j->part);
}

/* Another session may do what the lost one did not. */
static bool
start_again(struct oe_copy_job *j)
{
	if (j->err->code != OE_ECLOSED || j->retries == RETRIES_MAX ||
	    oe_copy__lost(j->c) || j->c->stopping)
		return false;
	j->c->totals.bytes_done -= j->counted;
	j->retries++;
	oe_mem_free(&j->err);
	j->counted = j->moved = j->resumed = 0;
	j->made = j->keep = j->again = j->resume = false;
	j->comparing = false;
	j->target_known = false;
	memset(&j->target, 0, sizeof j->target);
	j->buf_len = 0;
	j->step = oe_copy__start;
	return true;
}

static void
cleaned(struct oe_copy_job *j)
{
	if (!start_again(j))
		oe_copy__end(j);
}
