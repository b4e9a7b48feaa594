/* SPDX-License-Identifier: Apache-2.0 */
#include "client/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/connect.h"
#include "client/session.h"
#include "client/ssh_params.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"
#include "core/ssh/ssh.h"

/* One run of the command. */
struct run {
	const struct oe_values *v;
	const struct oe_strs *operands;
	struct oe_sshconf_env env;
	struct oe_sshconf *conf;
	struct oe_hoststr host;
	char *command; /* NULL: a shell */
	int log_fd;
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
	if (oe_values_flag(v, "background") && operands->n < 2 &&
	    !oe_values_flag(v, "no-command") &&
	    !oe_values_str(v, "stdio-forward"))
		return oe_err_set(err, OE_EUSAGE,
		    "-f needs a command, or -N: a shell cannot run in the "
		    "background");
	if (oe_values_flag(v, "subsystem") && operands->n < 2)
		return oe_err_set(
		    err, OE_EUSAGE, "-s needs the name of the subsystem");
	return 0;
}

static void
set_level(enum oe_log_level level, int fd)
{
	/* libssh's own words help only whoever asks for much */
	static const int libssh[] = {
	    [OE_LOG_DEBUG2] = 2, /* protocol */
	    [OE_LOG_DEBUG3] = 4, /* functions */
	};

	oe_log_setup(level, OE_LOG_TEXT, fd, false);
	if (level >= OE_LOG_DEBUG2)
		oe_ssh_log_level(libssh[level]);
}

/* -v, -q and -E, before anything is told. */
static int
start_log(struct run *r, struct oe_err *err)
{
	const char *file = oe_values_str(r->v, "log-file");
	int64_t v = oe_values_int(r->v, "verbose");
	enum oe_log_level level = OE_LOG_INFO;

	if (v > 0)
		level = v > 2   ? OE_LOG_DEBUG3
			: v > 1 ? OE_LOG_DEBUG2
				: OE_LOG_DEBUG;
	else if (oe_values_flag(r->v, "quiet"))
		level = OE_LOG_ERROR;
	if (file) {
		r->log_fd =
		    open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (r->log_fd < 0)
			return oe_err_sys(err, "open '%s'", file);
	}
	set_level(level, r->log_fd);
	return 0;
}

/* LogLevel of the settings, where no option said otherwise. */
static void
adjust_log(const struct run *r)
{
	static const struct {
		const char *name;
		enum oe_log_level level;
	} all[] = {
	    {"QUIET", OE_LOG_ERROR},
	    {"FATAL", OE_LOG_ERROR},
	    {"ERROR", OE_LOG_ERROR},
	    {"DEBUG", OE_LOG_DEBUG},
	    {"DEBUG1", OE_LOG_DEBUG},
	    {"DEBUG2", OE_LOG_DEBUG2},
	    {"DEBUG3", OE_LOG_DEBUG3},
	};
	size_t i;

	if (oe_values_int(r->v, "verbose") || oe_values_flag(r->v, "quiet"))
		return;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (oe_sshconf_is(r->conf, OE_SSHCONF_LOGLEVEL, all[i].name))
			set_level(all[i].level, -1);
}

/* An option with a value of its own. */
static int
take_text(struct run *r, const char *option, enum oe_sshconf_key key,
    struct oe_err *err)
{
	const char *s = oe_values_str(r->v, option);

	return s ? oe_sshconf_set(r->conf, key, s, err) : 0;
}

static int
take_flags(struct run *r, struct oe_err *err)
{
	static const struct {
		const char *option;
		enum oe_sshconf_key key;
		const char *value;
	} all[] = {
	    {"ipv4", OE_SSHCONF_ADDRESSFAMILY, "inet"},
	    {"ipv6", OE_SSHCONF_ADDRESSFAMILY, "inet6"},
	    {"compression", OE_SSHCONF_COMPRESSION, "yes"},
	    {"forward-agent", OE_SSHCONF_FORWARDAGENT, "yes"},
	    {"no-agent", OE_SSHCONF_FORWARDAGENT, "no"},
	    {"no-tty", OE_SSHCONF_REQUESTTTY, "no"},
	    {"null-input", OE_SSHCONF_STDINNULL, "yes"},
	    {"no-command", OE_SSHCONF_SESSIONTYPE, "none"},
	    {"subsystem", OE_SSHCONF_SESSIONTYPE, "subsystem"},
	    {"background", OE_SSHCONF_FORKAFTERAUTHENTICATION, "yes"},
	};
	int64_t tty = oe_values_int(r->v, "tty");
	size_t i;
	int e = 0;

	for (i = 0; i < OE_ARRAY_LEN(all) && e == 0; i++)
		if (oe_values_flag(r->v, all[i].option))
			e = oe_sshconf_set(
			    r->conf, all[i].key, all[i].value, err);
	if (e == 0 && tty > 0)
		e = oe_sshconf_set(r->conf, OE_SSHCONF_REQUESTTTY,
		    tty > 1 ? "force" : "yes", err);
	return e;
}

static int
take_lists(struct run *r, struct oe_err *err)
{
	const struct oe_strs *keys = oe_values_list(r->v, "identity");
	const struct oe_strs *options = oe_values_list(r->v, "option");
	size_t i;
	int e = 0;

	for (i = 0; i < keys->n && e == 0; i++) {
		/* asked for by name: silence about it would only puzzle */
		if (access(keys->v[i], R_OK) < 0)
			oe_log_warn(
			    NULL, "key %s: %s", keys->v[i], strerror(errno));
		e = oe_sshconf_set(
		    r->conf, OE_SSHCONF_IDENTITYFILE, keys->v[i], err);
	}
	for (i = 0; i < options->n && e == 0; i++) {
		e = oe_sshconf_option(r->conf, options->v[i], err);
		if (e < 0)
			oe_err_wrap(err, e, "-o");
	}
	return e;
}

