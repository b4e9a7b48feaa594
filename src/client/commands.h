/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/commands.h - the commands of this module.
 */
#pragma once

#include "core/app/command.h"

extern const struct oe_command oe_command_ssh;
