/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/mesh_internal.h - between the account with its directory (mesh.c)
 * and what looks names up in it (resolve.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_mesh;
struct oe_mesh_dir;
struct oe_mesh_api;
struct oe_mesh_entry;
struct oe_mesh_networks;

/** oe_mesh__dir() - what is on disk or was fetched, or NULL. */
struct oe_mesh_dir *oe_mesh__dir(struct oe_mesh *m);
/* What a directory is needed for. */
enum oe_mesh__need {
	OE_MESH__HIT,  /* what is looked for is in it, or all of it is wanted */
	OE_MESH__MISS, /* what is looked for is not in it */
};
/** oe_mesh__renew() - a directory that is young enough, if it can be had. */
int oe_mesh__renew(struct oe_mesh *m, enum oe_mesh__need need,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh__put() - use @d, taken over, as if it had been fetched. */
void oe_mesh__put(struct oe_mesh *m, struct oe_mesh_dir *d);
/** oe_mesh__age_ms() - of oe_mesh__dir(); -1: there is none. */
int64_t oe_mesh__age_ms(const struct oe_mesh *m);
/** oe_mesh__is_quick() - oe_mesh_plan.quick. */
bool oe_mesh__is_quick(const struct oe_mesh *m);
/** oe_mesh__is_away() - the last try to renew it has failed. */
bool oe_mesh__is_away(const struct oe_mesh *m);

/**
 * oe_mesh__all_signed() - every network of the caller with the devices of its
 * signed directory; whether they are online, and when last seen, is not signed.
 * One call where the API has it (GET /directories of part 2), in which
 * documents that are on disk are not sent again; else one for all networks and
 * one (GET /directory) for each.
 * @key: base64 of the key that was pinned at login.
 * @folder: where the documents are kept, so that none older is believed.
 * @known: what was fetched before, or NULL.
 * Return: 0; OE_EAUTH, OE_EPERM (the login); or an away status: a document that
 * cannot be believed is as good as none.
 */
int oe_mesh__all_signed(struct oe_mesh_api *api, const char *key,
    const char *folder, const struct oe_mesh_dir *known,
    struct oe_mesh_networks *ret, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_mesh__write_as() - how to name entry @i of @n candidates so that it is
 * no other of them; free() it.
 */
char *oe_mesh__write_as(
    const struct oe_mesh_entry *all, size_t n, size_t i) OE_MUST_CHECK;
/**
 * oe_mesh__ambiguous() - an error that tells each candidate.
 * Return: OE_EEXIST.
 */
int oe_mesh__ambiguous(const char *text, const struct oe_mesh_entry *all,
    size_t n, struct oe_err *err);
