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

struct oe_srv_identity;

/* A subject and what is owned of it; oe_mesh__subject_done() it. */
struct oe_mesh__subject {
	struct oe_policy_subject s;
	/*
	 * Kinds of principals (enum oe_policy_kind) that stand for who it is
	 * and were proven: by the key itself, and by a certificate.
	 */
	unsigned by_key, by_cert;
	struct oe_strs groups;
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
