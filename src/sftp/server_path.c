/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a peer.  Without roots they go to the system as they are.  With
 * roots a path is first made absolute by its words alone, has to lie in a
 * root by its words, and is then opened beneath that root's descriptor by
 * openat2(2), which refuses links that lead out.  Calls that work on a name
 * get the descriptor of its directory and the last name, so nothing that is
 * exchanged meanwhile leads elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/server_internal.h"

/* A path that was changed while it was walked is walked again. */
#define TRIES 16

static int
beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how;
	long fd;
	int i;

	memset(&how, 0, sizeof how);
	/* open() adds it where off_t is wider than the machine's word */
	how.flags = (uint64_t)(unsigned)flags |
		    (flags & O_PATH ? 0 : (uint64_t)O_LARGEFILE);
	how.mode = flags & O_CREAT ? mode & 07777 : 0;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	for (i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0 && errno == EXDEV)
		errno = EACCES;
	return (int)fd;
}

static int
add_root(struct oe_sftp__roots *r, const char *path, struct oe_err *err)
{
	struct oe_sftp__root *root;
	char *real = realpath(path, NULL);
	int fd, test;

	if (!real)
		return oe_err_sys(err, "root '%s'", path);
	fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	test =
	    fd < 0 ? -1 : beneath(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (test < 0) {
		free(real);
		oe_fd_close(&fd);
		return oe_err_sys(err, "hold paths beneath root '%s'", path);
	}
	close(test);
	r->v = oe_mem_realloc_array(r->v, r->n + 1, sizeof *r->v);
	root = &r->v[r->n++];
	root->fd = fd;
	root->path = real;
	root->len = strcmp(real, "/") == 0 ? 0 : strlen(real);
	return 0;
}

int
oe_sftp__roots_open(
    struct oe_sftp__roots *r, const struct oe_strs *paths, struct oe_err *err)
{
	size_t i;
	int e;

	for (i = 0; i < paths->n; i++) {
		e = add_root(r, paths->v[i], err);
		if (e < 0)
			return e;
	}
	r->cwd = getcwd(NULL, 0);
	if (!r->cwd || !oe_sftp__roots_allow(r, r->cwd)) {
		free(r->cwd);
		r->cwd = oe_mem_strdup(r->v[0].path);
	}
	return 0;
}

void
oe_sftp__roots_done(struct oe_sftp__roots *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		oe_fd_close(&r->v[i].fd);
		free(r->v[i].path);
	}
	free(r->v);
	free(r->cwd);
	memset(r, 0, sizeof *r);
}

/* Appends the names of @path to the absolute path of *@n bytes in @ret. */
static int
lexical_add(const char *path, char *ret, size_t *n)
{
	size_t len;

	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0 || (len == 1 && *path == '.'))
			continue;
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (*n && ret[--*n] != '/')
				;
			continue;
		}
		if (*n + 1 + len > OE_SFTP_PATH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		ret[(*n)++] = '/';
		memcpy(ret + *n, path, len);
		*n += len;
	}
	return 0;
}

int
oe_sftp__lexical(const char *dir, const char *path, char *ret)
{
	size_t n = 0;

	if (*path != '/' && lexical_add(dir, ret, &n) < 0)
		return -1;
	if (lexical_add(path, ret, &n) < 0)
		return -1;
	if (n == 0)
		ret[n++] = '/';
	ret[n] = '\0';
	return 0;
}

/* The innermost root that @abs lies in; *@ret_rest is "" for itself. */
static const struct oe_sftp__root *
find_root(
    const struct oe_sftp__roots *r, const char *abs, const char **ret_rest)
{
	const struct oe_sftp__root *best = NULL;
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (strncmp(abs, r->v[i].path, r->v[i].len) != 0 ||
		    (abs[r->v[i].len] != '/' && abs[r->v[i].len] != '\0'))
			continue;
		if (!best || r->v[i].len > best->len)
			best = &r->v[i];
	}
	if (best) {
		*ret_rest = abs + best->len;
		*ret_rest += strspn(*ret_rest, "/");
	} else {
		errno = EACCES;
	}
	return best;
}

