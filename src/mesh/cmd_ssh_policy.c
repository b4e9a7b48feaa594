/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge ssh-policy: look at a policy before anybody is bound by it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app/command.h"
#include "core/app/exitcode.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"
#include "mesh/common.h"
#include "mesh/ssh_policy.h"
#include "mesh/ssh_policy_test.h"

static int
check_address(const char *value, struct oe_err *err)
{
	struct oe_addr a;

	return oe_addr_parse(value, &a, err);
}

static int
check_moment(const char *value, struct oe_err *err)
{
	int64_t ms;

	if (oe_time_parse(value, &ms) == 0)
		return 0;
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not a time such as 2030-01-31T12:00:00Z", value);
}

#define WHO  "Who asks, for test"
#define WHAT "For what, for test"

static const struct oe_param params[] = {
    {.name = "policy",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "the policy that test asks",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "json",
	.type = OE_PARAM_FLAG,
	.help = "answer in JSON",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "user",
	.type = OE_PARAM_STRING,
	.metavar = "EMAIL",
	.help = "address of the account (user_email)",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHO},
    {.name = "group",
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "group of that account",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_REPEAT,
	.section = WHO},
    {.name = "from",
	.type = OE_PARAM_STRING,
	.metavar = "ADDRESS",
	.help = "where the connection comes from (cidr, node_ip)",
	.flags = OE_PARAM_CLI_ONLY,
	.check = check_address,
	.section = WHO},
    {.name = "network",
	.type = OE_PARAM_STRING,
	.metavar = "ID",
	.help = "virtual network that it comes through (network_id)",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHO},
    {.name = "node",
	.type = OE_PARAM_STRING,
	.metavar = "ID",
	.help = "device that it comes from (node_id)",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHO},
    {.name = "tag",
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "tag of that device",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_REPEAT,
	.section = WHO},
    {.name = "fingerprint",
	.type = OE_PARAM_STRING,
	.metavar = "SHA256:...",
	.help = "fingerprint of the key",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHO},
    {.name = "cert-principal",
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "principal of the certificate",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_REPEAT,
	.section = WHO},
    {.name = "as",
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "the user to log in as; default: yourself",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHAT},
    {.name = "command",
	.type = OE_PARAM_STRING,
	.metavar = "COMMAND",
	.help = "may this be run?",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHAT},
    {.name = "to",
	.type = OE_PARAM_STRING,
	.metavar = "HOST",
	.help = "may a connection be forwarded there?",
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHAT},
    {.name = "port",
	.type = OE_PARAM_INT,
	.metavar = "PORT",
	.help = "port for --to",
	.fallback = "22",
	.min = 1,
	.max = 65535,
	.flags = OE_PARAM_CLI_ONLY,
	.section = WHAT},
    {.name = "at",
	.type = OE_PARAM_STRING,
	.metavar = "TIME",
	.help = "when, as 2030-01-31T12:00:00Z; default: now",
	.flags = OE_PARAM_CLI_ONLY,
	.check = check_moment,
	.section = WHAT},
    OE_MESH_ROWS_API,
    {.name = NULL},
};

static const struct oe_example examples[] = {
    {"omniedge ssh-policy check policy.json", "every mistake with its place"},
    {"omniedge ssh-policy test --policy policy.json --user ann@example.org "
     "--from 100.64.0.9 --as root",
	"which rule decides, and what it permits"},
    {"omniedge ssh-policy put lab policy.json",
	"as an admin of the network lab: in force from now on"},
    {NULL, NULL},
};

/* --- check --- */

struct report {
	const char *file;
	unsigned mistakes, warnings;
	struct oe_jval *list; /* NULL: text */
};

static void
report_tell(void *arg, const struct oe_policy_fault *f)
{
	struct report *r = arg;
	struct oe_jval *v;

	r->mistakes += !f->warning;
	r->warnings += f->warning;
	if (!r->list) {
		printf("%s:%u: %s%s%s%s\n", r->file, f->line,
		    f->warning ? "warning: " : "", f->pointer,
		    *f->pointer ? ": " : "", f->text);
		return;
	}
	v = oe_jval_object();
	oe_jval_set_bool(v, "warning", f->warning);
	oe_jval_set_text(v, "pointer", f->pointer);
	oe_jval_set_int(v, "line", f->line);
	oe_jval_set_text(v, "text", f->text);
	oe_jval_add(r->list, v);
}

static void
report_end(const struct report *r, const struct oe_policy *p)
{
	struct oe_jval *v;
	char *text;

	if (!r->list && p) {
		printf("%s: %zu rule%s, no mistakes\n", r->file,
		    oe_policy_count(p), oe_policy_count(p) == 1 ? "" : "s");
	} else if (!r->list) {
		printf("%s: %u mistake%s\n", r->file, r->mistakes,
		    r->mistakes == 1 ? "" : "s");
	} else {
		v = oe_jval_object();
		oe_jval_set_bool(v, "valid", p != NULL);
		oe_jval_set_int(
		    v, "rules", p ? (int64_t)oe_policy_count(p) : 0);
		oe_jval_set(v, "faults", oe_jval_ref(r->list));
		text = oe_jval_dump(v, 2);
		printf("%s\n", text);
		free(text);
		oe_jval_free(&v);
	}
}

