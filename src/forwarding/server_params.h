/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/server_params.h - options of ssh-server about forwarding, which
 * server/config.c reads.
 */
#pragma once

#include "core/app/param.h"

/** oe_fwd_server_params - the rows; ended by name NULL. */
extern const struct oe_param oe_fwd_server_params[];
