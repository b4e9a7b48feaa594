/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "forwarding/server.h"
#include "forwarding/client.h"

extern const struct oe_module oe_module_forwarding;

const struct oe_module oe_module_forwarding = {
    .name = "forwarding",
    .summary = "port forwarding at both ends",
    .server_forwarding = &oe_fwd_server,
    .commands = oe_fwd_client_commands,
    .options = oe_fwd_client_options,
    .client_forwarding = &oe_fwd_client,
};
