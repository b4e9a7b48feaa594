/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication in the monitor: who asks, may they, and what they may then.
 *
 * Known and unknown users get the same answers at the same moments: every
 * refusal leaves at a multiple of OE_SRV_DENY_GRID_MS after its request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "server/conn.h"
#include "server/login.h"
#include "server/pam.h"
#include "server/proto.h"
#include "server/usermap.h"

#define OE_SRV_DENY_GRID_MS 10
/* A client asks once; one that goes on asking wants something else. */
#define OE_SRV_NONES_MAX 20
/* After login, what is still in use after so long stays in use. */
#define OE_SRV_TRIM_MS 500

bool
oe_srv__auth_take_user(struct oe_srv_conn *c, char *user)
{
	bool same;

	if (c->user) {
		same = !strcmp(c->user, user);
		free(user);
		return same;
	}
	c->user = user;
	c->lc_user.value = user;
	return true;
}

static int
auth_account_judge(const struct oe_srv_conn *c, const struct oe_srv_user *u,
    struct oe_err *err)
{
	const char *self = c->srv->cfg->users.self;

	/* another spelling could be another rule's user */
	if (strcmp(u->name, c->offer.local_user))
		return oe_err_set(
		    err, OE_EPERM, "the account is '%s'", u->name);
	if (u->uid == 0 && (!c->offer.root || strcmp(u->name, "root")))
		return oe_err_set(err, OE_EPERM,
		    "'%s' is root, and the rule does not name root", u->name);
	if (self && strcmp(u->name, self))
		return oe_err_set(
		    err, OE_EPERM, "this server can only log in '%s'", self);
	return 0;
}

/* The account depends on who asks: keys of one connection may differ. */
static bool
auth_account_by_policy(struct oe_srv_conn *c, const struct oe_srv_identity *id)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	struct oe_err err = OE_ERR_INIT;
	int r;

	oe_srv_rule_done(&c->offer);
	r = oe_srv_policy_decide(&c->policy, id, &c->offer, &err);
	if (r == 0 && c->account_known &&
	    !strcmp(c->account.name, c->offer.local_user))
		return true;
	oe_srv_pam_free(&c->pam);
	oe_srv_user_done(&c->account);
	c->account_known = false;
	if (r == 0)
		r = oe_srv_user_lookup(c->offer.local_user, &u, &err);
	if (r == 0)
		r = auth_account_judge(c, &u, &err);
	if (r < 0) {
		oe_srv_user_done(&u);
		oe_log_debug(&c->lc_user, "%s", oe_err_text(&err));
		return false;
	}
	c->account = u;
	c->account_known = true;
	return true;
}

bool
oe_srv__auth_account(struct oe_srv_conn *c, const struct oe_srv_identity *id)
{
	struct oe_err err = OE_ERR_INIT;

	if (c->policy.maps_users)
		return auth_account_by_policy(c, id);
	if (c->account_looked_up)
		return c->account_known;
	c->account_looked_up = true;
	if (oe_srv_usermap_resolve(
		&c->srv->cfg->users, c->user, &c->account, &err) == 0)
		c->account_known = true;
	else
		oe_log_debug(&c->lc_user, "%s", oe_err_text(&err));
	return c->account_known;
}

static struct oe_srv_identity
auth_plain(const struct oe_srv_conn *c, enum oe_srv_method method)
{
	struct oe_srv_identity id = {
	    .requested_user = c->user,
	    .source = c->peer->text,
	    .addr = &c->peer->addr,
	    .local_addr = &c->peer->local_addr,
	    .interface = c->peer->interface[0] ? c->peer->interface : NULL,
	    .shared_link = c->peer->shared_link,
	    .method = method,
	};

	return id;
}

bool
oe_srv__auth_account_plain(struct oe_srv_conn *c, enum oe_srv_method method)
{
	struct oe_srv_identity id = auth_plain(c, method);

	return oe_srv__auth_account(c, &id);
}

void
oe_srv__auth_allow(struct oe_srv_conn *c, uint8_t type)
{
	if (c->rule.message)
		oe_srv__reply_text(c, type, OE_SSH_ALLOW, c->rule.message);
	else
		oe_srv__reply(c, type, OE_SSH_ALLOW);
}

bool
oe_srv__auth_has_reason(const struct oe_srv_conn *c)
{
	return c->offer.message && c->offer.vouches && !c->offer.local_user;
}

void
oe_srv__auth_explain(struct oe_srv_conn *c, uint8_t type)
{
	char *say;

	if (!oe_srv__auth_has_reason(c)) {
		oe_srv__reply(c, type, OE_SSH_DENY);
		return;
	}
	say = oe_mem_printf("refused by the policy: %s", c->offer.message);
	oe_srv__reply_text(c, type, OE_SSH_DENY, say);
	free(say);
}

