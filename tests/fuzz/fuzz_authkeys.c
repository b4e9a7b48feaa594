/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/net/cidr.h"
#include "core/ssh/authkeys.h"
#include "core/ssh/pubkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE                                                                   \
	"ssh-ed25519 "                                                         \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
on_diag(void *arg, unsigned line, const char *text)
{
	(void)arg;
	if (!line || !*text)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_authkeys_rule rule;
	struct oe_pubkey k;
	struct oe_addr a;
	struct oe_authkeys_query q = {
	    .key = &k, .user = "me", .addr = &a, .now_s = 1, .diag = on_diag};

	if (oe_pubkey_parse_line(LINE, &k, NULL) < 0 ||
	    oe_addr_parse("10.0.0.1", &a, NULL) < 0)
		abort();
	if (oe_authkeys_match(data, size, &q, &rule, NULL) == 0)
		oe_authkeys_rule_done(&rule);
	oe_pubkey_done(&k);
	return 0;
}
