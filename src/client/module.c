/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "client/commands.h"
#include "core/ssh/ssh.h"

static const struct oe_command *const commands[] = {&oe_command_ssh, NULL};

static const struct oe_library *const libraries[] = {
    oe_base_libraries,
    oe_app_libraries,
    oe_ssh_libraries,
    NULL,
};

extern const struct oe_module oe_module_client;

const struct oe_module oe_module_client = {
    .name = "client",
    .summary = "the client commands: ssh",
    .commands = commands,
    .libraries = libraries,
};
