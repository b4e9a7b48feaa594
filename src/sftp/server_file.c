/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on files: open, read, write, close, attributes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "sftp/server_internal.h"

static int
open_flags(uint32_t pflags)
{
	int flags = O_RDONLY;

	if (pflags & OE_FXF_WRITE)
		flags = pflags & OE_FXF_READ ? O_RDWR : O_WRONLY;
	if (pflags & OE_FXF_APPEND)
		flags |= O_APPEND;
	if (pflags & OE_FXF_CREAT)
		flags |= O_CREAT;
	if (pflags & OE_FXF_TRUNC)
		flags |= O_TRUNC;
	if (pflags & OE_FXF_EXCL)
		flags |= O_EXCL;
	/* a FIFO without its other end must not hold the session up */
	return flags | O_NONBLOCK;
}

static bool
open_allowed(const struct oe_sftp_server *s, uint32_t pflags)
{
	const uint32_t changes = OE_FXF_WRITE | OE_FXF_APPEND | OE_FXF_CREAT |
				 OE_FXF_TRUNC | OE_FXF_EXCL;

	if (s->rules.read_only && pflags & changes)
		return false;
	return !s->rules.write_only ||
	       (pflags & (OE_FXF_READ | OE_FXF_WRITE)) == OE_FXF_WRITE;
}

static int
reply_handle(struct oe_sftp_server *s, const struct oe_sftp__handle *h)
{
	uint8_t wire[OE_SFTP__HANDLE_LEN];
	size_t start;

	if (oe_sftp__handle_new(&s->handles, h, wire) < 0)
		return -1;
	start = oe_sftp__reply(s, OE_FXP_HANDLE);
	oe_buf_put_string(&s->out, wire, sizeof wire);
	oe_sftp__reply_end(s, start);
	return 0;
}

int
oe_sftp__do_open(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__handle h = {.dir = NULL};
	struct oe_sftp_attrs a;
	mode_t mode = 0666;
	int r = -1;

	if (!path || oe_buf_get_u32(req, &h.pflags) < 0 ||
	    oe_sftp_get_attrs(req, &a) < 0)
		return OE_FX_BAD_MESSAGE;
	if (a.flags & OE_ATTR_PERMISSIONS)
		mode = a.mode & 07777;
	if (open_allowed(s, h.pflags)) {
		h.fd =
		    oe_sftp__open(&s->roots, path, open_flags(h.pflags), mode);
	} else {
		h.fd = -1;
		errno = EACCES;
	}
	h.path = s->path[0];
	if (h.fd >= 0)
		r = reply_handle(s, &h);
	if (r < 0)
		oe_fd_close(&h.fd);
	oe_sftp__tell(s, OE_SFTP_AUDIT_OPEN, path, NULL, 0, r);
	return r < 0 ? oe_sftp__fail(s) : OE_SFTP__ANSWERED;
}

