/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/version.h - the libraries of this floor, as compiled and loaded.
 */
#pragma once

#include "core/base/library.h"

/** oe_ssh_libraries - libssh and OpenSSL; ended by name NULL. */
extern const struct oe_library oe_ssh_libraries[];
