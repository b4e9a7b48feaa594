/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

#include "sftp/commands.h"

static const char *const server[] = {"", "sftp-server", NULL};
static const struct oe_subsystem subsystems[] = {
    {"sftp", server, true, true},
    {NULL, NULL, false, false},
};

extern const struct oe_module oe_module_sftp;

const struct oe_module oe_module_sftp = {
    .name = "sftp",
    .summary = "files: sftp-server, sftp, scp",
    .commands = oe_sftp_commands,
    .subsystems = subsystems,
    .libraries = oe_sftp_libraries,
};
