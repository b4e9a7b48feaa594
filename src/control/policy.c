/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a network: stored when it is right, signed, tried out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/documents.h"
#include "control/handlers.h"
#include "control/resource.h"
#include "control/store_sweep.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"

#define CURRENT_POLICY                                                         \
	"SELECT body FROM policies WHERE network_id = ?1 "                     \
	"ORDER BY version DESC LIMIT 1"

/* Nobody is let in by a network that has never been given a policy. */
static struct oe_jval *
no_policy(void)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "version", 1);
	oe_ctl_set_time(v, "updated_at", 1000);
	oe_jval_set(v, "rules", oe_jval_array());
	return v;
}

static int
read_current(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, struct oe_jval **ret)
{
	char *text = NULL;
	int rc = oe_ctl_db_text(tx, CURRENT_POLICY,
	    OE_CTL_VALUES(oe_ctl_t(network)), &text, &call->err);

	if (rc == OE_ENOENT) {
		*ret = no_policy();
		return 0;
	}
	if (rc == 0)
		rc = oe_jval_parse(text, strlen(text), ret, &call->err);
	free(text);
	return rc;
}

static int
fill_policy(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    struct oe_jval *payload)
{
	struct oe_jval *v = NULL;
	int rc = read_current(call, tx, network, &v);

	if (rc == 0)
		oe_jval_set(payload, "policy", v);
	return rc;
}

/* Without a policy the version is older than that of any. */
const struct oe_ctl_document_kind oe_ctl_policy_document = {
    .name = "policy",
    .version = "SELECT COALESCE((SELECT MAX(version) FROM policies p "
	       "WHERE p.network_id = n.id), 1) FROM networks n WHERE n.id = ?1",
    .fill = fill_policy,
};

/* Mistakes of a policy: {"/rules/3/action": {"policy": "text"}}. */
static void
note_fault(void *arg, const struct oe_policy_fault *f)
{
	if (!f->warning)
		oe_ctl_invalid(
		    arg, f->pointer[0] ? f->pointer : "/", "policy", f->text);
}

static int
check_policy(
    struct oe_ctl_call *call, const struct oe_jval *v, struct oe_policy **ret)
{
	const struct oe_policy_faults faults = {note_fault, call};
	int rc = oe_policy_parse_value(v, &faults, ret, &call->err);

	if (rc && !oe_ctl_is_invalid(call))
		oe_ctl_invalid(call, "/", "policy", oe_err_text(&call->err));
	return rc;
}

/*
 * Is the policy that the caller has seen the one in force?  A tag of GET has
 * its version, and the time when it was signed, which does not matter.
 */
static bool
is_expected(const struct oe_ctl_call *call, int64_t version)
{
	char tag[48];

	if (call->if_match == NULL || oe_str_eq(call->if_match, "*"))
		return true;
	snprintf(tag, sizeof(tag), "\"%s-%lld-", oe_ctl_policy_document.name,
	    (long long)version);
	return strstr(call->if_match, tag) != NULL;
}

/* Versions follow the clock: see oe_ctl_changed().  OE_EEXIST: another. */
static int
insert_policy(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, const char *body, int64_t *ret_version)
{
	int64_t last = 0, now_s = call->now_ms / 1000;
	int rc = oe_ctl_db_int(tx,
	    "SELECT COALESCE(MAX(version), 1) FROM policies WHERE "
	    "network_id = ?1",
	    OE_CTL_VALUES(oe_ctl_t(network)), &last, &call->err);

	if (rc == 0 && !is_expected(call, last))
		return OE_EEXIST;
	*ret_version = now_s > last ? now_s : last + 1;
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO policies (network_id, version, body, "
		    "author_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
		    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_i(*ret_version),
			oe_ctl_t(body), oe_ctl_t(call->caller.id),
			oe_ctl_i(call->now_ms)),
		    NULL, &call->err);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "DELETE FROM policies WHERE network_id = ?1 AND version "
		    "NOT IN (SELECT version FROM policies WHERE "
		    "network_id = ?1 ORDER BY version DESC LIMIT ?2)",
		    OE_CTL_VALUES(
			oe_ctl_t(network), oe_ctl_i(OE_CTL_POLICIES_KEPT)),
		    NULL, &call->err);
	return rc ? rc
		  : oe_ctl_tell(tx, OE_CTL_TOPIC_POLICY, network, &call->err);
}

