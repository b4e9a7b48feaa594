/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/serve_internal.h - the settings behind accepted connections.
 */
#pragma once

#include <libssh/server.h>
#include <stdint.h>

struct oe_ssh_bind {
	ssh_bind bind;
	unsigned methods;
	uint64_t rekey_bytes;
	uint32_t rekey_s;
	char *issue;
};
