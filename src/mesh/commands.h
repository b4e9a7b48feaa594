/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/commands.h - the commands of this module.
 */
#pragma once

#include "core/app/command.h"

extern const struct oe_command oe_command_login;
extern const struct oe_command oe_command_logout;
extern const struct oe_command oe_command_whoami;
extern const struct oe_command oe_command_networks;
extern const struct oe_command oe_command_peers;
extern const struct oe_command oe_command_resolve;
extern const struct oe_command oe_command_device;
extern const struct oe_command oe_command_nc;
extern const struct oe_command oe_command_ssh_config;
