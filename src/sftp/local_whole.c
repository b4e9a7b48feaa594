/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/mem.h"

/* Up to so many files each is told to the disk by itself: waiting for the
 * whole file system would wait for what others write, too. */
#define SYNC_EACH_MAX 4

/* Attempts to find a temporary name that nobody has. */
#define TMP_TRIES 16

void
oe_sftp__local_get_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *path, size_t max, bool follow)
{
	uint8_t *buf = oe_sftp__local_buf(fs);
	struct stat st;
	ssize_t n = 0;
	int fd;

	oe_sftp__local_settle(fs, path);
	if (max > OE_SFTP_WHOLE_MAX)
		max = OE_SFTP_WHOLE_MAX;
	fd =
	    oe_sftp__local_open_regular(op, path, follow ? 0 : O_NOFOLLOW, &st);
	if (fd >= 0) {
		oe_sftp_attrs_of(&st, &op->attrs);
		/* a file of /proc has size 0 and still something to say */
		if ((uint64_t)st.st_size <= max)
			n = oe_sftp__local_pread(fd, buf,
			    st.st_size ? (size_t)st.st_size : max + 1, 0);
		if (n < 0)
			oe_sftp__local_errno(op, errno);
		else if ((uint64_t)st.st_size > max || (size_t)n > max)
			oe_sftp__local_fail(
			    op, OE_ETOOBIG, "larger than asked for");
		close(fd);
	}
	if (fd >= 0 && op->status == 0) {
		op->n = (size_t)n;
		op->attrs.size = (uint64_t)n;
		if (n)
			op->data(op, 0, buf, (size_t)n);
	}
	oe_sftp__local_end(op);
}

/* --- put_file() --- */

/* What is needed to write one file. */
struct put {
	int dir; /* descriptor */
	const char *name;
	char *tmp;
	int fd;
	uint32_t flags;
	const struct oe_sftp_attrs *a;
};

static int
open_tmp(struct put *p, mode_t mode)
{
	int tries;

	for (tries = 0; tries < TMP_TRIES; tries++) {
		free(p->tmp);
		p->tmp = oe_mem_printf(".%.*s.%08x.part", NAME_MAX - 16,
		    p->name, oe_mem_random(0));
		p->fd = openat(p->dir, p->tmp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (p->fd >= 0 || errno != EEXIST)
			break;
	}
	return p->fd < 0 ? -1 : 0;
}

/*
 * Permissions and owner as a write into the file there would have left them,
 * as far as we may; the set-id bits go, as they do on a write.  What was for
 * a group that cannot be kept is for nobody.
 */
static int
keep_owner(const struct put *p, const struct stat *old)
{
	mode_t mode = old->st_mode & 0777;
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return -1;
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(p->fd, old->st_uid, old->st_gid) < 0 &&
	    fchown(p->fd, (uid_t)-1, old->st_gid) < 0)
		mode &= ~(mode_t)0070;
	return (st.st_mode & 0777) == mode ? 0 : fchmod(p->fd, mode);
}

/* @old: the file that is replaced and whose permissions stay, or NULL. */
static int
fill_tmp(
    const struct put *p, const struct stat *old, const void *data, size_t n)
{
	const struct oe_sftp_attrs *a = p->a;
	struct timespec ts[2];

	if (n && oe_fd_write_all(p->fd, data, n) < 0)
		return -1;
	if (old && keep_owner(p, old) < 0)
		return -1;
	if (p->flags & OE_PUT_MODE && a->flags & OE_ATTR_PERMISSIONS &&
	    fchmod(p->fd, a->mode & 07777) < 0)
		return -1;
	if (!(p->flags & OE_PUT_TIMES && a->flags & OE_ATTR_ACMODTIME))
		return 0;
	ts[0] = (struct timespec){.tv_sec = (time_t)a->atime};
	ts[1] = (struct timespec){.tv_sec = (time_t)a->mtime};
	return futimens(p->fd, ts);
}

/* Leaves nothing behind, and errno as it was.  Return: -1. */
static int
put_failed(int dir, const char *tmp)
{
	int e = errno;

	unlinkat(dir, tmp, 0);
	errno = e;
	return -1;
}

