/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/strictmodes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

static int
check_owner(
    const struct stat *st, uid_t uid, const char *shown, struct oe_err *err)
{
	if (st->st_uid != uid && st->st_uid != 0)
		return oe_err_set(err, OE_EPERM,
		    "'%s' belongs to user id %lu; it must belong to user id "
		    "%lu or root (chown)",
		    shown, (unsigned long)st->st_uid, (unsigned long)uid);
	/* /tmp and its like are meant to be so: the file is what is wrong */
	if ((st->st_mode & S_ISVTX) && (st->st_mode & S_IWOTH))
		return oe_err_set(err, OE_EPERM,
		    "'%s' is writable by others; keep the file elsewhere",
		    shown);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return oe_err_set(err, OE_EPERM,
		    "'%s' is writable by others; run: chmod go-w '%s'", shown,
		    shown);
	return 0;
}

static int
check_fd(int fd, uid_t uid, const char *shown, struct oe_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oe_err_sys(err, "look at '%s'", shown);
	return check_owner(&st, uid, shown, err);
}

static int
open_failed(const char *shown, struct oe_err *err)
{
	if (errno == ENOENT)
		return oe_err_set(err, OE_ENOENT, "'%s' does not exist", shown);
	if (errno == ELOOP || errno == ENOTDIR)
		return oe_err_set(err, OE_EPERM,
		    "'%s' changed while it was looked at", shown);
	return oe_err_sys(err, "open '%s'", shown);
}

/* The last component: a regular file that is the user's. */
static int
open_file(int dir, const char *name, uid_t uid, const char *shown, int *ret_fd,
    struct oe_err *err)
{
	struct stat st;
	int fd, r;

	/* O_NONBLOCK: a FIFO must not hold us */
	fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return open_failed(shown, err);
	if (fstat(fd, &st) < 0)
		r = oe_err_sys(err, "look at '%s'", shown);
	else if (!S_ISREG(st.st_mode))
		r = oe_err_set(
		    err, OE_EINVAL, "'%s' is not a regular file", shown);
	else
		r = check_owner(&st, uid, shown, err);
	if (r < 0)
		oe_fd_close(&fd);
	else
		*ret_fd = fd;
	return r;
}

/* Is the directory of the first @n bytes of @path one to be checked? */
static bool
is_checked(const char *path, size_t n, const char *home)
{
	size_t home_len = home ? strlen(home) : 0;

	/* outside the home every directory counts, inside from it down */
	if (!home || strncmp(path, home, home_len) != 0 ||
	    path[home_len] != '/')
		return true;
	return n >= home_len;
}

/*
 * Walk the resolved @path down from /, checking directories on the way.
 * @path is changed and put back at each '/', to name what was found.
 */
static int
walk(char *path, uid_t uid, const char *home, int *ret_fd, struct oe_err *err)
{
	int dir, next, r = 0;
	char *p = path + 1, *slash;

	dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return oe_err_sys(err, "open '/'");
	if (is_checked(path, 0, home))
		r = check_fd(dir, uid, "/", err);
	while (r == 0 && (slash = strchr(p, '/')) != NULL) {
		*slash = 0;
		next = openat(
		    dir, p, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = next < 0 ? open_failed(path, err) : 0;
		oe_fd_close(&dir);
		dir = next;
		*slash = '/';
		if (r == 0 && is_checked(path, (size_t)(slash - path), home)) {
			*slash = 0;
			r = check_fd(dir, uid, path, err);
			*slash = '/';
		}
		p = slash + 1;
	}
	if (r == 0)
		r = open_file(dir, p, uid, path, ret_fd, err);
	oe_fd_close(&dir);
	return r;
}

int
oe_strictmodes_open(const char *path, uid_t uid, const char *home, int *ret_fd,
    struct oe_err *err)
{
	char *real, *real_home = NULL;
	int r;

	if (*path != '/')
		return oe_err_set(
		    err, OE_EINVAL, "'%s' is not an absolute path", path);
	real = realpath(path, NULL);
	if (!real && errno == ENOENT)
		return oe_err_set(err, OE_ENOENT, "'%s' does not exist", path);
	if (!real)
		return oe_err_sys(err, "resolve '%s'", path);
	/* a home that does not resolve is no place to stop at */
	if (home)
		real_home = realpath(home, NULL);
	if (real_home && !strcmp(real_home, "/"))
		oe_mem_free(&real_home);
	r = walk(real, uid, real_home, ret_fd, err);
	free(real);
	free(real_home);
	return r;
}

int
oe_strictmodes_read(const char *path, uid_t uid, const char *home, size_t max,
    struct oe_buf *ret, struct oe_err *err)
{
	int fd, r;

	r = oe_strictmodes_open(path, uid, home, &fd, err);
	if (r < 0)
		return r;
	r = oe_fd_read_all(fd, path, max, ret, err);
	oe_fd_close(&fd);
	return r;
}
