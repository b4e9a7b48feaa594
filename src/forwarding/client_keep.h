/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_keep.h - forwards that outlive their connection.
 */
#pragma once

struct oe_settings;

/**
 * oe_fwd_keep() - log in, forward, and come back whenever the connection is
 * lost; blocks until a signal, or until no forward is left.
 * @set: settled for the peer.
 * Return: an exit status; the first login has to succeed unless the peer is
 * only out of reach.
 */
int oe_fwd_keep(struct oe_settings *set);