/* The command line before the files: the first setting wins. */
static int
take_options(struct run *r, struct oe_err *err)
{
	char port[24];
	int e;

	e = take_text(r, "login", OE_SSHCONF_USER, err);
	if (e == 0 && oe_values_is_set(r->v, "port")) {
		snprintf(port, sizeof port, "%lld",
		    (long long)oe_values_int(r->v, "port"));
		e = oe_sshconf_set(r->conf, OE_SSHCONF_PORT, port, err);
	}
	if (e == 0)
		e = take_text(r, "jump", OE_SSHCONF_PROXYJUMP, err);
	if (e == 0)
		e = take_text(r, "bind-address", OE_SSHCONF_BINDADDRESS, err);
	if (e == 0)
		e = take_text(r, "escape", OE_SSHCONF_ESCAPECHAR, err);
	if (e == 0)
		e = take_flags(r, err);
	if (e == 0)
		e = take_lists(r, err);
	if (e == 0 && r->host.user)
		e = oe_sshconf_set(r->conf, OE_SSHCONF_USER, r->host.user, err);
	if (e == 0 && r->host.port) {
		snprintf(port, sizeof port, "%d", r->host.port);
		e = oe_sshconf_set(r->conf, OE_SSHCONF_PORT, port, err);
	}
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
	const char *remote = oe_sshconf_str(r->conf, OE_SSHCONF_REMOTECOMMAND);

	r->command = join_command(r->operands);
	if (!remote || oe_str_eq_nocase(remote, "none"))
		return 0;
	if (r->command)
		return oe_err_set(err, OE_EUSAGE,
		    "ssh_config has a RemoteCommand for this host: leave the "
		    "command out, or give -o RemoteCommand=none");
	return oe_sshconf_expand(r->conf, remote, &r->command, err);
}

static int
settle(struct run *r, struct oe_err *err)
{
	int e;

	e = oe_hoststr_parse(r->operands->v[0], &r->host, err);
	if (e < 0)
		return OE_EUSAGE;
	e = oe_sshconf_env_real(&r->env, err);
	if (e < 0)
		return e;
	r->conf = oe_sshconf_new(&r->env);
	e = take_options(r, err);
	if (e == 0)
		e = oe_sshconf_resolve(r->conf, r->host.host,
		    oe_values_str(r->v, "ssh-config"), err);
	if (e < 0)
		return e;
	adjust_log(r);
	return settle_command(r, err);
}

static int
print_config(const struct run *r)
{
	char *text = oe_sshconf_print(r->conf);

	fputs(text, stdout);
	free(text);
	return fflush(stdout) == 0 ? OE_EXIT_OK : OE_EXIT_FAILURE;
}

static void
plan_session(const struct run *r, struct oe_session_plan *p)
{
	bool refused;

	memset(p, 0, sizeof *p);
	p->conf = r->conf;
	p->command = r->command;
	p->kind = r->command ? OE_SSH_OPEN_EXEC : OE_SSH_OPEN_SHELL;
	if (oe_sshconf_is(r->conf, OE_SSHCONF_SESSIONTYPE, "subsystem"))
		p->kind = OE_SSH_OPEN_SUBSYSTEM;
	p->none = oe_sshconf_is(r->conf, OE_SSHCONF_SESSIONTYPE, "none");
	p->background =
	    oe_sshconf_yes(r->conf, OE_SSHCONF_FORKAFTERAUTHENTICATION);
	p->null_input =
	    p->background || oe_sshconf_yes(r->conf, OE_SSHCONF_STDINNULL);
	p->quiet = oe_values_flag(r->v, "quiet");
	p->tty =
	    oe_session_want_tty(oe_sshconf_str(r->conf, OE_SSHCONF_REQUESTTTY),
		p->kind != OE_SSH_OPEN_SHELL,
		isatty(STDIN_FILENO) && !p->null_input, &refused);
	if (refused)
		oe_log_warn(NULL,
		    "no terminal is asked for: standard input is none (-tt "
		    "asks anyhow)");
}

static int
run_session(const struct run *r, struct oe_connect *c)
{
	const char *forward = oe_values_str(r->v, "stdio-forward");
	struct oe_session_plan plan;
	struct oe_hoststr to;
	int status;

	if (forward) {
		if (oe_hoststr_parse(forward, &to, NULL) < 0)
			return OE_EXIT_USAGE;
		status = oe_session_bridge(
		    c, r->conf, to.host, to.port, STDIN_FILENO, STDOUT_FILENO);
		oe_hoststr_done(&to);
		return status;
	}
	plan_session(r, &plan);
	return oe_session_run(c, &plan);
}

static int
connect_and_run(const struct run *r)
{
	struct oe_connect_plan plan = {
	    .conf = r->conf,
	    .env = &r->env,
	    .config_file = oe_values_str(r->v, "ssh-config"),
	    .quiet = oe_values_flag(r->v, "quiet"),
	    .fd = -1,
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_connect c;
	int status;

	signal(SIGPIPE, SIG_IGN);
	status = oe_connect_open(&plan, &c, &err);
	if (status < 0) {
		oe_log_error(
		    NULL, "%s: %s", r->operands->v[0], oe_err_text(&err));
		return OE_EXIT_CONNECT;
	}
	status = run_session(r, &c);
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
	    .v = ctx->values, .operands = ctx->operands, .log_fd = -1};
	struct oe_err err = OE_ERR_INIT;
	int e, status;

	e = oe_ssh_global_init(&err);
	if (e == 0)
		e = start_log(&r, &err);
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
	oe_sshconf_free(&r.conf);
	oe_sshconf_env_done(&r.env);
	oe_hoststr_done(&r.host);
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
