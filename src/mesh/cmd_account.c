/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge logout and whoami.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/peer_ssh.h"

#define LOGOUT_MS 8000

static const struct oe_param logout_params[] = {
    {.name = "file",
	.letter = 'f',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "file with the login, instead of ~/.omniedge/omniedge-ssh.json",
	.section = OE_MESH_SECTION_API},
    {.name = NULL},
};

/*
 * Servers with part 2 end a login.  It goes from here whether they answer or
 * not, and nobody waits long for that.
 */
static void
end_at_api(struct oe_mesh *m)
{
	const struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_V2,
	    .path = "/auth/logout",
	    .again = true};
	struct oe_mesh_api *api = oe_mesh_api(m);
	struct oe_err err = OE_ERR_INIT;
	struct oe_mesh_answer ans;
	int r;

	oe_mesh_api_deadline(api, oe_time_mono_ms() + LOGOUT_MS);
	r = oe_mesh_api_call(api, &call, &ans, &err);
	oe_mesh_answer_done(&ans);
	/* one that has ended already is what was wanted */
	if (r < 0 && r != OE_EAUTH)
		oe_log_warn(NULL,
		    "the login is gone from here, but the control API was not "
		    "told: %s",
		    oe_err_text(&err));
}

/* With the login goes what was known by it, whichever API is meant now. */
static void
forget(const char *path)
{
	struct oe_mesh_account a = {0};
	struct oe_mesh_plan plan = {.file = path, .quick = true};
	struct oe_mesh *m = NULL;

	if (oe_mesh_account_load(path, &a, NULL) == 0) {
		plan.origin = a.origin;
		if (oe_mesh_open(&plan, &m, NULL) == 0) {
			oe_mesh_forget(m);
			if (a.signing_key)
				end_at_api(m);
		}
	}
	oe_mesh_free(&m);
	oe_mesh_account_done(&a);
	oe_peer_certificates_forget();
}

static int
logout(const char *path, bool *ret_foreign, struct oe_err *err)
{
	struct oe_mesh_account a = {0};
	int r;

	*ret_foreign = false;
	if (oe_mesh_account_load(path, &a, NULL) == 0 &&
	    a.shape != OE_MESH_SHAPE_OURS)
		r = oe_err_set(err, OE_EINVAL,
		    "'%s' is the file of another client: it stays", path);
	else
		r = oe_mesh_account_remove(path, err);
	oe_mesh_account_done(&a);
	if (r == 0 && oe_mesh_account_load(NULL, &a, NULL) == 0)
		*ret_foreign = a.shape != OE_MESH_SHAPE_OURS;
	oe_mesh_account_done(&a);
	return r;
}

static int
run_logout(const struct oe_ctx *ctx)
{
	const char *file = oe_values_str(ctx->values, "file");
	char *path = oe_mem_strdup(file);
	struct oe_err err = OE_ERR_INIT;
	bool foreign = false;
	int r = 0;

	if (!path)
		r = oe_mesh_account_path(true, &path, &err);
	if (r == 0) {
		forget(path);
		r = logout(path, &foreign, &err);
	}
	if (r == 0 && foreign && !file)
		oe_log_info(NULL, "logged out; the auth.json of another "
				  "OmniEdge client is used from now on");
	free(path);
	return r < 0 ? oe_meshcmd_fail(ctx, r, &err) : OE_EXIT_OK;
}

const struct oe_command oe_command_logout = {
    .name = "logout",
    .summary = "forget the login, and the peers that it could see",
    .operands = "",
    .params = logout_params,
    .run = run_logout,
};

static const struct oe_param whoami_params[] = {
    OE_MESH_ROW_JSON("print one JSON object"),
    OE_MESH_ROWS_API,
    {.name = NULL},
};

static void
print_json(const struct oe_mesh_account *a, const struct oe_mesh_profile *p)
{
	struct oe_jval *j = oe_jval_object();
	char when[40];

	oe_jval_set_int(j, "v", 1);
	oe_jval_set_text(j, "type", "account");
	oe_jval_set_text(j, "api", a->origin);
	oe_jval_set_text(j, "user_id", p->id);
	oe_jval_set_text(j, "email", p->email);
	oe_jval_set_text(j, "name", p->name);
	oe_jval_set_text(j, "device_id", a->device_id);
	oe_jval_set_bool(j, "ssh_policy", a->signing_key != NULL);
	oe_jval_set_text(j, "file", a->path);
	oe_time_format(a->expires_ms, when, sizeof when);
	oe_jval_set_text(j, "expires_at", a->expires_ms ? when : NULL);
	oe_meshcmd_print(j);
}

static void
line(const char *label, const char *text)
{
	char *shown;

	if (!text)
		return;
	shown = oe_mesh_shown(text);
	printf("%-8s %s\n", label, shown);
	free(shown);
}

static void
print_text(const struct oe_mesh_account *a, const struct oe_mesh_profile *p)
{
	char when[40];

	line("user", p->email ? p->email : p->id);
	line("name", p->name);
	line("id", p->id);
	line("api", a->origin);
	line("device", a->device_id);
	line("policy", a->signing_key ? "signed by the API" : "none");
	oe_time_format(a->expires_ms, when, sizeof when);
	line("expires", a->expires_ms ? when : NULL);
	line("file", a->path);
}

static int
run_whoami(const struct oe_ctx *ctx)
{
	struct oe_mesh_profile p = {0};
	struct oe_err err = OE_ERR_INIT;
	struct oe_mesh *m = NULL;
	int r, status = oe_meshcmd_open(ctx, &m);

	if (status)
		return status;
	r = oe_mesh_api_profile(oe_mesh_api(m), &p, &err);
	if (r < 0)
		status = oe_meshcmd_fail(ctx, r, &err);
	else if (oe_values_flag(ctx->values, "json"))
		print_json(oe_mesh_account(m), &p);
	else
		print_text(oe_mesh_account(m), &p);
	oe_mesh_profile_done(&p);
	oe_mesh_free(&m);
	return status;
}

const struct oe_command oe_command_whoami = {
    .name = "whoami",
    .summary = "who is logged in, as the control API says",
    .operands = "",
    .params = whoami_params,
    .run = run_whoami,
};
