/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/cidr.h"

#include <arpa/inet.h>
#include <libcidr.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* "address/128" and its NUL */
#define CIDR_TEXT_MAX (OE_ADDR_TEXT_MAX + 4)

struct cidr_net {
	CIDR *cidr;
	char text[CIDR_TEXT_MAX];
};

struct oe_cidr_list {
	struct cidr_net *v;
	size_t n;
};

static const uint8_t mapped_prefix[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static unsigned
addr_bits(const struct oe_addr *a)
{
	return a->family == AF_INET ? 32 : 128;
}

/* Keep every later comparison within one family. */
static bool
addr_fold(struct oe_addr *a)
{
	if (a->family != AF_INET6 ||
	    memcmp(a->bytes, mapped_prefix, sizeof mapped_prefix) != 0)
		return false;
	memmove(a->bytes, a->bytes + 12, 4);
	memset(a->bytes + 4, 0, 12);
	a->family = AF_INET;
	return true;
}

int
oe_addr_from_sockaddr(
    const struct sockaddr *sa, size_t len, struct oe_addr *ret)
{
	struct oe_addr a = {0};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (len < offsetof(struct sockaddr, sa_data))
		return OE_EINVAL;
	if (sa->sa_family == AF_INET && len >= sizeof v4) {
		memcpy(&v4, sa, sizeof v4);
		a.family = AF_INET;
		memcpy(a.bytes, &v4.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6 && len >= sizeof v6) {
		memcpy(&v6, sa, sizeof v6);
		a.family = AF_INET6;
		memcpy(a.bytes, &v6.sin6_addr, 16);
		addr_fold(&a);
	} else {
		return OE_EINVAL;
	}
	*ret = a;
	return 0;
}

/* Address as written, not folded. */
static int
addr_read(const char *text, struct oe_addr *ret)
{
	struct oe_addr a = {0};

	if (strlen(text) >= OE_ADDR_TEXT_MAX)
		return OE_EINVAL;
	/* both forms of inet_pton() refuse zones, octal and short forms */
	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = AF_INET6;
	else
		return OE_EINVAL;
	*ret = a;
	return 0;
}

static int
addr_bad(const char *text, struct oe_err *err)
{
	char shown[80];

	oe_str_escape(text, strlen(text), shown, sizeof shown);
	if (!*text)
		return oe_err_set(err, OE_EINVAL, "the address is empty");
	if (strchr(text, '%'))
		return oe_err_set(err, OE_EINVAL,
		    "'%s' names a zone; write the address without it", shown);
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not an IP address: write four decimal numbers without "
	    "leading zeros (10.0.0.1) or IPv6 (fd00::1)",
	    shown);
}

int
oe_addr_parse(const char *text, struct oe_addr *ret, struct oe_err *err)
{
	struct oe_addr a;

	if (addr_read(text, &a) < 0)
		return addr_bad(text, err);
	addr_fold(&a);
	*ret = a;
	return 0;
}

void
oe_addr_format(const struct oe_addr *a, char ret[OE_ADDR_TEXT_MAX])
{
	if (!inet_ntop(a->family, a->bytes, ret, OE_ADDR_TEXT_MAX))
		(void)oe_str_copy(ret, OE_ADDR_TEXT_MAX, "?");
}

bool
oe_addr_equal(const struct oe_addr *a, const struct oe_addr *b)
{
	return a->family == b->family &&
	       !memcmp(a->bytes, b->bytes, addr_bits(a) / 8);
}

static void
mask_make(unsigned prefix, uint8_t ret[16])
{
	unsigned i;

	for (i = 0; i < 16; i++) {
		unsigned bits = prefix > i * 8 ? prefix - i * 8 : 0;

		if (bits > 8)
			bits = 8;
		ret[i] = (uint8_t)(0xff00u >> bits);
	}
}

static CIDR *
cidr_from_addr(const struct oe_addr *a)
{
	struct in_addr v4;
	struct in6_addr v6;
	CIDR *c;

	if (a->family == AF_INET) {
		memcpy(&v4, a->bytes, sizeof v4);
		c = cidr_from_inaddr(&v4);
	} else {
		memcpy(&v6, a->bytes, sizeof v6);
		c = cidr_from_in6addr(&v6);
	}
	return c;
}

struct oe_cidr_list *
oe_cidr_list_new(void)
{
	return oe_mem_zalloc(sizeof(struct oe_cidr_list));
}

void
oe_cidr_list_free(struct oe_cidr_list **l)
{
	size_t i;

	if (!*l)
		return;
	for (i = 0; i < (*l)->n; i++)
		cidr_free((*l)->v[i].cidr);
	free((*l)->v);
	oe_mem_free(l);
}

/* Clear the bits behind @prefix; true when some were set. */
static bool
addr_mask(struct oe_addr *a, unsigned prefix)
{
	struct oe_addr was = *a;
	uint8_t mask[16];
	unsigned i;

	mask_make(prefix, mask);
	for (i = 0; i < addr_bits(a) / 8; i++)
		a->bytes[i] &= mask[i];
	return !oe_addr_equal(a, &was);
}

static int
net_refuse_host_bits(const struct oe_addr *net, unsigned prefix,
    const char *text, struct oe_err *err)
{
	char base[OE_ADDR_TEXT_MAX];

	oe_addr_format(net, base);
	return oe_err_set(err, OE_EINVAL,
	    "'%s' has bits behind its prefix; write '%s/%u' for the network",
	    text, base, prefix);
}

/* "address[/prefix]" to a folded address whose bits behind prefix are 0. */
static int
net_parse(const char *text, struct oe_addr *ret, unsigned *ret_prefix,
    struct oe_err *err)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char host[OE_ADDR_TEXT_MAX];
	struct oe_addr a;
	int64_t prefix;

	if (n >= sizeof host)
		return addr_bad(text, err);
	memcpy(host, text, n);
	host[n] = 0;
	if (addr_read(host, &a) < 0)
		return addr_bad(n ? host : "", err);
	prefix = (int64_t)addr_bits(&a);
	if (slash && oe_str_parse_int(slash + 1, 0, prefix, &prefix) < 0) {
		char shown[40];

		oe_str_escape(
		    slash + 1, strlen(slash + 1), shown, sizeof shown);
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is not a prefix length for %s: write a number from "
		    "0 to %u without sign or leading zeros",
		    shown, host, addr_bits(&a));
	}
	if (addr_mask(&a, (unsigned)prefix))
		return net_refuse_host_bits(&a, (unsigned)prefix, text, err);
	/* a prefix below 96 would have cleared ffff: folding is exact */
	if (addr_fold(&a))
		prefix -= 96;
	*ret = a;
	*ret_prefix = (unsigned)prefix;
	return 0;
}

