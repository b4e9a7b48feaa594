/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/cpu.h - what this processor does in hardware.
 */
#pragma once

#include <stdbool.h>

/** oe_cpu_has_aes() - AES instructions; true where it cannot be told. */
bool oe_cpu_has_aes(void);
