/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "sftp/session_internal.h"

/* Every request writes its fields where ask_begin() says; see proto.h. */

static void
put_handle(struct oe_sftp__ask *q, const struct oe_sftp_file *f)
{
	q->bad |= oe_buf_put_string(q->b, f->handle, f->len);
}

static void
ask_send(struct oe_sftp__ask *q)
{
	oe_sftp__ask_send(q, NULL, 0);
}

/* Ends @op when the server has not said that it can. */
static bool
lacks(struct oe_sftp_fs *fs, struct oe_sftp_op *op, unsigned feature)
{
	if (fs->features & feature || fs->failed)
		return false;
	op->fx = OE_FX_OP_UNSUPPORTED;
	oe_sftp__session_refuse(oe_sftp__session(fs), op, OE_EINVAL,
	    "the server does not support this");
	return true;
}

static bool
begin(struct oe_sftp__ask *q, struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    enum oe_sftp_type type, enum oe_sftp__kind kind)
{
	return oe_sftp__ask_begin(q, oe_sftp__session(fs), op, type, kind) == 0;
}

static bool
begin_ext(struct oe_sftp__ask *q, struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *name, enum oe_sftp__kind kind)
{
	if (!begin(q, fs, op, OE_FXP_EXTENDED, kind))
		return false;
	q->bad |= oe_buf_put_cstring(q->b, name);
	return true;
}

/* A request of one path. */
static void
ask_path(struct oe_sftp_fs *fs, struct oe_sftp_op *op, enum oe_sftp_type type,
    enum oe_sftp__kind kind, const char *path)
{
	struct oe_sftp__ask q;

	if (!begin(&q, fs, op, type, kind))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	ask_send(&q);
}

/* A request of two. */
static void
ask_paths(struct oe_sftp_fs *fs, struct oe_sftp_op *op, enum oe_sftp_type type,
    const char *a, const char *b)
{
	struct oe_sftp__ask q;

	if (!begin(&q, fs, op, type, OE_ASK_STATUS))
		return;
	q.bad |= oe_buf_put_cstring(q.b, a);
	q.bad |= oe_buf_put_cstring(q.b, b);
	ask_send(&q);
}

static void
ext_paths(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *name,
    const char *a, const char *b)
{
	struct oe_sftp__ask q;

	if (!begin_ext(&q, fs, op, name, OE_ASK_STATUS))
		return;
	q.bad |= oe_buf_put_cstring(q.b, a);
	q.bad |= oe_buf_put_cstring(q.b, b);
	ask_send(&q);
}

static void
session_open(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t pflags, const struct oe_sftp_attrs *a)
{
	static const struct oe_sftp_attrs none;
	struct oe_sftp__ask q;

	if (!begin(&q, fs, op, OE_FXP_OPEN, OE_ASK_HANDLE))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	q.bad |= oe_buf_put_u32(q.b, pflags & ~OE_FXF_NOFOLLOW);
	q.bad |= oe_sftp_put_attrs(q.b, a ? a : &none);
	ask_send(&q);
}

/* A request of one handle. */
static void
ask_handle(struct oe_sftp_fs *fs, struct oe_sftp_op *op, enum oe_sftp_type type,
    enum oe_sftp__kind kind, const struct oe_sftp_file *file)
{
	struct oe_sftp__ask q;

	if (!begin(&q, fs, op, type, kind))
		return;
	put_handle(&q, file);
	ask_send(&q);
}

static void
session_close(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	struct oe_sftp__ask q;

	if (begin(&q, fs, op, OE_FXP_CLOSE, OE_ASK_STATUS)) {
		put_handle(&q, file);
		ask_send(&q);
	}
	free(file);
}

static void
session_read(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, size_t len)
{
	struct oe_sftp__ask q;

	assert(len <= fs->limits.read);
	op->offset = offset;
	op->asked = (uint32_t)len;
	if (!begin(&q, fs, op, OE_FXP_READ, OE_ASK_DATA))
		return;
	put_handle(&q, file);
	q.bad |= oe_buf_put_u64(q.b, offset);
	q.bad |= oe_buf_put_u32(q.b, (uint32_t)len);
	ask_send(&q);
}

static void
session_write(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, const void *p, size_t n)
{
	struct oe_sftp__ask q;

	assert(n <= fs->limits.write);
	if (!begin(&q, fs, op, OE_FXP_WRITE, OE_ASK_WRITE))
		return;
	put_handle(&q, file);
	q.bad |= oe_buf_put_u64(q.b, offset);
	q.bad |= oe_buf_put_u32(q.b, (uint32_t)n);
	oe_sftp__ask_send(&q, p, n);
}

static void
session_stat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path, bool follow)
{
	ask_path(
	    fs, op, follow ? OE_FXP_STAT : OE_FXP_LSTAT, OE_ASK_ATTRS, path);
}

