/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy document as the policy of ssh-server.
 */
#include "mesh/server_policy.h"

#include <stdlib.h>
#include <string.h>

#include "core/app/exitcode.h"
#include "core/app/param.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "mesh/server_feed.h"
#include "mesh/server_identity.h"
#include "server/source.h"

struct oe_srv_doc {
	struct oe_policy *policy;
	const struct oe_mesh__provider *provider;
};

const struct oe_param oe_mesh_server_params[] = {
    {.name = "policy",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "obey this policy document: who may log in as whom, and what "
		"they may do; changes are seen at once, and end what they no "
		"longer permit",
	.section = "Login"},
    {.name = NULL},
};

static int
source_open(
    const struct oe_values *v, struct oe_srv_feed **ret, struct oe_err *err)
{
	const char *path;

	(void)err;
	*ret = NULL;
	if (!oe_values_knows(v, "policy"))
		return 0;
	path = oe_values_str(v, "policy");
	if (path && *path)
		*ret = oe_mesh__feed_new(path);
	return 0;
}

static int
source_parse(
    const void *p, size_t n, struct oe_srv_doc **ret, struct oe_err *err)
{
	struct oe_policy *policy = NULL;
	int r = oe_policy_parse(p, n, NULL, &policy, err);

	if (r < 0)
		return oe_err_wrap(err, r, "the policy");
	*ret = oe_mem_zalloc(sizeof **ret);
	(*ret)->policy = policy;
	(*ret)->provider = &oe_mesh__identity_alone;
	return 0;
}

static void
source_free(struct oe_srv_doc **d)
{
	if (*d)
		oe_policy_free(&(*d)->policy);
	oe_mem_free(d);
}

static char *
source_describe(const struct oe_srv_doc *d)
{
	size_t n = oe_policy_count(d->policy);

	return oe_mem_printf("%zu rule%s", n, n == 1 ? "" : "s");
}

/* --- a verdict as a rule of the server --- */

static void
rule_lists(const struct oe_strs *from, struct oe_strs *to)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		oe_strs_add(to, from->v[i]);
}

/* A list that is there and empty accepts nothing: "" as a pattern. */
static char *
rule_env(const struct oe_strs *patterns)
{
	char *s = oe_mem_strdup(""), *longer;
	size_t i;

	for (i = 0; i < patterns->n; i++) {
		longer =
		    oe_mem_printf("%s%s%s", s, i ? "," : "", patterns->v[i]);
		free(s);
		s = longer;
	}
	return s;
}

static void
rule_files(const struct oe_policy_action *a, struct oe_srv_rule *ret)
{
	ret->files = a->allow_sftp && oe_policy_roots(a, &ret->roots);
	ret->read_only = a->read_only || a->sftp_mode == OE_POLICY_SFTP_READ;
	ret->write_only =
	    !ret->read_only && a->sftp_mode == OE_POLICY_SFTP_WRITE;
}

static void
rule_forwarding(const struct oe_policy_action *a, struct oe_srv_rule *ret)
{
	ret->grant.agent = a->allow_agent_forwarding;
	ret->forward_local = a->allow_local_port_forwarding;
	ret->forward_remote = a->allow_remote_port_forwarding;
	ret->open_listed = a->open_listed;
	ret->listen_listed = a->listen_listed;
	rule_lists(&a->permit_open, &ret->permit_open);
	rule_lists(&a->permit_listen, &ret->permit_listen);
}

/*
 * This build has no recorder: where recording is asked for, nothing can be
 * permitted that would have to be recorded, and what cannot be recorded even
 * less.
 */
static void
rule_recording(const struct oe_policy_action *a, struct oe_srv_rule *ret)
{
	if (a->record == OE_POLICY_RECORD_OFF)
		return;
	ret->barred = oe_mem_strdup(
	    a->record_reject_message
		? a->record_reject_message
		: "the policy asks for a recording, and this server cannot "
		  "make one");
	ret->barred_status = OE_EXIT_RECORDING;
	ret->forward_local = ret->forward_remote = ret->grant.agent = false;
}

static void
rule_fill(const struct oe_policy_verdict *v, struct oe_srv_rule *ret)
{
	const struct oe_policy_action *a = v->action;

	ret->local_user = oe_mem_strdup(v->local_user);
	ret->root = v->literal;
	ret->opaque = a;
	ret->message = oe_mem_strdup(a->message);
	ret->max_sessions = a->max_sessions;
	ret->idle_timeout_s = a->idle_timeout_s;
	ret->duration_s = a->session_duration_s;
	ret->until_s = v->until_s;
	ret->confined = oe_policy_confines(a);
	ret->grant.pty = !ret->confined || a->force_command;
	ret->grant.force_command = oe_mem_strdup(a->force_command);
	if (v->accept_env)
		ret->accept_env = rule_env(v->accept_env);
	rule_files(a, ret);
	rule_forwarding(a, ret);
	rule_recording(a, ret);
}

/* Words for somebody whom the rule refuses. */
static char *
rule_refusal(const struct oe_policy_verdict *v)
{
	const char *message = v->action->message;

	if (v->reason == OE_POLICY_REJECTED && message)
		return oe_mem_strdup(message);
	return oe_mem_printf("%s%s%s", oe_policy_reason_text(v->reason),
	    message ? ": " : "", message ? message : "");
}

static int
source_decide(const void *self, const struct oe_srv_identity *id,
    struct oe_srv_rule *ret, struct oe_err *err)
{
	const struct oe_srv_doc *d = self;
	struct oe_mesh__subject s;
	struct oe_policy_verdict v;
	int r = 0;

	d->provider->fill(d->provider->self, id, &s);
	oe_policy_decide(d->policy, &s.s, &v);
	if (v.matched & s.by_key)
		ret->vouches |= OE_SRV_VOUCH_KEY;
	if (v.matched & s.by_cert)
		ret->vouches |= OE_SRV_VOUCH_CERT;
	ret->id = oe_mem_strdup(v.rule_id);
	if (v.outcome == OE_POLICY_ACCEPT) {
		rule_fill(&v, ret);
	} else {
		if (v.action)
			ret->message = rule_refusal(&v);
		r = oe_err_set(err, OE_EPERM, "%s%s%s",
		    v.rule_id ? v.rule_id : "", v.rule_id ? ": " : "",
		    oe_policy_reason_text(v.reason));
	}
	oe_mesh__subject_done(&s);
	return r;
}

static int
source_command(const void *self, const struct oe_srv_rule *rule,
    const char *command, struct oe_err *err)
{
	const struct oe_policy_action *a = rule->opaque;
	enum oe_policy_command c = oe_policy_command(a, command);

	(void)self;
	if (c != OE_POLICY_COMMAND_OK)
		return oe_err_set(
		    err, OE_EPERM, "%s", oe_policy_command_text(c));
	if ((a->read_only || a->paths_listed) && !a->commands_listed)
		return oe_err_set(err, OE_EPERM,
		    "the policy bounds files, so that only commands which it "
		    "names may be run");
	return 0;
}

static struct oe_srv_policy
source_policy(const struct oe_srv_doc *d)
{
	struct oe_srv_policy p = {
	    .decide = source_decide,
	    .self = d,
	    .command = source_command,
	    .maps_users = true,
	};

	return p;
}

const struct oe_srv_source oe_mesh_server_source = {
    .open = source_open,
    .close = oe_mesh__feed_close,
    .watch = oe_mesh__feed_watch,
    .take = oe_mesh__feed_take,
    .parse = source_parse,
    .free = source_free,
    .policy = source_policy,
    .describe = source_describe,
};
