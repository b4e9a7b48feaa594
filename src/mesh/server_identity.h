/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/server_identity.h - from what a login proved to what a policy knows.
 *
 * A provider fills in a subject.  What it puts there is believed: nothing of
 * what the peer merely says may get in.  There is one for a policy in a file;
 * one with a directory knows devices, tags and groups besides.
 */
#pragma once

#include "core/base/str.h"
#include "core/mesh/policy.h"

struct oe_roster;
struct oe_srv_identity;

/* A subject and what is owned of it; oe_mesh__subject_done() it. */
struct oe_mesh__subject {
	struct oe_policy_subject s;
	/*
	 * Kinds of principals (enum oe_policy_kind) that stand for who it is
	 * and were proven: by the key itself, and by a certificate.
	 */
	unsigned by_key, by_cert;
	/* enum oe_srv_vouch: what says who it is, whatever rule matches */
	unsigned known;
	int64_t until_s; /* wall clock: so long it does; INT64_MAX: for good */
	struct oe_strs groups, principals;
};

struct oe_mesh__provider {
	void (*fill)(const void *self, const struct oe_srv_identity *id,
	    struct oe_mesh__subject *ret);
	const void *self;
};

void oe_mesh__subject_done(struct oe_mesh__subject *s);

/**
 * oe_mesh__identity_alone - without a directory: the key's fingerprint, the
 * source address (which is the node's too), and of a certificate that a
 * trusted authority signed its principals; one with an '@' is the address of
 * the user, "user:ID" the id, "group:NAME" a group.
 */
extern const struct oe_mesh__provider oe_mesh__identity_alone;

/* With a directory; everything borrowed. */
struct oe_mesh__network {
	const struct oe_roster *roster;
	const char *network_id, *device_id; /* ours */
	const char *interface; /* of the mesh; NULL: addresses say nothing */
	bool trust_members;    /* they do even on a shared link */
};

/**
 * oe_mesh__identity_network() - a provider of @n: users by a key that they
 * registered or by a certificate of the network's authority; devices, and
 * without a login their owners, by an address of the network, when it came in
 * by the interface of the mesh to our own address in it, and nobody else there
 * can have sent it (core/net/link.h) or members are trusted not to.
 * A user who is not in the directory is nobody, whatever a certificate says;
 * of its principals those count that the directory still tells of the user,
 * and none when the user's certificates of that time were made void.
 */
struct oe_mesh__provider
oe_mesh__identity_network(const struct oe_mesh__network *n);
