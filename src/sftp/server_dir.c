/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on names: directories, links, renames, where a path leads.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "sftp/longname.h"
#include "sftp/server_internal.h"

/* Names of one answer; a name, its line and attributes are below 1 KB. */
#define ENTRIES_MAX 100
_Static_assert(ENTRIES_MAX * 1024 < OE_SFTP__REPLY_MAX, "a READDIR fits");

static void
put_entry(struct oe_sftp_server *s, const char *name, const struct stat *st)
{
	char line[OE_LONGNAME_ROOM + NAME_MAX];
	struct oe_sftp_attrs a;
	size_t n;

	oe_sftp_attrs_of(st, &a);
	n = oe_sftp__longname(&s->names, name, st, &a, line, sizeof line);
	oe_buf_put_cstring(&s->out, name);
	oe_buf_put_string(&s->out, line, n);
	oe_sftp_put_attrs(&s->out, &a);
}

int
oe_sftp__do_readdir(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	const struct dirent *e;
	const char *look;
	struct stat st;
	uint32_t n = 0;
	size_t start, end;

	if (oe_sftp__get_handle(s, req, &h) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h || !h->dir)
		return OE_FX_NO_SUCH_FILE;
	start = oe_sftp__reply(s, OE_FXP_NAME);
	oe_buf_put_u32(&s->out, 0);
	errno = 0;
	while (n < ENTRIES_MAX && (e = readdir(h->dir))) {
		/* what is above a root is nobody's business */
		look = s->roots.n && strcmp(e->d_name, "..") == 0 ? "."
								  : e->d_name;
		/* gone meanwhile: as if it had not been there */
		if (fstatat(h->fd, look, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			put_entry(s, e->d_name, &st);
			n++;
		}
		errno = 0;
	}
	if (n == 0) {
		oe_sftp__reply_drop(s, start);
		return errno ? oe_sftp__fail(s) : OE_FX_EOF;
	}
	end = s->out.len;
	s->out.len = start + 9;
	oe_buf_put_u32(&s->out, n);
	s->out.len = end;
	return oe_sftp__reply_end(s, start);
}

int
oe_sftp__do_mkdir(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__place at;
	struct oe_sftp_attrs a;
	mode_t mode = 0777;
	int r;

	if (!path || oe_sftp_get_attrs(req, &a) < 0)
		return OE_FX_BAD_MESSAGE;
	if (a.flags & OE_ATTR_PERMISSIONS)
		mode = a.mode & 07777;
	r = oe_sftp__place(&s->roots, path, &at);
	if (r == 0) {
		r = mkdirat(at.dirfd, at.name, mode);
		oe_sftp__place_done(&at);
	}
	return oe_sftp__result(s, OE_SFTP_AUDIT_MKDIR, path, NULL, r);
}

static int
unlink_at(struct oe_sftp_server *s, struct oe_buf *req,
    enum oe_sftp_audit_op op, int flags)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__place at;
	int r;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	r = oe_sftp__place(&s->roots, path, &at);
	if (r == 0) {
		r = unlinkat(at.dirfd, at.name, flags);
		oe_sftp__place_done(&at);
	}
	return oe_sftp__result(s, op, path, NULL, r);
}

int
oe_sftp__do_rmdir(struct oe_sftp_server *s, struct oe_buf *req)
{
	return unlink_at(s, req, OE_SFTP_AUDIT_RMDIR, AT_REMOVEDIR);
}

int
oe_sftp__do_remove(struct oe_sftp_server *s, struct oe_buf *req)
{
	return unlink_at(s, req, OE_SFTP_AUDIT_REMOVE, 0);
}

/* --- two paths --- */

/*
 * File systems without RENAME_NOREPLACE: a link never replaces; directories
 * have none, so there a look has to do.
 */
