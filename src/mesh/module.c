/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

extern const struct oe_module oe_module_mesh;

const struct oe_module oe_module_mesh = {
    .name = "mesh",
    .summary = "names and policy of a control API",
};
