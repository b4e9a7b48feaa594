/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/module.h"

extern const struct oe_module oe_module_control;

const struct oe_module oe_module_control = {
    .name = "control",
    .summary = "the control API itself",
};
