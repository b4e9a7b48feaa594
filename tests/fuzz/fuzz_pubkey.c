/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/ssh/pubkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An accepted key has a plain key that is accepted too. */
static void
use(struct oe_pubkey *k)
{
	struct oe_pubkey plain, again;

	oe_pubkey_plain(k, &plain);
	if (plain.type->cert ||
	    oe_pubkey_from_blob(plain.blob, plain.len, &again, NULL) < 0 ||
	    !oe_pubkey_equal(&plain, &again))
		abort();
	free(oe_pubkey_fingerprint(k));
	oe_pubkey_done(&plain);
	oe_pubkey_done(&again);
	oe_pubkey_done(k);
}

/* The input is tried as a blob and as a line. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = oe_mem_strndup((const char *)data, size);
	struct oe_pubkey k;

	if (oe_pubkey_from_blob(data, size, &k, NULL) == 0)
		use(&k);
	if (oe_pubkey_parse_line(text, &k, NULL) == 0)
		use(&k);
	free(text);
	return 0;
}
