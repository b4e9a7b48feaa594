/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "mesh/client_names.h"
#include "mesh/commands.h"
#include "mesh/courier.h"
#include "mesh/server_policy.h"
#include "mesh/ssh_policy.h"

static const struct oe_command *const commands[] = {
    &oe_command_login,
    &oe_command_logout,
    &oe_command_whoami,
    &oe_command_networks,
    &oe_command_peers,
    &oe_command_resolve,
    &oe_command_device,
    &oe_command_nc,
    &oe_command_ssh_config,
    &oe_mesh_command_ssh_policy,
    &oe_mesh_command_courier,
    NULL,
};

static const struct oe_module_options options[] = {
    {"forward", oe_mesh_client_params},
    {"scp", oe_mesh_client_params},
    {"sftp", oe_mesh_client_params},
    {"ssh", oe_mesh_client_params},
    {"ssh-server", oe_mesh_server_params},
    {NULL, NULL},
};

extern const struct oe_module oe_module_mesh;

const struct oe_module oe_module_mesh = {
    .name = "mesh",
    .summary = "names and policy of a control API",
    .commands = commands,
    .client_names = &oe_mesh_client_names,
    .options = options,
    .server_source = &oe_mesh_server_source,
};
