/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/ssh/cert.h"
#include "core/ssh/revoked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE                                                                   \
	"ssh-ed25519 "                                                         \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_revoked *r;
	struct oe_pubkey k;
	char id[] = "id";
	struct oe_cert c = {.serial = 7, .key_id = id};

	if (oe_revoked_parse(data, size, &r, &err) < 0)
		return 0;
	if (oe_pubkey_parse_line(LINE, &k, NULL) < 0)
		abort();
	c.ca = k;
	(void)!oe_revoked_check(r, &k, &c, &err);
	(void)!oe_revoked_check(r, &k, NULL, &err);
	oe_pubkey_done(&k);
	oe_revoked_free(&r);
	return 0;
}
