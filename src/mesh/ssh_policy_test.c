/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/ssh_policy_test.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/command.h"
#include "core/app/exitcode.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"

struct question {
	struct oe_policy_subject subject;
	struct oe_addr from;
	const char *command, *to;
	unsigned port;
};

static int
test_policy(const char *file, struct oe_policy **ret, struct oe_err *err)
{
	struct oe_buf text;
	int r = oe_fd_read_file(file, OE_POLICY_SIZE_MAX, &text, err);

	if (r < 0)
		return r;
	r = oe_policy_parse(
	    oe_buf_head(&text), oe_buf_left(&text), NULL, ret, err);
	oe_buf_done(&text);
	return r < 0 ? oe_err_wrap(err, r, "%s", file) : 0;
}

static void
test_question(const struct oe_values *v, struct question *q)
{
	const char *at = oe_values_str(v, "at"), *from, *as;
	struct passwd *self = getpwuid(getuid());
	int64_t ms = oe_time_wall_ms();

	/* both were checked with the options */
	if (at && oe_time_parse(at, &ms) < 0)
		abort();
	from = oe_values_str(v, "from");
	if (from && oe_addr_parse(from, &q->from, NULL) < 0)
		abort();
	as = oe_values_str(v, "as");
	q->subject = (struct oe_policy_subject){
	    .requested_user = as     ? as
			      : self ? self->pw_name
				     : NULL,
	    .source = from ? &q->from : NULL,
	    .node_ip = from ? &q->from : NULL,
	    .node_id = oe_values_str(v, "node"),
	    .network_id = oe_values_str(v, "network"),
	    .tags = oe_values_list(v, "tag"),
	    .user_email = oe_values_str(v, "user"),
	    .groups = oe_values_list(v, "group"),
	    .fingerprint = oe_values_str(v, "fingerprint"),
	    .cert_principals = oe_values_list(v, "cert-principal"),
	    .now_s = ms / 1000,
	};
	q->command = oe_values_str(v, "command");
	q->to = oe_values_str(v, "to");
	q->port = (unsigned)oe_values_int(v, "port");
}

/* Why the command may not be run; NULL: it may. */
static const char *
test_command(const struct question *q, const struct oe_policy_action *a)
{
	enum oe_policy_command c;

	if (!q->command)
		return NULL;
	if (a->force_command)
		return "force_command runs instead";
	c = oe_policy_command(a, q->command);
	if (c != OE_POLICY_COMMAND_OK)
		return oe_policy_command_text(c);
	if ((a->read_only || a->paths_listed) && !a->commands_listed)
		return "read_only and allowed_paths leave no commands but "
		       "those of allowed_commands";
	return NULL;
}

static const char *
test_target(const struct question *q, const struct oe_policy_action *a)
{
	if (!q->to)
		return NULL;
	if (!a->allow_local_port_forwarding)
		return "the rule does not allow local port forwarding";
	if (a->open_listed &&
	    !oe_policy_permits(&a->permit_open, q->to, q->port))
		return "permit_open does not list the target";
	return NULL;
}

static void
say_list(const char *what, const struct oe_strs *list)
{
	char shown[512];
	size_t i;

	printf("  %-26s", what);
	for (i = 0; i < list->n; i++) {
		oe_str_escape(
		    list->v[i], strlen(list->v[i]), shown, sizeof shown);
		printf("%s%s", i ? ", " : "", shown);
	}
	printf("%s\n", list->n ? "" : "none");
}

static void
say_forwarding(
    const char *what, bool allowed, bool listed, const struct oe_strs *list)
{
	if (allowed && listed)
		say_list(what, list);
	else
		printf("  %-26s%s\n", what, allowed ? "anywhere" : "no");
}

static void
say_seconds(const char *what, int64_t s)
{
	if (s)
		printf("  %-26s%lld s\n", what, (long long)s);
}

static void
say_files(const struct oe_policy_action *a)
{
	struct oe_strs roots = {NULL, 0};
	bool some = oe_policy_roots(a, &roots);

	printf("  %-26s%s\n", "sftp",
	    !a->allow_sftp || !some ? "no"
	    : a->read_only          ? "read"
				    : oe_policy_sftp_text(a->sftp_mode));
	if (a->allow_sftp && roots.n)
		say_list("  in", &roots);
	oe_strs_done(&roots);
}

