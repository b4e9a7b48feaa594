/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/client.h - where a request comes from, also through a proxy.
 *
 * X-Forwarded-For is what anybody may write.  Only what a proxy that is
 * trusted has written behind it counts: the list is read from its end, and
 * the first address that is no trusted proxy is the client.
 */
#pragma once

#include <stddef.h>

#include "core/net/cidr.h"

/* Lines of X-Forwarded-For that are kept, the last ones of a request. */
#define OE_CTL_FORWARDED_MAX 4
/* Addresses that are looked at; a chain of proxies is shorter. */
#define OE_CTL_FORWARDED_HOPS 32

struct oe_ctl_client {
	char address[OE_ADDR_TEXT_MAX]; /* in logs and events */
	/* what limits count by: as above, and for IPv6 its /64, of which
	 * everybody has one and more */
	char source[OE_ADDR_TEXT_MAX + 4];
};

/**
 * oe_ctl_client_find() - who stands behind a connection.
 * @peer: the other end of the connection, numeric.
 * @forwarded: values of X-Forwarded-For in the order they came; an address
 *	may have a port.  What is no address ends the chain there.
 * @proxies: those that are believed; empty: none.
 */
void oe_ctl_client_find(const char *peer, const char *const *forwarded,
    size_t n, const struct oe_cidr_list *proxies, struct oe_ctl_client *ret);
