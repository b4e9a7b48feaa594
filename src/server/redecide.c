/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live connection and its rule: decided anew when the policy changed, when
 * the rule says so, and ended when nothing permits it any more.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "server/conn.h"
#include "server/forwarding.h"

/* Clocks are set now and then: an end in wall time is looked at so often. */
#define OE_SRV_LOOK_MS 4000

/* The smaller one, where 0 is no bound. */
static int64_t
bound(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

int
oe_srv__decide(const struct oe_srv_conn *c, const struct oe_srv_identity *id,
    struct oe_srv_rule *ret, struct oe_err *err)
{
	const struct oe_srv_standalone *own = &c->srv->cfg->standalone;
	int r = oe_srv_policy_decide(&c->policy, id, ret, err);

	if (r < 0)
		return r;
	/* what the operator set holds beside every policy */
	ret->max_sessions =
	    (unsigned)bound(ret->max_sessions, own->max_sessions);
	ret->idle_timeout_s = bound(ret->idle_timeout_s, own->idle_timeout_s);
	ret->grant.agent = ret->grant.agent && own->grant.agent;
	return 0;
}

static int64_t
redecide_in_ms(const struct oe_srv_conn *c)
{
	int64_t left = -1, wall;

	if (c->rule.duration_s)
		left =
		    c->login_ms + c->rule.duration_s * 1000 - oe_time_mono_ms();
	if (c->rule.until_s == INT64_MAX)
		return c->rule.duration_s && left < 0 ? 0 : left;
	wall = c->rule.until_s * 1000 - oe_time_wall_ms();
	wall = wall < OE_SRV_LOOK_MS ? wall : OE_SRV_LOOK_MS;
	if (!c->rule.duration_s || wall < left)
		left = wall;
	return left < 0 ? 0 : left;
}

/* Does the new rule still have a word for the key, where one was needed? */
static bool
redecide_vouched(const struct oe_srv_conn *c, const struct oe_srv_rule *rule)
{
	switch (c->vouched) {
	case OE_SRV_VOUCHED_FILE:
		break;
	case OE_SRV_VOUCHED_KEY:
		return rule->vouches & OE_SRV_VOUCH_KEY;
	case OE_SRV_VOUCHED_CERT:
		return rule->vouches & (OE_SRV_VOUCH_KEY | OE_SRV_VOUCH_CERT);
	}
	return true;
}

static void
redecide_lost(struct oe_srv_conn *c, const char *message, const char *why)
{
	char *say = oe_mem_printf("the policy no longer permits this login%s%s",
	    message ? ": " : "", message ? message : "");

	oe_log_info(&c->lc_user, "ended by the policy: %s", why);
	oe_srv__end(c, OE_SRV_END_POLICY, say);
	free(say);
}

static void
redecide_limits(struct oe_srv_conn *c)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, OE_SRV_NOTE_LIMITS);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)c->rule.idle_timeout_s);
	oe_srv__notice(c, &m);
}

/* What follows is held to the new rule, and so is what is open. */
static int
redecide(struct oe_srv_conn *c, struct oe_srv_rule *rule, struct oe_err *err)
{
	struct oe_grant grant;
	int r = oe_srv__decide(c, &c->who.id, rule, err);

	if (r < 0)
		return r;
	if (strcmp(rule->local_user, c->account.name) ||
	    (c->account.uid == 0 && !rule->root))
		return oe_err_set(err, OE_EPERM, "the policy leads to '%s' now",
		    rule->local_user);
	if (!redecide_vouched(c, rule))
		return oe_err_set(
		    err, OE_EPERM, "the rule has no word for the key any more");
	oe_grant_copy(&grant, &c->proven);
	r = oe_grant_intersect(&grant, &rule->grant, err);
	if (r < 0) {
		oe_grant_done(&grant);
		return r;
	}
	oe_grant_done(&c->grant);
	c->grant = grant;
	return 0;
}

static void
redecide_now(struct oe_srv_conn *c)
{
	struct oe_err err = OE_ERR_INIT;
	int64_t idle_s = c->rule.idle_timeout_s;
	struct oe_srv_rule rule;
	int r = redecide(c, &rule, &err);

	if (r < 0) {
		redecide_lost(c, rule.message, oe_err_text(&err));
		oe_srv_rule_done(&rule);
		return;
	}
	oe_srv_rule_done(&c->rule);
	c->rule = rule;
	if (c->rule.idle_timeout_s != idle_s)
		redecide_limits(c);
	oe_srv__session_recheck(c);
	if (c->forwarding && c->forwarding->recheck)
		c->forwarding->recheck(c);
}

