/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/policy.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/mesh/policy_internal.h"

static void
rule_done(struct oe_policy__rule *rule)
{
	size_t i;

	for (i = 0; i < rule->n_principals; i++)
		free(rule->principals[i].text);
	free(rule->principals);
	for (i = 0; i < rule->n_users; i++) {
		free(rule->users[i].ssh);
		free(rule->users[i].local);
	}
	free(rule->users);
	free(rule->id);
	oe_strs_done(&rule->accept_env);
	oe_policy__action_done(&rule->action);
}

void
oe_policy_free(struct oe_policy **pp)
{
	struct oe_policy *p = *pp;
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		rule_done(&p->rules[i]);
	free(p->rules);
	oe_policy__index_free(&p->index);
	oe_mem_free(pp);
}

uint64_t
oe_policy_version(const struct oe_policy *p)
{
	return p->version;
}

size_t
oe_policy_count(const struct oe_policy *p)
{
	return p->n;
}

static const struct oe_policy__user *
rule_user(const struct oe_policy__rule *rule, const char *name)
{
	size_t low = 0, high = rule->n_users, mid;
	int c;

	while (low < high) {
		mid = low + (high - low) / 2;
		c = strcmp(name, rule->users[mid].ssh);
		if (!c)
			return &rule->users[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* "ann@example.org" is ann. */
static bool
user_localpart(const char *email, char *ret, size_t size)
{
	size_t n = email ? strcspn(email, "@") : 0;

	if (!n || !email[n] || n >= size)
		return false;
	memcpy(ret, email, n);
	ret[n] = 0;
	return true;
}

static enum oe_policy_reason
verdict_user(const struct oe_policy__rule *rule,
    const struct oe_policy_subject *s, struct oe_policy_verdict *ret)
{
	const struct oe_policy__user *u = rule_user(rule, s->requested_user);
	bool named = u != NULL;

	if (!u)
		u = rule_user(rule, "*");
	if (!u)
		return OE_POLICY_NO_USER;
	if (!strcmp(u->local, "localpart")) {
		if (!user_localpart(
			s->user_email, ret->local_user, sizeof ret->local_user))
			return OE_POLICY_NO_USER;
	} else if (!oe_str_copy(ret->local_user, sizeof ret->local_user,
		       strcmp(u->local, "=") ? u->local : s->requested_user)) {
		return OE_POLICY_NO_USER;
	}
	ret->literal =
	    named && strcmp(u->local, "=") && strcmp(u->local, "localpart");
	return !strcmp(ret->local_user, "root") && !ret->literal
		   ? OE_POLICY_ROOT
		   : OE_POLICY_OK;
}

static enum oe_policy_reason
verdict_reason(const struct oe_policy__rule *rule,
    const struct oe_policy_subject *s, struct oe_policy_verdict *ret)
{
	const struct oe_policy_action *a = &rule->action;

	if (a->reject)
		return OE_POLICY_REJECTED;
	if (!a->accept)
		return OE_POLICY_SILENT;
	if (a->hold_and_delegate)
		return OE_POLICY_HELD;
	if (!oe_policy__times_open(a->times, s->now_s))
		return OE_POLICY_CLOSED;
	return verdict_user(rule, s, ret);
}

void
oe_policy_decide(const struct oe_policy *p, const struct oe_policy_subject *s,
    struct oe_policy_verdict *ret)
{
	const struct oe_policy__rule *rule;
	int64_t until;

	*ret = (struct oe_policy_verdict){
	    .outcome = OE_POLICY_NO_MATCH,
	    .reason = OE_POLICY_NO_RULE,
	    .rule_index = (size_t)-1,
	    .until_s = INT64_MAX,
	};
	if (!s->requested_user)
		return;
	rule = oe_policy__index_find(p, s, &ret->matched);
	if (!rule)
		return;
	ret->rule_id = rule->id;
	ret->rule_index = (size_t)(rule - p->rules);
	ret->action = &rule->action;
	ret->accept_env = rule->has_accept_env ? &rule->accept_env : NULL;
	ret->reason = verdict_reason(rule, s, ret);
	if (ret->reason != OE_POLICY_OK) {
		ret->outcome = OE_POLICY_REJECT;
		ret->local_user[0] = 0;
		return;
	}
	ret->outcome = OE_POLICY_ACCEPT;
	until = oe_policy__times_until(rule->action.times, s->now_s);
	ret->until_s = until < rule->expires_s ? until : rule->expires_s;
}

const char *
oe_policy_reason_text(enum oe_policy_reason r)
{
	switch (r) {
	case OE_POLICY_OK:
		break;
	case OE_POLICY_NO_RULE:
		return "no rule of the policy matches";
	case OE_POLICY_REJECTED:
		return "the rule rejects";
	case OE_POLICY_SILENT:
		return "the rule does not accept";
	case OE_POLICY_HELD:
		return "the rule delegates the decision, and there is nobody "
		       "here to ask";
	case OE_POLICY_CLOSED:
		return "it is outside of the hours or days of the rule";
	case OE_POLICY_ROOT:
		return "root is reached only by a rule that names both sides";
	case OE_POLICY_NO_USER:
		return "the rule yields no local user";
	}
	return "the rule accepts";
}

const char *
oe_policy_kind_text(enum oe_policy_kind k)
{
	switch (k) {
	case OE_POLICY_ANY:
		break;
	case OE_POLICY_NODE_ID:
		return "node_id";
	case OE_POLICY_NODE_IP:
		return "node_ip";
	case OE_POLICY_USER_EMAIL:
		return "user_email";
	case OE_POLICY_NETWORK_ID:
		return "network_id";
	case OE_POLICY_TAG:
		return "tag";
	case OE_POLICY_GROUP:
		return "group";
	case OE_POLICY_CIDR:
		return "cidr";
	case OE_POLICY_FINGERPRINT:
		return "fingerprint";
	case OE_POLICY_CERT_PRINCIPAL:
		return "cert_principal";
	}
	return "any";
}
