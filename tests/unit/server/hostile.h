/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - a connection of the monitor whose net process is the caller.
 *
 * Nothing is forked for it and PAM is not asked: methods that need it are
 * off.  The account is the one that runs the test; the policy lets it in.
 */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/cidr.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "server/conn.h"
#include "server/proto.h"
#include "server/session.h"

struct hostile {
	struct oe_srv_config cfg;
	struct oe_srv srv;
	struct oe_srv_peer peer;
	struct oe_srv_conn conn;
	int rpc, notices; /* net's ends */
};

/* @keys: file of authorized keys; false: the environment is not fit. */
static inline bool
hostile_init(struct hostile *h, const char *keys)
{
	int rpc[2], notices[2];
	struct oe_srv_user self = OE_SRV_USER_INIT;

	memset(h, 0, sizeof *h);
	if (oe_srv_user_self(&self, NULL) < 0 || oe_ipc_pair(rpc, NULL) < 0 ||
	    oe_ipc_pair(notices, NULL) < 0 ||
	    oe_addr_parse("127.0.0.1", &h->peer.addr, NULL) < 0)
		return false;
	oe_srv_usermap_init(&h->cfg.users, self.name);
	oe_srv_user_done(&self);
	oe_srv_standalone_init(&h->cfg.standalone, &h->cfg.users);
	h->cfg.standalone.max_sessions = 3;
	h->cfg.policy = oe_srv_standalone_policy(&h->cfg.standalone);
	h->cfg.methods = OE_SSH_AUTH_PUBLICKEY;
	h->cfg.max_auth_tries = 6;
	h->cfg.login_grace_s = 60;
	h->cfg.accept_env = oe_mem_strdup("LANG,LC_*");
	oe_strs_add(&h->cfg.authorized_keys, keys);
	h->srv.cfg = &h->cfg;
	h->srv.events.fd = -1;
	h->srv.events.node = "test";
	h->srv.self_path = "/nonexistent/omniedge";
	h->srv.report_fd = -1;
	strcpy(h->peer.id, "c1");
	strcpy(h->peer.text, "127.0.0.1");
	strcpy(h->peer.local_text, "127.0.0.1");
	h->peer.since_ms = oe_time_mono_ms();
	oe_srv__conn_init(&h->conn, &h->srv, &h->peer);
	h->rpc = rpc[0];
	h->conn.rpc = rpc[1];
	h->notices = notices[0];
	h->conn.notices = notices[1];
	return true;
}

/* As after a login by a key that permits all but what @grant lacks. */
static inline void
hostile_log_in(struct hostile *h, bool all)
{
	struct oe_srv_conn *c = &h->conn;

	c->phase = OE_SRV_PHASE_OPEN;
	c->user = oe_mem_strdup(h->cfg.users.self);
	c->lc_user.value = c->user;
	if (oe_srv_user_self(&c->account, NULL) < 0)
		abort();
	c->account_known = true;
	c->method = "publickey";
	oe_grant_done(&c->grant);
	oe_grant_init(&c->grant, all);
	oe_srv_rule_done(&c->rule);
	oe_srv_rule_init(&c->rule);
	c->rule.max_sessions = 3;
}

static inline void
hostile_done(struct hostile *h)
{
	oe_srv__conn_done(&h->conn);
	oe_fd_close(&h->rpc);
	oe_fd_close(&h->notices);
	oe_strs_done(&h->cfg.authorized_keys);
	oe_srv_standalone_done(&h->cfg.standalone);
	oe_srv_usermap_done(&h->cfg.users);
	oe_mem_free(&h->cfg.accept_env);
}
