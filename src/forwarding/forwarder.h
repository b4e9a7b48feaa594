/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/forwarder.h - the process that resolves, connects and listens
 * as the user.
 *
 * It decides nothing and reads nothing from its connections: it is told what
 * to do by the monitor, and hands every descriptor to it.
 */
#pragma once

#include "core/base/compiler.h"

/** oe_fwd_forwarder_run() - serve @fd until the monitor is gone. */
void oe_fwd_forwarder_run(int fd) OE_NORETURN;
