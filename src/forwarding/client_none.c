/* SPDX-License-Identifier: Apache-2.0 */
/* A build without module client. */
#include "forwarding/client.h"
#include "forwarding/client_params.h"

const struct oe_command *const oe_fwd_client_commands[] = {NULL};
const struct oe_param oe_fwd_params[] = {{.name = NULL}};
const struct oe_cli_forwarding oe_fwd_client = {.take = NULL};
