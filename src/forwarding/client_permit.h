/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_permit.h - PermitRemoteOpen of ssh_config(5): where the
 * SOCKS proxy that the peer has by -R may go.
 *
 * "any", "none", or a list of "host:port" with "*" for either and addresses
 * that have colons in brackets.  A host is compared as it is asked for,
 * without regard to case: a name permits no address, nor the reverse.
 */
#pragma once

#include <stdbool.h>

struct oe_err;
struct oe_strs;

/**
 * oe_fwd_permit_check() - can all of @list be read?
 * Return: 0 or OE_EINVAL with a message.
 */
int oe_fwd_permit_check(const struct oe_strs *list, struct oe_err *err);
/** oe_fwd_permit() - may it go there? @list passed oe_fwd_permit_check(). */
bool oe_fwd_permit(const struct oe_strs *list, const char *host, int port);
