/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge forward: forwards of running clients, and forwards that are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "client/settings.h"
#include "core/app/command.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"
#include "core/ssh/ssh.h"
#include "forwarding/client.h"
#include "forwarding/client_keep.h"
#include "forwarding/client_params.h"
#include "forwarding/control_calls.h"

/* A peer that is silent for so long is gone. */
#define ALIVE_SECONDS "15"

static bool
has_forwards(const struct oe_values *v)
{
	return oe_values_list(v, "local-forward")->n ||
	       oe_values_list(v, "remote-forward")->n ||
	       oe_values_list(v, "dynamic-forward")->n;
}

static int
check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	const char *what = operands->v[0];
	bool keep = oe_values_flag(v, "keep");

	if (keep)
		return operands->n == 1 ? 0
					: oe_err_set(err, OE_EUSAGE,
					      "--keep takes one peer");
	if (oe_str_eq(what, "ls"))
		return operands->n <= 2
			   ? 0
			   : oe_err_set(err, OE_EUSAGE, "ls takes one client");
	if (oe_str_eq(what, "stop"))
		return operands->n >= 2
			   ? 0
			   : oe_err_set(err, OE_EUSAGE,
				 "stop needs an id, a pid or a peer (see "
				 "omniedge forward ls)");
	if (!oe_str_eq(what, "add"))
		return oe_err_set(err, OE_EUSAGE,
		    "'%s' is none of ls, add and stop; --keep holds forwards "
		    "to a peer",
		    what);
	if (operands->n != 2)
		return oe_err_set(
		    err, OE_EUSAGE, "add needs one client: its pid or peer");
	if (!has_forwards(v))
		return oe_err_set(
		    err, OE_EUSAGE, "add needs forwards: -L, -R or -D");
	return 0;
}

/* @alive: nobody has set how often the peer is asked whether it lives. */
static int
settle(struct oe_settings *s, const struct oe_ctx *ctx, struct oe_hoststr *host,
    bool alive, struct oe_err *err)
{
	const struct oe_values *v = ctx->values;
	int r = oe_settings_begin(s, ctx->modules, v, err);

	if (r == 0)
		r = oe_settings_split(s, host, err);
	if (r == 0)
		r = oe_fwd_params_take(v, s->conf, err);
	if (r == 0 && alive)
		r = oe_sshconf_set(s->conf, OE_SSHCONF_SERVERALIVEINTERVAL,
		    ALIVE_SECONDS, err);
	return r < 0 ? r : oe_settings_resolve(s, host, err);
}

/* The peer that --keep is for, each time from what the user wrote. */
static int
settle_kept(const struct oe_ctx *ctx, bool alive, struct oe_settings *ret,
    struct oe_err *err)
{
	struct oe_hoststr host = {NULL, NULL, 0};
	int r = oe_hoststr_parse(ctx->operands->v[0], &host, err);

	if (r < 0)
		return OE_EUSAGE;
	r = settle(ret, ctx, &host, alive, err);
	oe_hoststr_done(&host);
	return r;
}

static int
settle_fully(void *arg, struct oe_settings *ret, struct oe_err *err)
{
	int r = settle_kept(arg, false, ret, err);

	if (r < 0 ||
	    oe_sshconf_is_set(ret->conf, OE_SSHCONF_SERVERALIVEINTERVAL))
		return r;
	oe_settings_done(ret);
	memset(ret, 0, sizeof *ret);
	return settle_kept(arg, true, ret, err);
}

static int
keep(const struct oe_ctx *ctx, struct oe_err *err)
{
	const struct oe_fwd_again again = {
	    settle_fully, (void *)(uintptr_t)ctx};
	struct oe_settings set = {.v = NULL};
	int status = OE_EXIT_CONNECT;
	int r = settle_fully(again.arg, &set, err);

	if (r == 0)
		status = oe_fwd_keep(&set, &again);
	else if (r == OE_EUSAGE)
		status = OE_EXIT_USAGE;
	oe_settings_done(&set);
	return status;
}

