/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

#define BACKLOG 64
/* ".", and characters that nobody else has chosen */
#define SUFFIX 17

static int
address(
    const char *path, size_t more, struct sockaddr_un *ret, struct oe_err *err)
{
	memset(ret, 0, sizeof *ret);
	ret->sun_family = AF_UNIX;
	if (strlen(path) + more >= sizeof ret->sun_path)
		return oe_err_set(err, OE_ETOOBIG,
		    "ControlPath '%s' is too long: a socket's name may have "
		    "%zu bytes; %%C instead of %%r@%%h:%%p makes it shorter",
		    path, sizeof ret->sun_path - 1 - more);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

int
oe_mux_socket_check(const char *path, struct oe_err *err)
{
	struct sockaddr_un sun;

	return address(path, SUFFIX, &sun, err);
}

static char *
temporary(const char *path)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char suffix[SUFFIX] = "";
	size_t i;

	for (i = 0; i + 1 < sizeof suffix; i++)
		suffix[i] = letters[oe_mem_random(sizeof letters - 1)];
	return oe_mem_printf("%s.%s", path, suffix);
}

static int
open_at(const char *path, struct oe_err *err)
{
	struct sockaddr_un sun;
	mode_t old;
	int fd, r;

	r = address(path, 0, &sun, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "make a control socket");
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof sun);
	umask(old);
	if (r < 0 || listen(fd, BACKLOG) < 0) {
		r = oe_err_sys(err, "make the control socket %s", path);
		oe_fd_close(&fd);
		return r;
	}
	return fd;
}

/* Does nobody listen there? */
static bool
is_dead(const char *path)
{
	struct sockaddr_un sun;
	struct stat st;
	bool dead;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) ||
	    address(path, 0, &sun, NULL) < 0)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	dead = connect(fd, (const struct sockaddr *)&sun, sizeof sun) < 0 &&
	       errno == ECONNREFUSED;
	oe_fd_close(&fd);
	return dead;
}

/*
 * Take away a name that leads nowhere.  Another process may do the same and
 * put a living socket there meanwhile: so it is moved aside first, looked at,
 * and put back when it lives.
 */
static void
remove_dead(const char *path)
{
	char *aside;

	if (!is_dead(path))
		return;
	aside = temporary(path);
	if (rename(path, aside) == 0) {
		if (!is_dead(aside))
			(void)!link(aside, path);
		(void)unlink(aside);
	}
	free(aside);
}

int
oe_mux_socket_listen(
    const char *path, struct oe_mux_socket *ret, struct oe_err *err)
{
	struct stat st;
	char *born;
	int fd, r;

	r = oe_mux_socket_check(path, err);
	if (r < 0)
		return r;
	born = temporary(path);
	fd = open_at(born, err);
	if (fd < 0) {
		free(born);
		return fd;
	}
	remove_dead(path);
	if (lstat(born, &st) == 0 && link(born, path) == 0) {
		*ret = (struct oe_mux_socket){.fd = fd,
		    .path = oe_mem_strdup(path),
		    .dev = st.st_dev,
		    .ino = st.st_ino};
		r = 0;
	} else {
		r = errno == EEXIST
			? oe_err_set(err, OE_EEXIST,
			      "ControlSocket %s already exists", path)
			: oe_err_sys(err, "make the control socket %s", path);
		oe_fd_close(&fd);
	}
	(void)unlink(born);
	free(born);
	return r;
}

void
oe_mux_socket_forget(struct oe_mux_socket *s)
{
	oe_fd_close(&s->fd);
	oe_mem_free(&s->path);
}

void
oe_mux_socket_close(struct oe_mux_socket *s)
{
	struct stat st;

	/* another master may have that name by now */
	if (s->path && lstat(s->path, &st) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		(void)unlink(s->path);
	oe_mux_socket_forget(s);
}

static bool
peer_is(int fd, bool root_too)
{
	struct ucred cred;
	socklen_t n = sizeof cred;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 &&
	       (cred.uid == geteuid() || (root_too && cred.uid == 0));
}

int
oe_mux_socket_accept(const struct oe_mux_socket *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			       errno == ENOBUFS
			   ? OE_ESYS
			   : OE_EAGAIN;
	/* root may do as it likes with this process anyhow */
	if (!peer_is(fd, true)) {
		oe_fd_close(&fd);
		return OE_EAGAIN;
	}
	return fd;
}

static int
check_file(const char *path, struct oe_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT
			   ? oe_err_set(err, OE_ENOENT,
				 "Control socket connect(%s): %s", path,
				 strerror(errno))
			   : oe_err_sys(
				 err, "Control socket connect(%s)", path);
	if (!S_ISSOCK(st.st_mode))
		return oe_err_set(err, OE_EPERM, "%s is no socket", path);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return oe_err_set(err, OE_EPERM,
		    "the control socket %s is not used: it must belong to "
		    "this user and be closed to others (mode 0600)",
		    path);
	return 0;
}

int
oe_mux_socket_connect(const char *path, struct oe_err *err)
{
	struct sockaddr_un sun;
	int fd, r;

	r = address(path, 0, &sun, err);
	if (r == 0)
		r = check_file(path, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "make a socket");
	if (connect(fd, (const struct sockaddr *)&sun, sizeof sun) < 0) {
		r = errno == ECONNREFUSED
			? oe_err_set(err, OE_ECLOSED,
			      "Control socket connect(%s): %s", path,
			      strerror(errno))
			: oe_err_sys(err, "Control socket connect(%s)", path);
		oe_fd_close(&fd);
		return r;
	}
	/* descriptors go to this process: to nobody else's, root's neither */
	if (!peer_is(fd, false)) {
		oe_fd_close(&fd);
		return oe_err_set(err, OE_EPERM,
		    "the control socket %s is not used: another user listens "
		    "there",
		    path);
	}
	return fd;
}

pid_t
oe_mux_socket_peer(int fd)
{
	struct ucred cred;
	socklen_t n = sizeof cred;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0
		   ? cred.pid
		   : 0;
}
