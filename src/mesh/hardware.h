/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/hardware.h - what tells this machine from others.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

/**
 * oe_hardware_id() - machine-id(5) as a UUID, as OmniEdge's Go client makes
 * it, so that both register the same device.
 * @ret: free() it.
 * Return: 0 or OE_ENOENT (the machine has none).
 */
int oe_hardware_id(char **ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_hardware_read() - the same from a machine-id's text. */
int oe_hardware_read(
    const char *text, char **ret, struct oe_err *err) OE_MUST_CHECK;
