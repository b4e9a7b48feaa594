/* SPDX-License-Identifier: Apache-2.0 */
/* There are no commands of the client to find peers for. */
#include "client/names.h"
#include "core/app/module.h"
#include "mesh/client_names.h"

const struct oe_module_options oe_mesh_client_options[] = {{NULL, NULL}};

const struct oe_cli_names oe_mesh_client_names = {.open = NULL};
