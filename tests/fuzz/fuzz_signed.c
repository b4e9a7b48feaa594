/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/mesh/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a document, which nobody signed; and as a payload that was. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[32] = {1};
	struct oe_sign_key key;
	struct oe_signed_expect e = {
	    .kind = "policy",
	    .network_id = "vnw_1",
	    .version = 2,
	    .now_ms = 1772452800000,
	};
	struct oe_signed d;
	char *payload = oe_mem_strndup((const char *)data, size), *text;

	oe_sign_key_from_seed(seed, &key);
	e.public_key = key.public;
	if (oe_signed_read(data, size, &e, &d, NULL) == 0)
		oe_signed_done(&d);
	text = oe_signed_make(&key, payload);
	if (oe_signed_read(text, strlen(text), &e, &d, NULL) == 0) {
		if (d.version < 2 || strcmp(d.network_id, "vnw_1"))
			abort();
		oe_signed_done(&d);
	}
	free(text);
	free(payload);
	return 0;
}