static void
say_action(const struct oe_policy_action *a)
{
	printf("permitted:\n");
	printf("  %-26s%s\n", "shell",
	    a->force_command || oe_policy_confines(a) ? "no" : "yes");
	if (a->force_command)
		printf("  %-26s%s\n", "runs always", a->force_command);
	else if (a->commands_listed)
		say_list("commands that match", &a->allowed_commands);
	else
		printf("  %-26s%s\n", "commands",
		    a->read_only || a->paths_listed ? "no" : "yes");
	if (a->blocked_commands.n)
		say_list("but none that match", &a->blocked_commands);
	say_files(a);
	printf("  %-26s%s\n", "agent forwarding",
	    a->allow_agent_forwarding ? "yes" : "no");
	say_forwarding("forwarding to", a->allow_local_port_forwarding,
	    a->open_listed, &a->permit_open);
	say_forwarding("listening on", a->allow_remote_port_forwarding,
	    a->listen_listed, &a->permit_listen);
	say_seconds("connection lasts", a->session_duration_s);
	say_seconds("idle for at most", a->idle_timeout_s);
	if (a->max_sessions)
		printf("  %-26s%u\n", "sessions at a time", a->max_sessions);
	if (a->record != OE_POLICY_RECORD_OFF)
		printf("  %-26s%s\n", "recorded",
		    oe_policy_record_text(a->record));
}

static void
say_matched(unsigned kinds)
{
	const char *before = "";
	unsigned k;

	for (k = OE_POLICY_ANY; k <= OE_POLICY_CERT_PRINCIPAL; k <<= 1) {
		if (!(kinds & k))
			continue;
		printf("%s%s", before,
		    oe_policy_kind_text((enum oe_policy_kind)k));
		before = ", ";
	}
}

static void
say_verdict(const struct oe_policy_verdict *v, const struct oe_policy *p)
{
	char until[40];

	if (v->action) {
		printf("rule %s (%zu of %zu), by ", v->rule_id,
		    v->rule_index + 1, oe_policy_count(p));
		say_matched(v->matched);
		printf("\n");
	}
	if (v->outcome != OE_POLICY_ACCEPT)
		printf("refused: %s\n", oe_policy_reason_text(v->reason));
	else
		printf("accepted as %s\n", v->local_user);
	if (v->action && v->action->message)
		printf("says: %s\n", v->action->message);
	if (v->outcome != OE_POLICY_ACCEPT)
		return;
	if (v->until_s != INT64_MAX) {
		oe_time_format(v->until_s * 1000, until, sizeof until);
		printf("until %s\n", until);
	}
	say_action(v->action);
}

static void
say_json(const struct oe_policy_verdict *v, const struct question *q,
    const char *command, const char *target)
{
	struct oe_jval *j = oe_policy_verdict_json(v);
	bool accepted = v->outcome == OE_POLICY_ACCEPT;
	char *text;

	if (q->command) {
		oe_jval_set_bool(j, "command", accepted && !command);
		oe_jval_set_text(j, "command_why", command);
	}
	if (q->to) {
		oe_jval_set_bool(j, "to", accepted && !target);
		oe_jval_set_text(j, "to_why", target);
	}
	text = oe_jval_dump(j, 2);
	printf("%s\n", text);
	free(text);
	oe_jval_free(&j);
}

int
oe_mesh__policy_test(const struct oe_ctx *ctx)
{
	const struct oe_values *v = ctx->values;
	const char *command = NULL, *target = NULL;
	struct oe_policy_verdict d;
	struct oe_err err = OE_ERR_INIT;
	struct oe_policy *p = NULL;
	struct question q = {.port = 0};

	if (test_policy(oe_values_str(v, "policy"), &p, &err) < 0) {
		fprintf(stderr, "omniedge ssh-policy: %s\n", oe_err_text(&err));
		return OE_EXIT_CONFIG;
	}
	test_question(v, &q);
	oe_policy_decide(p, &q.subject, &d);
	if (d.outcome == OE_POLICY_ACCEPT) {
		command = test_command(&q, d.action);
		target = test_target(&q, d.action);
	}
	if (oe_values_flag(v, "json")) {
		say_json(&d, &q, command, target);
	} else {
		say_verdict(&d, p);
		if (command)
			printf("command refused: %s\n", command);
		if (target)
			printf("%s:%u refused: %s\n", q.to, q.port, target);
	}
	oe_policy_free(&p);
	return d.outcome == OE_POLICY_ACCEPT && !command && !target
		   ? OE_EXIT_OK
		   : OE_EXIT_POLICY;
}
