/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/server_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "core/base/err.h"

void
oe_fwd_addr_put(struct oe_buf *b, const struct oe_addr *a)
{
	(void)oe_buf_put_string(b, a->bytes, a->family == AF_INET ? 4 : 16);
}

int
oe_fwd_addrs_get(
    struct oe_buf *b, struct oe_addr *ret, size_t max, size_t *ret_n)
{
	static const uint8_t mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct oe_buf one;
	uint32_t n, i;

	if (oe_buf_get_u32(b, &n) < 0 || n > max)
		return OE_EPROTO;
	for (i = 0; i < n; i++) {
		if (oe_buf_get_string(b, &one) < 0 ||
		    (oe_buf_left(&one) != 4 && oe_buf_left(&one) != 16))
			return OE_EPROTO;
		memset(&ret[i], 0, sizeof ret[i]);
		ret[i].family = oe_buf_left(&one) == 4 ? AF_INET : AF_INET6;
		memcpy(ret[i].bytes, oe_buf_head(&one), oe_buf_left(&one));
		/* core/net/cidr.h has those as IPv4 only */
		if (oe_buf_left(&one) == 16 &&
		    !memcmp(ret[i].bytes, mapped, sizeof mapped))
			return OE_EPROTO;
	}
	*ret_n = n;
	return 0;
}

socklen_t
oe_fwd_addr_to_sockaddr(
    const struct oe_addr *a, unsigned port, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(ret, 0, sizeof *ret);
	if (a->family == AF_INET) {
		in.sin_port = htons((uint16_t)port);
		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(ret, &in, sizeof in);
		return sizeof in;
	}
	in6.sin6_port = htons((uint16_t)port);
	memcpy(&in6.sin6_addr, a->bytes, 16);
	memcpy(ret, &in6, sizeof in6);
	return sizeof in6;
}

unsigned
oe_fwd_sockaddr_port(const struct sockaddr_storage *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->ss_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		return ntohs(in.sin_port);
	}
	if (sa->ss_family != AF_INET6)
		return 0;
	memcpy(&in6, sa, sizeof in6);
	return ntohs(in6.sin6_port);
}