/* The client's folder is not the one that this command is used in. */
static int
check_path(enum oe_fwd_kind kind, const char *text, struct oe_err *err)
{
	struct oe_fwd_spec s;
	const char *path;
	int r;

	if (strstr(text, "${"))
		return 0;
	r = oe_fwd_spec_parse(kind, text, &s, err);
	if (r < 0)
		return r;
	path = kind == OE_FWD_REMOTE ? s.target.path : s.listen.path;
	if (path && *path != '/' && *path != '%')
		r = oe_err_set(err, OE_EINVAL,
		    "'%s': begin the path of a socket with /", path);
	oe_fwd_spec_done(&s);
	return r;
}

/* The forwards of the command line, in one list of kind and text. */
static int
add(const struct oe_ctx *ctx, struct oe_err *err)
{
	static const struct {
		const char *option;
		enum oe_fwd_kind kind;
	} all[] = {
	    {"local-forward", OE_FWD_LOCAL},
	    {"remote-forward", OE_FWD_REMOTE},
	    {"dynamic-forward", OE_FWD_DYNAMIC},
	};
	const struct oe_strs *l;
	size_t i, k;
	int r = 0;

	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		l = oe_values_list(ctx->values, all[i].option);
		for (k = 0; k < l->n && r == 0; k++) {
			r = check_path(all[i].kind, l->v[k], err);
			if (r == 0)
				r = oe_fwd_control_add(ctx->operands->v[1],
				    all[i].kind, l->v[k], err);
		}
	}
	return r;
}

static int
stop(const struct oe_ctx *ctx, struct oe_err *err)
{
	size_t i;
	int r = 0;

	for (i = 1; i < ctx->operands->n && r == 0; i++)
		r = oe_fwd_control_stop(ctx->operands->v[i], err);
	return r;
}

static int
run_forward(const struct oe_ctx *ctx)
{
	const struct oe_strs *operands = ctx->operands;
	struct oe_err err = OE_ERR_INIT;
	int r, status;

	r = oe_ssh_global_init(&err);
	if (r == 0)
		r = oe_settings_log(ctx->values, &err);
	if (r == 0 && oe_values_flag(ctx->values, "keep")) {
		status = keep(ctx, &err);
		if (err.code)
			oe_log_error(NULL, "%s", oe_err_text(&err));
		return status;
	}
	if (r == 0 && oe_str_eq(operands->v[0], "ls"))
		r = oe_fwd_control_list(operands->n > 1 ? operands->v[1] : NULL,
		    oe_values_flag(ctx->values, "json"), &err);
	else if (r == 0)
		r = oe_str_eq(operands->v[0], "add") ? add(ctx, &err)
						     : stop(ctx, &err);
	if (r < 0)
		oe_log_error(NULL, "%s", oe_err_text(&err));
	return r < 0 ? OE_EXIT_FAILURE : OE_EXIT_OK;
}

static const struct oe_param params[] = {
    {.name = "keep",
	.letter = 'k',
	.type = OE_PARAM_FLAG,
	.help = "log in on the peer and hold the forwards: reconnect when the "
		"connection is lost",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "json",
	.type = OE_PARAM_FLAG,
	.help = "ls: one JSON object a forward",
	.flags = OE_PARAM_CLI_ONLY},
    OE_PARAM_ROW_PORT('p'),
    {.name = "login",
	.letter = 'l',
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "user to log in as",
	.section = OE_PARAM_SECTION_CONNECTION},
    OE_PARAM_ROWS_CONNECTION,
    OE_PARAM_ROWS_TALK,
    {.name = NULL},
};

static const struct oe_example examples[] = {
    {"omniedge forward ls", "the forwards of all running clients"},
    {"omniedge forward add -L 8080:localhost:80 robot7",
	"one more for the client that is connected to robot7"},
    {"omniedge forward stop 4711.2", "end one of them"},
    {"omniedge forward --keep -R 2222:localhost:22 gate",
	"hold a way in through gate"},
    {NULL, NULL},
};

static const struct oe_command command_forward = {
    .name = "forward",
    .summary = "show, add, end and hold port forwards",
    .operands = "ls|add|stop|PEER [ID|PID|PEER...]",
    .min_operands = 1,
    .max_operands = -1,
    .params = params,
    .examples = examples,
    .check = check,
    .run = run_forward,
};

const struct oe_command *const oe_fwd_client_commands[] = {
    &command_forward, NULL};
