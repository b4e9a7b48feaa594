/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_params.h - the options of "omniedge sftp".
 */
#pragma once

#include "core/app/param.h"

extern const struct oe_param oe_sftp_params[];

/** oe_sftp_option_value() - the last -X NAME=NUMBER; 0: not given. */
int64_t oe_sftp_option_value(const struct oe_values *v, const char *name);
