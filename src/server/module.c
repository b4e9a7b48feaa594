/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module "server".
 */
#include "core/app/module.h"

#include <stddef.h>

#include "core/net/cidr.h"
#include "core/ssh/version.h"
#include "server/commands.h"

extern const struct oe_module oe_module_server;

static const struct oe_command *const commands[] = {
    &oe_srv_command_ssh_server, NULL};

static const struct oe_library libraries[] = {
    {"libssh", OE_SSH_LIBSSH_COMPILED, oe_ssh_library_version},
    {"OpenSSL", OE_SSH_OPENSSL_COMPILED, oe_ssh_openssl_version},
    {"libcidr", OE_CIDR_COMPILED, oe_cidr_version},
    {"libseccomp", OE_SANDBOX_COMPILED, oe_sandbox_library_version},
    {NULL, NULL, NULL},
};

const struct oe_module oe_module_server = {
    .name = "server",
    .summary = "the SSH server",
    .commands = commands,
    .libraries = libraries,
};
