/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define BACKLOG 1024

static bool
is_loopback(const struct oe_addr *a)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	bool yes =
	    oe_cidr_list_add_localhost(l) == 0 && oe_cidr_list_contains(l, a);

	oe_cidr_list_free(&l);
	return yes;
}

/* Split "1.2.3.4:80" or "[::1]:80" in place. */
static bool
split(char *text, char **ret_host, char **ret_port)
{
	char *colon = strrchr(text, ':'), *end;

	if (!colon)
		return false;
	*colon = '\0';
	*ret_port = colon + 1;
	*ret_host = text;
	if (*text != '[')
		return strchr(text, ':') == NULL;
	end = strchr(text, ']');
	if (!end || end[1] != '\0')
		return false;
	*end = '\0';
	*ret_host = text + 1;
	return true;
}

int
oe_ctl_listen_parse(
    const char *text, struct oe_ctl_listen *ret, struct oe_err *err)
{
	struct oe_ctl_listen l = {.tls = true};
	char *copy, *host = NULL, *port = NULL;
	int64_t n = 0;
	int r = 0;

	if (oe_str_starts(text, "http://"))
		l.tls = false;
	if (strstr(text, "://"))
		text = oe_str_starts(text, "https://") ? text + 8
		       : !l.tls                        ? text + 7
						       : "";
	copy = oe_mem_strdup(text);
	if (!split(copy, &host, &port) ||
	    oe_str_parse_int(port, 0, 65535, &n) < 0)
		r = oe_err_set(err, OE_EINVAL,
		    "expected ADDRESS:PORT, [ADDRESS]:PORT or "
		    "http://ADDRESS:PORT");
	if (r == 0)
		r = oe_addr_parse(host, &l.addr, err);
	if (r == 0 && !l.tls && !is_loopback(&l.addr))
		r = oe_err_set(err, OE_EINVAL,
		    "%s is no loopback address: plain http is served on "
		    "127.0.0.0/8 and ::1 only",
		    host);
	free(copy);
	l.port = (int)n;
	if (r == 0)
		*ret = l;
	return r;
}

static socklen_t
fill(const struct oe_ctl_listen *w, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof *ss);
	if (w->addr.family == AF_INET) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)w->port);
		memcpy(&v4->sin_addr, w->addr.bytes, 4);
		return sizeof *v4;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)w->port);
	memcpy(&v6->sin6_addr, w->addr.bytes, 16);
	return sizeof *v6;
}

static char *
url_of(int fd, const struct oe_ctl_listen *w)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;
	char text[OE_ADDR_TEXT_MAX];
	int port = w->port;

	oe_addr_format(&w->addr, text);
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
		port = ntohs(ss.ss_family == AF_INET6
				 ? ((struct sockaddr_in6 *)&ss)->sin6_port
				 : ((struct sockaddr_in *)&ss)->sin_port);
	return oe_mem_printf(strchr(text, ':') ? "%s://[%s]:%d" : "%s://%s:%d",
	    w->tls ? "https" : "http", text, port);
}

int
oe_ctl_listen_open(const struct oe_ctl_listen *where, int *ret_fd,
    char **ret_url, struct oe_err *err)
{
	const int on = 1;
	struct sockaddr_storage ss;
	socklen_t n = fill(where, &ss);
	char text[OE_ADDR_TEXT_MAX];
	int fd;

	oe_addr_format(&where->addr, text);
	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return oe_err_sys(err, "socket for %s", text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (ss.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&ss, n) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		(void)oe_err_sys(
		    err, "listen on %s port %d", text, where->port);
		oe_fd_close(&fd);
		return OE_ESYS;
	}
	*ret_url = url_of(fd, where);
	*ret_fd = fd;
	return 0;
}
