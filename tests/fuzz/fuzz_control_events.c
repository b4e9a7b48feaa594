/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices and callers send into the store: batches of events, times,
 * address ranges.  The first byte says which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/events.h"
#include "control/range.h"
#include "control/resource.h"
#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
events(const char *text, size_t n)
{
	struct oe_ctl_events e;
	size_t i;

	(void)!oe_ctl_events_read(text, n, 0, &e);
	for (i = 0; i < e.n; i++) {
		if ((e.v[i].body == NULL) == (e.v[i].why == NULL))
			abort();
		if (e.v[i].body != NULL &&
		    (strchr(e.v[i].body, '\n') != NULL || e.v[i].uid == NULL ||
			e.v[i].name == NULL))
			abort();
	}
	oe_ctl_events_done(&e);
}

static void
range(const char *text)
{
	struct oe_ctl_range r;
	uint32_t a;

	if (oe_ctl_range_parse(text, &r, NULL))
		return;
	a = oe_ctl_range_pick(&r, NULL, 0, oe_mem_random);
	if (a == 0 || !oe_ctl_range_has(&r, a))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t ms = 0;
	char *text;

	if (size == 0)
		return 0;
	text = oe_mem_strndup((const char *)data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		events((const char *)data + 1, size - 1);
		break;
	case 1:
		if (oe_ctl_time_parse(text, &ms) && ms < 0)
			abort();
		break;
	default:
		range(text);
		break;
	}
	free(text);
	return 0;
}
