/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/notify.h - what a service tells and gets from its manager.
 *
 * The datagram protocol of sd_notify(3) and the descriptors of
 * sd_listen_fds(3), both documented as stable and small enough that the
 * library (and all that it pulls in) is not worth its size here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/compiler.h"

/** oe_notify() - send "READY=1\nSTATUS=..."; nothing without a manager. */
void oe_notify(const char *fmt, ...) OE_PRINTF(1, 2);
/** oe_notify_watchdog_ms() - half of WatchdogSec, or 0 when not watched. */
int64_t oe_notify_watchdog_ms(void);
/**
 * oe_notify_listen_fds() - number of sockets handed over, at descriptors 3
 * and up; they are made close-on-exec.  0: none were meant for us.
 */
int oe_notify_listen_fds(void);
/** oe_notify_under_journal() - stderr goes to the journal. */
bool oe_notify_under_journal(void);
