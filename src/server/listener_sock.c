/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener's sockets: opened, taken from the service manager, kept over
 * a reload and over a replacement of the program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/link.h"
#include "core/net/local.h"
#include "core/net/loop.h"
#include "core/app/notify.h"
#include "server/listener_internal.h"

#define OE_SRV_BACKLOG  1024
#define OE_SRV_FD_FIRST 3

const char *
listener_self_path(void)
{
	static char path[4096];
	ssize_t n;

	if (!path[0]) {
		n = readlink("/proc/self/exe", path, sizeof path - 1);
		path[n > 0 ? n : 0] = 0;
	}
	return path;
}

static void
sock_format(
    const struct sockaddr_storage *ss, socklen_t len, char *ret, size_t size)
{
	struct oe_addr a;
	char text[OE_ADDR_TEXT_MAX] = "?";
	in_port_t port;

	if (oe_addr_from_sockaddr((const struct sockaddr *)ss, len, &a) == 0)
		oe_addr_format(&a, text);
	port = ss->ss_family == AF_INET6
		   ? ((const struct sockaddr_in6 *)ss)->sin6_port
		   : ((const struct sockaddr_in *)ss)->sin_port;
	snprintf(ret, size, strchr(text, ':') ? "[%s]:%u" : "%s:%u", text,
	    ntohs(port));
}

static void
sock_add(struct listener *l, int fd, bool given)
{
	struct sock *s = &l->socks[l->n_socks];
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	memset(s, 0, sizeof *s);
	memset(&ss, 0, sizeof ss);
	s->listener = l;
	s->fd = fd;
	s->given = given;
	(void)getsockname(fd, (struct sockaddr *)&ss, &len);
	sock_format(&ss, len, s->text, sizeof s->text);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)oe_fd_set_nonblock(fd, true);
	s->watch = oe_loop_watch(l->loop, fd, POLLIN, listener_on_accept, s);
	l->n_socks++;
}

static socklen_t
sock_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	(void)inet_pton(AF_INET6, text, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof *v6;
}

static int
sock_open(struct listener *l, const char *text, struct oe_err *err)
{
	uint16_t port = l->srv.cfg->port;
	struct sockaddr_storage ss;
	socklen_t len = sock_address(text, port, &ss);
	int one = 1, fd;

	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "make a socket for '%s'", text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* 0.0.0.0 and :: may stand beside each other */
	if (ss.ss_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 ||
	    listen(fd, OE_SRV_BACKLOG) < 0) {
		int r =
		    oe_err_sys(err, "listen on address %s port %u", text, port);

		if (errno == EADDRINUSE)
			r = oe_err_set(err, OE_ESYS,
			    "listen on address %s port %u: another program "
			    "has this port: choose one with --port, or see "
			    "'ss -ltnp'",
			    text, port);
		oe_fd_close(&fd);
		return r;
	}
	sock_add(l, fd, false);
	return 0;
}

static bool
sock_is(const struct sock *s, const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	char want[sizeof s->text];
	socklen_t len = sock_address(text, port, &ss);

	sock_format(&ss, len, want, sizeof want);
	return !strcmp(want, s->text);
}

static bool
sock_is_wanted(const struct listener *l, const struct sock *s)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	size_t i;

	for (i = 0; i < cfg->binds.n; i++)
		if (sock_is(s, cfg->binds.v[i], cfg->port))
			return true;
	return s->given;
}

static void
sock_close_unwanted(struct listener *l)
{
	size_t i = 0;

	while (i < l->n_socks) {
		struct sock *s = &l->socks[i];

		if (sock_is_wanted(l, s)) {
			i++;
			continue;
		}
		oe_watch_free(&s->watch);
		oe_fd_close(&s->fd);
		l->n_socks--;
		if (i == l->n_socks)
			break;
		/* the watch's argument is the slot: make it anew */
		*s = l->socks[l->n_socks];
		oe_watch_free(&l->socks[l->n_socks].watch);
		s->watch = oe_loop_watch(
		    l->loop, s->fd, POLLIN, listener_on_accept, s);
	}
}