static int
store_policy(struct oe_ctl_call *call, const char *network,
    const struct oe_jval *policy, int64_t *ret_version)
{
	struct oe_jval *detail;
	struct oe_ctl_tx *tx = NULL;
	char *body = oe_jval_dump(policy, 0);
	int rc = oe_ctl_begin_role(call, network, &tx);

	if (rc == 0)
		rc = insert_policy(call, tx, network, body, ret_version);
	if (rc == 0) {
		detail = oe_jval_object();
		oe_jval_set_int(detail, "version", *ret_version);
		rc = oe_ctl_audit(
		    call, tx, "control.policy.put", network, network, detail);
	}
	free(body);
	return oe_ctl_end_call(call, &tx, rc);
}

static int
put_policy(struct oe_ctl_call *call)
{
	const struct oe_jval *v = oe_jval_get(call->json, "policy");
	const char *network = oe_jval_get_text(call->json, "network_id");
	struct oe_policy *p = NULL;
	struct oe_jval *reply;
	int64_t version = 0;
	int rc = check_policy(call, v, &p);

	oe_policy_free(&p);
	if (rc)
		return oe_ctl_refuse_invalid(call);
	rc = store_policy(call, network, v, &version);
	if (rc == OE_EEXIST)
		return oe_ctl_fail(call, 412, "E_PRECONDITION_FAILED",
		    "The policy is another by now: read it again", NULL);
	if (rc)
		return rc;
	reply = oe_jval_object();
	oe_jval_set_int(reply, "version", version);
	return oe_ctl_data(call, reply);
}

/* Who is asked about. */
struct trial {
	char *user_id, *user_email;
	char *device_id, *device_name, *device_ip;
	struct oe_strs tags, groups;
	struct oe_addr source, node_ip;
	bool from_address;
};

static void
trial_done(struct trial *t)
{
	free(t->user_id);
	free(t->user_email);
	free(t->device_id);
	free(t->device_name);
	free(t->device_ip);
	oe_strs_done(&t->tags);
	oe_strs_done(&t->groups);
}

static int
read_labels(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *sql,
    const char *network, const char *id, struct oe_strs *ret)
{
	return oe_ctl_texts(tx, sql,
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(id)), ret, &call->err);
}

/*
 * "from": an address of the network or any other, or a device's id or name.
 * Owners name their devices: no name goes for an id or an address, nor for
 * one of several devices.
 */
static int
find_device(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *from, struct trial *ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc;

	ret->from_address = oe_addr_parse(from, &ret->source, NULL) == 0;
	rc = oe_ctl_db_one(tx,
	    "SELECT d.id, d.name, nd.virtual_ip, (SELECT COUNT(*) FROM "
	    "network_devices x JOIN devices y ON y.id = x.device_id WHERE "
	    "x.network_id = ?1 AND y.name = ?2) FROM network_devices nd "
	    "JOIN devices d ON d.id = nd.device_id WHERE nd.network_id = ?1 "
	    "AND (d.id = ?2 OR nd.virtual_ip = ?2 OR "
	    "(d.name = ?2 AND ?3 = 'name')) "
	    "ORDER BY CASE WHEN d.name = ?2 THEN 1 ELSE 0 END, d.id",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(from),
		oe_ctl_t(ret->from_address ? "address" : "name")),
	    &rows, &call->err);
	if (rc == 0 && oe_ctl_row_int(rows, 3) > 1 &&
	    oe_str_eq(oe_ctl_row_text(rows, 1), from)) {
		oe_ctl_rows_done(&rows);
		return oe_err_set(&call->err, OE_EINVAL,
		    "Several devices have this name: give an id");
	}
	if (rc == OE_ENOENT && ret->from_address)
		return 0;
	if (rc == OE_ENOENT)
		return oe_ctl_absent(call, "Device");
	if (rc)
		return rc;
	ret->device_id = oe_mem_strdup(oe_ctl_row_text(rows, 0));
	ret->device_name = oe_mem_strdup(oe_ctl_row_text(rows, 1));
	ret->device_ip = oe_mem_strdup(oe_ctl_row_text(rows, 2));
	oe_ctl_rows_done(&rows);
	ret->from_address =
	    oe_addr_parse(ret->device_ip, &ret->source, NULL) == 0;
	ret->node_ip = ret->source;
	return read_labels(call, tx,
	    "SELECT tag FROM tags WHERE network_id = ?1 AND device_id = ?2",
	    network, ret->device_id, &ret->tags);
}