static void
auth_wait_grid(int64_t since_ms)
{
	int64_t spent = oe_time_mono_ms() - since_ms;
	int64_t left = OE_SRV_DENY_GRID_MS - spent % OE_SRV_DENY_GRID_MS;
	struct timespec ts = {0, (long)left * 1000000};

	nanosleep(&ts, NULL);
}

void
oe_srv__auth_deny(struct oe_srv_conn *c, uint8_t type, const char *method,
    const char *why, bool attempt, int64_t since_ms)
{
	unsigned max = c->srv->cfg->max_auth_tries;
	struct oe_event e;

	c->tries++;
	if (attempt) {
		c->failures++;
		oe_srv__event(c, &e, "auth");
		oe_event_str(&e, "method", method);
		oe_event_bool(&e, "success", false);
		oe_event_str(&e, "why", why);
		oe_event_end(&e, &c->srv->events);
		oe_srv__report(c, OE_SRV_REPORT_FAILED);
		if (c->srv->cfg->root)
			oe_srv_login_failed(c->user ? c->user : "",
			    c->peer->text, c->peer->key, getpid(),
			    oe_time_wall_ms(), NULL);
	}
	oe_log_debug(&c->lc_user, "%s refused: %s", method, why);
	auth_wait_grid(since_ms);
	if (type == OE_SRV_REQ_PROVEN_KEY)
		oe_srv__auth_explain(c, type);
	else
		oe_srv__reply(c, type, OE_SSH_DENY);
	if (max && c->tries >= max)
		oe_srv__end(
		    c, OE_SRV_END_TRIES, "too many authentication failures");
}

/* The account phase: locked, expired, nologin, shell. */
static int
auth_account(struct oe_srv_conn *c, struct oe_err *err)
{
	struct oe_srv_pam_params p = {
	    .user = c->account.name,
	    .permitted = true,
	    .rhost = c->peer->text,
	};
	struct oe_buf text;
	int r;

	oe_buf_init(&text, OE_SRV_NOLOGIN_TEXT_MAX);
	r = oe_srv_user_check_nologin(&c->account, NULL, &text);
	oe_buf_done(&text);
	if (r < 0)
		return oe_err_set(err, r, "logins are closed (nologin)");
	r = oe_srv_user_check_shell(&c->account, err);
	if (r < 0)
		return r;
	if (!c->srv->cfg->pam)
		return oe_srv_user_check_account(
		    &c->account, oe_time_wall_ms() / 1000, err);
	if (!c->pam && (r = oe_srv_pam_start(&c->pam, &p, err)) < 0)
		return r;
	return oe_srv_pam_account(c->pam, err);
}

static void
auth_logged_in(struct oe_srv_conn *c, const struct oe_srv_identity *id)
{
	struct oe_ipc_msg m;
	struct oe_event e;

	c->phase = OE_SRV_PHASE_OPEN;
	oe_timer_set(c->grace, OE_SRV_TRIM_MS);
	oe_srv__report(c, OE_SRV_REPORT_AUTHENTICATED);
	oe_srv__event(c, &e, "auth");
	oe_event_str(&e, "method", c->method);
	oe_event_bool(&e, "success", true);
	oe_event_str(&e, "local_user", c->account.name);
	oe_event_str(&e, "key", id->key_fingerprint);
	if (id->ca_fingerprint) {
		oe_event_str(&e, "ca", id->ca_fingerprint);
		oe_event_str(&e, "key_id", id->cert_key_id);
		oe_event_int(&e, "serial", (int64_t)id->cert_serial);
	}
	oe_event_str(&e, "rule", c->rule.id);
	oe_event_end(&e, &c->srv->events);
	oe_log_debug(
	    &c->lc_user, "logged in as '%s' by %s", c->account.name, c->method);
	oe_ipc_msg_init(&m, OE_SRV_NOTE_LIMITS);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)c->rule.idle_timeout_s);
	oe_srv__notice(c, &m);
}

/* What the policy says of a proven identity, narrowed by its own grant. */
static int
auth_decide(struct oe_srv_conn *c, const struct oe_srv_identity *id,
    struct oe_grant *grant, struct oe_err *err)
{
	struct oe_srv_rule rule;
	struct oe_grant proven;
	int r = oe_srv__decide(c, id, &rule, err);

	if (r < 0) {
		oe_srv_rule_done(&rule);
		return r;
	}
	oe_grant_copy(&proven, grant);
	if (strcmp(rule.local_user, c->account.name) ||
	    !oe_srv_policy_may_be(id->method, c->account.uid))
		r = oe_err_set(err, OE_EPERM,
		    "the policy gives no way to '%s' by %s", c->account.name,
		    oe_srv_method_text(id->method));
	if (r == 0)
		r = oe_grant_intersect(grant, &rule.grant, err);
	if (r < 0) {
		oe_srv_rule_done(&rule);
		oe_grant_done(&proven);
		return r;
	}
	oe_grant_done(&c->proven);
	c->proven = proven;
	/* the account phase may have refused an earlier method */
	oe_srv_rule_done(&c->rule);
	c->rule = rule;
	return 0;
}

