/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/signals.h - signals by their names on the wire.
 *
 * RFC 4254 section 6.10, without "SIG", and the other signals that end a
 * process with a core, which the RFC leaves out: both of our ends know them.
 */
#pragma once

/** oe_ssh_signal_number() - number on this system; 0: no such name. */
int oe_ssh_signal_number(const char *name);
/** oe_ssh_signal_name() - name on the wire; "KILL" for what has none. */
const char *oe_ssh_signal_name(int number);
