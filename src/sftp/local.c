/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/str.h"

struct oe_sftp__local *
oe_sftp__local(struct oe_sftp_fs *fs)
{
	return (struct oe_sftp__local *)fs;
}

uint8_t *
oe_sftp__local_buf(struct oe_sftp_fs *fs)
{
	struct oe_sftp__local *l = oe_sftp__local(fs);

	if (!l->buf)
		l->buf = oe_mem_map(OE_SFTP_HEADROOM + LOCAL_BUF);
	return l->buf + OE_SFTP_HEADROOM;
}

static int
status_of(int e)
{
	switch (e) {
	case 0:
		return 0;
	case ENOENT:
	case ENOTDIR:
		return OE_ENOENT;
	case EACCES:
	case EPERM:
		return OE_EPERM;
	case EEXIST:
		return OE_EEXIST;
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
		return OE_EINVAL;
	default:
		return OE_ESYS;
	}
}

void
oe_sftp__local_fail(struct oe_sftp_op *op, int status, const char *words)
{
	op->status = status;
	op->fx = OE_FX_FAILURE;
	oe_str_copy(op->message, sizeof op->message, words);
}

void
oe_sftp__local_errno(struct oe_sftp_op *op, int e)
{
	oe_sftp__local_fail(op, status_of(e), strerror(e));
	/* only the two that need no words; the rest is told by errno */
	if (e == ENOENT)
		op->fx = OE_FX_NO_SUCH_FILE;
	else if (op->status == OE_EPERM)
		op->fx = OE_FX_PERMISSION_DENIED;
}

void
oe_sftp__local_end(struct oe_sftp_op *op)
{
	op->waits_in = NULL;
	op->finished = true;
	op->done(op);
}

void
oe_sftp__local_sys(struct oe_sftp_op *op, int r)
{
	if (r < 0)
		oe_sftp__local_errno(op, errno);
	oe_sftp__local_end(op);
}

static void
local_stat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path, bool follow)
{
	struct stat st;
	int r;

	oe_sftp__local_settle(fs, path);
	r = follow ? stat(path, &st) : lstat(path, &st);
	if (r == 0)
		oe_sftp_attrs_of(&st, &op->attrs);
	oe_sftp__local_sys(op, r);
}

/* Whole seconds, as the wire has them. */
static void
times_of(const struct oe_sftp_attrs *a, struct timespec ts[2])
{
	ts[0] = (struct timespec){.tv_sec = (time_t)a->atime};
	ts[1] = (struct timespec){.tv_sec = (time_t)a->mtime};
}

/* The owner first: changing it takes the set-id bits away. */
static int
set_path(const char *path, const struct oe_sftp_attrs *a, int at)
{
	struct timespec ts[2];

	if (a->flags & OE_ATTR_SIZE && at) {
		errno = EINVAL;
		return -1;
	}
	if (a->flags & OE_ATTR_SIZE && truncate(path, (off_t)a->size) < 0)
		return -1;
	if (a->flags & OE_ATTR_UIDGID &&
	    fchownat(AT_FDCWD, path, a->uid, a->gid, at) < 0)
		return -1;
	if (a->flags & OE_ATTR_PERMISSIONS &&
	    fchmodat(AT_FDCWD, path, a->mode & 07777, at) < 0)
		return -1;
	times_of(a, ts);
	if (a->flags & OE_ATTR_ACMODTIME &&
	    utimensat(AT_FDCWD, path, ts, at) < 0)
		return -1;
	return 0;
}

static void
local_setstat(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    const struct oe_sftp_attrs *a, bool follow)
{
	oe_sftp_local_flush(fs);
	oe_sftp__local_sys(
	    op, set_path(path, a, follow ? 0 : AT_SYMLINK_NOFOLLOW));
}

static void
local_fsetstat(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const struct oe_sftp_attrs *a)
{
	struct timespec ts[2];
	int r = 0;

	(void)fs;
	if (a->flags & OE_ATTR_SIZE)
		r = ftruncate(file->fd, (off_t)a->size);
	if (r == 0 && a->flags & OE_ATTR_UIDGID)
		r = fchown(file->fd, a->uid, a->gid);
	if (r == 0 && a->flags & OE_ATTR_PERMISSIONS)
		r = fchmod(file->fd, a->mode & 07777);
	times_of(a, ts);
	if (r == 0 && a->flags & OE_ATTR_ACMODTIME)
		r = futimens(file->fd, ts);
	oe_sftp__local_sys(op, r);
}

static void
local_mkdir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t mode)
{
	oe_sftp__local_settle(fs, path);
	oe_sftp__local_sys(op, mkdir(path, mode & 07777));
}