static int
write_tmp(struct put *p, const void *data, size_t n)
{
	mode_t mode = 0666;
	struct stat old;
	bool keeps;
	int r;

	keeps = p->flags & OE_PUT_REPLACE && !(p->flags & OE_PUT_MODE) &&
		fstatat(p->dir, p->name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(old.st_mode);
	/* never open to more than it will be */
	if (keeps)
		mode = old.st_mode & 0700;
	else if (p->a->flags & OE_ATTR_PERMISSIONS)
		mode = p->a->mode & 0777;
	r = open_tmp(p, mode);
	if (r == 0)
		r = fill_tmp(p, keeps ? &old : NULL, data, n);
	if (r < 0 && p->fd >= 0) {
		oe_fd_close(&p->fd);
		r = put_failed(p->dir, p->tmp);
	}
	return r;
}

static int
put_in_place(int dir, const char *tmp, const char *name, uint32_t flags)
{
	int r;

	r = flags & OE_PUT_REPLACE
		? renameat(dir, tmp, dir, name)
		: oe_sftp__local_rename_new(dir, tmp, dir, name);
	return r < 0 ? put_failed(dir, tmp) : 0;
}

/* --- files that wait for the disk together --- */

static void
say_ended(struct oe_sftp__local *l, struct oe_sftp_op *op)
{
	op->next = NULL;
	*l->ended_last = op;
	l->ended_last = &op->next;
}

/* One after the other, also when done() makes more of them end. */
static void
tell_ended(struct oe_sftp__local *l)
{
	struct oe_sftp_op *op;

	if (l->telling)
		return;
	l->telling = true;
	while ((op = l->ended)) {
		l->ended = op->next;
		if (!l->ended)
			l->ended_last = &l->ended;
		op->next = NULL;
		oe_sftp__local_end(op);
	}
	l->telling = false;
}

static void
held_done(struct oe_sftp__local *l, struct oe_sftp__held *h)
{
	oe_fd_close(&h->fd);
	oe_mem_free(&h->name);
	oe_mem_free(&h->tmp);
	say_ended(l, h->op);
}

static void
forget_held(struct oe_sftp__local *l)
{
	size_t i;

	for (i = 0; i < l->n_held; i++)
		held_done(l, &l->held[i]);
	for (i = 0; i < l->n_dirs; i++) {
		oe_fd_close(&l->dirs[i].fd);
		oe_mem_free(&l->dirs[i].path);
	}
	l->n_held = l->held_bytes = l->n_dirs = 0;
}

/* Whole file systems, each once at most for a run of neighbours. */
static void
sync_held(struct oe_sftp__local *l)
{
	struct stat st;
	dev_t synced = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < l->n_held; i++) {
		struct oe_sftp__held *h = &l->held[i];

		if (l->n_held <= SYNC_EACH_MAX) {
			r = fsync(h->fd);
		} else if (fstat(h->fd, &st) < 0) {
			r = -1;
		} else if (i == 0 || st.st_dev != synced) {
			r = syncfs(h->fd);
			synced = st.st_dev;
		}
		if (r < 0)
			oe_sftp__local_errno(h->op, errno);
	}
}

static void
place_held(struct oe_sftp__local *l)
{
	struct oe_sftp__held *h;
	size_t i;
	int dir;

	for (i = 0; i < l->n_held; i++) {
		h = &l->held[i];
		dir = l->dirs[h->dir].fd;
		if (h->op->status < 0)
			unlinkat(dir, h->tmp, 0);
		else if (put_in_place(dir, h->tmp, h->name, h->flags) < 0)
			oe_sftp__local_errno(h->op, errno);
	}
	/* the names, too; a file system that cannot is no worse than before */
	for (i = 0; i < l->n_dirs; i++)
		fsync(l->dirs[i].fd);
}

void
oe_sftp_local_flush(struct oe_sftp_fs *fs)
{
	struct oe_sftp__local *l = oe_sftp__local(fs);

	if (!(fs->features & OE_FS_LOCAL) || l->n_dirs == 0)
		return;
	sync_held(l);
	place_held(l);
	forget_held(l);
	tell_ended(l);
}

