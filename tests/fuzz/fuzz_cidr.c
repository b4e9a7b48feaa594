/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/net/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted must read back from its canonical text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = oe_mem_strndup((const char *)data, size);
	struct oe_cidr_list *l = oe_cidr_list_new();
	char shown[OE_ADDR_TEXT_MAX];
	struct oe_addr a, b;

	if (oe_cidr_list_add(l, text, NULL) == 0 &&
	    oe_cidr_list_add(l, oe_cidr_list_text(l, 0), NULL) < 0)
		abort();
	if (oe_addr_parse(text, &a, NULL) == 0) {
		oe_addr_format(&a, shown);
		if (oe_addr_parse(shown, &b, NULL) < 0 ||
		    !oe_addr_equal(&a, &b) || !oe_cidr_list_contains(l, &a))
			abort();
	}
	oe_cidr_list_free(&l);
	free(text);
	return 0;
}
