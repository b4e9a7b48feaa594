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
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "mesh/policy_api.h"
#include "mesh/policy_file.h"
#include "mesh/roster.h"
#include "mesh/server_identity.h"
#include "server/source.h"

#define SECTION_API "Policy of a control API"

struct oe_srv_doc {
	struct oe_policy *policy;
	struct oe_mesh__provider provider;
	/* of a control API: */
	char *denied; /* nothing is permitted, and why; or NULL */
	struct oe_roster *roster;
	struct oe_mesh__network network;
	char *network_id, *device_id, *interface; /* what it borrows */
};

/* One of them. */
struct oe_srv_feed {
	struct oe_mesh__file *file;
	struct oe_mesh__api *api;
};

const struct oe_param oe_mesh_server_params[] = {
    {.name = "policy",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "obey this policy document: who may log in as whom, and what "
		"they may do; changes are seen at once, and end what they no "
		"longer permit",
	.section = "Login",
	.group = "policy"},
    {.name = "api",
	.type = OE_PARAM_FLAG,
	.help = "obey the policy of the control API that this machine is "
		"logged in to, and of the network that it has joined",
	.section = SECTION_API,
	.group = "policy"},
    {.name = "api-login",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "file of the login, as 'omniedge login --file' made it; "
		"otherwise ~/.omniedge/omniedge-ssh.json",
	.section = SECTION_API},
    {.name = "api-key",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "security key to log in with again when the login has ended",
	.section = SECTION_API},
    {.name = "api-network",
	.type = OE_PARAM_STRING,
	.metavar = "ID",
	.help = "network whose policy is obeyed; otherwise the one that was "
		"joined last",
	.section = SECTION_API},
    {.name = "api-state",
	.type = OE_PARAM_PATH,
	.metavar = "FOLDER",
	.help = "where signed copies, and events that are not sent yet, are "
		"kept; otherwise ssh-server beside the file of the login",
	.section = SECTION_API},
    {.name = "api-interval",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.fallback = "60",
	.min = 1,
	.max = 3600,
	.help = "how often the API is asked for changes; orders to end a "
		"session four times as often",
	.section = SECTION_API},
    {.name = "api-spool",
	.type = OE_PARAM_SIZE,
	.metavar = "SIZE",
	.fallback = "64M",
	.min = 1 << 16,
	.max = (int64_t)1 << 40,
	.help = "events that may wait on disk; with more no connections are "
		"taken, with twice as much those that live are ended",
	.section = SECTION_API},
    {.name = "policy-max-age",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.fallback = "24h",
	.min = 1,
	.max = 365 * 86400,
	.help = "how long the policy is good for while the API is away; then "
		"nothing is permitted",
	.section = SECTION_API},
    {.name = "mesh-interface",
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "network interface of the mesh: who comes in by it from the "
		"address of a device may be known by that alone, where a rule "
		"permits its owner; never as root",
	.section = SECTION_API},
    {.name = "mesh-trust-members",
	.type = OE_PARAM_FLAG,
	.help = "believe addresses on a mesh interface that is an Ethernet, "
		"as n2n's is, too: any member of such a mesh can take "
		"another's address, and with it log in as the other",
	.section = SECTION_API},
    {.name = NULL},
};

static int
source_open(
    const struct oe_values *v, struct oe_srv_feed **ret, struct oe_err *err)
{
	struct oe_mesh__api *api = NULL;
	const char *path;
	int r;

	*ret = NULL;
	if (!oe_values_knows(v, "policy"))
		return 0;
	r = oe_mesh__api_open(v, &api, err);
	if (r < 0)
		return r;
	path = oe_values_str(v, "policy");
	if (!api && (!path || !*path))
		return 0;
	*ret = oe_mem_zalloc(sizeof **ret);
	(*ret)->api = api;
	if (!api)
		(*ret)->file = oe_mesh__file_new(path);
	return 0;
}

static void
source_close(struct oe_srv_feed **f)
{
	if (!*f)
		return;
	oe_mesh__file_close(&(*f)->file);
	oe_mesh__api_close(&(*f)->api);
	oe_mem_free(f);
}

static int
source_watch(struct oe_srv_feed *f, const struct oe_strs *host_keys, int port,
    struct oe_err *err)
{
	return f->api ? oe_mesh__api_watch(f->api, host_keys, port, err)
		      : oe_mesh__file_watch(f->file, err);
}

static int
source_take(struct oe_srv_feed *f, struct oe_buf *ret, struct oe_err *err)
{
	return f->api ? oe_mesh__api_take(f->api, ret, err)
		      : oe_mesh__file_take(f->file, ret, err);
}

