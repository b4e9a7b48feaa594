/* SPDX-License-Identifier: Apache-2.0 */
#include "control/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/str.h"

/* "[2001:db8::1]:1234", with its brackets and its port */
#define ENTRY_MAX (OE_ADDR_TEXT_MAX + 8)

/* "1.2.3.4", "1.2.3.4:5", "::1", "[::1]" or "[::1]:5". */
static bool
read_entry(const char *p, size_t n, struct oe_addr *ret)
{
	char text[ENTRY_MAX + 1], *host = text, *end;

	if (n > ENTRY_MAX)
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	end = strchr(text, ':');
	if (*text == '[') {
		host++;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*end = '\0';
	} else if (end && !strchr(end + 1, ':')) {
		*end = '\0';
	}
	return oe_addr_parse(host, ret, NULL) == 0;
}

/* The last entry before *@end, which moves to its begin. */
static bool
last_entry(const char *line, size_t *end, struct oe_addr *ret)
{
	size_t to = *end, from;

	while (to > 0 && strchr(" \t,", line[to - 1]))
		to--;
	for (from = to; from > 0 && line[from - 1] != ',';)
		from--;
	*end = from;
	while (from < to && strchr(" \t", line[from]))
		from++;
	return to > from && read_entry(line + from, to - from, ret);
}

static bool
is_blank(const char *line, size_t n)
{
	return strspn(line, " \t,") >= n;
}

static void
describe(const struct oe_addr *a, struct oe_ctl_client *ret)
{
	struct oe_addr net = *a;
	char text[OE_ADDR_TEXT_MAX];

	oe_addr_format(a, ret->address);
	(void)oe_str_copy(ret->source, sizeof ret->source, ret->address);
	if (a->family != AF_INET6)
		return;
	memset(net.bytes + 8, 0, 8);
	oe_addr_format(&net, text);
	snprintf(ret->source, sizeof ret->source, "%s/64", text);
}

void
oe_ctl_client_find(const char *peer, const char *const *forwarded, size_t n,
    const struct oe_cidr_list *proxies, struct oe_ctl_client *ret)
{
	struct oe_addr a, next;
	size_t end = 0, hops = 0;

	memset(ret, 0, sizeof *ret);
	if (oe_addr_parse(peer, &a, NULL) < 0) {
		(void)oe_str_copy(ret->address, sizeof ret->address, peer);
		(void)oe_str_copy(ret->source, sizeof ret->source, peer);
		return;
	}
	if (n > 0)
		end = strlen(forwarded[n - 1]);
	while (n > 0 && hops++ < OE_CTL_FORWARDED_HOPS &&
	       oe_cidr_list_contains(proxies, &a)) {
		if (is_blank(forwarded[n - 1], end)) {
			if (--n > 0)
				end = strlen(forwarded[n - 1]);
			continue;
		}
		if (!last_entry(forwarded[n - 1], &end, &next))
			break;
		a = next;
	}
	describe(&a, ret);
}
