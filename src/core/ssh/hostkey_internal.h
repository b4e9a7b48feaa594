/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/hostkey_internal.h - host keys as the server side needs them.
 */
#pragma once

#include <libssh/libssh.h>
#include <stddef.h>

struct oe_ssh_hostkeys {
	ssh_key *key;
	char **what;
	size_t n;
};
