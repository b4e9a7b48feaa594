/* SPDX-License-Identifier: Apache-2.0 */
#include "server/permits.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/net/cidr.h"

#define PERMIT_HOST_MAX 255 /* RFC 1035 2.3.4 */
#define PERMIT_LETTERS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct permit {
	char host[PERMIT_HOST_MAX + 1]; /* without brackets */
	bool network;                   /* address/prefix */
	bool pattern;                   /* has '*' or '?' */
	bool is_addr;
	struct oe_addr addr;
	unsigned low, high; /* ports */
};

static int
permit_ports(const char *text, struct permit *ret)
{
	const char *dash = strchr(text, '-');
	int64_t low, high;
	char first[8];

	if (!strcmp(text, "*")) {
		ret->low = 0;
		ret->high = 65535;
		return 0;
	}
	if (dash && (size_t)(dash - text) < sizeof first) {
		memcpy(first, text, (size_t)(dash - text));
		first[dash - text] = 0;
		if (oe_str_parse_int(first, 1, 65535, &low) < 0 ||
		    oe_str_parse_int(dash + 1, low, 65535, &high) < 0)
			return OE_EINVAL;
	} else if (oe_str_parse_int(text, 1, 65535, &low) < 0) {
		return OE_EINVAL;
	} else {
		high = low;
	}
	ret->low = (unsigned)low;
	ret->high = (unsigned)high;
	return 0;
}

static int
permit_network(const char *text)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	int r = oe_cidr_list_add(l, text, NULL);

	oe_cidr_list_free(&l);
	return r;
}

static int
permit_host(const char *text, size_t n, bool bracketed, struct permit *ret)
{
	size_t i;

	if (!n || n > PERMIT_HOST_MAX || (memchr(text, ':', n) && !bracketed))
		return OE_EINVAL;
	for (i = 0; i < n; i++)
		if (!isgraph((unsigned char)text[i]) || strchr("[]@,", text[i]))
			return OE_EINVAL;
	memcpy(ret->host, text, n);
	ret->host[n] = 0;
	ret->network = strchr(ret->host, '/');
	if (ret->network)
		return permit_network(ret->host) < 0 ? OE_EINVAL : 0;
	ret->is_addr = oe_addr_parse(ret->host, &ret->addr, NULL) == 0;
	if (bracketed)
		return ret->is_addr ? 0 : OE_EINVAL;
	ret->pattern = strpbrk(ret->host, "*?");
	if (ret->pattern && strcmp(ret->host, "*") &&
	    !strpbrk(ret->host, PERMIT_LETTERS))
		return OE_EINVAL;
	return 0;
}

static int
permit_parse(const char *text, bool bare_port, struct permit *ret)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	memset(ret, 0, sizeof *ret);
	if (!strcmp(text, "any") || (!colon && bare_port)) {
		ret->pattern = true;
		(void)oe_str_copy(ret->host, sizeof ret->host, "*");
		return permit_ports(strcmp(text, "any") ? text : "*", ret);
	}
	if (!colon || permit_ports(colon + 1, ret) < 0)
		return OE_EINVAL;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']')
		return permit_host(text + 1, n - 2, true, ret);
	return permit_host(text, n, false, ret);
}

int
oe_srv_permit_check(
    const char *text, enum oe_srv_permit_kind kind, struct oe_err *err)
{
	struct permit p;

	if (!strcmp(text, "none") ||
	    (kind == OE_SRV_PERMIT_OPEN && *text == '/'))
		return 0;
	if (permit_parse(text, kind == OE_SRV_PERMIT_LISTEN, &p) < 0)
		return oe_err_set(err, OE_EINVAL,
		    "it is not HOST:PORT, [IPv6]:PORT or NETWORK:PORT, with "
		    "'*' for either part or a range of ports, nor 'any' or "
		    "'none'");
	return 0;
}

static bool
permit_contains(const struct permit *p, const struct oe_addr *a)
{
	struct oe_cidr_list *l;
	bool in;

	if (!p->network)
		return p->is_addr && oe_addr_equal(&p->addr, a);
	l = oe_cidr_list_new();
	in = oe_cidr_list_add(l, p->host, NULL) == 0 &&
	     oe_cidr_list_contains(l, a);
	oe_cidr_list_free(&l);
	return in;
}

/* Is @host, as it was asked for, what the item calls it? */
static bool
permit_says(const struct permit *p, const char *host)
{
	char pattern[PERMIT_HOST_MAX + 1], name[PERMIT_HOST_MAX + 1];
	size_t i;

	if (!p->pattern)
		return !strcasecmp(p->host, host);
	if (!strcmp(p->host, "*"))
		return true;
	if (!oe_str_copy(name, sizeof name, host))
		return false;
	memcpy(pattern, p->host, sizeof pattern);
	for (i = 0; pattern[i]; i++)
		pattern[i] = (char)tolower((unsigned char)pattern[i]);
	for (i = 0; name[i]; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	return oe_str_match(pattern, name);
}

static bool
permit_covers(const struct permit *p, const struct oe_srv_permit_asked *a)
{
	struct oe_addr literal;

	if (a->port < p->low || a->port > p->high)
		return false;
	if (permit_says(p, a->host))
		return true;
	if (!p->network && !p->is_addr)
		return false;
	if (a->addr)
		return permit_contains(p, a->addr);
	/* an address is judged at once, a name when it is resolved */
	return oe_addr_parse(a->host, &literal, NULL) < 0 ||
	       permit_contains(p, &literal);
}

/* Item @i of @list; false: it is none of this kind. */
static bool
permits_item(
    const struct oe_strs *list, size_t i, bool bare_port, struct permit *ret)
{
	const char *text = list->v[i];

	return *text != '/' && strcmp(text, "none") &&
	       permit_parse(text, bare_port, ret) == 0;
}

bool
oe_srv_permits_match(
    const struct oe_strs *list, const struct oe_srv_permit_asked *a)
{
	struct permit p;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (permits_item(list, i, false, &p) && permit_covers(&p, a))
			return true;
	return false;
}

bool
oe_srv_permits_listen(
    const struct oe_strs *list, const struct oe_srv_permit_asked *a)
{
	struct permit p;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (!permits_item(list, i, true, &p) || a->port < p.low ||
		    a->port > p.high)
			continue;
		if (p.network || p.is_addr ? permit_contains(&p, a->addr)
					   : permit_says(&p, a->host))
			return true;
	}
	return false;
}

bool
oe_srv_permits_unix(const struct oe_strs *list, const char *path)
{
	return oe_strs_has(list, path) || oe_strs_has(list, "any");
}

bool
oe_srv_permits_name_exactly(
    const struct oe_strs *list, const struct oe_srv_permit_asked *a)
{
	struct permit p;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (!permits_item(list, i, false, &p) || p.network ||
		    p.pattern || p.low != p.high || p.low != a->port)
			continue;
		if (!strcasecmp(p.host, a->host) ||
		    (p.is_addr && a->addr && oe_addr_equal(&p.addr, a->addr)))
			return true;
	}
	return false;
}
