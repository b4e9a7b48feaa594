/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/server_policy.h - ssh-server under a policy document: the source that
 * is handed over as struct oe_module.server_source, and its options.
 */
#pragma once

#include "core/app/param.h"

struct oe_srv_source;

extern const struct oe_srv_source oe_mesh_server_source;
extern const struct oe_param oe_mesh_server_params[];