static bool
redecide_overdue(const struct oe_srv_conn *c)
{
	return c->rule.duration_s &&
	       oe_time_mono_ms() - c->login_ms >= c->rule.duration_s * 1000;
}

static void
redecide_on_timer(void *arg)
{
	struct oe_srv_conn *c = arg;

	if (c->phase != OE_SRV_PHASE_OPEN)
		return;
	if (!redecide_overdue(c))
		redecide_now(c);
	if (c->phase != OE_SRV_PHASE_OPEN)
		return;
	if (redecide_overdue(c))
		oe_srv__end(c, OE_SRV_END_POLICY,
		    "the session has lasted as long as the policy permits");
	else
		oe_timer_set(c->redecide, redecide_in_ms(c));
}

void
oe_srv__policy_begin(struct oe_srv_conn *c)
{
	c->login_ms = oe_time_mono_ms();
	c->redecide =
	    oe_loop_timer(c->loop, redecide_in_ms(c), redecide_on_timer, c);
}

/* The new bytes are parsed before the old policy goes: rules point into it. */
static int
policy_fetch(struct oe_srv_conn *c, struct oe_srv_doc **ret, struct oe_err *err)
{
	const struct oe_srv_source *source = c->srv->cfg->source;
	struct oe_buf text;
	int r = oe_srv_snapshot_get(&c->snapshot, &text, err);

	if (r < 0)
		return r;
	r = source->parse(oe_buf_head(&text), oe_buf_left(&text), ret, err);
	oe_buf_done(&text);
	return r;
}

void
oe_srv__policy_changed(struct oe_srv_conn *c)
{
	const struct oe_srv_source *source = c->srv->cfg->source;
	struct oe_err err = OE_ERR_INIT;
	struct oe_srv_doc *doc = NULL;
	int r;

	if (!source || !c->policy.maps_users || c->snapshot.fd < 0)
		return;
	r = policy_fetch(c, &doc, &err);
	if (r == OE_EAGAIN)
		return;
	if (r < 0) {
		/* the listener found it good: something is wrong here */
		oe_log_error(
		    &c->lc_user, "the new policy: %s", oe_err_text(&err));
		oe_srv__end(c, OE_SRV_END_INTERNAL,
		    "the policy changed and cannot be read");
		return;
	}
	c->policy = source->policy(doc);
	if (c->phase == OE_SRV_PHASE_OPEN) {
		redecide_now(c);
		if (c->phase == OE_SRV_PHASE_OPEN)
			oe_timer_set(c->redecide, redecide_in_ms(c));
	} else {
		/* what was offered by the old one counts no more */
		oe_srv_rule_done(&c->offer);
		oe_srv_rule_init(&c->offer);
	}
	source->free(&c->doc);
	c->doc = doc;
}

static void
redecide_on_listener(void *arg, short revents)
{
	struct oe_srv_conn *c = arg;

	(void)revents;
	oe_watch_set(c->listener_watch, 0);
	oe_log_error(&c->lc_user,
	    "the server is gone, and with it who would tell of changes of the "
	    "policy");
	oe_srv__end(c, OE_SRV_END_POLICY, "the server has ended");
}

void
oe_srv__policy_watch(struct oe_srv_conn *c)
{
	if (c->snapshot.fd < 0)
		return;
	c->listener = (int)syscall(SYS_pidfd_open, c->srv->listener, 0);
	/* it may be gone by now, and its number somebody else's */
	if (getppid() != c->srv->listener)
		oe_srv__end(c, OE_SRV_END_POLICY, "the server has ended");
	else if (c->listener >= 0)
		c->listener_watch = oe_loop_watch(
		    c->loop, c->listener, POLLIN, redecide_on_listener, c);
	else
		oe_log_warn(&c->lc, "watch the server: %s", strerror(errno));
}

void
oe_srv__policy_done(struct oe_srv_conn *c)
{
	oe_watch_free(&c->listener_watch);
	oe_fd_close(&c->listener);
	oe_timer_free(&c->redecide);
	oe_srv_rule_done(&c->rule);
	oe_srv_rule_done(&c->offer);
	oe_srv_identity_own_done(&c->who);
	oe_grant_done(&c->proven);
	if (c->doc)
		c->srv->cfg->source->free(&c->doc);
}
