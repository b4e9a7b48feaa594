/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/server_rules.h"

#include <string.h>
#include <sys/socket.h>

#include "core/base/str.h"
#include "core/ssh/grant.h"
#include "server/permits.h"

#define RULES_HOST_MAX 255 /* RFC 1035 2.3.4 */

const char *
oe_fwd_verdict_text(enum oe_fwd_verdict v)
{
	switch (v) {
	case OE_FWD_ALLOWED:
		break;
	case OE_FWD_OFF:
		return "not allowed by --allow-forwarding or the policy";
	case OE_FWD_UNGRANTED:
		return "not permitted by the key, certificate or policy";
	case OE_FWD_UNLISTED:
		return "not permitted by --permit-open or --permit-listen";
	case OE_FWD_OWN_PORT:
		return "the server's own SSH port";
	case OE_FWD_LINK_LOCAL:
		return "a link-local address";
	case OE_FWD_METADATA:
		return "a metadata service";
	case OE_FWD_PRIVILEGED:
		return "a port that only root may listen on";
	case OE_FWD_MALFORMED:
		return "no host and port";
	}
	return "allowed";
}

/*
 * IPv6 addresses that stand for an IPv4 address, here or at a gateway: mapped
 * and compatible (RFC 4291 2.5.5), NAT64 (RFC 6052, RFC 8215 with the suffix
 * of a /96) and 6to4 (RFC 3056).
 */
static struct oe_addr
rules_embedded(const struct oe_addr *a)
{
	static const struct {
		uint8_t prefix[12];
		size_t n, at;
	} forms[] = {
	    {{0}, 12, 12},
	    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12, 12},
	    {{0x00, 0x64, 0xff, 0x9b}, 12, 12},
	    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 6, 12},
	    {{0x20, 0x02}, 2, 2},
	};
	static const uint8_t self[15]; /* :: and ::1 are themselves */
	struct oe_addr v4 = {.family = AF_INET};
	size_t i;

	if (a->family != AF_INET6 || !memcmp(a->bytes, self, sizeof self))
		return *a;
	for (i = 0; i < OE_ARRAY_LEN(forms); i++) {
		if (memcmp(a->bytes, forms[i].prefix, forms[i].n))
			continue;
		memcpy(v4.bytes, a->bytes + forms[i].at, 4);
		return v4;
	}
	return *a;
}

static bool
rules_in(const struct oe_addr *a, const char *const *networks)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	bool in;

	for (; *networks; networks++)
		(void)!oe_cidr_list_add(l, *networks, NULL);
	in = oe_cidr_list_contains(l, a);
	oe_cidr_list_free(&l);
	return in;
}

static bool
rules_is_own(const struct oe_fwd_rules *r, const struct oe_addr *a)
{
	static const char *const self[] = {
	    "127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128", NULL};

	return rules_in(a, self) || r->is_own(a);
}

static bool
rules_is_own_port(const struct oe_fwd_rules *r, unsigned port)
{
	size_t i;

	for (i = 0; i < OE_FWD_OWN_PORTS_MAX; i++)
		if (r->own_ports[i] && r->own_ports[i] == port)
			return true;
	return false;
}

/* What stays closed unless it is named: the sources are the clouds' manuals. */
static enum oe_fwd_verdict
rules_protected(
    const struct oe_fwd_rules *r, const struct oe_addr *a, unsigned port)
{
	static const char *const link_local[] = {
	    "169.254.0.0/16", "fe80::/10", NULL};
	static const char *const metadata[] = {"169.254.169.254/32",
	    "169.254.170.2/32",                      /* AWS and most others */
	    "fd00:ec2::254/128", "fd00:ec2::23/128", /* AWS */
	    "fd20:ce::254/128",                      /* Google */
	    "168.63.129.16/32",                      /* Azure */
	    "100.100.100.200/32",                    /* Alibaba */
	    "192.0.0.192/32",                        /* Oracle */
	    NULL};

	if (rules_is_own_port(r, port) && rules_is_own(r, a))
		return OE_FWD_OWN_PORT;
	if (rules_in(a, metadata))
		return OE_FWD_METADATA;
	return rules_in(a, link_local) ? OE_FWD_LINK_LOCAL : OE_FWD_ALLOWED;
}

