/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "core/mesh/login.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/login_key.h"
#include "mesh/login_password.h"

#define WAY .group = "way", .section = "How to log in"

static const struct oe_param params[] = {
    {.name = "security-key-file",
	.letter = 's',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "log in with the security key in this file; - is standard "
		"input; without it OMNIEDGE_SECRET_KEY is looked at",
	WAY},
    {.name = "email",
	.letter = 'u',
	.type = OE_PARAM_STRING,
	.metavar = "EMAIL",
	.help = "log in with this account's password, which is asked for",
	WAY},
    {.name = "browser",
	.type = OE_PARAM_FLAG,
	.help = "log in with a browser, on any machine; on a terminal this "
		"is what is done without other options",
	WAY},
    {.name = "password-file",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "the password for --email is in this file; - is standard "
		"input",
	.section = "How to log in"},
    {.name = "new-password",
	.type = OE_PARAM_FLAG,
	.help = "set another password for --email, which is asked for twice; "
		"one that is good once is replaced without being told to",
	.flags = OE_PARAM_CLI_ONLY,
	.group = "new-password",
	.section = "How to log in"},
    {.name = "new-password-file",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "the same, with the new password from this file; - is "
		"standard input",
	.flags = OE_PARAM_CLI_ONLY,
	.group = "new-password",
	.section = "How to log in"},
    {.name = "new-signing-key",
	.type = OE_PARAM_FLAG,
	.help = "accept that the control API signs with another key than at "
		"the last login",
	.flags = OE_PARAM_CLI_ONLY,
	.section = "How to log in"},
    OE_MESH_ROW_JSON("print the account as one JSON object"),
    OE_MESH_ROWS_API,
    {.name = NULL},
};

static int
check(const struct oe_values *v, OE_UNUSED const struct oe_strs *operands,
    struct oe_err *err)
{
	static const char *const of_email[] = {
	    "password-file", "new-password", "new-password-file"};
	const char *file = oe_values_str(v, "password-file");
	const char *fresh = oe_values_str(v, "new-password-file");
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(of_email); i++)
		if (oe_values_is_set(v, of_email[i]) &&
		    !oe_values_str(v, "email"))
			return oe_err_set(err, OE_EUSAGE,
			    "--%s needs --email: whose is it?", of_email[i]);
	if (oe_str_eq(file, "-") && oe_str_eq(fresh, "-"))
		return oe_err_set(err, OE_EUSAGE,
		    "standard input cannot be both the old password and the "
		    "new one");
	return 0;
}

/* An absolute path: the account outlives the working directory. */
static char *
absolute(const char *path)
{
	char *whole = path ? realpath(path, NULL) : NULL;

	return whole ? whole : oe_mem_strdup(path);
}

/* The account to be: where it is kept, and which API it is for. */
static int
begin(const struct oe_values *v, struct oe_mesh_account *a, struct oe_err *err)
{
	const char *file = oe_values_str(v, "file");
	const char *origin = oe_meshcmd_origin(v);
	struct oe_mesh_account was = {0};
	bool have;
	int r = 0;

	if (file)
		a->path = oe_mem_strdup(file);
	else
		r = oe_mesh_account_path(true, &a->path, err);
	if (r < 0)
		return r;
	have = oe_mesh_account_load(a->path, &was, NULL) == 0;
	if (have && was.shape != OE_MESH_SHAPE_OURS) {
		oe_mesh_account_done(&was);
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is the file of another client: it is not replaced",
		    a->path);
	}
	if (!origin)
		origin = was.origin ? was.origin : OE_MESH_ORIGIN_DEFAULT;
	r = oe_mesh_origin_parse(origin, &a->origin, err);
	a->ca_file = absolute(oe_values_str(v, "ca-file"));
	a->pin = oe_mem_strdup(oe_values_str(v, "pin"));
	/* what was known of this API stays known */
	if (r == 0 && oe_str_eq(a->origin, was.origin)) {
		if (!a->ca_file && !a->pin) {
			a->ca_file = oe_mem_strdup(was.ca_file);
			a->pin = oe_mem_strdup(was.pin);
		}
		a->signing_key = oe_mem_strdup(was.signing_key);
		a->device_id = oe_mem_strdup(was.device_id);
		a->hardware = oe_mem_strdup(was.hardware);
		a->network_id = oe_mem_strdup(was.network_id);
		a->user_id = oe_mem_strdup(was.user_id);
	}
	oe_mesh_account_done(&was);
	return r;
}

