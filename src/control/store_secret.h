/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_secret.h - secrets of an installation within a transaction.
 */
#pragma once

#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_ctl_tx;

/** oe_ctl_secret_in() - oe_ctl_store_secret() within a writing transaction. */
int oe_ctl_secret_in(struct oe_ctl_tx *tx, const char *name, uint8_t ret[32],
    struct oe_err *err) OE_MUST_CHECK;
