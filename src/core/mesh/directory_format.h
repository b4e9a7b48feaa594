/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/directory_format.h - the file of the peer directory.
 *
 * In the machine's own byte order, since it is a cache of this machine:
 *   header | networks | entries | heads of chains | texts
 * Texts are offsets into the last part, each ended by NUL, the part too;
 * offset 0 is the empty text.  A chain starts at heads[chain][hash % n_heads]
 * and goes on by next[chain]; links are index + 1, 0 ends, and each is lower
 * than the one before, so that no file makes a reader run in circles.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OE_MESH_DIR__MAGIC "oe-dir2\n"
#define OE_MESH_DIR__ORDER 0x01020304u

enum oe_mesh_dir__chain {
	OE_MESH_CHAIN_NAME,
	OE_MESH_CHAIN_ID,
	OE_MESH_CHAIN_IP,
	OE_MESH_CHAIN_IP6,
	OE_MESH_CHAINS
};

struct oe_mesh_dir__head {
	char magic[8];
	uint32_t order;
	uint32_t size; /* of the file */
	int64_t fetched_ms;
	uint32_t owner; /* text */
	uint32_t n_networks, networks;
	uint32_t n_entries, entries;
	uint32_t n_heads, heads; /* n_heads for each chain */
	uint32_t n_texts, texts; /* bytes */
	uint32_t unused;
};

struct oe_mesh_dir__network {
	int64_t role, users;
	uint32_t id, name, ip_range, ip_range6; /* texts */
	uint32_t devices, unused;
};

struct oe_mesh_dir__entry {
	int64_t seen_ms;
	uint32_t network; /* index */
	uint32_t id, name, ip, ip6, platform, owner_id, owner, tags, host_keys;
	uint32_t online, is_signed, ssh_port, unused;
	uint32_t next[OE_MESH_CHAINS];
};

enum oe_mesh_dir__memory {
	OE_MESH_DIR__BORROWED,
	OE_MESH_DIR__MAPPED,
	OE_MESH_DIR__OWNED, /* free() */
};

/* An open directory. */
struct oe_mesh_dir {
	const uint8_t *p;
	size_t n;
	enum oe_mesh_dir__memory memory;
	struct oe_mesh_dir__head head;
};

/** oe_mesh_dir__hash() - of a text, A-Z as a-z when @fold. */
uint32_t oe_mesh_dir__hash(const char *text, int fold);
