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

struct oe_addr;
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
	/* the same, and where it came to; NULL: not known */
	const struct oe_addr *addr, *local_addr;
	const char *interface; /* that it came in by; NULL: not known */
	bool shared_link;      /* who is on that can take any address there */
	enum oe_srv_method method;
	const char *key_fingerprint; /* "SHA256:..." of the key itself */
	const char *cert_key_id;
	/* of a certificate that a trusted authority signed, only of such */
	const struct oe_strs *cert_principals;
	uint64_t cert_serial;
	uint64_t cert_valid_after_s; /* 0 without a certificate */
	const char *ca_fingerprint;
	bool cert_local; /* the authority is one of --trusted-ca */
};

/* For what a policy itself vouches, with no other file about the user. */
enum oe_srv_vouch {
	OE_SRV_VOUCH_KEY = 1 << 0, /* the rule names this key */
	OE_SRV_VOUCH_CERT = 1
			    << 1, /* the rule names who the certificate says */
	OE_SRV_VOUCH_PLACE = 1 << 2, /* its address says who it is */
};

/* What they get; oe_srv_rule_done() it. */
struct oe_srv_rule {
	char *local_user;      /* name; the account may turn out not to exist */
	struct oe_grant grant; /* to be narrowed by the key's own */
	unsigned max_sessions; /* channels of one connection; 0: no bound */
	int64_t idle_timeout_s; /* 0: never */
	char *id;               /* which rule decided, for the log */
	bool root;              /* uid 0 may be reached by this rule */
	unsigned vouches;       /* enum oe_srv_vouch */
	char *message;          /* for the person; NULL: none */
	int64_t duration_s; /* of the connection, from the login on; 0: any */
	int64_t until_s; /* wall clock: to be decided anew; INT64_MAX: never */
	/* nothing may run or be forwarded: why, and as which exit status */
	char *barred;
	int barred_status;
	/* no shell, no terminal, and commands as the policy judges them */
	bool confined;
	bool files; /* subsystems that serve files */
	bool read_only, write_only;
	struct oe_strs roots; /* trees for files; empty: no bounds */
	bool forward_local, forward_remote;
	/* beside the grant's own: targets as in server/permits.h */
	bool open_listed, listen_listed;
	struct oe_strs permit_open, permit_listen;
	char *accept_env;   /* patterns; NULL: the server's */
	const void *opaque; /* the policy's own, as long as the policy lives */
};

struct oe_srv_policy {
	/*
	 * @ret: initialised by the caller: everything is permitted.  On
	 * failure id, message and vouches may be set.
	 * Return: 0, or OE_EPERM with the reason for the log.  The peer hears
	 * the same whatever the reason, but for the message where the policy
	 * knows who it is (vouches).
	 */
	int (*decide)(const void *self, const struct oe_srv_identity *id,
	    struct oe_srv_rule *ret, struct oe_err *err);
	const void *self;
	/*
	 * May @command be run under a confined @rule?  0, or OE_EPERM with
	 * words for the person.  NULL: none may.
	 */
	int (*command)(const void *self, const struct oe_srv_rule *rule,
	    const char *command, struct oe_err *err);
	/*
	 * Authorities of certificates, lines as in authorized keys, besides
	 * --trusted-ca; NULL: none.  Whom their certificates stand for is the
	 * policy's to say.
	 */
	const struct oe_strs *authorities;
	/* Method none can be accepted: by OE_SRV_VOUCH_PLACE only. */
	bool none;
	/*
	 * The local user depends on who asks, not on the requested name
	 * alone: the map of users is not asked.
	 */
	bool maps_users;
};

/**
 * oe_srv_method_text() - name for events and logs: those of RFC 4252, and
 * "certificate".
 */
const char *oe_srv_method_text(enum oe_srv_method m);

/** oe_srv_rule_init() - everything is permitted, but root. */
void oe_srv_rule_init(struct oe_srv_rule *r);

/**
 * oe_srv_policy_decide() - ask @p, and hold every policy to the rules that
 * none may widen: no empty user, and root only for a key or a certificate.
 * @ret: initialised by this function in any case; oe_srv_rule_done() it.
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

/* An identity that outlives the request it came with. */
struct oe_srv_identity_own {
	struct oe_srv_identity id; /* its texts are the own ones */
	char *requested_user, *source, *key_fingerprint, *cert_key_id;
	char *ca_fingerprint, *interface;
	struct oe_strs cert_principals;
};

/** oe_srv_identity_own() - copy @id; the addresses stay borrowed. */
void oe_srv_identity_own(
    struct oe_srv_identity_own *to, const struct oe_srv_identity *id);
void oe_srv_identity_own_done(struct oe_srv_identity_own *o);

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
