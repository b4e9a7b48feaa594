/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/directory.h - the devices of all networks of an account, on disk.
 *
 * A file of fixed tables, chains and texts that is mapped and looked into
 * where it lies: finding a name among 10,000 devices reads a few pages.  It
 * is replaced as a whole.  Whatever is in it, no reader leaves it: every
 * number is checked before it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/mesh/model.h"

struct oe_err;
struct oe_mesh_dir;

#define OE_MESH_DIR_MAX (64u << 20) /* bytes of a file */

/* One device in one network; texts are borrowed from the directory. */
struct oe_mesh_entry {
	const char *network_id, *network_name;
	const char *id, *name;
	const char *ip, *ip6; /* "" when it has none */
	const char *platform; /* "" ... */
	const char *owner_id, *owner;
	const char *tags;           /* one a line */
	const char *host_keys;      /* one a line: "ssh-ed25519 AAAA..." */
	int ssh_port;               /* 0: not told */
	enum oe_mesh_online online; /* when the directory was fetched */
	int64_t seen_ms;
	bool is_signed; /* names, addresses and keys were signed */
};

struct oe_mesh_entry_network {
	const char *id, *name;
	const char *ip_range, *ip_range6; /* "" when not told */
	int64_t role;
	int64_t users;
	size_t devices;
};

/**
 * oe_mesh_dir_make() - a directory in memory.
 * Devices that are twice in a network are there once.
 * @owner: origin and account that it belongs to.
 * @fetched_ms: wall clock.
 * @ret: oe_mesh_dir_free() it.
 * Return: 0 or OE_ETOOBIG.
 */
int oe_mesh_dir_make(const struct oe_mesh_networks *all, const char *owner,
    int64_t fetched_ms, struct oe_mesh_dir **ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_dir_save() - replace the directory at @path, under its lock, unless
 * a younger one is there.
 * Return: 0, OE_ESYS, OE_ETIMEOUT.
 */
int oe_mesh_dir_save(const struct oe_mesh_dir *d, const char *path,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_dir_open() - map the directory at @path.
 * @ret: oe_mesh_dir_free() it.
 * Return: 0, OE_ENOENT, OE_EPERM (somebody else's file), OE_EPROTO (broken, or
 * another @owner's), OE_ESYS.
 */
int oe_mesh_dir_open(const char *path, const char *owner,
    struct oe_mesh_dir **ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_dir_parse() - the same for @n bytes at @p, borrowed. */
int oe_mesh_dir_parse(const void *p, size_t n, const char *owner,
    struct oe_mesh_dir **ret, struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_dir_free(struct oe_mesh_dir **d);

/** oe_mesh_dir_fetched_ms() - wall clock of its making. */
int64_t oe_mesh_dir_fetched_ms(const struct oe_mesh_dir *d);
size_t oe_mesh_dir_count(const struct oe_mesh_dir *d);
/** oe_mesh_dir_at() - entry @i < count. */
void oe_mesh_dir_at(
    const struct oe_mesh_dir *d, size_t i, struct oe_mesh_entry *ret);
size_t oe_mesh_dir_networks(const struct oe_mesh_dir *d);
void oe_mesh_dir_network_at(
    const struct oe_mesh_dir *d, size_t i, struct oe_mesh_entry_network *ret);

enum oe_mesh_by {
	OE_MESH_BY_NAME, /* A-Z and a-z are the same, all else as it is */
	OE_MESH_BY_ID,
	OE_MESH_BY_IP, /* canonical text, either family */
	OE_MESH_BY_COUNT
};

/**
 * oe_mesh_dir_find() - the next entry that is exactly @text.
 * @iter: 0 before the first.
 * Return: false when there is no more.
 */
bool oe_mesh_dir_find(const struct oe_mesh_dir *d, enum oe_mesh_by by,
    const char *text, size_t *iter, struct oe_mesh_entry *ret);
