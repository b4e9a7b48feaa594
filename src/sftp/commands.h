/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/commands.h - the commands of this module.
 */
#pragma once

#include "core/app/command.h"
#include "core/base/library.h"

extern const struct oe_command oe_command_scp;
extern const struct oe_command oe_command_sftp;
extern const struct oe_command oe_command_sftp_server;

/*
 * What this build has: commands_client.c with module client, else
 * commands_server.c.
 */
extern const struct oe_command *const oe_sftp_commands[];
extern const struct oe_library oe_sftp_libraries[];
