/* SPDX-License-Identifier: Apache-2.0 */
#include "client/commands.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/connect.h"
#include "client/forwarding.h"
#include "client/mux.h"
#include "client/mux_client.h"
#include "client/session.h"
#include "client/settings.h"
#include "client/ssh_params.h"
#include "core/app/exitcode.h"
#include "core/app/module.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"
#include "core/ssh/ssh.h"

/* One run of the command. */
struct run {
	const struct oe_module_set *modules;
	const struct oe_values *v;
	const struct oe_strs *operands;
	const struct oe_cli_forwarding *forwarding; /* NULL: not built */
	struct oe_cli_forwards *forwards;
	struct oe_settings set;
	struct oe_hoststr host;
	struct oe_hoststr forward; /* -W */
	char *command;             /* NULL: a shell */
};

static int
check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	if (oe_values_flag(v, "x11") || oe_values_flag(v, "x11-trusted"))
		return oe_err_set(
		    err, OE_EUSAGE, "X11 forwarding (-X, -Y) is not supported");
	if (oe_values_str(v, "stdio-forward") && operands->n > 1)
		return oe_err_set(
		    err, OE_EUSAGE, "-W runs no command: leave it out");
	if (oe_values_str(v, "control") && operands->n > 1)
		return oe_err_set(
		    err, OE_EUSAGE, "-O runs no command: leave it out");
	if (oe_values_flag(v, "subsystem") && operands->n < 2)
		return oe_err_set(
		    err, OE_EUSAGE, "-s needs the name of the subsystem");
	return 0;
}

/* Options that only ssh has: what becomes of the session. */
static int
take_session(struct run *r, struct oe_err *err)
{
	static const struct {
		const char *option;
		enum oe_sshconf_key key;
		const char *value;
	} all[] = {
	    {"no-tty", OE_SSHCONF_REQUESTTTY, "no"},
	    {"null-input", OE_SSHCONF_STDINNULL, "yes"},
	    {"no-command", OE_SSHCONF_SESSIONTYPE, "none"},
	    {"subsystem", OE_SSHCONF_SESSIONTYPE, "subsystem"},
	    {"background", OE_SSHCONF_FORKAFTERAUTHENTICATION, "yes"},
	};
	const char *escape = oe_values_str(r->v, "escape");
	int64_t tty = oe_values_int(r->v, "tty");
	int64_t master = oe_values_int(r->v, "control-master");
	size_t i;
	int e = 0;

	for (i = 0; i < OE_ARRAY_LEN(all) && e == 0; i++)
		if (oe_values_flag(r->v, all[i].option))
			e = oe_sshconf_set(
			    r->set.conf, all[i].key, all[i].value, err);
	if (e == 0 && escape)
		e = oe_sshconf_set(
		    r->set.conf, OE_SSHCONF_ESCAPECHAR, escape, err);
	if (e == 0 && tty > 0)
		e = oe_sshconf_set(r->set.conf, OE_SSHCONF_REQUESTTTY,
		    tty > 1 ? "force" : "yes", err);
	if (e == 0 && master > 0)
		e = oe_sshconf_set(r->set.conf, OE_SSHCONF_CONTROLMASTER,
		    master > 1 ? "ask" : "yes", err);
	/* -W is all that its connection is for */
	if (e == 0 && oe_values_str(r->v, "stdio-forward"))
		e = oe_sshconf_set(
		    r->set.conf, OE_SSHCONF_CLEARALLFORWARDINGS, "yes", err);
	return e;
}

/* Words after the host, joined by blanks as ssh does. */
static char *
join_command(const struct oe_strs *operands)
{
	char *all = NULL, *next;
	size_t i;

	for (i = 1; i < operands->n; i++) {
		next = all ? oe_mem_printf("%s %s", all, operands->v[i])
			   : oe_mem_strdup(operands->v[i]);
		free(all);
		all = next;
	}
	return all;
}

static int
settle_command(struct run *r, struct oe_err *err)
{
	const char *remote =
	    oe_sshconf_str(r->set.conf, OE_SSHCONF_REMOTECOMMAND);

	r->command = join_command(r->operands);
	if (!remote || oe_str_eq_nocase(remote, "none"))
		return 0;
	if (r->command)
		return oe_err_set(err, OE_EUSAGE,
		    "ssh_config has a RemoteCommand for this host: leave the "
		    "command out, or give -o RemoteCommand=none");
	return oe_sshconf_expand(r->set.conf, remote, &r->command, err);
}