/* "user": an id or an email of a member. */
static int
find_user(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    const char *user, struct trial *ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_one(tx,
	    "SELECT u.id, u.email FROM members m JOIN users u ON "
	    "u.id = m.user_id WHERE m.network_id = ?1 AND "
	    "(u.id = ?2 OR u.email = lower(?2))",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(user)), &rows,
	    &call->err);

	if (rc == OE_ENOENT)
		return oe_ctl_absent(call, "User");
	if (rc)
		return rc;
	ret->user_id = oe_mem_strdup(oe_ctl_row_text(rows, 0));
	ret->user_email = oe_mem_strdup(oe_ctl_row_text(rows, 1));
	oe_ctl_rows_done(&rows);
	return read_labels(call, tx,
	    "SELECT name FROM groups_of WHERE network_id = ?1 AND user_id = ?2",
	    network, ret->user_id, &ret->groups);
}

static struct oe_jval *
permissions(const struct oe_policy_action *a)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_bool(v, "agent_forwarding", a->allow_agent_forwarding);
	oe_jval_set_bool(
	    v, "local_port_forwarding", a->allow_local_port_forwarding);
	oe_jval_set_bool(
	    v, "remote_port_forwarding", a->allow_remote_port_forwarding);
	oe_jval_set_bool(v, "sftp", a->allow_sftp);
	oe_jval_set_text(v, "sftp_mode", oe_policy_sftp_text(a->sftp_mode));
	oe_jval_set_bool(v, "read_only", a->read_only);
	oe_jval_set_text(v, "force_command", a->force_command);
	oe_jval_set_text(v, "record", oe_policy_record_text(a->record));
	oe_jval_set_int(v, "session_duration", a->session_duration_s);
	oe_jval_set_int(v, "idle_timeout", a->idle_timeout_s);
	oe_jval_set_int(v, "max_sessions", a->max_sessions);
	return v;
}

static struct oe_jval *
verdict_json(const struct oe_policy_verdict *d)
{
	static const char *const outcomes[] = {
	    [OE_POLICY_ACCEPT] = "accept",
	    [OE_POLICY_REJECT] = "reject",
	    [OE_POLICY_NO_MATCH] = "no-match",
	};
	struct oe_jval *v = oe_jval_object(), *matched = oe_jval_array();
	unsigned kind;

	oe_jval_set_text(v, "outcome", outcomes[d->outcome]);
	oe_jval_set_text(v, "reason", oe_policy_reason_text(d->reason));
	oe_jval_set_text(v, "rule_id", d->rule_id);
	if (d->rule_id != NULL)
		oe_jval_set_int(v, "rule_index", (int64_t)d->rule_index);
	for (kind = 1; kind <= OE_POLICY_CERT_PRINCIPAL; kind <<= 1)
		if (d->matched & kind)
			oe_jval_add(matched,
			    oe_jval_of_text(oe_policy_kind_text(kind)));
	oe_jval_set(v, "matched", matched);
	oe_jval_set_text(v, "local_user",
	    d->outcome == OE_POLICY_ACCEPT ? d->local_user : NULL);
	oe_jval_set_text(
	    v, "message", d->action != NULL ? d->action->message : NULL);
	if (d->outcome == OE_POLICY_ACCEPT)
		oe_jval_set(v, "permissions", permissions(d->action));
	return v;
}

