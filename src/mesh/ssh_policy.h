/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/ssh_policy.h - the command that looks at policies.
 */
#pragma once

struct oe_command;

extern const struct oe_command oe_mesh_command_ssh_policy;