static int
policy_check(const struct oe_ctx *ctx, const char *file)
{
	struct report r = {.file = file};
	struct oe_policy_faults faults = {report_tell, &r};
	struct oe_policy_fault whole = {.pointer = "", .line = 0};
	struct oe_err err = OE_ERR_INIT;
	struct oe_policy *p = NULL;
	struct oe_buf text;

	if (oe_fd_read_file(file, OE_POLICY_SIZE_MAX, &text, &err) < 0) {
		fprintf(stderr, "omniedge ssh-policy: %s\n", oe_err_text(&err));
		return OE_EXIT_CONFIG;
	}
	if (oe_values_flag(ctx->values, "json"))
		r.list = oe_jval_array();
	if (oe_policy_parse(oe_buf_head(&text), oe_buf_left(&text), &faults, &p,
		&err) < 0 &&
	    !r.mistakes) {
		/* not JSON at all: its message has the line */
		whole.text = oe_err_text(&err);
		report_tell(&r, &whole);
	}
	report_end(&r, p);
	oe_jval_free(&r.list);
	oe_buf_done(&text);
	if (!p)
		return OE_EXIT_CONFIG;
	oe_policy_free(&p);
	return OE_EXIT_OK;
}

/* --- put --- */

static int
policy_upload(struct oe_mesh *m, const char *network, const char *file,
    int64_t *ret_version, struct oe_err *err)
{
	struct oe_jval *v = NULL;
	struct oe_buf text;
	char *id = NULL;
	int r = oe_fd_read_file(file, OE_POLICY_SIZE_MAX, &text, err);

	if (r < 0)
		return r;
	r = oe_jval_parse(
	    (const char *)oe_buf_head(&text), oe_buf_left(&text), &v, err);
	if (r == 0)
		r = oe_meshcmd_network(m, network, &id, err);
	if (r == 0)
		r = oe_mesh_api_policy_put(
		    oe_mesh_api(m), id, v, ret_version, err);
	free(id);
	oe_jval_free(&v);
	oe_buf_done(&text);
	return r;
}

/* The API looks for mistakes too, but does not know their lines. */
static int
policy_put(const struct oe_ctx *ctx, const char *network, const char *file)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_mesh *m = NULL;
	int64_t version = 0;
	int r, status = policy_check(ctx, file);

	if (status == OE_EXIT_OK)
		status = oe_meshcmd_open(ctx, &m);
	if (status != OE_EXIT_OK)
		return status;
	r = policy_upload(m, network, file, &version, &err);
	if (r < 0)
		status = oe_meshcmd_fail(ctx, r, &err);
	else
		oe_log_info(NULL, "the policy of %s is version %lld", network,
		    (long long)version);
	oe_mesh_free(&m);
	return status;
}

static int
policy_args(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	const char *what = operands->v[0];

	if (!strcmp(what, "check") && operands->n == 2)
		return 0;
	if (!strcmp(what, "check"))
		return oe_err_set(
		    err, OE_EUSAGE, "check takes one file: check FILE");
	if (!strcmp(what, "put") && operands->n == 3)
		return 0;
	if (!strcmp(what, "put"))
		return oe_err_set(err, OE_EUSAGE,
		    "put takes a network and a file: put NETWORK FILE");
	if (strcmp(what, "test"))
		return oe_err_set(err, OE_EUSAGE,
		    "'%s' is none of check, test and put", what);
	if (operands->n > 1)
		return oe_err_set(err, OE_EUSAGE, "test takes options only");
	if (!oe_values_str(v, "policy"))
		return oe_err_set(err, OE_EUSAGE, "test needs --policy FILE");
	return 0;
}

static int
policy_run(const struct oe_ctx *ctx)
{
	if (!strcmp(ctx->operands->v[0], "check"))
		return policy_check(ctx, ctx->operands->v[1]);
	if (!strcmp(ctx->operands->v[0], "put"))
		return policy_put(
		    ctx, ctx->operands->v[1], ctx->operands->v[2]);
	return oe_mesh__policy_test(ctx);
}

const struct oe_command oe_mesh_command_ssh_policy = {
    .name = "ssh-policy",
    .summary = "check a policy, ask it who may do what, put it in force",
    .operands = "check|test|put [NETWORK] [FILE]",
    .min_operands = 1,
    .max_operands = 3,
    .params = params,
    .examples = examples,
    .check = policy_args,
    .run = policy_run,
};
