/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets of permit_open and permit_listen: the notation of --permit-open of
 * ssh-server, but for its words "any" and "none", paths and bare ports.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/mesh/policy_internal.h"
#include "core/net/cidr.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct permit {
	char host[OE_POLICY_NAME_MAX + 1]; /* without brackets, small letters */
	bool network, is_addr;
	struct oe_addr addr;
	int64_t low, high;
};

static bool
permit_port(const char *s, struct permit *p)
{
	const char *dash = strchr(s, '-');
	char first[8] = "";

	p->low = 0;
	p->high = 65535;
	if (!strcmp(s, "*"))
		return true;
	if (!dash) {
		if (oe_str_parse_int(s, 1, 65535, &p->low) < 0)
			return false;
		p->high = p->low;
		return true;
	}
	if ((size_t)(dash - s) >= sizeof first)
		return false;
	memcpy(first, s, (size_t)(dash - s));
	return oe_str_parse_int(first, 1, 65535, &p->low) == 0 &&
	       oe_str_parse_int(dash + 1, p->low, 65535, &p->high) == 0;
}

static bool
permit_in_network(const char *network, const struct oe_addr *a)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	bool ok = oe_cidr_list_add(l, network, NULL) == 0 &&
		  (!a || oe_cidr_list_contains(l, a));

	oe_cidr_list_free(&l);
	return ok;
}

static bool
permit_host(const char *text, size_t n, bool bracketed, struct permit *p)
{
	size_t i;

	if (!n || n > OE_POLICY_NAME_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (!isgraph((unsigned char)text[i]) || strchr("[]@,", text[i]))
			return false;
		p->host[i] = (char)tolower((unsigned char)text[i]);
	}
	p->host[n] = 0;
	if (strchr(p->host, ':') && !bracketed)
		return false;
	p->network = strchr(p->host, '/');
	if (p->network)
		return permit_in_network(p->host, NULL);
	p->is_addr = oe_addr_parse(p->host, &p->addr, NULL) == 0;
	if (bracketed)
		return p->is_addr;
	/* "10.0.*" is a network that was meant */
	return !strpbrk(p->host, "*?") || !strcmp(p->host, "*") ||
	       strpbrk(p->host, LETTERS);
}

static bool
permit_parse(const char *text, struct permit *p)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';

	memset(p, 0, sizeof *p);
	return colon && permit_port(colon + 1, p) &&
	       permit_host(text + bracketed, n - 2 * bracketed, bracketed, p);
}

bool
oe_policy__permit_ok(const char *text)
{
	struct permit p;

	return permit_parse(text, &p);
}

bool
oe_policy_permits(const struct oe_strs *list, const char *host, unsigned port)
{
	char name[OE_POLICY_NAME_MAX + 1];
	struct oe_addr a;
	bool is_addr = oe_addr_parse(host, &a, NULL) == 0;
	struct permit p;
	size_t i;

	if (!oe_str_copy(name, sizeof name, host))
		return false;
	for (i = 0; name[i]; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	for (i = 0; i < list->n; i++) {
		if (!permit_parse(list->v[i], &p) || port < p.low ||
		    port > p.high)
			continue;
		if (p.network   ? is_addr && permit_in_network(p.host, &a)
		    : p.is_addr ? is_addr && oe_addr_equal(&p.addr, &a)
				: oe_str_match(p.host, name))
			return true;
	}
	return false;
}
