/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/scp_params.h - the options of "omniedge scp".
 */
#pragma once

#include "core/app/param.h"

extern const struct oe_param oe_scp_params[];