/* Where -f, or ForkAfterAuthentication of ssh_config, has nothing to hold. */
static int
check_background(const struct run *r, struct oe_err *err)
{
	const struct oe_sshconf *conf = r->set.conf;

	if (!oe_sshconf_yes(conf, OE_SSHCONF_FORKAFTERAUTHENTICATION) ||
	    oe_sshconf_is(conf, OE_SSHCONF_SESSIONTYPE, "none") || r->command ||
	    oe_values_str(r->v, "stdio-forward") ||
	    oe_values_str(r->v, "control"))
		return 0;
	return oe_err_set(err, OE_EUSAGE,
	    "-f needs a command, or -N: a shell cannot run in the background");
}

static int
settle_forwards(struct run *r, struct oe_err *err)
{
	static const enum oe_sshconf_key keys[] = {
	    OE_SSHCONF_LOCALFORWARD,
	    OE_SSHCONF_REMOTEFORWARD,
	    OE_SSHCONF_DYNAMICFORWARD,
	};
	const struct oe_sshconf *conf = r->set.conf;
	size_t i;

	if (oe_values_flag(r->v, "print-config"))
		return 0;
	if (r->forwarding)
		return r->forwarding->open(conf, &r->forwards, err);
	for (i = 0; i < OE_ARRAY_LEN(keys); i++)
		if (oe_sshconf_list(conf, keys[i])->n &&
		    !oe_sshconf_yes(conf, OE_SSHCONF_CLEARALLFORWARDINGS))
			oe_log_warn(NULL, "this build forwards no ports: the "
					  "forwards of ssh_config are not "
					  "there");
	return 0;
}

static int
settle(struct run *r, struct oe_err *err)
{
	int e;

	e = oe_hoststr_parse(r->operands->v[0], &r->host, err);
	if (e < 0)
		return OE_EUSAGE;
	e = oe_settings_begin(&r->set, r->modules, r->v, err);
	if (e == 0)
		e = oe_settings_split(&r->set, &r->host, err);
	if (e == 0)
		e = take_session(r, err);
	if (e == 0 && r->forwarding)
		e = r->forwarding->take(r->v, r->set.conf, err);
	if (e == 0)
		e = oe_settings_resolve(&r->set, &r->host, err);
	if (e < 0)
		return e;
	e = settle_command(r, err);
	if (e == 0)
		e = check_background(r, err);
	return e < 0 ? e : settle_forwards(r, err);
}

static int
print_config(const struct run *r)
{
	char *text;

	if (r->forwarding)
		r->forwarding->print(r->set.conf);
	text = oe_sshconf_print(r->set.conf);
	fputs(text, stdout);
	free(text);
	return fflush(stdout) == 0 ? OE_EXIT_OK : OE_EXIT_FAILURE;
}

static void
plan_session(const struct run *r, struct oe_session_plan *p)
{
	bool refused;

	memset(p, 0, sizeof *p);
	p->conf = r->set.conf;
	p->command = r->command;
	p->kind = r->command ? OE_SSH_OPEN_EXEC : OE_SSH_OPEN_SHELL;
	if (oe_sshconf_is(r->set.conf, OE_SSHCONF_SESSIONTYPE, "subsystem"))
		p->kind = OE_SSH_OPEN_SUBSYSTEM;
	p->none = oe_sshconf_is(r->set.conf, OE_SSHCONF_SESSIONTYPE, "none");
	p->background =
	    oe_sshconf_yes(r->set.conf, OE_SSHCONF_FORKAFTERAUTHENTICATION);
	p->null_input =
	    p->background || oe_sshconf_yes(r->set.conf, OE_SSHCONF_STDINNULL);
	p->quiet = oe_values_flag(r->v, "quiet");
	p->forwarding = r->forwarding;
	p->forwards = r->forwards;
	p->tty = oe_session_want_tty(
	    oe_sshconf_str(r->set.conf, OE_SSHCONF_REQUESTTTY),
	    p->kind != OE_SSH_OPEN_SHELL,
	    isatty(STDIN_FILENO) && !p->null_input, &refused);
	if (refused)
		oe_log_warn(NULL,
		    "no terminal is asked for: standard input is none (-tt "
		    "asks anyhow)");
}

static int
plan_all(struct run *r, struct oe_mux_want *want)
{
	const char *forward = oe_values_str(r->v, "stdio-forward");

	memset(want, 0, sizeof *want);
	if (!forward) {
		plan_session(r, &want->session);
		return 0;
	}
	want->session.conf = r->set.conf;
	want->session.quiet = oe_values_flag(r->v, "quiet");
	if (oe_hoststr_parse(forward, &r->forward, NULL) < 0)
		return OE_EUSAGE;
	want->host = r->forward.host;
	want->port = r->forward.port;
	return 0;
}

