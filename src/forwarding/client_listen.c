/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "forwarding/client_internal.h"

#define BACKLOG 128
/* Connections of one wake-up before others get their turn. */
#define ACCEPT_MAX 32

static void
pause_all(struct oe_cli_forwards *set, const char *why)
{
	oe_log_debug(NULL, "forwarding: no new connections now: %s", why);
	oe_fwd__accept_all(set, false);
	oe_timer_set(set->pause, OE_FWD_PAUSE_MS);
}

static void
take(struct oe_fwd__forward *f, int fd, const struct sockaddr_storage *from,
    socklen_t len)
{
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "0";
	int one = 1;

	if (from->ss_family == AF_UNIX) {
		oe_fwd__link_local(f, fd, NULL, 0);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (getnameinfo((const struct sockaddr *)from, len, host, sizeof host,
		port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		host[0] = '\0';
	oe_fwd__link_local(
	    f, fd, host[0] ? host : NULL, (int)strtol(port, NULL, 10));
}

/* One connection; false when there is none now. */
static bool
accept_one(struct oe_fwd__forward *f, int listener)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	int fd;

	if (f->set->nlinks >= OE_FWD_LINKS_MAX) {
		pause_all(f->set, "too many at a time");
		return false;
	}
	memset(&from, 0, sizeof from);
	fd = accept4(listener, (struct sockaddr *)&from, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		take(f, fd, &from, len);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		pause_all(f->set, strerror(errno));
	return errno == ECONNABORTED || errno == EINTR;
}

static void
on_connection(void *arg, short revents)
{
	struct oe_fwd__forward *f = arg;
	size_t i;
	int n;

	(void)revents;
	for (i = 0; i < f->nsockets; i++)
		for (n = 0; n < ACCEPT_MAX && accept_one(f, f->sockets[i].fd);
		     n++)
			continue;
}

static void
add_socket(struct oe_fwd__forward *f, int fd)
{
	f->sockets[f->nsockets].fd = fd;
	f->sockets[f->nsockets].watch = oe_loop_watch(
	    f->set->loop, fd, f->set->paused ? 0 : POLLIN, on_connection, f);
	f->nsockets++;
}

static int
open_socket(const struct addrinfo *ai, struct oe_err *err)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
	int one = 1, fd, r;

	fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	r = errno;
	(void)getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof host, port,
	    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	oe_fd_close(&fd);
	errno = r;
	return oe_err_sys(err, "bind [%s]:%s", host, port);
}

/* This machine may be without one of the two families. */
static bool
is_no_family(const struct oe_err *err)
{
	return err->sys_errno == EAFNOSUPPORT ||
	       err->sys_errno == EADDRNOTAVAIL;
}

static int
listen_addresses(
    struct oe_fwd__forward *f, const struct addrinfo *ai, struct oe_err *err)
{
	struct oe_err one = OE_ERR_INIT;
	int fd, r = 0;

	for (; ai && f->nsockets < OE_FWD_SOCKETS_MAX; ai = ai->ai_next) {
		fd = open_socket(ai, &one);
		if (fd >= 0) {
			add_socket(f, fd);
			continue;
		}
		if (r == 0 || !is_no_family(&one)) {
			r = fd;
			if (err)
				*err = one;
		}
	}
	if (!f->nsockets)
		return r;
	/* half of it works: say which half does not */
	if (r < 0 && err && !is_no_family(err))
		oe_log_warn(NULL, "%s", oe_err_text(err));
	return 0;
}

static int
listen_tcp(struct oe_fwd__forward *f, struct oe_err *err)
{
	const struct oe_fwd_end *at = &f->spec.listen;
	struct addrinfo hints = {
	    .ai_family = f->set->family,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *all = NULL;
	const char *host = at->host;
	char port[16];
	int r;

	if (!host)
		host = f->set->gateway_ports ? "" : "localhost";
	snprintf(port, sizeof port, "%d", at->port);
	r = getaddrinfo(*host ? host : NULL, port, &hints, &all);
	if (r != 0)
		return oe_err_set(err, OE_ENOENT, "bind [%s]:%d: %s", host,
		    at->port, gai_strerror(r));
	r = listen_addresses(f, all, err);
	freeaddrinfo(all);
	f->port = at->port;
	return r;
}

static int
listen_unix(struct oe_fwd__forward *f, struct oe_err *err)
{
	const char *path = f->spec.listen.path;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t old;
	int fd, r;

	if (strlen(path) >= sizeof sun.sun_path)
		return oe_err_set(
		    err, OE_ETOOBIG, "bind %s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	/* a socket only: -L over a file must not cost it */
	if (f->set->unlink_first && lstat(path, &st) == 0 &&
	    S_ISSOCK(st.st_mode))
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "socket");
	old = umask(f->set->bind_mask);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof sun);
	if (r < 0)
		r = oe_err_sys(err, "bind %s", path);
	umask(old);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = oe_err_sys(err, "listen %s", path);
	if (r < 0) {
		oe_fd_close(&fd);
		return r;
	}
	if (lstat(path, &st) == 0) {
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		f->listen_path = oe_mem_strdup(path);
	}
	add_socket(f, fd);
	return 0;
}

int
oe_fwd__listen(struct oe_fwd__forward *f, struct oe_err *err)
{
	return f->spec.listen.path ? listen_unix(f, err) : listen_tcp(f, err);
}

void
oe_fwd__listen_close(struct oe_fwd__forward *f)
{
	struct stat st;
	size_t i;

	for (i = 0; i < f->nsockets; i++) {
		oe_watch_free(&f->sockets[i].watch);
		oe_fd_close(&f->sockets[i].fd);
	}
	f->nsockets = 0;
	/* only what we made ourselves, if it is still there */
	if (f->listen_path && lstat(f->listen_path, &st) == 0 &&
	    st.st_dev == f->dev && st.st_ino == f->ino)
		(void)unlink(f->listen_path);
	oe_mem_free(&f->listen_path);
}

void
oe_fwd__accept_all(struct oe_cli_forwards *set, bool on)
{
	struct oe_fwd__forward *f;
	size_t i;

	set->paused = !on;
	for (f = set->first; f; f = f->next)
		for (i = 0; i < f->nsockets; i++)
			oe_watch_set(f->sockets[i].watch, on ? POLLIN : 0);
}
