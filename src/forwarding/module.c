/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "forwarding/server.h"
#include "forwarding/client.h"
#include "forwarding/client_params.h"
#include "forwarding/server_params.h"

static const struct oe_module_options options[] = {
    {"ssh", oe_fwd_params},
    {"forward", oe_fwd_params},
    {"ssh-server", oe_fwd_server_params},
    {NULL, NULL},
};

extern const struct oe_module oe_module_forwarding;

const struct oe_module oe_module_forwarding = {
    .name = "forwarding",
    .summary = "port forwarding at both ends",
    .server_forwarding = &oe_fwd_server,
    .commands = oe_fwd_client_commands,
    .options = options,
    .client_forwarding = &oe_fwd_client,
};
