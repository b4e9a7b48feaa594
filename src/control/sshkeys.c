/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sshkeys.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/pubkey.h"

int
oe_ctl_key_read(const char *line, char **ret_line, char **ret_fingerprint,
    struct oe_err *err)
{
	struct oe_pubkey key;
	char *base64;
	int rc = oe_pubkey_parse_line(line, &key, err);

	if (rc)
		return oe_err_set(
		    err, OE_EINVAL, "it is no public key that is accepted");
	if (key.type->cert) {
		rc = oe_err_set(
		    err, OE_EINVAL, "it is a certificate and no key");
	} else {
		base64 = oe_str_base64(key.blob, key.len, true);
		*ret_line = oe_mem_printf("%s %s", key.type->name, base64);
		*ret_fingerprint = oe_pubkey_fingerprint(&key);
		free(base64);
	}
	oe_pubkey_done(&key);
	return rc;
}
