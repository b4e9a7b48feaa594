/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client.h - the client's side of the module.
 */
#pragma once

#include "client/forwarding.h"
#include "core/app/module.h"

/** oe_fwd_client - handed to the client through the module table. */
extern const struct oe_cli_forwarding oe_fwd_client;
/** oe_fwd_client_commands - forward; ended by NULL. */
extern const struct oe_command *const oe_fwd_client_commands[];
