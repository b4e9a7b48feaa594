/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/commands.h - the commands of this module.
 */
#pragma once

#include "core/app/command.h"

extern const struct oe_command oe_command_scp;
extern const struct oe_command oe_command_sftp;
extern const struct oe_command oe_command_sftp_server;
