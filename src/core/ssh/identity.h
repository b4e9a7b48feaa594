/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/identity.h - the keys that a client may log in with, in the order
 * they are tried: the agent's, then files; a certificate before its key.
 */
#pragma once

#include "core/ssh/internal.h"
#include "core/ssh/sshconf.h"

#define OE_IDENTITY_MAX 300

struct oe_identity {
	char *label;   /* "/home/u/.ssh/id_ed25519", "agent key x" */
	char *path;    /* private key file; NULL: in the agent */
	ssh_key offer; /* public key or certificate; NULL for the agent's */
	ssh_key cert;  /* to join with the private key, or NULL */
	ssh_key priv;  /* NULL: encrypted, or in the agent */
	uint8_t *blob, *sign; /* agent: what is offered, what signs */
	size_t blob_len, sign_len;
};

struct oe_identities {
	struct oe_identity *v;
	size_t n;
	char *agent_path; /* NULL: no agent */
};

/** oe_identities_load() - collect; what cannot be used is logged at debug. */
void
oe_identities_load(const struct oe_sshconf *conf, struct oe_identities *ret);
void oe_identities_done(struct oe_identities *ids);
/**
 * oe_identity_unlock() - load the private key with a passphrase.
 * Return: 0 or OE_EAUTH (wrong passphrase, or damaged).
 */
int oe_identity_unlock(struct oe_identity *id, const char *passphrase);