/* By who runs the server: a grant narrows, and may be the user's own. */
static bool
rules_names(const struct oe_fwd_rules *r, const struct oe_srv_permit_asked *a)
{
	return (r->rule_open && oe_srv_permits_name_exactly(r->rule_open, a)) ||
	       oe_srv_permits_name_exactly(r->permit_open, a);
}

static bool
rules_host_ok(const char *host)
{
	size_t n = strlen(host);

	return n && n <= RULES_HOST_MAX &&
	       host[strcspn(host, " \t\r\n\v\f/?")] == 0;
}

enum oe_fwd_verdict
oe_fwd_rules_name(const struct oe_fwd_rules *r, const char *host, unsigned port)
{
	struct oe_srv_permit_asked a = {host, NULL, port};

	if (!r->local)
		return OE_FWD_OFF;
	/* nobody is called "*": it must not pass for what a list says */
	if (!port || port > 65535 || !rules_host_ok(host) || strchr(host, '*'))
		return OE_FWD_MALFORMED;
	if (!oe_grant_may_open(r->grant, host, port) ||
	    (r->rule_open && !oe_srv_permits_match(r->rule_open, &a)))
		return OE_FWD_UNGRANTED;
	if (r->permit_open->n && !oe_srv_permits_match(r->permit_open, &a))
		return OE_FWD_UNLISTED;
	return OE_FWD_ALLOWED;
}

enum oe_fwd_verdict
oe_fwd_rules_addr(const struct oe_fwd_rules *r, const char *host,
    const struct oe_addr *addr, unsigned port)
{
	enum oe_fwd_verdict v = oe_fwd_rules_name(r, host, port);
	struct oe_addr inner = rules_embedded(addr);
	struct oe_srv_permit_asked a = {host, addr, port};

	if (v != OE_FWD_ALLOWED)
		return v;
	if (r->rule_open && !oe_srv_permits_match(r->rule_open, &a))
		return OE_FWD_UNGRANTED;
	if (r->permit_open->n && !oe_srv_permits_match(r->permit_open, &a))
		return OE_FWD_UNLISTED;
	v = rules_protected(r, addr, port);
	if (v == OE_FWD_ALLOWED)
		v = rules_protected(r, &inner, port);
	return v != OE_FWD_ALLOWED && rules_names(r, &a) ? OE_FWD_ALLOWED : v;
}

enum oe_fwd_verdict
oe_fwd_rules_unix(const struct oe_fwd_rules *r, const char *path)
{
	if (!r->local)
		return OE_FWD_OFF;
	if (*path != '/')
		return OE_FWD_MALFORMED;
	/* a grant's list has no way to name a path */
	if (!r->grant->port_forwarding || r->grant->open_listed || r->rule_open)
		return OE_FWD_UNGRANTED;
	if (r->permit_open->n && !oe_srv_permits_unix(r->permit_open, path))
		return OE_FWD_UNLISTED;
	return OE_FWD_ALLOWED;
}

enum oe_fwd_verdict
oe_fwd_rules_listen(const struct oe_fwd_rules *r, const char *host,
    const struct oe_addr *addr, unsigned port)
{
	struct oe_srv_permit_asked a = {host, addr, port};

	if (!r->remote)
		return OE_FWD_OFF;
	if (port > 65535 || (*host && !rules_host_ok(host)))
		return OE_FWD_MALFORMED;
	if (!oe_grant_may_listen(r->grant, host, port) ||
	    (r->rule_listen && !oe_srv_permits_listen(r->rule_listen, &a)))
		return OE_FWD_UNGRANTED;
	if (r->permit_listen->n && !oe_srv_permits_listen(r->permit_listen, &a))
		return OE_FWD_UNLISTED;
	if (port && port < 1024 && !r->root)
		return OE_FWD_PRIVILEGED;
	return OE_FWD_ALLOWED;
}
