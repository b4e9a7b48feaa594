/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_keep.h - forwards that outlive their connection.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;
struct oe_settings;

/* How the settings are made again, with what is known of the peer by then. */
struct oe_fwd_again {
	/* @ret: zeroed; oe_settings_done() it, whatever the result */
	int (*settle)(void *arg, struct oe_settings *ret, struct oe_err *err);
	void *arg;
};

/**
 * oe_fwd_keep() - log in, forward, and come back whenever the connection is
 * lost; blocks until a signal, or until no forward is left.
 * @set: settled for the peer.
 * @again: asked before each further attempt.  What it says is not taken when
 *         it fails, or when it is about another peer than before.
 * Return: an exit status; the first login has to succeed unless the peer is
 * only out of reach.
 */
int oe_fwd_keep(struct oe_settings *set, const struct oe_fwd_again *again);
