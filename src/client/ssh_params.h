/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/ssh_params.h - the options of "omniedge ssh".
 */
#pragma once

#include "core/app/param.h"

extern const struct oe_param oe_ssh_params[];
