/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/net/cidr.h"
#include "core/ssh/cert.h"
#include "core/ssh/grant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The certificate's own CA is trusted, so that every check is reached. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_addr addr;
	struct oe_grant g;
	struct oe_cert c;
	struct oe_cert_query q = {.n_cas = 1, .addr = &addr};

	if (oe_cert_parse(data, size, &c, &err) < 0)
		return 0;
	if (oe_addr_parse("10.0.0.1", &addr, NULL) < 0)
		abort();
	q.cas = &c.ca;
	q.principals = &c.principals;
	q.now_s = (int64_t)(c.valid_after & INT64_MAX);
	if (oe_cert_check(&c, &q, &g, &err) == 0)
		oe_grant_done(&g);
	oe_cert_done(&c);
	return 0;
}