static int
rename_by_link(
    const struct oe_sftp__place *from, const struct oe_sftp__place *to)
{
	struct stat st;

	if (fstatat(from->dirfd, from->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISREG(st.st_mode) &&
	    linkat(from->dirfd, from->name, to->dirfd, to->name, 0) == 0)
		return unlinkat(from->dirfd, from->name, 0);
	if (S_ISREG(st.st_mode) && errno != EPERM && errno != EOPNOTSUPP &&
	    errno != ENOSYS && errno != EMLINK)
		return -1;
	if (fstatat(to->dirfd, to->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from->dirfd, from->name, to->dirfd, to->name);
}

static int
rename_new(const struct oe_sftp__place *from, const struct oe_sftp__place *to)
{
	if (renameat2(from->dirfd, from->name, to->dirfd, to->name,
		RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return rename_by_link(from, to);
}

static int
rename_over(const struct oe_sftp__place *from, const struct oe_sftp__place *to)
{
	return renameat(from->dirfd, from->name, to->dirfd, to->name);
}

static int
link_new(const struct oe_sftp__place *from, const struct oe_sftp__place *to)
{
	return linkat(from->dirfd, from->name, to->dirfd, to->name, 0);
}

static int
two_paths(struct oe_sftp_server *s, struct oe_buf *req,
    enum oe_sftp_audit_op op,
    int (*act)(
	const struct oe_sftp__place *from, const struct oe_sftp__place *to))
{
	const char *from = oe_sftp__get_path(s, req, 0),
		   *to = oe_sftp__get_path(s, req, 1);
	struct oe_sftp__place a, b;
	int r;

	if (!from || !to)
		return OE_FX_BAD_MESSAGE;
	r = oe_sftp__place(&s->roots, from, &a);
	if (r == 0) {
		r = oe_sftp__place(&s->roots, to, &b);
		if (r == 0) {
			r = act(&a, &b);
			oe_sftp__place_done(&b);
		}
		oe_sftp__place_done(&a);
	}
	return oe_sftp__result(s, op, from, to, r);
}

int
oe_sftp__do_rename(struct oe_sftp_server *s, struct oe_buf *req)
{
	return two_paths(s, req, OE_SFTP_AUDIT_RENAME, rename_new);
}

int
oe_sftp__do_posix_rename(struct oe_sftp_server *s, struct oe_buf *req)
{
	return two_paths(s, req, OE_SFTP_AUDIT_RENAME, rename_over);
}

int
oe_sftp__do_hardlink(struct oe_sftp_server *s, struct oe_buf *req)
{
	return two_paths(s, req, OE_SFTP_AUDIT_HARDLINK, link_new);
}

int
oe_sftp__do_symlink(struct oe_sftp_server *s, struct oe_buf *req)
{
	/* The draft has them the other way. */
	const char *first = oe_sftp__get_path(s, req, 0),
		   *second = oe_sftp__get_path(s, req, 1);
	const char *target = s->rules.link_first ? second : first,
		   *path = s->rules.link_first ? first : second;
	struct oe_sftp__place at;
	int r = -1;

	if (!first || !second)
		return OE_FX_BAD_MESSAGE;
	if (!oe_sftp__roots_link(&s->roots, path, target))
		errno = EACCES;
	else
		r = oe_sftp__place(&s->roots, path, &at);
	if (r == 0) {
		r = symlinkat(target, at.dirfd, at.name);
		oe_sftp__place_done(&at);
	}
	return oe_sftp__result(s, OE_SFTP_AUDIT_SYMLINK, target, path, r);
}

int
oe_sftp__do_readlink(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct oe_sftp__place at;
	ssize_t n;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	if (oe_sftp__place(&s->roots, path, &at) < 0)
		return oe_sftp__fail(s);
	n = readlinkat(at.dirfd, at.name, s->text, sizeof s->text - 1);
	oe_sftp__place_done(&at);
	if (n < 0)
		return oe_sftp__fail(s);
	s->text[n] = '\0';
	if (!oe_sftp__roots_link(&s->roots, path, s->text)) {
		s->why = "The link leads out of what is shared";
		return OE_FX_PERMISSION_DENIED;
	}
	return oe_sftp__reply_name(s, s->text);
}

int
oe_sftp__do_realpath(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);

	if (!path)
		return OE_FX_BAD_MESSAGE;
	if (oe_sftp__realpath(&s->roots, path, s->text) < 0)
		return oe_sftp__fail(s);
	return oe_sftp__reply_name(s, s->text);
}
