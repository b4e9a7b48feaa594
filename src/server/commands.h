/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/commands.h - the commands of the module "server".
 */
#pragma once

struct oe_command;
struct oe_values;

extern const struct oe_command oe_srv_command_ssh_server;

/** oe_srv_log_setup() - level and form of messages as the values say. */
void oe_srv_log_setup(const struct oe_values *v);
