/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/commands.h - the commands of the module "server".
 */
#pragma once

struct oe_command;

extern const struct oe_command oe_srv_command_ssh_server;