/* Descriptors of the program that we replaced. */
static void
sock_take_kept(struct listener *l)
{
	const char *kept = getenv(OE_SRV_KEPT);
	struct oe_strs fds = {NULL, 0};
	char *copy;
	int64_t fd;
	size_t i;

	kept = kept ? strchr(kept, ';') : NULL;
	if (!kept)
		return;
	copy = oe_mem_strndup(kept + 1, strcspn(kept + 1, ";"));
	oe_strs_split(&fds, copy, ',');
	free(copy);
	for (i = 0; i < fds.n && l->n_socks < OE_SRV_SOCKS_MAX; i++)
		if (oe_str_parse_int(fds.v[i], 3, 65535, &fd) == 0 &&
		    fcntl((int)fd, F_GETFD) >= 0)
			sock_add(l, (int)fd, false);
	oe_strs_done(&fds);
}

static bool
sock_is_open(const struct listener *l, const char *text)
{
	size_t i;

	for (i = 0; i < l->n_socks; i++)
		if (sock_is(&l->socks[i], text, l->srv.cfg->port))
			return true;
	return false;
}

static void
sock_close_last(struct listener *l)
{
	struct sock *s = &l->socks[--l->n_socks];

	oe_watch_free(&s->watch);
	oe_fd_close(&s->fd);
}

int
listener_rebind(struct listener *l, struct oe_err *err)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	size_t had = l->n_socks, i;
	int r = 0;

	/* sockets of a service manager stand for all --bind */
	for (i = 0; i < l->n_socks; i++)
		if (l->socks[i].given)
			return 0;
	for (i = 0; i < cfg->binds.n && r == 0; i++) {
		if (sock_is_open(l, cfg->binds.v[i]))
			continue;
		r = l->n_socks == OE_SRV_SOCKS_MAX
			? oe_err_set(
			      err, OE_ETOOBIG, "too many addresses to bind")
			: sock_open(l, cfg->binds.v[i], err);
	}
	if (r < 0) {
		while (l->n_socks > had)
			sock_close_last(l);
		return r;
	}
	sock_close_unwanted(l);
	return 0;
}

void
listener_inherit(struct listener *l)
{
	int n = oe_notify_listen_fds(), i;

	/* whoever started us may have left descriptors that are not ours */
	l->replaced = getenv(OE_SRV_KEPT) != NULL;
	if (l->replaced)
		listener_policy_adopt(l, getenv(OE_SRV_KEPT));
	else
		oe_fd_close_from(OE_SRV_FD_FIRST + n);
	for (i = 0; i < n && i < OE_SRV_SOCKS_MAX; i++)
		sock_add(l, OE_SRV_FD_FIRST + i, true);
	sock_take_kept(l);
}

static void
sock_key(const struct oe_addr *a, uint8_t key[16])
{
	memset(key, 0, 16);
	if (a->family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, a->bytes, 4);
	} else {
		memcpy(key, a->bytes, 16);
	}
}

static in_port_t
sock_port(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET6
			 ? ((const struct sockaddr_in6 *)ss)->sin6_port
			 : ((const struct sockaddr_in *)ss)->sin_port);
}

int
listener_port(const struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;

	memset(&ss, 0, sizeof ss);
	if (!l->n_socks ||
	    getsockname(l->socks[0].fd, (struct sockaddr *)&ss, &n) < 0)
		return 0;
	return sock_port(&ss);
}

/*
 * Where the handshake's last packet came in, which the kernel keeps with the
 * socket and tells to who asks for packet information (ip(7), ipv6(7)).  A
 * source address alone proves nothing: any network can carry any.
 */
static void
sock_interface(int fd, int family, char ret[OE_SRV_INTERFACE_MAX])
{
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} room;
	struct msghdr m = {.msg_control = room.bytes};
	bool v6 = family == AF_INET6;
	socklen_t n = sizeof room.bytes;
	int one = 1, zero = 0;
	struct in6_pktinfo i6;
	struct in_pktinfo i4;
	struct cmsghdr *c;
	unsigned index = 0;

	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &one, sizeof one) < 0 ||
	    getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		v6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS, room.bytes, &n) < 0)
		n = 0;
	(void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &zero, sizeof zero);
	m.msg_controllen = n;
	for (c = n ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&i4, CMSG_DATA(c), sizeof i4);
			index = (unsigned)i4.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&i6, CMSG_DATA(c), sizeof i6);
			index = i6.ipi6_ifindex;
		}
	}
	if (!index || !if_indextoname(index, ret))
		ret[0] = 0;
}

/*
 * What comes from this machine itself comes in by no interface, though the
 * kernel names one: that which has the address it came to.
 */
static void
sock_place(int fd, int family, struct oe_srv_peer *p)
{
	sock_interface(fd, family, p->interface);
	if (p->interface[0] && oe_addr_is_local(&p->addr))
		p->interface[0] = 0;
	p->shared_link = oe_link_is_shared(p->interface);
}

