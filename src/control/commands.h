/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/commands.h - what module.c names.
 */
#pragma once

struct oe_command;

extern const struct oe_command oe_ctl_command_control_server;
