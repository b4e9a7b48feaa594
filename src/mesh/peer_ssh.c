/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/peer_ssh.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "mesh/login_key.h"

#define ALIAS_HASH_DIGITS 16

char *
oe_peer_alias(const char *network_id, const char *device_id)
{
	char *exact = oe_mem_printf("%s.%s", device_id, network_id);
	char *alias = oe_mem_strdup(exact), *longer, *p;
	char hash[ALIAS_HASH_DIGITS + 1];

	for (p = alias; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	/* known_hosts knows no upper case, ids do */
	if (strcmp(alias, exact) != 0) {
		oe_hash_hex(exact, strlen(exact), hash, ALIAS_HASH_DIGITS);
		longer = oe_mem_printf("%s.%s", alias, hash);
		free(alias);
		alias = longer;
	}
	longer = oe_mem_printf("%s.omniedge", alias);
	free(alias);
	free(exact);
	return longer;
}

char *
oe_peer_identity(void)
{
	struct oe_err err = OE_ERR_INIT;
	char *path = NULL;

	if (oe_login_key_path(&path, &err) < 0)
		return NULL;
	if (access(path, R_OK) < 0)
		oe_mem_free(&path);
	return path;
}
