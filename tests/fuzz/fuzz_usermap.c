/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "server/user.h"
#include "server/usermap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = oe_mem_zalloc(size + 1);
	char *ssh = NULL, *local = NULL;

	memcpy(text, data, size);
	(void)oe_srv_user_name_ok((const char *)data, size);
	if (oe_srv_usermap_parse(text, &ssh, &local, NULL) == 0) {
		assert(oe_srv_user_name_ok(ssh, strlen(ssh)));
		assert(oe_srv_user_name_ok(local, strlen(local)));
		assert(strlen(ssh) + strlen(local) + 1 == strlen(text));
		free(ssh);
		free(local);
	}
	free(text);
	return 0;
}
