/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/conn.h - one connection as its monitor sees it.
 *
 * The monitor holds the privileges and parses no network bytes but the key
 * blobs and texts that net passes on, each within its bound.
 */
#pragma once

#include "core/net/ipc.h"
#include "core/ssh/grant.h"
#include "core/ssh/serve.h"
#include "server/forwarding.h"
#include "server/internal.h"
#include "server/policy.h"
#include "server/proto.h"
#include "server/snapshot.h"
#include "server/source.h"
#include "server/user.h"

struct oe_srv_pam;
struct oe_srv_session;
struct oe_timer;
struct oe_watch;

enum oe_srv_phase {
	OE_SRV_PHASE_AUTH, /* nobody is logged in */
	OE_SRV_PHASE_OPEN, /* logged in: sessions may be had */
	OE_SRV_PHASE_OVER, /* ending: nothing may be had */
};

/* Why a connection ended; the text is in events and logs. */
enum oe_srv_end {
	OE_SRV_END_NONE,
	OE_SRV_END_PEER,     /* the peer left or was lost */
	OE_SRV_END_GRACE,    /* not authenticated in time */
	OE_SRV_END_TRIES,    /* too many authentication attempts */
	OE_SRV_END_PROTOCOL, /* net asked what it may not ask */
	OE_SRV_END_SHUTDOWN, /* the server stops */
	OE_SRV_END_LISTENER, /* the listener refused: sessions are full */
	OE_SRV_END_POLICY,   /* the policy refuses, or no longer permits */
	OE_SRV_END_ORDER,    /* an administrator wants it so */
	OE_SRV_END_INTERNAL, /* something failed on our side */
};

/* What stands for the key of a login, beside the rule. */
enum oe_srv_vouched {
	OE_SRV_VOUCHED_FILE, /* authorized keys, a password, the user's own
				name in a trusted certificate: for good */
	OE_SRV_VOUCHED_KEY,  /* the rule names the key */
	OE_SRV_VOUCHED_CERT, /* the rule names who the certificate says */
};

struct oe_srv_conn {
	const struct oe_srv *srv;
	const struct oe_srv_peer *peer;
	struct oe_logctx lc, lc_peer, lc_user;
	struct oe_loop *loop;
	int rpc, notices, signals; /* signals: signalfd */
	pid_t net;
	enum oe_srv_phase phase;
	enum oe_srv_end end;
	bool done;
	unsigned asked[OE_SRV_REQ_COUNT]; /* requests so far, by type */
	struct oe_timer *grace, *kill;
	struct oe_timer *condemned; /* for sessions that do not end; or NULL */
	char *version; /* the peer's, as it says; NULL before HELLO */
	/* authentication */
	char *user; /* as first requested; later requests must repeat it */
	struct oe_srv_user account;
	bool account_known; /* looked up and acceptable */
	bool account_looked_up;
	struct oe_srv_rule offer; /* what the policy said of who asked last */
	unsigned tries, failures, nones;
	struct oe_srv_pam *pam;
	struct oe_ipc_msg pending; /* read ahead during a conversation */
	bool has_pending;
	/* what the login yielded */
	struct oe_grant grant;
	const char *method; /* NULL: not logged in */
	struct oe_srv_rule rule;
	/* the policy in force; doc is ours when it came after the fork */
	struct oe_srv_policy policy;
	struct oe_srv_doc *doc;
	struct oe_srv_snapshot snapshot;
	int listener; /* pidfd; -1: it is not watched */
	struct oe_watch *listener_watch;
	/* to decide anew: who it is, and what their key permits by itself */
	struct oe_srv_identity_own who;
	struct oe_grant proven;
	enum oe_srv_vouched vouched;
	struct oe_timer *redecide;
	int64_t login_ms; /* monotonic */
	/* sessions */
	struct oe_srv_session *sessions;
	uint32_t next_session;
	unsigned open_sessions;
	bool pam_open;
	char *agent_path, *agent_dir;
	int agent_fd;
	struct oe_watch *agent_watch;
	/* port forwarding, or NULL without that module */
	const struct oe_srv_forwarding *forwarding;
	struct oe_srv_forwards *forwards; /* its state; NULL: unused so far */
};

/**
 * oe_srv__conn_init() - a connection in its first phase, with its loop and
 * grace timer; rpc, notices and signals are the caller's to set.
 */
void oe_srv__conn_init(struct oe_srv_conn *c, const struct oe_srv *srv,
    const struct oe_srv_peer *peer);
/** oe_srv__conn_done() - end all that runs, write the last event, free. */
void oe_srv__conn_done(struct oe_srv_conn *c);
/**
 * oe_srv__serve() - receive one request of net at c->rpc and serve it.
 * The end of net, and a request that is out of order, sets c->done.
 */