static int
by_key(const char *file, struct oe_mesh_api *api, struct oe_mesh_tokens *t,
    struct oe_err *err)
{
	char *key = NULL;
	int r = 0;

	if (file)
		r = oe_meshcmd_secret(file, &key, err);
	else
		key = oe_mem_strdup(getenv("OMNIEDGE_SECRET_KEY"));
	if (r == 0)
		r = oe_mesh_login_key(api, key, t, err);
	oe_mem_free_secret(&key);
	return r;
}

static void
wait_s(int64_t s)
{
	struct timespec ts = {.tv_sec = (time_t)s};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

static int
by_browser(
    struct oe_mesh_api *api, struct oe_mesh_tokens *t, struct oe_err *err)
{
	struct oe_mesh_flow f = {0};
	char *code;
	int r = oe_mesh_flow_begin(api, &f, err);

	if (r < 0)
		return r;
	code = oe_mesh_shown(f.user_code);
	fprintf(stderr, "Open  %s\nand enter the code  %s\n", f.uri, code);
	if (f.uri_complete)
		fprintf(stderr, "or open  %s\n", f.uri_complete);
	free(code);
	do {
		wait_s(f.interval_s);
		r = oe_mesh_flow_poll(api, &f, t, err);
	} while (r == OE_EAGAIN);
	oe_mesh_flow_done(&f);
	if (r == OE_EAUTH)
		oe_err_set(err, r, "the login was refused in the browser");
	if (r == OE_ETIMEOUT)
		oe_err_set(err, r, "the code has expired: begin again");
	return r;
}

static int
get_tokens(const struct oe_values *v, struct oe_mesh_api *api,
    struct oe_mesh_tokens *t, char **ret_password, struct oe_err *err)
{
	const char *file = oe_values_str(v, "security-key-file");
	const char *key = getenv("OMNIEDGE_SECRET_KEY");

	if (file)
		return by_key(file, api, t, err);
	if (oe_values_str(v, "email"))
		return oe_login_password(v, api, t, ret_password, err);
	if (!oe_values_flag(v, "browser")) {
		if (key && *key)
			return by_key(NULL, api, t, err);
		if (!isatty(STDERR_FILENO))
			return oe_err_set(err, OE_EUSAGE,
			    "how? --security-key-file, OMNIEDGE_SECRET_KEY, "
			    "--email or --browser");
	}
	return by_browser(api, t, err);
}

/* Who it is, and what was another's is forgotten. */
static int
learn_who(struct oe_mesh_api *api, struct oe_mesh_account *a,
    bool *ret_one_time, struct oe_err *err)
{
	struct oe_mesh_profile p = {0};
	int r = oe_mesh_api_profile(api, &p, err);

	if (r < 0)
		return r;
	if (a->user_id && !oe_str_eq(a->user_id, p.id)) {
		oe_mem_free(&a->device_id);
		oe_mem_free(&a->hardware);
		oe_mem_free(&a->network_id);
	}
	oe_mem_free(&a->user_id);
	a->user_id = p.id;
	a->email = p.email;
	a->name = p.name;
	*ret_one_time = p.one_time;
	return 0;
}

/* The SSH part of the API, where there is one. */
static int
set_up_ssh(const struct oe_values *v, struct oe_mesh_api *api,
    struct oe_mesh_account *a, struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	int r;

	r = oe_login_pin(api, a, oe_values_flag(v, "new-signing-key"), err);
	if (r == OE_ENOENT) {
		oe_log_info(NULL,
		    "this control API has no SSH policy: names of peers work, "
		    "keys and policy are your own affair");
		return 0;
	}
	if (r < 0)
		return r;
	if (oe_login_register(api, &why) < 0)
		oe_log_warn(NULL,
		    "this machine's SSH key is not registered: %s",
		    oe_err_text(&why));
	return 0;
}

static void
tell(const struct oe_values *v, const struct oe_mesh_account *a)
{
	struct oe_jval *j;
	char *who;

	if (oe_values_flag(v, "json")) {
		j = oe_jval_object();
		oe_jval_set_int(j, "v", 1);
		oe_jval_set_text(j, "type", "account");
		oe_jval_set_text(j, "api", a->origin);
		oe_jval_set_text(j, "user_id", a->user_id);
		oe_jval_set_text(j, "email", a->email);
		oe_jval_set_text(j, "name", a->name);
		oe_jval_set_bool(j, "ssh_policy", a->signing_key != NULL);
		oe_meshcmd_print(j);
		return;
	}
	who = oe_mesh_shown(a->email ? a->email : a->user_id);
	oe_log_info(NULL, "logged in to %s as %s", a->origin, who);
	free(who);
}

/* What is left to do with a token; @password as oe_login_renew() has it. */
static int
settle(const struct oe_values *v, struct oe_mesh_api *api,
    struct oe_mesh_account *a, const char *password, struct oe_err *err)
{
	bool one_time = false;
	int r = learn_who(api, a, &one_time, err);

	if (r == 0)
		r = oe_login_renew(v, api, password, one_time, err);
	if (r == 0)
		r = set_up_ssh(v, api, a, err);
	return r == 0 ? oe_mesh_account_save(a, err) : r;
}

static int
login(const struct oe_values *v, struct oe_mesh_account *a, struct oe_err *err)
{
	struct oe_mesh_api_plan plan = {
	    .origin = a->origin, .ca_file = a->ca_file, .pin = a->pin};
	struct oe_mesh_tokens t = {0};
	struct oe_mesh_api *api = oe_mesh_api_new(&plan), *own;
	char *password = NULL;
	int r = get_tokens(v, api, &t, &password, err);

	oe_mesh_api_free(&api);
	if (r < 0)
		return r;
	oe_mesh_account_take(a, &t);
	plan.account = a;
	own = oe_mesh_api_new(&plan);
	r = settle(v, own, a, password, err);
	oe_mem_free_secret(&password);
	oe_mesh_api_free(&own);
	return r;
}

static int
run(const struct oe_ctx *ctx)
{
	struct oe_mesh_account a = {.shape = OE_MESH_SHAPE_OURS};
	struct oe_err err = OE_ERR_INIT;
	int r;

	oe_meshcmd_log(ctx->values);
	r = begin(ctx->values, &a, &err);
	if (r == 0)
		r = login(ctx->values, &a, &err);
	if (r == 0)
		tell(ctx->values, &a);
	oe_mesh_account_done(&a);
	return r < 0 ? oe_meshcmd_fail(ctx, r, &err) : OE_EXIT_OK;
}

static const struct oe_example examples[] = {
    {"omniedge login", "in a browser, with a code"},
    {"omniedge login -s /etc/omniedge/key", "an agent, with its key"},
    {"omniedge login -u me@example.com", "with a password"},
    {"omniedge login -u me@example.com --new-password",
	"and change it, which ends all other logins"},
    {"omniedge login --api https://ctl.lab:8443 --ca-file ca.pem -u me@lab",
	"at a control server of one's own"},
    {NULL, NULL},
};

const struct oe_command oe_command_login = {
    .name = "login",
    .summary = "log in to a control API",
    .operands = "",
    .params = params,
    .examples = examples,
    .check = check,
    .run = run,
};
