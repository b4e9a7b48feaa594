/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/client_names.h - the peers of the control API for ssh, scp, sftp and
 * forward.
 *
 * Order: what ssh_config gives a way of its own (HostName, ProxyCommand) is
 * its own, since whoever names a device must not take a name away that the
 * user has set; then the directory; then the system.  "name@network" and
 * virtual addresses are peers whatever ssh_config says of the name.
 */
#pragma once

#include "core/app/param.h"

struct oe_cli_names;

extern const struct oe_cli_names oe_mesh_client_names;
/* --no-peers for the commands of the client; ended by name NULL. */
extern const struct oe_param oe_mesh_client_params[];