/* On a connection of its own. */
static int
run_alone(struct run *r, struct oe_connect *c, const struct oe_mux_want *want)
{
	if (want->host)
		return oe_session_bridge(c, r->set.conf, want->host, want->port,
		    STDIN_FILENO, STDOUT_FILENO);
	/* they are the session's to close */
	r->forwards = NULL;
	return oe_session_run(c, &want->session);
}

/* With a master that this command starts; OE_EAGAIN: there is to be none. */
static int
run_leading(struct run *r, struct oe_connect *c, const struct oe_mux_want *want)
{
	bool none = want->session.none && !want->host;
	bool persists = oe_mux_persists(r->set.conf);
	struct oe_mux_client first;
	int e, status;

	if (none && !persists && !want->session.background) {
		status = oe_mux_hold(c, &want->session);
		if (status != OE_EAGAIN)
			r->forwards = NULL;
		return status;
	}
	e = oe_mux_lead(c, r->set.conf, r->forwarding, &r->forwards,
	    none && !persists, &first);
	if (e == OE_EAGAIN)
		return e;
	if (e < 0)
		return OE_EXIT_CONNECT;
	status = none ? OE_EXIT_OK : OE_EXIT_CONNECT;
	if (!none && oe_mux_use(&first, want, false, &status) == 0)
		return status;
	oe_mux_client_close(&first);
	return status;
}

static bool
run_joining(const struct run *r, const struct oe_mux_want *want, int *ret)
{
	struct oe_mux_client c;

	if (oe_mux_join(r->set.conf, &c) < 0)
		return false;
	if (oe_mux_use(&c, want, true, ret) == 0)
		return true;
	oe_mux_client_close(&c);
	return false;
}

static int
connect_and_run(struct run *r)
{
	struct oe_connect_plan plan = oe_settings_plan(&r->set);
	struct oe_err err = OE_ERR_INIT;
	struct oe_mux_want want;
	struct oe_connect c;
	int status;

	if (plan_all(r, &want) < 0)
		return OE_EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	if (oe_values_str(r->v, "control"))
		return oe_mux_order(
		    oe_values_str(r->v, "control"), &want.session);
	if (run_joining(r, &want, &status))
		return status;
	status = oe_connect_open(&plan, &c, &err);
	if (status < 0) {
		oe_log_error(
		    NULL, "%s: %s", r->operands->v[0], oe_err_text(&err));
		return OE_EXIT_CONNECT;
	}
	status = run_leading(r, &c, &want);
	if (status == OE_EAGAIN)
		status = run_alone(r, &c, &want);
	oe_connect_close(&c);
	return status;
}

static int
exit_for(int e)
{
	return e == OE_EUSAGE ? OE_EXIT_USAGE : OE_EXIT_CONNECT;
}

static int
run_ssh(const struct oe_ctx *ctx)
{
	struct run r = {
	    .modules = ctx->modules,
	    .v = ctx->values,
	    .operands = ctx->operands,
	    .forwarding = oe_module_client_forwarding(ctx->modules),
	};
	struct oe_err err = OE_ERR_INIT;
	int e, status;

	e = oe_ssh_global_init(&err);
	if (e == 0)
		e = oe_settings_log(r.v, &err);
	if (e == 0)
		e = settle(&r, &err);
	if (e < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		status = exit_for(e);
	} else if (oe_values_flag(r.v, "print-config")) {
		status = print_config(&r);
	} else {
		status = connect_and_run(&r);
	}
	if (r.forwarding)
		r.forwarding->close(&r.forwards);
	oe_settings_done(&r.set);
	oe_hoststr_done(&r.host);
	oe_hoststr_done(&r.forward);
	free(r.command);
	return status;
}

static const struct oe_example examples[] = {
    {"omniedge ssh robot7", "a shell on robot7"},
    {"omniedge ssh admin@10.0.0.7:2222 uptime", "one command, its status"},
    {"omniedge ssh -J gate1,gate2 robot7", "over two jump hosts"},
    {"tar c . | omniedge ssh robot7 'tar x -C /srv'", "bytes through it"},
    {NULL, NULL},
};

const struct oe_command oe_command_ssh = {
    .name = "ssh",
    .summary = "shell or command on a peer",
    .operands = "[user@]peer [COMMAND...]",
    .min_operands = 1,
    .max_operands = -1,
    .params = oe_ssh_params,
    .flags = OE_CMD_SSH_OPERANDS,
    .examples = examples,
    .check = check,
    .run = run_ssh,
};