int
listener_identify(const struct listener *l, int fd, struct oe_srv_peer *ret)
{
	struct sockaddr_storage peer, local;
	socklen_t plen = sizeof peer, llen = sizeof local;
	int one = 1;

	memset(ret, 0, sizeof *ret);
	if (getpeername(fd, (struct sockaddr *)&peer, &plen) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &llen) < 0 ||
	    oe_addr_from_sockaddr((struct sockaddr *)&peer, plen, &ret->addr) <
		0 ||
	    oe_addr_from_sockaddr(
		(struct sockaddr *)&local, llen, &ret->local_addr) < 0)
		return OE_EINVAL;
	oe_addr_format(&ret->addr, ret->text);
	oe_addr_format(&ret->local_addr, ret->local_text);
	ret->port = sock_port(&peer);
	ret->local_port = sock_port(&local);
	sock_key(&ret->addr, ret->key);
	if (l->srv.cfg->policy.none)
		sock_place(fd, peer.ss_family, ret);
	ret->since_ms = oe_time_mono_ms();
	snprintf(ret->id, sizeof ret->id, "%08x%08x", oe_mem_random(0),
	    oe_mem_random(0));
	/* answers are small and many: waiting to fill a segment costs 40 ms */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	/* a client that fills segments during the handshake waits for this */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	return 0;
}

static void
sock_format_kept(struct listener *l, struct oe_buf *b)
{
	const struct child *c;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(l->children); i++)
		for (c = l->children[i]; c; c = c->next)
			(void)oe_buf_printf(b, "%ld,", (long)c->pid);
	(void)oe_buf_put_u8(b, ';');
	for (i = 0; i < l->n_socks; i++) {
		if (l->socks[i].given)
			continue;
		(void)fcntl(l->socks[i].fd, F_SETFD, 0);
		(void)oe_buf_printf(b, "%d,", l->socks[i].fd);
	}
	(void)oe_buf_put_u8(b, ';');
	listener_policy_keep(l, b);
	(void)oe_buf_put_u8(b, 0);
}

/* The command line as the kernel has it: argv may have been written to. */
static char **
sock_command_line(void)
{
	struct oe_buf b;
	struct oe_strs args = {NULL, 0};
	const char *p, *end;
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
	    oe_fd_read_all(fd, "command line", 1024 * 1024, &b, NULL) < 0) {
		oe_fd_close(&fd);
		return NULL;
	}
	oe_fd_close(&fd);
	p = (const char *)oe_buf_head(&b);
	end = p + oe_buf_left(&b);
	for (; p < end; p += strlen(p) + 1)
		oe_strs_add(&args, p);
	oe_buf_done(&b);
	return args.v;
}

void
listener_reexec(struct listener *l)
{
	struct oe_buf kept;
	char **argv;
	size_t i;

	oe_buf_init(&kept, 1024 * 1024);
	sock_format_kept(l, &kept);
	argv = sock_command_line();
	if (argv &&
	    setenv(OE_SRV_KEPT, (const char *)oe_buf_head(&kept), 1) == 0) {
		oe_log_info(NULL, "replacing the program in place");
		for (i = 0; i < l->n_socks; i++)
			if (l->socks[i].given)
				(void)fcntl(l->socks[i].fd, F_SETFD, 0);
		execv(listener_self_path(), argv);
	}
	oe_log_error(NULL, "cannot replace the program '%s': %s: going on",
	    listener_self_path(), strerror(errno));
	for (i = 0; i < l->n_socks; i++)
		(void)fcntl(l->socks[i].fd, F_SETFD, FD_CLOEXEC);
	unsetenv(OE_SRV_KEPT);
	listener_policy_keep(l, NULL);
	oe_buf_done(&kept);
}

void
listener_adopt(struct listener *l)
{
	const char *kept = getenv(OE_SRV_KEPT);
	struct oe_strs pids = {NULL, 0};
	char *copy;
	int64_t pid;
	size_t i;

	if (!kept)
		return;
	copy = oe_mem_strndup(kept, strcspn(kept, ";"));
	oe_strs_split(&pids, copy, ',');
	for (i = 0; i < pids.n; i++)
		if (oe_str_parse_int(pids.v[i], 2, INT32_MAX, &pid) == 0)
			listener_add_child(l, (pid_t)pid, NULL);
	oe_strs_done(&pids);
	free(copy);
	unsetenv(OE_SRV_KEPT);
	/* some may have ended while nobody listened */
	listener_reap(l);
}