int
oe_cidr_list_add(struct oe_cidr_list *l, const char *text, struct oe_err *err)
{
	char base[OE_ADDR_TEXT_MAX];
	struct cidr_net *net;
	struct oe_addr a;
	unsigned prefix = 0;
	CIDR *c;
	int r;

	r = net_parse(text, &a, &prefix, err);
	if (r < 0)
		return r;
	if (l->n >= OE_CIDR_LIST_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "more than %d networks in one list", OE_CIDR_LIST_MAX);
	c = cidr_from_addr(&a);
	if (!c)
		return oe_err_set(err, OE_ELIB, "libcidr refused '%s'", text);
	/* libcidr keeps IPv4 in the last four of sixteen bytes */
	mask_make(a.family == AF_INET ? prefix + 96 : prefix, c->mask);
	l->v = oe_mem_realloc_array(l->v, l->n + 1, sizeof *l->v);
	net = &l->v[l->n++];
	net->cidr = c;
	oe_addr_format(&a, base);
	snprintf(net->text, sizeof net->text, "%s/%u", base, prefix);
	return 0;
}

static int
list_add_all(struct oe_cidr_list *l, const char *const *v, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++)
		r = oe_cidr_list_add(l, v[i], NULL);
	return r;
}

int
oe_cidr_list_add_private(struct oe_cidr_list *l)
{
	static const char *const nets[] = {
	    "10.0.0.0/8",
	    "172.16.0.0/12",
	    "192.168.0.0/16",
	    "127.0.0.0/8",
	    "169.254.0.0/16",
	    "100.64.0.0/10",
	    "::1",
	    "fe80::/10",
	    "fc00::/7",
	};

	return list_add_all(l, nets, OE_ARRAY_LEN(nets));
}

int
oe_cidr_list_add_localhost(struct oe_cidr_list *l)
{
	static const char *const nets[] = {"127.0.0.0/8", "::1"};

	return list_add_all(l, nets, OE_ARRAY_LEN(nets));
}

bool
oe_cidr_list_contains(const struct oe_cidr_list *l, const struct oe_addr *a)
{
	struct oe_addr folded = *a;
	bool found = false;
	CIDR *c;
	size_t i;

	addr_fold(&folded);
	c = cidr_from_addr(&folded);
	for (i = 0; c && i < l->n && !found; i++)
		/* libcidr answers 0 for yes */
		found = cidr_contains(l->v[i].cidr, c) == 0;
	cidr_free(c);
	return found;
}

size_t
oe_cidr_list_count(const struct oe_cidr_list *l)
{
	return l->n;
}

const char *
oe_cidr_list_text(const struct oe_cidr_list *l, size_t i)
{
	return i < l->n ? l->v[i].text : NULL;
}

const char *
oe_cidr_version(void)
{
	return cidr_version();
}
