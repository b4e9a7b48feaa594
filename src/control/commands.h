/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/commands.h - what module.c names.
 */
#pragma once

#include "core/base/library.h"

struct oe_command;

extern const struct oe_command oe_ctl_command_control_server;
/* version.c; ended by name NULL. */
extern const struct oe_library oe_ctl_libraries[];