static struct oe_jval *
decide(struct oe_ctl_call *call, const struct oe_policy *p, const char *network,
    const char *as, const struct trial *t)
{
	struct oe_policy_verdict verdict;
	struct oe_policy_subject s = {
	    .requested_user = as,
	    .source = t->from_address ? &t->source : NULL,
	    .node_id = t->device_id,
	    .node_name = t->device_name,
	    .node_ip = t->device_id != NULL ? &t->node_ip : NULL,
	    .network_id = network,
	    .tags = &t->tags,
	    .user_id = t->user_id,
	    .user_email = t->user_email,
	    .groups = &t->groups,
	    .now_s = call->now_ms / 1000,
	};

	oe_policy_decide(p, &s, &verdict);
	return verdict_json(&verdict);
}

/* One call tries a policy that is in force, or the one that is sent along. */
static int
load_policy(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *network,
    struct oe_policy **ret)
{
	const struct oe_jval *sent = oe_jval_get(call->json, "policy");
	struct oe_jval *v = NULL;
	int rc = 0;

	if (sent == NULL)
		rc = read_current(call, tx, network, &v);
	if (rc == 0)
		rc = check_policy(call, sent != NULL ? sent : v, ret);
	oe_jval_free(&v);
	return rc;
}

static int
try_policy(struct oe_ctl_call *call, struct trial *t, struct oe_jval **ret)
{
	const char *network = oe_jval_get_text(call->json, "network_id");
	const char *user = oe_jval_get_text(call->json, "user");
	const char *from = oe_jval_get_text(call->json, "from");
	const char *as = oe_jval_get_text(call->json, "as");
	struct oe_policy *p = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = load_policy(call, tx, network, &p);
	if (rc == 0 && user != NULL)
		rc = find_user(call, tx, network, user, t);
	if (rc == 0 && from != NULL)
		rc = find_device(call, tx, network, from, t);
	oe_ctl_rollback(&tx);
	if (rc == 0)
		*ret = decide(call, p, network, as, t);
	oe_policy_free(&p);
	return rc;
}

static int
test_policy(struct oe_ctl_call *call)
{
	struct trial t = {.from_address = false};
	struct oe_jval *v = NULL;
	int rc;

	if (oe_jval_get_text(call->json, "as") == NULL) {
		oe_ctl_invalid(
		    call, "as", "required", "required validation failed");
		return oe_ctl_refuse_invalid(call);
	}
	rc = try_policy(call, &t, &v);
	trial_done(&t);
	if (oe_ctl_is_invalid(call))
		return oe_ctl_refuse_invalid(call);
	return rc ? rc : oe_ctl_data(call, v);
}

const struct oe_ctl_route oe_ctl_routes_policy[] = {
    {.method = "PUT",
	.pattern = "/api/ssh/v1/policy",
	.need = OE_CTL_NEED_ADMIN,
	.network = OE_CTL_NETWORK_BODY,
	.body = OE_CTL_BODY_JSON,
	.max = 20u << 20,
	.flags = OE_CTL_AUDIT,
	.fn = put_policy,
	.what = "set the policy of a network"},
    {.method = "POST",
	.pattern = "/api/ssh/v1/policy/test",
	.need = OE_CTL_NEED_ADMIN,
	.network = OE_CTL_NETWORK_BODY,
	.body = OE_CTL_BODY_JSON,
	.max = 20u << 20,
	.fn = test_policy,
	.what = "ask what a policy decides"},
    {.method = NULL},
};