static void
session_fstat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	ask_handle(fs, op, OE_FXP_FSTAT, OE_ASK_ATTRS, file);
}

static void
session_setstat(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    const struct oe_sftp_attrs *a, bool follow)
{
	struct oe_sftp__ask q;

	if (!follow && lacks(fs, op, OE_FS_LSETSTAT))
		return;
	if (follow
		? !begin(&q, fs, op, OE_FXP_SETSTAT, OE_ASK_STATUS)
		: !begin_ext(&q, fs, op, "lsetstat@openssh.com", OE_ASK_STATUS))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	q.bad |= oe_sftp_put_attrs(q.b, a);
	ask_send(&q);
}

static void
session_fsetstat(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const struct oe_sftp_attrs *a)
{
	struct oe_sftp__ask q;

	if (!begin(&q, fs, op, OE_FXP_FSETSTAT, OE_ASK_STATUS))
		return;
	put_handle(&q, file);
	q.bad |= oe_sftp_put_attrs(q.b, a);
	ask_send(&q);
}

static void
session_fsync(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	struct oe_sftp__ask q;

	if (lacks(fs, op, OE_FS_FSYNC) ||
	    !begin_ext(&q, fs, op, "fsync@openssh.com", OE_ASK_STATUS))
		return;
	put_handle(&q, file);
	ask_send(&q);
}

static void
session_opendir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	ask_path(fs, op, OE_FXP_OPENDIR, OE_ASK_HANDLE, path);
}

static void
session_readdir(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *dir)
{
	ask_handle(fs, op, OE_FXP_READDIR, OE_ASK_NAMES, dir);
}

static void
session_mkdir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t mode)
{
	struct oe_sftp_attrs a = {
	    .flags = OE_ATTR_PERMISSIONS, .mode = mode & 07777};
	struct oe_sftp__ask q;

	if (!begin(&q, fs, op, OE_FXP_MKDIR, OE_ASK_STATUS))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	q.bad |= oe_sftp_put_attrs(q.b, &a);
	ask_send(&q);
}

static void
session_rmdir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	ask_path(fs, op, OE_FXP_RMDIR, OE_ASK_STATUS, path);
}

static void
session_remove(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	ask_path(fs, op, OE_FXP_REMOVE, OE_ASK_STATUS, path);
}

static void
session_rename(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *from,
    const char *to, bool over)
{
	if (!over)
		ask_paths(fs, op, OE_FXP_RENAME, from, to);
	else if (!lacks(fs, op, OE_FS_RENAME_OVER))
		ext_paths(fs, op, "posix-rename@openssh.com", from, to);
}

/* The draft has the two the other way round; nobody else has. */
static void
session_symlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *target, const char *path)
{
	ask_paths(fs, op, OE_FXP_SYMLINK, target, path);
}

static void
session_hardlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *from,
    const char *to)
{
	if (!lacks(fs, op, OE_FS_HARDLINK))
		ext_paths(fs, op, "hardlink@openssh.com", from, to);
}

static void
session_readlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	ask_path(fs, op, OE_FXP_READLINK, OE_ASK_NAME, path);
}

static void
session_realpath(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	ask_path(fs, op, OE_FXP_REALPATH, OE_ASK_NAME, path);
}

/* Where a session begins is home, for those that cannot be asked. */
static void
session_expand(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct oe_sftp__ask q;

	if (fs->features & OE_FS_EXPAND) {
		if (!begin_ext(
			&q, fs, op, "expand-path@openssh.com", OE_ASK_NAME))
			return;
		q.bad |= oe_buf_put_cstring(q.b, path);
		ask_send(&q);
	} else if (strcmp(path, "~") == 0 || strcmp(path, "~/") == 0) {
		session_realpath(fs, op, ".");
	} else if (strncmp(path, "~/", 2) == 0) {
		session_realpath(fs, op, path + 2);
	} else if (*path != '~' || !lacks(fs, op, OE_FS_EXPAND)) {
		session_realpath(fs, op, path);
	}
}

static void
session_statvfs(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct oe_sftp__ask q;

	if (lacks(fs, op, OE_FS_STATVFS) ||
	    !begin_ext(&q, fs, op, "statvfs@openssh.com", OE_ASK_VFS))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	ask_send(&q);
}

static void
session_hash(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const char *algorithm, uint64_t offset,
    uint64_t length, uint32_t block)
{
	struct oe_sftp__ask q;

	if (lacks(fs, op, OE_FS_HASH) ||
	    !begin_ext(&q, fs, op, "check-file-handle", OE_ASK_HASH))
		return;
	put_handle(&q, file);
	q.bad |= oe_buf_put_cstring(q.b, algorithm);
	q.bad |= oe_buf_put_u64(q.b, offset);
	q.bad |= oe_buf_put_u64(q.b, length);
	q.bad |= oe_buf_put_u32(q.b, block);
	ask_send(&q);
}

