/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte cuts the rest in pieces; the result must not depend on it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
feed(struct oe_socks *s, const uint8_t *data, size_t size, size_t step)
{
	size_t at = 0, used, n;

	oe_socks_init(s);
	while (at < size && s->state == OE_SOCKS_MORE) {
		n = size - at < step ? size - at : step;
		(void)oe_socks_feed(s, data + at, n, &used);
		if (used > n || s->n > sizeof s->in ||
		    s->out_len > sizeof s->out)
			abort();
		s->out_len = 0;
		at += used;
	}
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_socks a, b;
	uint8_t reply[OE_SOCKS_REPLY_MAX];

	if (!size)
		return 0;
	if (feed(&a, data + 1, size - 1, size) !=
		feed(&b, data + 1, size - 1, 1u + data[0]) ||
	    a.state != b.state)
		abort();
	if (a.state != OE_SOCKS_TARGET)
		return 0;
	if (!a.host[0] || strlen(a.host) > OE_SOCKS_HOST_MAX || a.port < 1 ||
	    a.port > 65535 || strcmp(a.host, b.host) != 0 ||
	    oe_socks_reply(&a, OE_SOCKS_REFUSED, reply) > sizeof reply)
		abort();
	return 0;
}