int
oe_sftp__do_opendir(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__handle h = {.pflags = OE_FXF_READ};
	int r = -1;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	h.fd = oe_sftp__open(
	    &s->roots, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	h.dir = h.fd < 0 ? NULL : fdopendir(h.fd);
	h.path = s->path[0];
	if (h.dir)
		r = reply_handle(s, &h);
	if (r < 0 && h.dir)
		closedir(h.dir);
	else if (r < 0)
		oe_fd_close(&h.fd);
	oe_sftp__tell(s, OE_SFTP_AUDIT_OPENDIR, path, NULL, 0, r);
	return r < 0 ? oe_sftp__fail(s) : OE_SFTP__ANSWERED;
}

int
oe_sftp__do_close(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h, was;
	int r;

	if (oe_sftp__get_handle(s, req, &h) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h)
		return OE_FX_NO_SUCH_FILE;
	was = *h;
	/* the audit wants the path, which goes with the handle */
	if (s->rules.audit)
		snprintf(s->text, sizeof s->text, "%s", h->path);
	r = oe_sftp__handle_close(&s->handles, h);
	if (was.bytes_written || (was.pflags & OE_FXF_WRITE && !was.dir))
		oe_sftp__tell(s, OE_SFTP_AUDIT_UPLOAD, s->text, NULL,
		    was.bytes_written, r);
	if (was.bytes_read)
		oe_sftp__tell(s, OE_SFTP_AUDIT_DOWNLOAD, s->text, NULL,
		    was.bytes_read, r);
	return r < 0 ? oe_sftp__fail(s) : OE_FX_OK;
}

int
oe_sftp__do_read(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	uint64_t offset;
	uint32_t len;
	size_t start;
	ssize_t n = 0;

	if (oe_sftp__get_handle(s, req, &h) < 0 ||
	    oe_buf_get_u64(req, &offset) < 0 || oe_buf_get_u32(req, &len) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h || h->dir)
		return OE_FX_NO_SUCH_FILE;
	if (len > OE_SFTP_DATA_MAX)
		len = OE_SFTP_DATA_MAX;
	/* no byte of a file is there, and pread() knows no such offset */
	if (offset > INT64_MAX)
		return OE_FX_EOF;
	n = oe_sftp__splice_read(s, h->fd, offset, len);
	if (n > 0) {
		h->bytes_read += (uint64_t)n;
		return OE_SFTP__ANSWERED;
	}
	if (n == 0)
		return OE_FX_EOF;
	n = 0;
	start = oe_sftp__reply(s, OE_FXP_DATA);
	oe_buf_put_u32(&s->out, 0);
	if (len)
		n = pread(h->fd, s->out.data + s->out.len, len, (off_t)offset);
	if (n < 0 || (n == 0 && len)) {
		oe_sftp__reply_drop(s, start);
		return n < 0 ? oe_sftp__fail(s) : OE_FX_EOF;
	}
	s->out.len -= 4;
	oe_buf_put_u32(&s->out, (uint32_t)n);
	s->out.len += (size_t)n;
	h->bytes_read += (uint64_t)n;
	return oe_sftp__reply_end(s, start);
}

int
oe_sftp__do_write(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	struct oe_buf data;
	uint64_t offset;
	ssize_t n;

	if (oe_sftp__get_handle(s, req, &h) < 0 ||
	    oe_buf_get_u64(req, &offset) < 0 ||
	    oe_buf_get_string(req, &data) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h || h->dir)
		return OE_FX_NO_SUCH_FILE;
	if (offset > INT64_MAX) {
		errno = EFBIG;
		return oe_sftp__fail(s);
	}
	while (oe_buf_left(&data)) {
		/* with O_APPEND the system looks at no offset */
		n = pwrite(h->fd, oe_buf_head(&data), oe_buf_left(&data),
		    (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return oe_sftp__fail(s);
		oe_buf_skip(&data, (size_t)n);
		offset += (uint64_t)n;
		h->bytes_written += (uint64_t)n;
	}
	return OE_FX_OK;
}

/* --- attributes --- */

int
oe_sftp__do_stat(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct stat st;
	int fd, r;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	if (s->roots.n) {
		fd = oe_sftp__open(&s->roots, path, O_PATH, 0);
		r = fd < 0 ? -1 : fstat(fd, &st);
		oe_fd_close(&fd);
	} else {
		r = stat(path, &st);
	}
	return r < 0 ? oe_sftp__fail(s) : oe_sftp__reply_attrs(s, &st);
}

int
oe_sftp__do_lstat(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__place at;
	struct stat st;
	int r;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	if (oe_sftp__place(&s->roots, path, &at) < 0)
		return oe_sftp__fail(s);
	r = fstatat(at.dirfd, at.name, &st, AT_SYMLINK_NOFOLLOW);
	oe_sftp__place_done(&at);
	return r < 0 ? oe_sftp__fail(s) : oe_sftp__reply_attrs(s, &st);
}

int
oe_sftp__do_fstat(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	struct stat st;

	if (oe_sftp__get_handle(s, req, &h) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h)
		return OE_FX_NO_SUCH_FILE;
	if (fstat(h->fd, &st) < 0)
		return oe_sftp__fail(s);
	return oe_sftp__reply_attrs(s, &st);
}

static void
times_of(const struct oe_sftp_attrs *a, struct timespec ret[2])
{
	memset(ret, 0, 2 * sizeof ret[0]);
	ret[0].tv_sec = a->atime;
	ret[1].tv_sec = a->mtime;
}

/* All that are there, in an order that leaves the modes and times as asked. */
static int
set_at(int dirfd, const char *name, int at, const struct oe_sftp_attrs *a)
{
	struct timespec times[2];

	if (a->flags & OE_ATTR_SIZE && truncate(name, (off_t)a->size) < 0)
		return -1;
	if (a->flags & OE_ATTR_UIDGID &&
	    fchownat(dirfd, name, a->uid, a->gid, at) < 0)
		return -1;
	if (a->flags & OE_ATTR_PERMISSIONS &&
	    fchmodat(dirfd, name, a->mode & 07777, at) < 0)
		return -1;
	times_of(a, times);
	if (a->flags & OE_ATTR_ACMODTIME &&
	    utimensat(dirfd, name, times, at) < 0)
		return -1;
	return 0;
}

/* Beneath roots: the file is held by a descriptor while it is changed. */
static int
set_held(
    struct oe_sftp_server *s, const char *path, const struct oe_sftp_attrs *a)
{
	char held[32];
	int fd = oe_sftp__open(&s->roots, path, O_PATH, 0), r;

	if (fd < 0)
		return -1;
	snprintf(held, sizeof held, "/proc/self/fd/%d", fd);
	r = set_at(AT_FDCWD, held, 0, a);
	oe_fd_close(&fd);
	return r;
}

int
oe_sftp__do_setstat(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp_attrs a;
	int r;

	if (!path || oe_sftp_get_attrs(req, &a) < 0)
		return OE_FX_BAD_MESSAGE;
	r = s->roots.n ? set_held(s, path, &a) : set_at(AT_FDCWD, path, 0, &a);
	return oe_sftp__result(s, OE_SFTP_AUDIT_SETSTAT, path, NULL, r);
}

int
oe_sftp__do_lsetstat(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__place at;
	struct oe_sftp_attrs a;
	int r;

	/* a link has no size to set */
	if (!path || oe_sftp_get_attrs(req, &a) < 0 || a.flags & OE_ATTR_SIZE)
		return OE_FX_BAD_MESSAGE;
	r = oe_sftp__place(&s->roots, path, &at);
	if (r == 0) {
		r = set_at(at.dirfd, at.name, AT_SYMLINK_NOFOLLOW, &a);
		oe_sftp__place_done(&at);
	}
	return oe_sftp__result(s, OE_SFTP_AUDIT_SETSTAT, path, NULL, r);
}

static int
set_open(int fd, const struct oe_sftp_attrs *a)
{
	struct timespec times[2];

	if (a->flags & OE_ATTR_SIZE && ftruncate(fd, (off_t)a->size) < 0)
		return -1;
	if (a->flags & OE_ATTR_UIDGID && fchown(fd, a->uid, a->gid) < 0)
		return -1;
	if (a->flags & OE_ATTR_PERMISSIONS && fchmod(fd, a->mode & 07777) < 0)
		return -1;
	times_of(a, times);
	if (a->flags & OE_ATTR_ACMODTIME && futimens(fd, times) < 0)
		return -1;
	return 0;
}

int
oe_sftp__do_fsetstat(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	struct oe_sftp_attrs a;

	if (oe_sftp__get_handle(s, req, &h) < 0 ||
	    oe_sftp_get_attrs(req, &a) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h)
		return OE_FX_NO_SUCH_FILE;
	return oe_sftp__result(
	    s, OE_SFTP_AUDIT_SETSTAT, h->path, NULL, set_open(h->fd, &a));
}

int
oe_sftp__do_fsync(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;

	if (oe_sftp__get_handle(s, req, &h) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h)
		return OE_FX_NO_SUCH_FILE;
	return fsync(h->fd) < 0 ? oe_sftp__fail(s) : OE_FX_OK;
}
