/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "client/commands.h"
#include "core/ssh/ssh.h"

static const struct oe_command *const commands[] = {&oe_command_ssh, NULL};

extern const struct oe_module oe_module_client;

const struct oe_module oe_module_client = {
    .name = "client",
    .summary = "the client commands: ssh",
    .commands = commands,
    .libraries = oe_ssh_libraries,
};