void oe_srv__serve(struct oe_srv_conn *c);
/** oe_srv__reply() - answer a request by u8 @answer alone. */
void oe_srv__reply(struct oe_srv_conn *c, uint8_t type, uint8_t answer);
/** oe_srv__notice() - send a notice; done with @m afterwards. */
void oe_srv__notice(struct oe_srv_conn *c, struct oe_ipc_msg *m);
/** oe_srv__end() - begin to end the connection; the first reason counts. */
void oe_srv__end(struct oe_srv_conn *c, enum oe_srv_end why, const char *say);
/** oe_srv__reply_text() - the same with words for the person behind it. */
void oe_srv__reply_text(
    struct oe_srv_conn *c, uint8_t type, uint8_t answer, const char *text);
/**
 * oe_srv__become() - the process becomes the connection's user for good; its
 * supplementary groups are the caller's to set.  Return: 0 or -1.
 */
int oe_srv__become(const struct oe_srv_conn *c);
/** oe_srv__report() - tell the listener. */
void oe_srv__report(struct oe_srv_conn *c, enum oe_srv_report_what what);
/** oe_srv__event() - begin an event with the connection's fields. */
void oe_srv__event(struct oe_srv_conn *c, struct oe_event *e, const char *name);

/*
 * Handlers of requests.  Each reads its payload, and replies exactly once.
 * Return: 0, or OE_EPROTO: the request was malformed, the connection ends.
 */
typedef int oe_srv_handler(struct oe_srv_conn *c, struct oe_ipc_msg *m);

/* auth.c, auth_key.c */
oe_srv_handler oe_srv__auth_key, oe_srv__auth_password, oe_srv__auth_none,
    oe_srv__auth_kbdint;
/** oe_srv__auth_take_user() - the user of a request; false: refuse it. */
bool oe_srv__auth_take_user(struct oe_srv_conn *c, char *user);
/**
 * oe_srv__auth_account() - the account that @id leads to: by the map of users
 * once, or by what the policy says, which is left in c->offer.
 * Return: is there an acceptable one?
 */
bool
oe_srv__auth_account(struct oe_srv_conn *c, const struct oe_srv_identity *id);
/** oe_srv__auth_account_plain() - the same for a method without a key. */
bool
oe_srv__auth_account_plain(struct oe_srv_conn *c, enum oe_srv_method method);
/**
 * oe_srv__auth_finish() - @id is proven: policy and account checks, then the
 * phase changes.  @grant, what the key itself permits, is taken over.
 * Return: true when logged in.
 */
bool oe_srv__auth_finish(struct oe_srv_conn *c,
    const struct oe_srv_identity *id, struct oe_grant *grant);
/** oe_srv__auth_allow() - reply, with the rule's message. */
void oe_srv__auth_allow(struct oe_srv_conn *c, uint8_t type);
/**
 * oe_srv__auth_has_reason() - a rule that names who asks refuses them, and
 * says why: their key is worth a proof, so that they can be told.
 */
bool oe_srv__auth_has_reason(const struct oe_srv_conn *c);
/**
 * oe_srv__auth_explain() - reply no to a proven key, with the words of a rule
 * that names it, if it has some.
 */
void oe_srv__auth_explain(struct oe_srv_conn *c, uint8_t type);
/** oe_srv__auth_finish_plain() - the same for a method without a key. */
bool
oe_srv__auth_finish_plain(struct oe_srv_conn *c, enum oe_srv_method method);
/** oe_srv__auth_deny() - count, wait for the common moment, and reply. */
void oe_srv__auth_deny(struct oe_srv_conn *c, uint8_t type, const char *method,
    const char *why, bool attempt, int64_t since_ms);

/* redecide.c */
/** oe_srv__decide() - what the policy says, narrowed by the options. */
int
oe_srv__decide(const struct oe_srv_conn *c, const struct oe_srv_identity *id,
    struct oe_srv_rule *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_srv__policy_begin() - logged in: arm what ends or changes that. */
void oe_srv__policy_begin(struct oe_srv_conn *c);
/**
 * oe_srv__policy_watch() - end the connection with the listener, when that is
 * where the policy comes from; after net was forked.
 */
void oe_srv__policy_watch(struct oe_srv_conn *c);
/** oe_srv__session_recheck() - end what the rule does not permit any more. */
void oe_srv__session_recheck(struct oe_srv_conn *c);
/** oe_srv__policy_changed() - the listener says that there is another one. */
void oe_srv__policy_changed(struct oe_srv_conn *c);
/** oe_srv__policy_done() - forget it all. */
void oe_srv__policy_done(struct oe_srv_conn *c);

/* session.c, session_start.c, session_agent.c */
oe_srv_handler oe_srv__session_open, oe_srv__session_pty, oe_srv__session_env,
    oe_srv__session_start, oe_srv__session_window, oe_srv__session_signal,
    oe_srv__session_agent, oe_srv__session_close;
/** oe_srv__session_reaped() - child @pid ended; false: not one of ours. */
bool oe_srv__session_reaped(struct oe_srv_conn *c, pid_t pid, int status);
/** oe_srv__session_end_all() - hang up all processes, close the books. */
void oe_srv__session_end_all(struct oe_srv_conn *c);