static int
source_events(const struct oe_srv_feed *f)
{
	return f->api ? oe_mesh__api_events(f->api) : -1;
}

static int
source_room(const struct oe_srv_feed *f, struct oe_err *err)
{
	return f->api ? oe_mesh__api_room(f->api, err) : 0;
}

static bool
source_order(struct oe_srv_feed *f, char conn[OE_SRV_ORDER_MAX])
{
	return f->api && oe_mesh__api_order(f->api, conn, OE_SRV_ORDER_MAX);
}

static int
doc_network(struct oe_srv_doc *d, const struct oe_jval *v, struct oe_err *err)
{
	int r;

	d->denied = oe_mem_strdup(oe_jval_get_text(v, "denied"));
	if (d->denied)
		return 0;
	r = oe_policy_parse_value(
	    oe_jval_get(v, "policy"), NULL, &d->policy, err);
	if (r == 0)
		r = oe_roster_read(
		    oe_jval_get(v, "directory"), &d->roster, err);
	if (r < 0)
		return r;
	d->network_id = oe_mem_strdup(oe_jval_get_text(v, "network_id"));
	d->device_id = oe_mem_strdup(oe_jval_get_text(v, "device_id"));
	d->interface = oe_mem_strdup(oe_jval_get_text(v, "interface"));
	d->network = (struct oe_mesh__network){
	    .roster = d->roster,
	    .network_id = d->network_id,
	    .device_id = d->device_id,
	    .interface = d->interface,
	    .trust_members = oe_jval_get_bool(v, "trust_members", false),
	};
	d->provider = oe_mesh__identity_network(&d->network);
	return 0;
}

static void
source_free(struct oe_srv_doc **d)
{
	if (!*d)
		return;
	oe_policy_free(&(*d)->policy);
	oe_roster_free(&(*d)->roster);
	oe_mem_free(&(*d)->network_id);
	oe_mem_free(&(*d)->device_id);
	oe_mem_free(&(*d)->interface);
	oe_mem_free(&(*d)->denied);
	oe_mem_free(d);
}

/* What a control API said begins with our own object, no file does. */
static int
source_parse(
    const void *p, size_t n, struct oe_srv_doc **ret, struct oe_err *err)
{
	struct oe_srv_doc *d = oe_mem_zalloc(sizeof *d);
	struct oe_jval *v = NULL;
	bool api = n > sizeof OE_MESH__API_MARK - 1 &&
		   !memcmp(p, OE_MESH__API_MARK, sizeof OE_MESH__API_MARK - 1);
	int r;

	d->provider = oe_mesh__identity_alone;
	if (api) {
		r = oe_jval_parse(
		    (const char *)p + sizeof OE_MESH__API_MARK - 1,
		    n - (sizeof OE_MESH__API_MARK - 1), &v, err);
		if (r == 0)
			r = doc_network(d, v, err);
		oe_jval_free(&v);
	} else {
		r = oe_policy_parse(p, n, NULL, &d->policy, err);
	}
	if (r < 0) {
		source_free(&d);
		return oe_err_wrap(err, r, "the policy");
	}
	*ret = d;
	return 0;
}

static char *
source_describe(const struct oe_srv_doc *d)
{
	size_t n;

	if (d->denied)
		return oe_mem_printf("none: %s", d->denied);
	n = oe_policy_count(d->policy);
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

	if (d->denied)
		return oe_err_set(err, OE_EPERM, "%s", d->denied);
	d->provider.fill(d->provider.self, id, &s);
	oe_policy_decide(d->policy, &s.s, &v);
	if (v.action)
		ret->vouches |= s.known;
	if (v.matched & s.by_key)
		ret->vouches |= OE_SRV_VOUCH_KEY;
	if (v.matched & s.by_cert)
		ret->vouches |= OE_SRV_VOUCH_CERT;
	ret->id = oe_mem_strdup(v.rule_id);
	if (id->method == OE_SRV_METHOD_NONE &&
	    !(s.known & OE_SRV_VOUCH_PLACE)) {
		r = oe_err_set(err, OE_EPERM, "nothing was proven");
	} else if (v.outcome == OE_POLICY_ACCEPT) {
		rule_fill(&v, ret);
		if (s.until_s < ret->until_s)
			ret->until_s = s.until_s;
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
	    .authorities = d->roster ? oe_roster_authorities(d->roster) : NULL,
	    .none = d->network.interface,
	};

	return p;
}

const struct oe_srv_source oe_mesh_server_source = {
    .open = source_open,
    .close = source_close,
    .watch = source_watch,
    .take = source_take,
    .events = source_events,
    .room = source_room,
    .order = source_order,
    .parse = source_parse,
    .free = source_free,
    .policy = source_policy,
    .describe = source_describe,
};
