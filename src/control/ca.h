/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/ca.h - the authority that signs user certificates.
 *
 * Each network has one of its own, derived from a secret of the installation
 * and the id of the network: groups are a network's, and a certificate that
 * names one is worth nothing in another.
 */
#pragma once

#include <stdint.h>

#include "control/call.h"
#include "control/store.h"
#include "core/base/crypto.h"
#include "core/base/str.h"

struct oe_jval;

#define OE_CTL_CERT_TTL_MAX_S     (16 * 3600)
#define OE_CTL_CERT_TTL_DEFAULT_S 3600
/* Clocks of devices may be behind by so much. */
#define OE_CTL_CERT_SKEW_S 60

/** oe_ctl_ca_prepare() - make what all of them are derived from. */
int
oe_ctl_ca_prepare(struct oe_ctl_store *store, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_ca_key() - of a network; wipe it.
 * @tx: writes, or comes after oe_ctl_ca_prepare().
 */
int oe_ctl_ca_key(struct oe_ctl_tx *tx, const char *network_id,
    struct oe_sign_key *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_ca_line() - add "ssh-ed25519 AAAA..." of a network to a list. */
int oe_ctl_ca_line(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network_id, struct oe_jval *ret);

/* What a certificate says. */
struct oe_ctl_cert {
	const char *key; /* plain public key, "type base64" */
	uint64_t serial;
	const char *key_id;
	struct oe_strs principals;
	int64_t valid_after_s, valid_before_s;
};

/**
 * oe_ctl_cert_make() - an OpenSSH user certificate (PROTOCOL.certkeys) with
 * agent and port forwarding and a terminal permitted, which policy narrows.
 * @ret: "type base64"; free() it; untouched on failure.
 * Return: 0, OE_EINVAL (the key is broken or cannot be certified).
 */
int oe_ctl_cert_make(const struct oe_sign_key *ca, const struct oe_ctl_cert *c,
    char **ret, struct oe_err *err) OE_MUST_CHECK;
