/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/peer_text.h - peers and networks for people and for programs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oe_jval;
struct oe_mesh_entry;
struct oe_mesh_entry_network;

/** oe_peer_json() - the record of "peers --json". */
struct oe_jval *oe_peer_json(const struct oe_mesh_entry *e);
/** oe_network_json() - the record of "networks --json". */
struct oe_jval *oe_network_json(const struct oe_mesh_entry_network *n);
/** oe_network_role() - "user", "admin" or its number; in @room or static. */
const char *oe_network_role(int64_t role, char *room, size_t size);
/** oe_peer_seen() - "3 minutes ago", or "" when it is not known. */
void oe_peer_seen(int64_t now_ms, int64_t seen_ms, char *ret, size_t size);
/** oe_peer_is_plain() - a name that a shell and user@host take as it is. */
bool oe_peer_is_plain(const char *name);
