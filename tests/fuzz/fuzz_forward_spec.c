/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses -L, -R or -D. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "forwarding/client_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_fwd_spec s, again;
	enum oe_fwd_kind kind;
	char *text, *out;

	if (!size)
		return 0;
	kind = (enum oe_fwd_kind)(data[0] % 3);
	text = oe_mem_strndup((const char *)data + 1, size - 1);
	if (oe_fwd_spec_parse_listen(kind, text, &s, NULL) == 0)
		oe_fwd_spec_done(&s);
	if (oe_fwd_spec_parse(kind, text, &s, NULL) == 0) {
		/* what is accepted is the same after its own text */
		out = oe_fwd_spec_text(&s);
		if (strlen(out) <= OE_FWD_SPEC_MAX) {
			if (oe_fwd_spec_parse(kind, out, &again, NULL) < 0 ||
			    !oe_fwd_spec_same_listen(&s, &again) ||
			    s.target.port != again.target.port ||
			    s.socks != again.socks)
				abort();
			oe_fwd_spec_done(&again);
		}
		free(out);
		oe_fwd_spec_done(&s);
	}
	free(text);
	return 0;
}