static void
session_extents(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset)
{
	struct oe_sftp__ask q;

	op->offset = offset;
	if (lacks(fs, op, OE_FS_EXTENTS) ||
	    !begin_ext(&q, fs, op, OE_SFTP_EXT_EXTENTS, OE_ASK_EXTENTS))
		return;
	put_handle(&q, file);
	q.bad |= oe_buf_put_u64(q.b, offset);
	ask_send(&q);
}

static void
session_copy(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *from, uint64_t from_offset, uint64_t length,
    struct oe_sftp_file *to, uint64_t to_offset)
{
	struct oe_sftp__ask q;

	if (lacks(fs, op, OE_FS_COPY_DATA) ||
	    !begin_ext(&q, fs, op, "copy-data", OE_ASK_COPY))
		return;
	put_handle(&q, from);
	q.bad |= oe_buf_put_u64(q.b, from_offset);
	q.bad |= oe_buf_put_u64(q.b, length);
	put_handle(&q, to);
	q.bad |= oe_buf_put_u64(q.b, to_offset);
	ask_send(&q);
}

static void
session_get_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    size_t max, bool follow)
{
	struct oe_sftp__ask q;

	if (max > OE_SFTP_WHOLE_MAX)
		max = OE_SFTP_WHOLE_MAX;
	op->asked = (uint32_t)max;
	if (lacks(fs, op, OE_FS_WHOLE) ||
	    !begin_ext(&q, fs, op, OE_SFTP_EXT_GET, OE_ASK_GET))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	q.bad |= oe_buf_put_u32(q.b, (uint32_t)max);
	q.bad |= oe_buf_put_u32(q.b, follow ? 0 : OE_GET_NOFOLLOW);
	ask_send(&q);
}

static void
session_put_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t flags, const struct oe_sftp_attrs *a, const void *p, size_t n)
{
	static const struct oe_sftp_attrs none;
	struct oe_sftp__ask q;

	assert(n <= OE_SFTP_WHOLE_MAX);
	if (lacks(fs, op, OE_FS_WHOLE) ||
	    !begin_ext(&q, fs, op, OE_SFTP_EXT_PUT, OE_ASK_WRITE))
		return;
	q.bad |= oe_buf_put_cstring(q.b, path);
	q.bad |= oe_buf_put_u32(q.b, flags);
	q.bad |= oe_sftp_put_attrs(q.b, a ? a : &none);
	q.bad |= oe_buf_put_u32(q.b, (uint32_t)n);
	oe_sftp__ask_send(&q, p, n);
}

static void
put_ids(struct oe_sftp__ask *q, const uint32_t *v, size_t n)
{
	size_t i;

	q->bad |= oe_buf_put_u32(q->b, (uint32_t)(n * 4));
	for (i = 0; i < n; i++)
		q->bad |= oe_buf_put_u32(q->b, v[i]);
}

static void
session_users(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const uint32_t *uids, size_t n_uids, const uint32_t *gids, size_t n_gids)
{
	struct oe_sftp__ids *ids;
	struct oe_sftp__ask q;

	assert(n_uids + n_gids <= OE_SFTP_IDS_MAX);
	if (lacks(fs, op, OE_FS_USERS) ||
	    !begin_ext(
		&q, fs, op, "users-groups-by-id@openssh.com", OE_ASK_USERS))
		return;
	ids = oe_mem_zalloc(sizeof *ids + (n_uids + n_gids) * sizeof ids->v[0]);
	ids->n_uids = n_uids;
	ids->n_gids = n_gids;
	if (n_uids)
		memcpy(ids->v, uids, n_uids * sizeof *uids);
	if (n_gids)
		memcpy(ids->v + n_uids, gids, n_gids * sizeof *gids);
	op->own = ids;
	put_ids(&q, uids, n_uids);
	put_ids(&q, gids, n_gids);
	ask_send(&q);
}

const struct oe_sftp_fs_ops oe_sftp__session_ops = {
    .open = session_open,
    .close = session_close,
    .read = session_read,
    .write = session_write,
    .stat = session_stat,
    .fstat = session_fstat,
    .setstat = session_setstat,
    .fsetstat = session_fsetstat,
    .fsync = session_fsync,
    .opendir = session_opendir,
    .readdir = session_readdir,
    .mkdir = session_mkdir,
    .rmdir = session_rmdir,
    .remove = session_remove,
    .rename = session_rename,
    .symlink = session_symlink,
    .hardlink = session_hardlink,
    .readlink = session_readlink,
    .realpath = session_realpath,
    .expand = session_expand,
    .statvfs = session_statvfs,
    .hash = session_hash,
    .extents = session_extents,
    .copy = session_copy,
    .get_file = session_get_file,
    .put_file = session_put_file,
    .users = session_users,
    .free = oe_sftp__session_free,
};
