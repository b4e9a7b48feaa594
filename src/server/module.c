/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module "server".
 */
#include "core/app/module.h"

#include <stddef.h>

#include "server/commands.h"

extern const struct oe_module oe_module_server;

static const struct oe_command *const commands[] = {
    &oe_srv_command_ssh_server, NULL};

const struct oe_module oe_module_server = {
    .name = "server",
    .summary = "the SSH server",
    .commands = commands,
};