static void
local_rmdir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	oe_sftp_local_flush(fs);
	oe_sftp__local_sys(op, rmdir(path));
}

static void
local_remove(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	oe_sftp_local_flush(fs);
	oe_sftp__local_sys(op, unlink(path));
}

int
oe_sftp__local_rename_new(
    int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without it: a hard link cannot replace either. */
	if (linkat(from_dir, from, to_dir, to, 0) == 0)
		return unlinkat(from_dir, from, 0);
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
		return -1;
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(from_dir, from, to_dir, to) : -1;
}

static void
local_rename(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *from,
    const char *to, bool over)
{
	oe_sftp_local_flush(fs);
	oe_sftp__local_sys(
	    op, over ? rename(from, to)
		     : oe_sftp__local_rename_new(AT_FDCWD, from, AT_FDCWD, to));
}

static void
local_symlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *target,
    const char *path)
{
	oe_sftp_local_flush(fs);
	oe_sftp__local_sys(op, symlink(target, path));
}

static void
local_hardlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *from,
    const char *to)
{
	oe_sftp_local_flush(fs);
	oe_sftp__local_sys(op, linkat(AT_FDCWD, from, AT_FDCWD, to, 0));
}

static void
local_statvfs(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct statvfs v;
	int r;

	oe_sftp_local_flush(fs);
	r = statvfs(path, &v);
	if (r == 0)
		op->vfs = (struct oe_sftp_vfs){
		    .bsize = v.f_bsize,
		    .frsize = v.f_frsize,
		    .blocks = v.f_blocks,
		    .bfree = v.f_bfree,
		    .bavail = v.f_bavail,
		    .files = v.f_files,
		    .ffree = v.f_ffree,
		    .favail = v.f_favail,
		    .fsid = v.f_fsid,
		    .flag = (v.f_flag & ST_RDONLY ? OE_VFS_RDONLY : 0) |
			    (v.f_flag & ST_NOSUID ? OE_VFS_NOSUID : 0),
		    .namemax = v.f_namemax,
		};
	oe_sftp__local_sys(op, r);
}

static uint64_t
local_room(struct oe_sftp_fs *fs)
{
	(void)fs;
	return UINT64_MAX;
}

static void
local_free(struct oe_sftp_fs *fs)
{
	struct oe_sftp__local *l = oe_sftp__local(fs);

	oe_sftp__local_drop(fs);
	oe_mem_unmap(l->buf, OE_SFTP_HEADROOM + LOCAL_BUF);
	free(l);
}

static const struct oe_sftp_fs_ops local_ops = {
    .open = oe_sftp__local_open,
    .close = oe_sftp__local_close,
    .read = oe_sftp__local_read,
    .write = oe_sftp__local_write,
    .stat = local_stat,
    .fstat = oe_sftp__local_fstat,
    .setstat = local_setstat,
    .fsetstat = local_fsetstat,
    .fsync = oe_sftp__local_fsync,
    .opendir = oe_sftp__local_opendir,
    .readdir = oe_sftp__local_readdir,
    .mkdir = local_mkdir,
    .rmdir = local_rmdir,
    .remove = local_remove,
    .rename = local_rename,
    .symlink = local_symlink,
    .hardlink = local_hardlink,
    .readlink = oe_sftp__local_readlink,
    .realpath = oe_sftp__local_realpath,
    .expand = oe_sftp__local_expand,
    .statvfs = local_statvfs,
    .hash = oe_sftp__local_hash,
    .extents = oe_sftp__local_extents,
    .copy = oe_sftp__local_copy,
    .get_file = oe_sftp__local_get_file,
    .put_file = oe_sftp__local_put_file,
    .users = oe_sftp__local_users,
    .free = local_free,
};

struct oe_sftp_fs *
oe_sftp_local_new(void)
{
	struct oe_sftp__local *l = oe_mem_zalloc(sizeof *l);

	l->fs.ops = &local_ops;
	l->fs.features = OE_FS_RENAME_OVER | OE_FS_FSYNC | OE_FS_STATVFS |
			 OE_FS_HARDLINK | OE_FS_LSETSTAT | OE_FS_COPY_DATA |
			 OE_FS_EXPAND | OE_FS_HASH | OE_FS_WHOLE |
			 OE_FS_EXTENTS | OE_FS_USERS | OE_FS_LOCAL;
	l->fs.limits.read = OE_SFTP_DATA_MAX;
	l->fs.limits.write = OE_SFTP_DATA_MAX;
	l->fs.room = local_room;
	l->ended_last = &l->ended;
	return &l->fs;
}
