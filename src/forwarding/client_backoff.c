/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_backoff.h"

int64_t
oe_fwd_backoff_next(struct oe_fwd_backoff *b, int64_t up_ms, uint32_t chance)
{
	int64_t whole;

	if (!b->next_ms || up_ms >= OE_FWD_BACKOFF_GOOD_MS)
		b->next_ms = OE_FWD_BACKOFF_FIRST_MS;
	whole = b->next_ms;
	b->next_ms = whole * 2 < OE_FWD_BACKOFF_MAX_MS ? whole * 2
						       : OE_FWD_BACKOFF_MAX_MS;
	/* many clients of one server do not come back in step */
	return whole / 2 + (int64_t)(chance % (uint32_t)(whole / 2 + 1));
}
