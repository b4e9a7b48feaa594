/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/resolve.h - from what a user typed to a peer of the mesh.
 *
 * A peer is a device in a network.  It is written as its name (A-Z and a-z
 * the same, otherwise exact: never a part of one), its device id, or its
 * virtual address; "@" and the name or the id of a network behind it choose
 * among several.  Two matches are an error that tells how to write each.
 *
 * Names come from the control API and are kept on disk for
 * OE_MESH_FRESH_MS; after that they are asked for anew, for quick callers in a
 * process that nobody waits for (oe_mesh_behind()).  When the API does not
 * answer, what is on disk serves, however old, and its age is told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/mesh/account.h"
#include "core/mesh/directory.h"

struct oe_err;
struct oe_mesh;
struct oe_mesh_api;

#define OE_MESH_FRESH_MS 60000
/* A name that is not on disk is asked for anew unless it is this young. */
#define OE_MESH_MISS_MS 10000
/* Up to this age it serves quick callers while it is renewed. */
#define OE_MESH_STALE_MS 3600000
/* Candidates that are told. */
#define OE_MESH_CANDIDATES_MAX 8

/* What to work with; all may be NULL or 0.  Copied. */
struct oe_mesh_plan {
	const char *file;   /* token file instead of the usual ones */
	const char *origin; /* --api; must be the account's, if that has one */
	const char *ca_file, *pin; /* instead of the account's */
	bool refresh;              /* ask anew, whatever is on disk */
	bool offline;              /* ask nothing */
	/*
	 * There are other sources of names, and somebody waits: one short try,
	 * none for a while after it failed (core/mesh/away.h), none at all for
	 * an address.
	 */
	bool quick;
};

/**
 * oe_mesh_open() - the account and what belongs to it; touches no network.
 * OMNIEDGE_API_BASE_URL counts when @plan has no origin.
 * @ret: oe_mesh_free() it.
 * Return: 0, OE_ENOENT (not logged in), or as oe_mesh_account_load() and
 * oe_mesh_origin_parse().
 */
int oe_mesh_open(const struct oe_mesh_plan *plan, struct oe_mesh **ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_free(struct oe_mesh **m);
struct oe_mesh_account *oe_mesh_account(struct oe_mesh *m);
/** oe_mesh_api() - to make calls of one's own with; a quick one if so wanted.
 */
struct oe_mesh_api *oe_mesh_api(struct oe_mesh *m);
/**
 * oe_mesh_directory() - fresh from disk or from the API, or as old as it is
 * when that is away.
 * @ret: borrowed until the next call or oe_mesh_free().
 * @ret_away: why it is older than it should be ("" when it is not); in @m.
 * Return: 0; OE_EAUTH, OE_EPERM and what oe_mesh_api_all() says when nothing
 * is on disk either.  Expired logins fail even then: that is no outage.
 */
int oe_mesh_directory(struct oe_mesh *m, struct oe_mesh_dir **ret,
    const char **ret_away, struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_forget() - remove what is on disk of the directory. */
void oe_mesh_forget(struct oe_mesh *m);

/* A peer that was found; owned. */
struct oe_mesh_peer {
	char *network_id, *network_name;
	char *device_id, *name;
	char *ip, *ip6; /* "" when it has none; one of them is there */
	char *owner;    /* email, or "" */
	struct oe_strs tags, host_keys;
	int ssh_port; /* of its SSH server; 0: not told */
	enum oe_mesh_online online;
	int64_t seen_ms;
	int64_t age_ms; /* of what was told */
	bool away;      /* the API did not answer: the age matters */
	bool is_signed; /* the host keys may be believed */
};

/**
 * oe_mesh_resolve() - find the one peer that @text is.
 * @network: only in the network of this name or id; NULL: all.
 * @ret: oe_mesh_peer_done() it; untouched on failure.
 * Return: 0; OE_ENOENT (none: try other sources of names); OE_EEXIST (more
 * than one; the message tells each and how to write it); OE_EINVAL (found,
 * but without an address, or no network of that name); or as
 * oe_mesh_directory().
 * An address that no peer has is OE_ENOENT, for which an API is asked only when
 * nothing is on disk, never for loopback and never by quick callers; one that
 * peers of several networks have is OE_EEXIST: the address itself can be used,
 * but whose it is, and so its host keys, is not known.
 */
int oe_mesh_resolve(struct oe_mesh *m, const char *text, const char *network,
    struct oe_mesh_peer *ret, struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_peer_done(struct oe_mesh_peer *p);
/**
 * oe_mesh_may_have_network() - is @text the name or id of a network on disk?
 * Asks nobody: when nothing is on disk, it may be one.
 */
bool oe_mesh_may_have_network(struct oe_mesh *m, const char *text);

/**
 * oe_mesh_shown() - @text for a terminal, escaped; free() it.
 */
char *oe_mesh_shown(const char *text) OE_MUST_CHECK;
/** oe_mesh_age() - "3 minutes", "2 days", in words. */
void oe_mesh_age(int64_t ms, char *ret, size_t size);
