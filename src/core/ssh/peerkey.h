/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/peerkey.h - is this the server that we mean?
 */
#pragma once

#include "core/ssh/dial.h"
#include "core/ssh/internal.h"

/**
 * oe_peerkey_check() - decide about the server's key by known hosts, the
 * settings and, where they say so, the user.
 * Return: 0, 1 (let through though it has changed: give away no secret),
 * OE_EPERM with a message that says how to go on, OE_ELIB.
 */
int oe_peerkey_check(ssh_session session, const struct oe_sshconf *conf,
    const struct oe_ssh_ui *ui, struct oe_err *err);
/** oe_peerkey_pinned() - 0 when it is just @pin (dial.h); OE_EPERM, OE_ELIB. */
int oe_peerkey_pinned(ssh_session session, const char *pin, struct oe_err *err);
/** oe_peerkey_algos() - proposal with the types known for the host first. */
char *oe_peerkey_algos(const struct oe_sshconf *conf);
