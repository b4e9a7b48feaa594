/* SPDX-License-Identifier: Apache-2.0 */
/* A build without module client. */
#include "forwarding/client.h"

const struct oe_command *const oe_fwd_client_commands[] = {NULL};
const struct oe_module_options oe_fwd_client_options[] = {{NULL, NULL}};
const struct oe_cli_forwarding oe_fwd_client = {.take = NULL};
