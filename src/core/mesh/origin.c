/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/origin.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/cidr.h"

/* Where the host of "host[:port][/...]" ends; 0: there is none. */
static size_t
host_end(const char *s)
{
	size_t n;

	if (*s == '[') {
		n = strspn(s + 1, "0123456789abcdefABCDEF:.");
		return s[1 + n] == ']' && n ? n + 2 : 0;
	}
	return strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._");
}

static bool
is_loopback(const char *host, size_t n)
{
	struct oe_addr a;
	char *text;
	bool ok;

	if ((n == 9 && !strncasecmp(host, "localhost", n)) ||
	    (n == 5 && !strncmp(host, "[::1]", n)))
		return true;
	/* anything but an address would be looked up */
	text = oe_mem_strndup(host, n);
	ok = oe_addr_parse(text, &a, NULL) == 0 && a.family == AF_INET &&
	     a.bytes[0] == 127;
	free(text);
	return ok;
}

/* "host:port" and a path prefix of plain characters, and nothing more. */
static bool
well_formed(const char *rest, size_t host)
{
	const char *p = rest + host;
	size_t digits;

	if (!host)
		return false;
	if (*p == ':') {
		digits = strspn(p + 1, "0123456789");
		if (!digits || digits > 5)
			return false;
		p += 1 + digits;
	}
	if (*p && *p != '/')
		return false;
	return p[strspn(p, "0123456789abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~/")] == '\0' &&
	       !strstr(p, "/..");
}

static bool
strip(char *path, const char *tail)
{
	size_t n = strlen(path), t = strlen(tail);

	if (n < t || strcmp(path + n - t, tail) != 0)
		return false;
	path[n - t] = '\0';
	return true;
}

/* Until nothing is left to take: what was saved is read as it is. */
static void
strip_all(char *path)
{
	while (strip(path, "/") || strip(path, "/api/v1") ||
	       strip(path, "/api/v2"))
		continue;
}

int
oe_mesh_origin_parse(const char *text, char **ret, struct oe_err *err)
{
	bool tls = !strncasecmp(text, "https://", 8);
	const char *rest = text + (tls ? 8 : 7);
	size_t host;
	char *s;

	if (strlen(text) > OE_MESH_ORIGIN_MAX ||
	    (!tls && strncasecmp(text, "http://", 7) != 0))
		return oe_err_set(err, OE_EINVAL,
		    "'%.80s' is not the address of a control API: "
		    "https://HOST[:PORT] is wanted",
		    text);
	host = host_end(rest);
	if (!well_formed(rest, host))
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is not the address of a control API", text);
	if (!tls && !is_loopback(rest, host))
		return oe_err_set(err, OE_EINVAL,
		    "'%s': without TLS only this machine's own "
		    "addresses are accepted",
		    text);
	s = oe_mem_printf("%s%s", tls ? "https://" : "http://", rest);
	strip_all(s + (tls ? 8 : 7) + host);
	*ret = s;
	return 0;
}

char *
oe_mesh_origin_url(const char *origin, enum oe_mesh_part part, const char *path)
{
	const char *prefix = "";

	switch (part) {
	case OE_MESH_ROOT:
		break;
	case OE_MESH_V2:
		prefix = "/api/v2";
		break;
	case OE_MESH_SSH:
		prefix = "/api/ssh/v1";
		break;
	}
	return oe_mem_printf("%s%s%s", origin, prefix, path);
}

char *
oe_mesh_encode(const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *s = oe_mem_zalloc(3 * strlen(text) + 1), *to = s;
	unsigned char c;

	for (; (c = (unsigned char)*text); text++) {
		if (isalnum(c) || strchr("-._~", c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	return s;
}
