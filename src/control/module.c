/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "control/commands.h"

static const struct oe_command *const commands[] = {
    &oe_ctl_command_control_server, NULL};

extern const struct oe_module oe_module_control;

const struct oe_module oe_module_control = {
    .name = "control",
    .summary = "the control API itself",
    .commands = commands,
    .libraries = oe_ctl_libraries,
};