void
oe_sftp__local_drop(struct oe_sftp_fs *fs)
{
	struct oe_sftp__local *l = oe_sftp__local(fs);
	size_t i;

	for (i = 0; i < l->n_held; i++) {
		unlinkat(l->dirs[l->held[i].dir].fd, l->held[i].tmp, 0);
		oe_sftp__local_fail(l->held[i].op, OE_ECLOSED, "given up");
	}
	forget_held(l);
	tell_ended(l);
}

static const char *
last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void
oe_sftp__local_settle(struct oe_sftp_fs *fs, const char *path)
{
	struct oe_sftp__local *l = oe_sftp__local(fs);
	const char *name = last_name(path);
	size_t i;

	/* may be anything */
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		oe_sftp_local_flush(fs);
		return;
	}
	for (i = 0; i < l->n_held; i++)
		if (strcmp(l->held[i].name, name) == 0) {
			oe_sftp_local_flush(fs);
			return;
		}
}

/* The directory of @path, opened once for a run of files; an index or -1. */
static int
held_dir(struct oe_sftp__local *l, const char *path, size_t n)
{
	struct oe_sftp__held_dir *d;
	char *text;

	if (l->n_dirs) {
		d = &l->dirs[l->n_dirs - 1];
		if (strlen(d->path) == n && memcmp(d->path, path, n) == 0)
			return (int)l->n_dirs - 1;
	}
	/* so many without a file that could be written */
	if (l->n_dirs == OE_LOCAL_HELD_MAX)
		oe_sftp_local_flush(&l->fs);
	text = oe_mem_strndup(path, n);
	d = &l->dirs[l->n_dirs];
	d->fd = open(n ? text : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0) {
		free(text);
		return -1;
	}
	d->path = text;
	return (int)l->n_dirs++;
}

static void
hold(struct oe_sftp__local *l, struct oe_sftp_op *op, const char *path,
    struct put *p, const void *data, size_t n)
{
	int dir = held_dir(l, path, (size_t)(p->name - path));

	p->dir = dir < 0 ? -1 : l->dirs[dir].fd;
	if (dir < 0 || write_tmp(p, data, n) < 0) {
		oe_sftp__local_errno(op, errno);
		oe_sftp__local_end(op);
		return;
	}
	l->held[l->n_held++] = (struct oe_sftp__held){.op = op,
	    .name = oe_mem_strdup(p->name),
	    .tmp = p->tmp,
	    .fd = p->fd,
	    .dir = dir,
	    .flags = p->flags};
	p->tmp = NULL;
	op->waits_in = &l->fs;
	l->held_bytes += n;
	if (l->n_held == OE_LOCAL_HELD_MAX ||
	    l->held_bytes >= OE_LOCAL_HELD_BYTES)
		oe_sftp_local_flush(&l->fs);
}

/* Nothing to wait for. */
static int
put_now(const char *path, struct put *p, const void *data, size_t n)
{
	char *dir = oe_mem_strndup(path, (size_t)(p->name - path));
	int r = -1;

	p->dir = open(*dir ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dir >= 0)
		r = write_tmp(p, data, n);
	if (r == 0 && close(p->fd) == 0)
		r = put_in_place(p->dir, p->tmp, p->name, p->flags);
	else if (r == 0)
		r = put_failed(p->dir, p->tmp);
	oe_fd_close(&p->dir);
	free(dir);
	return r;
}

void
oe_sftp__local_put_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *path, uint32_t flags, const struct oe_sftp_attrs *a,
    const void *p, size_t n)
{
	struct put put = {.name = last_name(path), .fd = -1, .flags = flags};
	static const struct oe_sftp_attrs none;

	put.a = a ? a : &none;
	oe_sftp__local_settle(fs, path);
	if (flags & OE_PUT_SYNC)
		hold(oe_sftp__local(fs), op, path, &put, p, n);
	else
		oe_sftp__local_sys(op, put_now(path, &put, p, n));
	free(put.tmp);
}
