/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/commands.h"

const struct oe_command *const oe_sftp_commands[] = {
    &oe_command_scp, &oe_command_sftp, &oe_command_sftp_server, NULL};

const struct oe_library oe_sftp_libraries[] = {
    {"libedit", OE_EDIT_VERSION, NULL},
    {NULL, NULL, NULL},
};
