/* SPDX-License-Identifier: Apache-2.0 */
/* There are no commands of the client to find peers for. */
#include "client/names.h"
#include "mesh/client_names.h"

const struct oe_param oe_mesh_client_params[] = {{.name = NULL}};

const struct oe_cli_names oe_mesh_client_names = {.open = NULL};
