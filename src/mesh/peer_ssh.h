/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/peer_ssh.h - what SSH clients are told about a peer: the name that its
 * host keys have, and what to log in with.
 */
#pragma once

#include <stdbool.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_mesh;

/**
 * oe_peer_alias() - the name of a device in known_hosts: it is pinned to
 * (network, device), not to the name or address that somebody gave it.
 * "DEVICE.NETWORK.omniedge" in lower case, with a hash in it when that alone
 * would be the alias of two.  free() it.
 */
char *oe_peer_alias(const char *network_id, const char *device_id);
/** oe_peer_identity() - private key that login has made, or NULL; free(). */
char *oe_peer_identity(void);
/**
 * oe_peer_certificate() - a user certificate for the network, from disk or
 * else fetched, which takes a round trip.  One that is good but past most of
 * its life is renewed in a process that nobody waits for.
 * @m: of a quick plan.
 * @identity: of oe_peer_identity().
 * @may_ask: false: what is on disk, or none.
 * @ret: its file; free() it; untouched on failure.
 * Return: 0; OE_ENOENT (the control API gives none, or it may not be asked);
 * OE_EAGAIN (a try a moment ago has failed); or another failure, with a
 * message.
 */
int oe_peer_certificate(struct oe_mesh *m, const char *network_id,
    const char *identity, bool may_ask, char **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_peer_certificates_forget() - remove those on disk. */
void oe_peer_certificates_forget(void);
