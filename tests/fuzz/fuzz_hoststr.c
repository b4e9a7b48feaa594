/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted must be the same after a round through its text. */
static void
round_trip(const struct oe_hoststr *h)
{
	char *text = oe_hoststr_format(h);
	struct oe_hoststr again;

	if (*h->host == '-' || !*h->host || h->port < 0 || h->port > 65535)
		abort();
	/* a longest user may not fit beside its host a second time */
	if (strlen(text) <= OE_HOSTSTR_MAX && strncmp(text, "ssh://", 6)) {
		if (oe_hoststr_parse(text, &again, NULL) < 0 ||
		    !oe_str_eq(h->user, again.user) ||
		    !oe_str_eq(h->host, again.host) || h->port != again.port)
			abort();
		oe_hoststr_done(&again);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = oe_mem_strndup((const char *)data, size);
	struct oe_hoststrs l;
	struct oe_hoststr h;

	if (oe_hoststr_parse(text, &h, NULL) == 0) {
		round_trip(&h);
		oe_hoststr_done(&h);
	}
	if (oe_hoststr_parse_list(text, &l, NULL) == 0)
		oe_hoststrs_done(&l);
	free(text);
	return 0;
}