bool
oe_sftp__roots_allow(const struct oe_sftp__roots *r, const char *abs)
{
	const char *rest;

	return r->n == 0 || find_root(r, abs, &rest);
}

bool
oe_sftp__roots_link(
    const struct oe_sftp__roots *r, const char *path, const char *target)
{
	char abs[OE_SFTP_PATH_MAX + 1], end[OE_SFTP_PATH_MAX + 1];
	char *slash;

	if (r->n == 0)
		return true;
	if (oe_sftp__lexical(r->cwd, path, abs) < 0)
		return false;
	slash = strrchr(abs, '/');
	slash[slash == abs] = '\0';
	return oe_sftp__lexical(abs, target, end) == 0 &&
	       oe_sftp__roots_allow(r, end);
}

int
oe_sftp__open(
    const struct oe_sftp__roots *r, const char *path, int flags, mode_t mode)
{
	char abs[OE_SFTP_PATH_MAX + 1];
	const struct oe_sftp__root *root;
	const char *rest;

	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY);
	if (r->n == 0)
		return open(path, flags, mode);
	if (oe_sftp__lexical(r->cwd, path, abs) < 0)
		return -1;
	root = find_root(r, abs, &rest);
	if (!root)
		return -1;
	return beneath(root->fd, *rest ? rest : ".", flags, mode);
}

int
oe_sftp__place(const struct oe_sftp__roots *r, const char *path,
    struct oe_sftp__place *ret)
{
	const struct oe_sftp__root *root;
	const char *rest;
	char *slash;

	ret->owned = false;
	ret->dirfd = AT_FDCWD;
	ret->name = path;
	if (r->n == 0)
		return 0;
	if (oe_sftp__lexical(r->cwd, path, ret->text) < 0)
		return -1;
	root = find_root(r, ret->text, &rest);
	if (!root)
		return -1;
	ret->dirfd = root->fd;
	/* "." of the root: the system refuses to remove or replace that */
	ret->name = *rest ? rest : ".";
	slash = strrchr(ret->text, '/');
	if (slash < rest)
		return 0;
	*slash = '\0';
	ret->name = slash + 1;
	ret->dirfd =
	    beneath(root->fd, rest, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	ret->owned = ret->dirfd >= 0;
	return ret->owned ? 0 : -1;
}

void
oe_sftp__place_done(struct oe_sftp__place *p)
{
	if (p->owned)
		oe_fd_close(&p->dirfd);
	p->owned = false;
}

static int
copy_path(const char *from, char *ret)
{
	if (oe_str_copy(ret, OE_SFTP_PATH_MAX + 1, from))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* The last name does not exist; the path to it has to. */
static int
real_parent(const char *path, char *ret)
{
	char dir[OE_SFTP_PATH_MAX + 1], *slash, *real;
	const char *name;
	int r;

	if (copy_path(path, dir) < 0)
		return -1;
	for (slash = dir + strlen(dir); slash > dir + 1 && slash[-1] == '/';)
		*--slash = '\0';
	slash = strrchr(dir, '/');
	name = slash ? slash + 1 : dir;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		errno = ENOENT;
		return -1;
	}
	if (slash)
		*slash = '\0';
	real = realpath(!slash ? "." : slash == dir ? "/" : dir, NULL);
	if (!real)
		return -1;
	r = oe_sftp__lexical(real, name, ret);
	free(real);
	return r;
}

int
oe_sftp__realpath(const struct oe_sftp__roots *r, const char *path, char *ret)
{
	char *real;
	int e;

	if (r->n) {
		e = oe_sftp__lexical(r->cwd, path, ret);
		if (e == 0 && !oe_sftp__roots_allow(r, ret)) {
			errno = EACCES;
			e = -1;
		}
		return e;
	}
	real = realpath(path, NULL);
	if (!real)
		return errno == ENOENT ? real_parent(path, ret) : -1;
	e = copy_path(real, ret);
	free(real);
	return e;
}
