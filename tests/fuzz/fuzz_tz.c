/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "core/base/tz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No offset is further away than a day and a bit. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t moments[] = {INT64_MIN, -2208988800, 0, 951782400,
	    1772452800, 4102444800, INT64_MAX};
	struct oe_tz *tz = NULL;
	int32_t offset;
	size_t i;

	if (oe_tz_parse(data, size, &tz, NULL) < 0)
		return 0;
	for (i = 0; i < OE_ARRAY_LEN(moments); i++) {
		offset = oe_tz_offset(tz, moments[i]);
		if (offset < -26 * 3600 || offset > 26 * 3600)
			abort();
	}
	oe_tz_free(&tz);
	return 0;
}
