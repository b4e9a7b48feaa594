/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/hoststr.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define HOST_SCHEME "ssh://"
/* A shell gives these a meaning; no host or user name needs them. */
#define HOST_SHELL_CHARS "'`\"\\$;&<>|(){}*?!~^#="
#define USER_SHELL_CHARS "'`\"&;<>|(){}"
#define HOST_ZONE_CHARS                                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define HOST_ZONE_MAX 15 /* IFNAMSIZ without its NUL */

static int
host_refuse(struct oe_err *err, const char *text, const char *why)
{
	char shown[128];

	oe_str_escape(text, strlen(text), shown, sizeof shown);
	return oe_err_set(err, OE_EINVAL, "'%s': %s", shown, why);
}

static bool
has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int
user_check(const char *user, const char *text, struct oe_err *err)
{
	if (!*user)
		return host_refuse(err, text, "the user before '@' is empty");
	if (*user == '-')
		return host_refuse(
		    err, text, "a user name cannot start with '-'");
	if (has_control(user))
		return host_refuse(
		    err, text, "the user name has control characters");
	if (user[strcspn(user, USER_SHELL_CHARS)] ||
	    user[strlen(user) - 1] == '\\')
		return host_refuse(err, text,
		    "the user name has characters that a shell would act on");
	return 0;
}

static bool
is_ipv6(const char *host)
{
	const char *zone = strchr(host, '%');
	size_t n = zone ? (size_t)(zone - host) : strlen(host);
	char addr[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (n >= sizeof addr)
		return false;
	memcpy(addr, host, n);
	addr[n] = 0;
	if (inet_pton(AF_INET6, addr, &v6) != 1)
		return false;
	if (!zone)
		return true;
	n = strlen(++zone);
	return n && n <= HOST_ZONE_MAX && strspn(zone, HOST_ZONE_CHARS) == n;
}

static int
host_check(const char *host, const char *text, struct oe_err *err)
{
	if (!*host)
		return host_refuse(err, text, "the host is empty");
	if (*host == '-')
		return host_refuse(err, text, "a host cannot start with '-'");
	if (strchr(host, ':'))
		return is_ipv6(host) ? 0
				     : host_refuse(err, text,
					   "not a host, host:port or IPv6 "
					   "address ([address]:port)");
	if (strchr(host, ' ') || has_control(host))
		return host_refuse(
		    err, text, "the host has blanks or control characters");
	if (host[strcspn(host, "/%[]@," HOST_SHELL_CHARS)])
		return host_refuse(
		    err, text, "the host has a character no host name has");
	return 0;
}

static int
port_parse(const char *s, const char *text, int *ret, struct oe_err *err)
{
	int64_t port;

	if (oe_str_parse_int(s, 1, 65535, &port) < 0)
		return host_refuse(
		    err, text, "the port must be a number from 1 to 65535");
	*ret = (int)port;
	return 0;
}

/* @s is "[v6][:port]"; changed in place. */
static int
split_brackets(char *s, const char *text, char **ret_host, int *ret_port,
    struct oe_err *err)
{
	char *close = strchr(s, ']');

	if (!close)
		return host_refuse(err, text, "']' is missing");
	*close = 0;
	if (!is_ipv6(s + 1))
		return host_refuse(
		    err, text, "what is in brackets is not an IPv6 address");
	*ret_host = s + 1;
	if (!close[1])
		return 0;
	if (close[1] != ':')
		return host_refuse(
		    err, text, "only ':port' may follow the brackets");
	return port_parse(close + 2, text, ret_port, err);
}

/* Split "host[:port]" in place; checks both. */
static int
split_host(char *s, const char *text, char **ret_host, int *ret_port,
    struct oe_err *err)
{
	char *colon;
	int r = 0;

	if (*s == '[')
		return split_brackets(s, text, ret_host, ret_port, err);
	colon = strchr(s, ':');
	/* two colons: a bare IPv6 address, which cannot carry a port */
	if (colon && !strchr(colon + 1, ':')) {
		*colon = 0;
		r = port_parse(colon + 1, text, ret_port, err);
	}
	*ret_host = s;
	return r < 0 ? r : host_check(s, text, err);
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c | 0x20) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* RFC 3986 2.1, in place. Return: 0 or OE_EINVAL (bad escape, NUL). */
static int
percent_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%') {
			int hi = hex_digit(s[1]);
			int lo = hi < 0 ? -1 : hex_digit(s[2]);

			if (lo < 0 || hi + lo == 0)
				return OE_EINVAL;
			*to++ = (char)(hi << 4 | lo);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
	return 0;
}