bool
oe_srv__auth_finish(struct oe_srv_conn *c, const struct oe_srv_identity *id,
    struct oe_grant *grant)
{
	struct oe_err err = OE_ERR_INIT;

	if (auth_decide(c, id, grant, &err) < 0 || auth_account(c, &err) < 0) {
		oe_log_info(
		    &c->lc_user, "login refused: %s", oe_err_text(&err));
		return false;
	}
	oe_grant_done(&c->grant);
	c->grant = *grant;
	oe_grant_init(grant, false);
	c->method = oe_srv_method_text(id->method);
	oe_srv_identity_own(&c->who, id);
	auth_logged_in(c, id);
	oe_srv__policy_begin(c);
	return true;
}

static void
auth_pam_params(struct oe_srv_conn *c, struct oe_srv_pam_params *p)
{
	memset(p, 0, sizeof *p);
	p->permitted = oe_srv__auth_account_plain(c, OE_SRV_METHOD_PASSWORD) &&
		       c->account.uid != 0;
	p->user = c->account_known ? c->account.name : c->user;
	p->rhost = c->peer->text;
	p->fail_delay_ms = OE_SRV_PAM_FAIL_DELAY_MS;
}

bool
oe_srv__auth_finish_plain(struct oe_srv_conn *c, enum oe_srv_method method)
{
	struct oe_srv_identity id = auth_plain(c, method);
	struct oe_grant all;
	bool ok;

	c->vouched = OE_SRV_VOUCHED_FILE;
	oe_grant_init(&all, true);
	ok = oe_srv__auth_finish(c, &id, &all);
	oe_grant_done(&all);
	return ok;
}

int
oe_srv__auth_password(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	int64_t since = oe_time_mono_ms();
	char *user = NULL, *password = NULL;
	struct oe_err err = OE_ERR_INIT;
	struct oe_srv_pam_params p;
	bool ok = false;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_USER_MAX, &user) < 0)
		return OE_EPROTO;
	if (!oe_srv__auth_take_user(c, user) ||
	    !(c->srv->cfg->methods & OE_SSH_AUTH_PASSWORD) ||
	    oe_buf_get_cstring(&m->payload, OE_SRV_PASSWORD_MAX, &password) <
		0) {
		oe_srv__auth_deny(
		    c, m->type, "password", "not accepted", true, since);
		return 0;
	}
	auth_pam_params(c, &p);
	oe_srv_pam_free(&c->pam);
	if (oe_srv_pam_start(&c->pam, &p, &err) == 0 &&
	    oe_srv_pam_password(c->pam, password, &err) == 0)
		ok = oe_srv__auth_finish_plain(c, OE_SRV_METHOD_PASSWORD);
	oe_mem_free_secret(&password);
	if (ok) {
		oe_srv__auth_allow(c, m->type);
		return 0;
	}
	oe_srv_pam_free(&c->pam);
	oe_srv__auth_deny(
	    c, m->type, "password", "wrong password or user", true, since);
	return 0;
}

/* A device that the policy knows by where it comes from, never as root. */
static bool
auth_by_place(struct oe_srv_conn *c)
{
	return c->policy.maps_users && c->policy.none &&
	       oe_srv__auth_account_plain(c, OE_SRV_METHOD_NONE) &&
	       c->account.uid != 0 && (c->offer.vouches & OE_SRV_VOUCH_PLACE) &&
	       oe_srv__auth_finish_plain(c, OE_SRV_METHOD_NONE);
}

int
oe_srv__auth_none(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	int64_t since = oe_time_mono_ms();
	char *user = NULL;
	bool may;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_USER_MAX, &user) < 0)
		return OE_EPROTO;
	may = oe_srv__auth_take_user(c, user);
	if (may && auth_by_place(c)) {
		oe_srv__auth_allow(c, m->type);
		return 0;
	}
	/* how every client asks for the methods: not a try, and no secret */
	may = may && c->srv->cfg->trust_network;
	if (!may) {
		if (c->policy.none)
			auth_wait_grid(since);
		oe_srv__reply(c, m->type, OE_SSH_DENY);
		if (++c->nones >= OE_SRV_NONES_MAX)
			oe_srv__end(c, OE_SRV_END_TRIES,
			    "too many authentication requests");
		return 0;
	}
	may = oe_srv__auth_account_plain(c, OE_SRV_METHOD_NONE) &&
	      c->account.uid != 0 &&
	      oe_cidr_list_contains(c->srv->cfg->trusted, &c->peer->addr);
	if (may && oe_srv__auth_finish_plain(c, OE_SRV_METHOD_NONE)) {
		oe_srv__auth_allow(c, m->type);
		return 0;
	}
	oe_srv__auth_deny(c, m->type, "none", "not accepted", false, since);
	return 0;
}
