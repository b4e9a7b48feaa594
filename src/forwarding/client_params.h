/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_params.h - -L -R -D -g as options of commands.
 */
#pragma once

#include "core/app/param.h"

struct oe_err;
struct oe_sshconf;

/** oe_fwd_params - the rows; ended by name NULL. */
extern const struct oe_param oe_fwd_params[];
/**
 * oe_fwd_params_take() - what they say becomes settings.
 * Return: 0 or OE_EUSAGE.
 */
int oe_fwd_params_take(
    const struct oe_values *v, struct oe_sshconf *conf, struct oe_err *err);
/** oe_fwd_params_print() - as oe_cli_forwarding.print. */
void oe_fwd_params_print(struct oe_sshconf *conf);
