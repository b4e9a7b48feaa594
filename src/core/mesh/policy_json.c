/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict as a value.
 */
#include "core/base/jval.h"
#include "core/base/time.h"
#include "core/mesh/policy.h"

static const char *
outcome_text(enum oe_policy_outcome o)
{
	switch (o) {
	case OE_POLICY_ACCEPT:
		return "accept";
	case OE_POLICY_REJECT:
		return "reject";
	case OE_POLICY_NO_MATCH:
		break;
	}
	return "no_match";
}

static const char *
reason_name(enum oe_policy_reason r)
{
	switch (r) {
	case OE_POLICY_OK:
		break;
	case OE_POLICY_NO_RULE:
		return "no_rule";
	case OE_POLICY_REJECTED:
		return "rejected";
	case OE_POLICY_SILENT:
		return "not_accepted";
	case OE_POLICY_HELD:
		return "held";
	case OE_POLICY_CLOSED:
		return "closed";
	case OE_POLICY_ROOT:
		return "root";
	case OE_POLICY_NO_USER:
		return "no_local_user";
	}
	return "accepted";
}

static struct oe_jval *
json_list(const struct oe_strs *list)
{
	struct oe_jval *v = oe_jval_array();
	size_t i;

	for (i = 0; i < list->n; i++)
		oe_jval_add(v, oe_jval_of_text(list->v[i]));
	return v;
}

static struct oe_jval *
json_kinds(unsigned kinds)
{
	struct oe_jval *v = oe_jval_array();
	unsigned k;

	for (k = OE_POLICY_ANY; k <= OE_POLICY_CERT_PRINCIPAL; k <<= 1)
		if (kinds & k)
			oe_jval_add(v, oe_jval_of_text(oe_policy_kind_text(
					   (enum oe_policy_kind)k)));
	return v;
}

/* null: no limit, no list. */
static void
json_number(struct oe_jval *v, const char *key, int64_t n)
{
	oe_jval_set(v, key, n ? oe_jval_of_int(n) : oe_jval_null());
}

static void
json_listed(
    struct oe_jval *v, const char *key, bool listed, const struct oe_strs *list)
{
	oe_jval_set(v, key, listed ? json_list(list) : oe_jval_null());
}

static struct oe_jval *
json_sftp(const struct oe_policy_action *a)
{
	struct oe_strs roots = {NULL, 0};
	struct oe_jval *v;
	bool some = oe_policy_roots(a, &roots);

	if (!a->allow_sftp || !some) {
		oe_strs_done(&roots);
		return oe_jval_null();
	}
	v = oe_jval_object();
	oe_jval_set_text(v, "mode",
	    a->read_only ? "read" : oe_policy_sftp_text(a->sftp_mode));
	json_listed(v, "roots", roots.n > 0, &roots);
	oe_strs_done(&roots);
	return v;
}

static struct oe_jval *
json_permissions(const struct oe_policy_verdict *d)
{
	const struct oe_policy_action *a = d->action;
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_bool(
	    v, "shell", !a->force_command && !oe_policy_confines(a));
	oe_jval_set_text(v, "force_command", a->force_command);
	json_listed(
	    v, "allowed_commands", a->commands_listed, &a->allowed_commands);
	json_listed(v, "blocked_commands", a->blocked_commands.n > 0,
	    &a->blocked_commands);
	oe_jval_set(v, "sftp", json_sftp(a));
	oe_jval_set_bool(v, "agent_forwarding", a->allow_agent_forwarding);
	oe_jval_set_bool(
	    v, "local_port_forwarding", a->allow_local_port_forwarding);
	json_listed(v, "permit_open", a->open_listed, &a->permit_open);
	oe_jval_set_bool(
	    v, "remote_port_forwarding", a->allow_remote_port_forwarding);
	json_listed(v, "permit_listen", a->listen_listed, &a->permit_listen);
	json_listed(v, "accept_env", d->accept_env != NULL,
	    d->accept_env ? d->accept_env : &a->recorders);
	json_number(v, "session_duration", a->session_duration_s);
	json_number(v, "idle_timeout", a->idle_timeout_s);
	json_number(v, "max_sessions", a->max_sessions);
	oe_jval_set_text(v, "record", oe_policy_record_text(a->record));
	return v;
}

struct oe_jval *
oe_policy_verdict_json(const struct oe_policy_verdict *d)
{
	struct oe_jval *v = oe_jval_object();
	bool accepted = d->outcome == OE_POLICY_ACCEPT;
	char until[40];

	oe_jval_set_text(v, "outcome", outcome_text(d->outcome));
	oe_jval_set_text(v, "reason", reason_name(d->reason));
	oe_jval_set_text(v, "why", oe_policy_reason_text(d->reason));
	oe_jval_set_text(v, "rule", d->rule_id);
	oe_jval_set(v, "index",
	    d->action ? oe_jval_of_int((int64_t)d->rule_index)
		      : oe_jval_null());
	oe_jval_set(v, "matched", json_kinds(d->matched));
	oe_jval_set_text(v, "local_user", accepted ? d->local_user : NULL);
	oe_jval_set_text(v, "message", d->action ? d->action->message : NULL);
	if (d->until_s != INT64_MAX) {
		oe_time_format(d->until_s * 1000, until, sizeof until);
		oe_jval_set_text(v, "until", until);
	} else {
		oe_jval_set(v, "until", oe_jval_null());
	}
	oe_jval_set(
	    v, "permissions", accepted ? json_permissions(d) : oe_jval_null());
	return v;
}