/* What stands before '@' in a URI: decoded in place, no password. */
static int
uri_user(char *user, const char *text, struct oe_err *err)
{
	if (strchr(user, ':'))
		return host_refuse(err, "ssh://...",
		    "a password in a URI is not accepted; leave it out");
	if (strchr(user, ';'))
		return host_refuse(
		    err, text, "connection parameters are not supported");
	if (percent_decode(user) < 0)
		return host_refuse(
		    err, text, "bad percent-encoding in the user name");
	return 0;
}

/* Cut the one '/' that may end a URI. */
static int
uri_path(char *s, const char *text, struct oe_err *err)
{
	char *slash = strchr(s, '/');

	if (slash && slash[1])
		return host_refuse(err, text, "an ssh:// URI has no path here");
	if (slash)
		*slash = 0;
	return 0;
}

/* All of the parse on a private copy that is taken apart in place. */
static int
host_parse_copy(
    char *copy, const char *text, struct oe_hoststr *ret, struct oe_err *err)
{
	bool uri = !strncasecmp(copy, HOST_SCHEME, strlen(HOST_SCHEME));
	char *user = NULL, *host = NULL, *s, *at;
	int port = 0, r = 0;

	s = uri ? copy + strlen(HOST_SCHEME) : copy;
	at = strrchr(s, '@');
	if (at) {
		user = s;
		*at = 0;
		s = at + 1;
	}
	if (uri && user)
		r = uri_user(user, text, err);
	if (r == 0 && uri)
		r = uri_path(s, text, err);
	if (r == 0 && user)
		r = user_check(user, text, err);
	if (r == 0)
		r = split_host(s, text, &host, &port, err);
	if (r < 0)
		return r;
	ret->user = oe_mem_strdup(user);
	ret->host = oe_mem_strdup(host);
	ret->port = port;
	return 0;
}

int
oe_hoststr_parse(const char *text, struct oe_hoststr *ret, struct oe_err *err)
{
	char *copy;
	int r;

	if (strlen(text) > OE_HOSTSTR_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "a host is at most %d bytes long", OE_HOSTSTR_MAX);
	copy = oe_mem_strdup(text);
	r = host_parse_copy(copy, text, ret, err);
	free(copy);
	return r;
}

void
oe_hoststr_done(struct oe_hoststr *h)
{
	oe_mem_free(&h->user);
	oe_mem_free(&h->host);
	h->port = 0;
}

int
oe_hoststr_parse_list(
    const char *text, struct oe_hoststrs *ret, struct oe_err *err)
{
	struct oe_hoststrs l = {NULL, 0};
	const char *end;
	char *item;
	int r;

	do {
		end = strchr(text, ',');
		if (l.n == OE_HOSTSTR_LIST_MAX) {
			r = oe_err_set(err, OE_ETOOBIG,
			    "more than %d hosts in one list",
			    OE_HOSTSTR_LIST_MAX);
			break;
		}
		item = oe_mem_strndup(
		    text, end ? (size_t)(end - text) : strlen(text));
		l.v = oe_mem_realloc_array(l.v, l.n + 1, sizeof *l.v);
		memset(&l.v[l.n], 0, sizeof *l.v);
		r = oe_hoststr_parse(item, &l.v[l.n++], err);
		free(item);
		text = end ? end + 1 : text;
	} while (r == 0 && end);
	if (r < 0)
		oe_hoststrs_done(&l);
	else
		*ret = l;
	return r;
}

void
oe_hoststrs_done(struct oe_hoststrs *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		oe_hoststr_done(&l->v[i]);
	oe_mem_free(&l->v);
	l->n = 0;
}

char *
oe_hoststr_format(const struct oe_hoststr *h)
{
	const char *user = h->user ? h->user : "", *at = h->user ? "@" : "";

	if (!h->port)
		return oe_mem_printf("%s%s%s", user, at, h->host);
	if (strchr(h->host, ':'))
		return oe_mem_printf("%s%s[%s]:%d", user, at, h->host, h->port);
	return oe_mem_printf("%s%s%s:%d", user, at, h->host, h->port);
}
