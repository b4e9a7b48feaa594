/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/sandbox_internal.h - what the kinds of sandboxes share.
 */
#pragma once

#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>

#include "core/net/sandbox.h"

struct oe_sandbox {
	struct sock_fprog prog;
	bool client; /* of oe_sandbox_new_client() */
};

/** oe_sandbox__export() - the filter as the kernel takes it; 0 or OE_ELIB. */
int
oe_sandbox__export(scmp_filter_ctx c, struct oe_sandbox *s, struct oe_err *err);
/**
 * oe_sandbox__allow_fcntl() - flags of descriptors, and no lease, owner or
 * signal business; 0 or a negative errno.
 */
int oe_sandbox__allow_fcntl(scmp_filter_ctx c);
/** oe_sandbox__client_paths() - what a client may read, by Landlock. */
void oe_sandbox__client_paths(int ruleset);
