/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/control_calls.h - what "omniedge forward" asks of running
 * clients.
 *
 * @who: the pid of a client, or the name of its peer as it was typed; a
 * peer's has to be unambiguous where something is to change.
 * Return of all: 0, OE_ENOENT (no such client), OE_EINVAL (what the client
 * says), OE_EPERM, OE_ETIMEOUT, OE_ECLOSED, OE_ESYS.
 */
#pragma once

#include <stdbool.h>

#include "forwarding/client_spec.h"

/** oe_fwd_control_list() - to stdout; @who NULL: every client. */
int oe_fwd_control_list(const char *who, bool json, struct oe_err *err);
/** oe_fwd_control_add() - one forward; tells the port that a peer chose. */
int oe_fwd_control_add(const char *who, enum oe_fwd_kind kind, const char *spec,
    struct oe_err *err);
/** oe_fwd_control_stop() - @who may be "PID.ID" too: only that forward. */
int oe_fwd_control_stop(const char *who, struct oe_err *err);
