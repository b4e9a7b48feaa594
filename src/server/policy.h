/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/policy.h - the policy source: who may be whom here, doing what.
 *
 * decide() maps an identity to a rule.  It is asked by the monitor before a
 * method is tried (may this peer succeed at all?) and again after it
 * succeeded, and once more for live connections when the policy changed; so
 * it must not change anything and must not block for long.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/compiler.h"
#include "core/ssh/grant.h"

struct oe_err;
struct oe_srv_usermap;

enum oe_srv_method {
	OE_SRV_METHOD_NONE, /* --trust-network: nothing was proven */
	OE_SRV_METHOD_PASSWORD,
	OE_SRV_METHOD_KBDINT,
	OE_SRV_METHOD_PUBLICKEY,
	OE_SRV_METHOD_CERTIFICATE,
};

/* Who asks; all texts are borrowed and NULL where they do not apply. */
struct oe_srv_identity {
	const char *requested_user; /* as the peer wrote it */
	const char *source;         /* address as text */
	enum oe_srv_method method;
	const char *key_fingerprint; /* "SHA256:..." of the key itself */
	const char *cert_key_id;
	const struct oe_strs *cert_principals;
	uint64_t cert_serial;
	const char *ca_fingerprint;
};

/* What they get; oe_srv_rule_done() it. */
struct oe_srv_rule {
	char *local_user;      /* name; the account may turn out not to exist */
	struct oe_grant grant; /* to be narrowed by the key's own */
	unsigned max_sessions; /* channels of one connection; 0: no bound */
	int64_t idle_timeout_s; /* 0: never */
	char *id;               /* which rule decided, for the log */
};

struct oe_srv_policy {
	/*
	 * @ret: untouched on failure.
	 * Return: 0, or OE_EPERM with the reason for the log.  The peer hears
	 * the same whatever the reason.
	 */
	int (*decide)(const void *self, const struct oe_srv_identity *id,
	    struct oe_srv_rule *ret, struct oe_err *err);
	const void *self;
};

/**
 * oe_srv_method_text() - name for events and logs: those of RFC 4252, and
 * "certificate".
 */
const char *oe_srv_method_text(enum oe_srv_method m);

/**
 * oe_srv_policy_decide() - ask @p, and hold every policy to the rules that
 * none may widen: no empty user, and root only for a key or a certificate.
 */
int oe_srv_policy_decide(const struct oe_srv_policy *p,
    const struct oe_srv_identity *id, struct oe_srv_rule *ret,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_policy_may_be() - may @method lead to an account with @uid?
 * The second half of the rule about root: to be asked with the account that
 * the rule's name turned out to be.
 */
bool oe_srv_policy_may_be(enum oe_srv_method method, uid_t uid);

void oe_srv_rule_done(struct oe_srv_rule *r);

/* The policy of a server without the control API. */
struct oe_srv_standalone {
	const struct oe_srv_usermap *users; /* borrowed */
	struct oe_grant grant;              /* for everybody; owned */
	bool trust_network;                 /* method none is accepted */
	unsigned max_sessions;
	int64_t idle_timeout_s;
};

/** oe_srv_standalone_init() - everything granted, none not accepted. */
void oe_srv_standalone_init(
    struct oe_srv_standalone *s, const struct oe_srv_usermap *users);
void oe_srv_standalone_done(struct oe_srv_standalone *s);
/** oe_srv_standalone_policy() - @s as a policy; @s must outlive it. */
struct oe_srv_policy
oe_srv_standalone_policy(const struct oe_srv_standalone *s);
