/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/version.h - the libraries of this floor, as compiled and loaded.
 */
#pragma once

#include "core/base/library.h"

/** oe_net_libraries - libcidr, libcurl and libseccomp; ended by name NULL. */
extern const struct oe_library oe_net_libraries[];
