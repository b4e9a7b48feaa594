/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/mem.h"

/* Entries of one readdir() request. */
#define BATCH 128

/* A FIFO or a terminal line is not waited for. */
#define OPEN_ALWAYS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int
open_flags(uint32_t pflags)
{
	int fl = OPEN_ALWAYS;

	if (pflags & OE_FXF_WRITE)
		fl |= pflags & OE_FXF_READ ? O_RDWR : O_WRONLY;
	if (pflags & OE_FXF_APPEND)
		fl |= O_APPEND;
	if (pflags & OE_FXF_CREAT)
		fl |= O_CREAT;
	if (pflags & OE_FXF_TRUNC)
		fl |= O_TRUNC;
	if (pflags & OE_FXF_EXCL)
		fl |= O_EXCL;
	if (pflags & OE_FXF_NOFOLLOW)
		fl |= O_NOFOLLOW;
	return fl;
}

static void
open_failed(struct oe_sftp_op *op, int flags)
{
	if (errno == ELOOP && flags & O_NOFOLLOW)
		oe_sftp__local_fail(op, OE_EPERM, "It is a symbolic link");
	else
		oe_sftp__local_errno(op, errno);
}

int
oe_sftp__local_open_regular(
    struct oe_sftp_op *op, const char *path, int flags, struct stat *st)
{
	int fd = open(path, flags | OPEN_ALWAYS);

	if (fd < 0) {
		open_failed(op, flags);
		return -1;
	}
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	oe_sftp__local_fail(op, OE_EINVAL, "not a regular file");
	close(fd);
	return -1;
}

static struct oe_sftp_file *
file_new(int fd, DIR *dir, bool regular)
{
	struct oe_sftp_file *f = oe_mem_zalloc(sizeof *f);

	f->fd = fd;
	f->dir = dir;
	f->regular = regular;
	return f;
}

/* What is there besides regular files may be written to: /dev/null, a disk. */
static void
open_write(struct oe_sftp_op *op, const char *path, int flags, mode_t mode)
{
	struct stat st;
	int fd = open(path, flags, mode);

	if (fd < 0 || fstat(fd, &st) < 0) {
		open_failed(op, flags);
		oe_fd_close(&fd);
		return;
	}
	op->file = file_new(fd, NULL, S_ISREG(st.st_mode));
}

void
oe_sftp__local_open(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *path, uint32_t pflags, const struct oe_sftp_attrs *a)
{
	int flags = open_flags(pflags);
	mode_t mode =
	    a && a->flags & OE_ATTR_PERMISSIONS ? a->mode & 07777 : 0666;
	struct stat st;
	int fd;

	oe_sftp__local_settle(fs, path);
	if (pflags & OE_FXF_WRITE) {
		open_write(op, path, flags, mode);
	} else {
		fd = oe_sftp__local_open_regular(
		    op, path, flags & O_NOFOLLOW, &st);
		if (fd >= 0)
			op->file = file_new(fd, NULL, true);
	}
	oe_sftp__local_end(op);
}

void
oe_sftp__local_close(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	int r;

	(void)fs;
	r = file->dir ? closedir(file->dir) : close(file->fd);
	free(file);
	oe_sftp__local_sys(op, r);
}

ssize_t
oe_sftp__local_pread(int fd, void *p, size_t n, uint64_t offset)
{
	uint8_t *at = p;
	size_t have = 0;
	ssize_t r;

	while (have < n) {
		r = pread(fd, at + have, n - have, (off_t)(offset + have));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

void
oe_sftp__local_read(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, size_t len)
{
	uint8_t *buf = oe_sftp__local_buf(fs);
	ssize_t r;

	if (len > fs->limits.read)
		len = (size_t)fs->limits.read;
	r = oe_sftp__local_pread(file->fd, buf, len, offset);
	if (r > 0) {
		op->n = (size_t)r;
		op->headroom = OE_SFTP_HEADROOM;
		op->data(op, offset, buf, (size_t)r);
	} else if (r == 0 && len) {
		op->status = OE_ESHORT;
		op->fx = OE_FX_EOF;
	}
	oe_sftp__local_sys(op, r < 0 ? -1 : 0);
}

static int
pwrite_all(int fd, const void *p, size_t n, uint64_t offset)
{
	const uint8_t *at = p;
	ssize_t r;

	while (n) {
		r = pwrite(fd, at, n, (off_t)offset);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		at += r;
		n -= (size_t)r;
		offset += (size_t)r;
	}
	return 0;
}

void
oe_sftp__local_write(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, const void *p, size_t n)
{
	int r;

	(void)fs;
	r = pwrite_all(file->fd, p, n, offset);
	/* a pipe or a terminal has no positions */
	if (r < 0 && errno == ESPIPE)
		r = oe_fd_write_all(file->fd, p, n);
	oe_sftp__local_sys(op, r);
}

void
oe_sftp__local_fstat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	struct stat st;
	int r;

	(void)fs;
	r = fstat(file->fd, &st);
	if (r == 0)
		oe_sftp_attrs_of(&st, &op->attrs);
	oe_sftp__local_sys(op, r);
}

void
oe_sftp__local_fsync(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	(void)fs;
	/* a device or pipe that has nothing to sync is synced */
	oe_sftp__local_sys(op, file->regular ? fsync(file->fd) : 0);
}

void
oe_sftp__local_opendir(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	DIR *d;
	int fd;

	oe_sftp_local_flush(fs);
	fd = open(path, O_RDONLY | O_DIRECTORY | OPEN_ALWAYS);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d) {
		op->file = file_new(fd, d, false);
	} else {
		oe_sftp__local_errno(op, errno);
		oe_fd_close(&fd);
	}
	oe_sftp__local_end(op);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One name to the caller; false when it is gone already. */
static bool
tell_name(struct oe_sftp_op *op, int dir, const char *name)
{
	struct oe_sftp_entry e = {.name = name, .longname = ""};
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		oe_sftp_attrs_of(&st, &e.attrs);
	else if (errno == ENOENT)
		return false;
	op->entry(op, &e);
	return true;
}

void
oe_sftp__local_readdir(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *dir)
{
	struct dirent *d;
	unsigned n = 0;

	(void)fs;
	errno = 0;
	while (n < BATCH && (d = readdir(dir->dir))) {
		if (!is_dots(d->d_name) && tell_name(op, dir->fd, d->d_name))
			n++;
		errno = 0;
	}
	if (n == 0 && errno) {
		oe_sftp__local_errno(op, errno);
	} else if (n == 0) {
		op->status = OE_ESHORT;
		op->fx = OE_FX_EOF;
	}
	oe_sftp__local_end(op);
}
