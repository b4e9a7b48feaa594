/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/settings.h"
#include "core/app/exitcode.h"
#include "core/app/module.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/ssh.h"
#include "sftp/copy.h"
#include "sftp/path.h"
#include "sftp/remote.h"
#include "sftp/sftp_commands.h"
#include "sftp/sftp_edit.h"
#include "sftp/sftp_input.h"
#include "sftp/sftp_params.h"
#include "sftp/sftp_parse.h"
#include "sftp/sftp_target.h"

/* Ctrl-C; a handler can reach nothing else. */
static volatile sig_atomic_t interrupted;

/* One run of the command. */
struct run {
	const struct oe_module_set *modules;
	const struct oe_values *v;
	const struct oe_cli_forwarding *forwarding; /* NULL: not built */
	const struct oe_strs *operands;
	struct oe_settings settings;
	struct oe_connect_plan connect;
	struct oe_sftp_target target;
	struct oe_sftp_shell sh;
	struct oe_sftp_edit *edit;   /* a person types */
	struct oe_sftp_input *input; /* a file or pipe is read */
	int fd;                      /* of the batch file, or standard input */
	bool lost;                   /* the connection */
	struct oe_err why;
};

static void
on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void
on_lost(void *arg, const struct oe_err *err)
{
	struct run *r = arg;

	r->lost = true;
	if (err)
		r->why = *err;
}

static int
check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	if (oe_values_str(v, "ssh-program"))
		return oe_err_set(err, OE_EUSAGE,
		    "-S is not supported: omniedge makes the connection itself "
		    "(see -o ProxyCommand)");
	if (oe_values_str(v, "program") && operands->n)
		return oe_err_set(err, OE_EUSAGE,
		    "-D connects to nobody: leave the peer out");
	if (!oe_values_str(v, "program") && !operands->n)
		return oe_err_set(err, OE_EUSAGE, "the peer is missing");
	return 0;
}

/* --- settings --------------------------------------------------------------
 */

static int
open_batch(struct run *r, struct oe_err *err)
{
	const char *file = oe_values_str(r->v, "batch-file");

	r->fd = STDIN_FILENO;
	if (!file || oe_str_eq(file, "-"))
		return 0;
	r->fd = open(file, O_RDONLY | O_CLOEXEC);
	return r->fd < 0 ? oe_err_sys(err, "open '%s'", file) : 0;
}

static unsigned
copy_flags(const struct oe_values *v)
{
	static const struct {
		const char *option;
		unsigned flags;
	} all[] = {
	    {"recursive", OE_COPY_RECURSIVE},
	    {"preserve", OE_COPY_PRESERVE},
	    {"resume", OE_COPY_RESUME | OE_COPY_APPEND},
	    {"verify", OE_COPY_VERIFY},
	    {"in-place", OE_COPY_IN_PLACE},
	    {"links", OE_COPY_LINKS},
	};
	unsigned flags = 0;
	size_t i;

	if (!oe_values_flag(v, "sync"))
		flags |= OE_COPY_NO_SYNC;
	if (!oe_values_flag(v, "sparse"))
		flags |= OE_COPY_NO_SPARSE;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (oe_values_flag(v, all[i].option))
			flags |= all[i].flags;
	return flags;
}

static void
setup_shell(struct run *r)
{
	bool quiet = oe_values_flag(r->v, "quiet");
	bool batch = oe_values_str(r->v, "batch-file");
	int64_t requests = oe_values_int(r->v, "requests");

	if (!requests)
		requests = oe_sftp_option_value(r->v, "nrequests");
	r->sh.out = stdout;
	r->sh.diag = stderr;
	r->sh.batch = batch;
	r->sh.meter = !quiet && !batch && isatty(STDERR_FILENO);
	r->sh.json = oe_values_flag(r->v, "json");
	r->sh.quiet = (quiet || batch) && !oe_values_flag(r->v, "noisy");
	r->sh.copy_flags = copy_flags(r->v);
	/* kilobits of 1024, as OpenSSH's sftp counts */
	r->sh.bytes_per_s = (uint64_t)oe_values_int(r->v, "limit") * 1024 / 8;
	r->sh.inflight = (unsigned)requests;
	r->sh.jobs = (unsigned)oe_values_int(r->v, "sessions");
}

/* What a file says of agents is meant for shells: only -A and -o count. */
static bool
wants_agent(const struct oe_values *v)
{
	static const char key[] = "forwardagent";
	const struct oe_strs *options = oe_values_list(v, "option");
	size_t i;

	for (i = 0; i < options->n; i++)
		if (!strncasecmp(options->v[i], key, strlen(key)))
			return true;
	return oe_values_flag(v, "forward-agent");
}

/* What is to win over every option and file. */
static int
take_first(struct run *r, struct oe_err *err)
{
	const struct oe_hoststr *host = &r->target.host;
	struct oe_sshconf *conf = r->settings.conf;
	char port[16];
	int e = 0;

	if (host->user)
		e = oe_sshconf_set(conf, OE_SSHCONF_USER, host->user, err);
	snprintf(port, sizeof port, "%d", host->port);
	if (e == 0 && host->port)
		e = oe_sshconf_set(conf, OE_SSHCONF_PORT, port, err);
	/* nobody is there to answer while a file is read */
	if (e == 0 && r->sh.batch)
		e = oe_sshconf_set(conf, OE_SSHCONF_BATCHMODE, "yes", err);
	if (e == 0 && !wants_agent(r->v))
		e = oe_sshconf_set(conf, OE_SSHCONF_FORWARDAGENT, "no", err);
	if (e == 0)
		e = oe_sshconf_set(
		    conf, OE_SSHCONF_CLEARALLFORWARDINGS, "yes", err);
	return e;
}

static int
settle(struct run *r, struct oe_err *err)
{
	int e;

	if (oe_values_str(r->v, "program"))
		return 0;
	e = oe_sftp_target_parse(r->operands->v[0], &r->target, err);
	if (e < 0)
		return OE_EUSAGE;
	e = oe_settings_begin(&r->settings, r->modules, r->v, err);
	if (e == 0)
		e = oe_settings_split(&r->settings, &r->target.host, err);
	if (e == 0)
		e = take_first(r, err);
	if (e == 0)
		e = oe_settings_resolve(&r->settings, &r->target.host, err);
	return e;
}

/* --- the connection --------------------------------------------------------
 */

static int
connect_peer(struct run *r, struct oe_err *err)
{
	struct oe_remote_plan plan = {
	    .loop = r->sh.loop,
	    .subsystem = oe_values_str(r->v, "subsystem"),
	    .program = oe_values_str(r->v, "program"),
	    .data_max = (size_t)oe_values_int(r->v, "buffer"),
	    .failed = on_lost,
	    .arg = r,
	};
	int e;

	if (!plan.program) {
		r->connect = oe_settings_plan(&r->settings);
		r->connect.forwarding = r->forwarding;
		plan.connect = &r->connect;
	}
	if (!plan.data_max)
		plan.data_max = (size_t)oe_sftp_option_value(r->v, "buffer");
	e = oe_sftp_remote_open(&plan, &r->sh.peer, err);
	if (e < 0)
		return e;
	r->sh.remote = oe_sftp_remote_fs(r->sh.peer);
	r->sh.local = oe_sftp_local_new();
	e = oe_sftp_shell_enter(&r->sh, err);
	if (e < 0)
		return e;
	if (!r->sh.quiet && plan.program)
		fprintf(stderr, "Attached to %s.\n", plan.program);
	else if (!r->sh.quiet)
		fprintf(stderr, "Connected to %s.\n", r->target.host.host);
	return 0;
}

/* --- the dialogue ----------------------------------------------------------
 */

/* "~" at the start of the path that was given with the peer. */
static char *
first_path(struct run *r)
{
	struct oe_ask at = oe_sftp_at(&r->sh);
	char *path = NULL;

	if (r->target.path[0] == '~' &&
	    (r->sh.remote->features & OE_FS_EXPAND) &&
	    oe_ask_expand(&at, r->target.path, &path, NULL) == 0)
		return path;
	return oe_sftp_absolute(&r->sh, r->target.path);
}

/*
 * The path given with the peer: a directory to begin in, or what is to be
 * fetched, and then that is all.
 * Return: 0 (go on), OE_SFTP_QUIT, or a negative status.
 */
static int
visit(struct run *r)
{
	const char *to = r->operands->n > 1 ? r->operands->v[1] : NULL;
	char *path = first_path(r), *from = oe_sftp_glob_quote(path), *local;
	char *words[2] = {from, NULL};
	struct oe_sftp_args a = {.words = words, .n = 1, .stop_at_error = true};
	int e;

	local = to ? oe_sftp_glob_quote(to) : NULL;
	if (!to && oe_sftp_is_dir(&r->sh, path)) {
		oe_sftp_tell(&r->sh, "Changing to: %s", path);
		a.cmd = oe_sftp_cmd_find("cd");
	} else {
		/* what stands behind the peer may be a pattern */
		free(from);
		words[0] = from = oe_mem_strdup(path);
		words[1] = local;
		a.n = to ? 2 : 1;
		a.cmd = oe_sftp_cmd_find("get");
	}
	e = a.cmd->run(&r->sh, &a);
	if (e == 0 && !oe_str_eq(a.cmd->name, "cd"))
		e = OE_SFTP_QUIT;
	free(local);
	free(from);
	free(path);
	return e;
}

static int
open_input(struct run *r, struct oe_err *err)
{
	struct sigaction sa = {.sa_handler = on_interrupt};
	int e;

	if (r->sh.batch || !isatty(STDIN_FILENO)) {
		r->input = oe_sftp_input_new(r->sh.loop, r->fd, &r->lost);
		return 0;
	}
	e = oe_sftp_edit_new(&r->sh, &r->lost, &r->edit, err);
	if (e < 0)
		return e;
	sigaction(SIGINT, &sa, NULL);
	r->sh.stop = &interrupted;
	return 0;
}

static int
read_line(struct run *r, char **ret)
{
	int e;

	interrupted = 0;
	e = r->edit ? oe_sftp_edit_line(r->edit, ret)
		    : oe_sftp_input_line(r->input, ret);
	interrupted = 0;
	return e;
}

/* Lines until the end; 0, or what ended it. */
static int
converse(struct run *r)
{
	char *line = NULL;
	int e = 0;

	while (e == 0 && !r->lost) {
		e = read_line(r, &line);
		if (e == OE_ECANCEL) {
			e = 0;
			continue;
		}
		if (e == OE_ETOOBIG)
			oe_sftp_fail(&r->sh, "A line of more than %d bytes",
			    OE_SFTP_LINE_MAX);
		if (e < 0)
			break;
		e = oe_sftp_run_line(&r->sh, line, !r->edit);
		if (interrupted)
			fputs("\rInterrupted\n", stderr);
		/* only a batch file ends at a failure */
		if (e < 0 && !r->sh.batch)
			e = 0;
		oe_mem_free(&line);
	}
	return e == OE_ESHORT ? 0 : e;
}

static int
dialogue(struct run *r)
{
	struct oe_err err = OE_ERR_INIT;
	int e = 0;

	if (r->target.path)
		e = visit(r);
	if (e == 0) {
		e = open_input(r, &err);
		if (e < 0)
			oe_log_error(NULL, "%s", oe_err_text(&err));
	}
	if (e == 0)
		e = converse(r);
	oe_sftp_edit_free(&r->edit);
	oe_sftp_input_free(&r->input);
	if (r->lost) {
		oe_log_error(NULL, "connection closed: %s",
		    r->why.msg[0] ? r->why.msg : "by the peer");
		return OE_EXIT_CONNECT;
	}
	return e < 0 ? OE_EXIT_FAILURE : OE_EXIT_OK;
}

static int
run_settled(struct run *r)
{
	struct oe_err err = OE_ERR_INIT;
	int status = OE_EXIT_CONNECT;

	r->sh.loop = oe_loop_new();
	if (connect_peer(r, &err) == 0)
		status = dialogue(r);
	else
		oe_log_error(NULL, "%s: %s",
		    r->operands->n ? r->operands->v[0]
				   : oe_values_str(r->v, "program"),
		    oe_err_text(&err));
	oe_sftp_fs_free(&r->sh.local);
	oe_sftp_remote_close(&r->sh.peer);
	oe_sftp_shell_done(&r->sh);
	oe_loop_free(&r->sh.loop);
	if (fflush(stdout) != 0 && status == OE_EXIT_OK)
		status = OE_EXIT_FAILURE;
	return status;
}

static int
run_sftp(const struct oe_ctx *ctx)
{
	struct run r = {.modules = ctx->modules,
	    .v = ctx->values,
	    .forwarding = oe_module_client_forwarding(ctx->modules),
	    .operands = ctx->operands,
	    .fd = -1};
	struct oe_err err = OE_ERR_INIT;
	int e, status;

	/* names and keys in the user's characters */
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	setup_shell(&r);
	e = oe_ssh_global_init(&err);
	if (e == 0)
		e = oe_settings_log(r.v, &err);
	if (e == 0)
		e = open_batch(&r, &err);
	if (e == 0)
		e = settle(&r, &err);
	if (e < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		status = e == OE_EUSAGE ? OE_EXIT_USAGE : OE_EXIT_CONNECT;
	} else {
		status = run_settled(&r);
	}
	if (r.fd != STDIN_FILENO)
		oe_fd_close(&r.fd);
	oe_settings_done(&r.settings);
	oe_sftp_target_done(&r.target);
	return status;
}

static const struct oe_example examples[] = {
    {"omniedge sftp robot7", "browse, get and put files"},
    {"omniedge sftp robot7:logs/today.log", "fetch one file"},
    {"omniedge sftp -b nightly.txt admin@10.0.0.7", "commands from a file"},
    {NULL, NULL},
};

const struct oe_command oe_command_sftp = {
    .name = "sftp",
    .summary = "browse and move files of a peer",
    .operands = "[user@]peer[:path] [local]",
    .min_operands = 0,
    .max_operands = 2,
    .params = oe_sftp_params,
    .examples = examples,
    .check = check,
    .run = run_sftp,
};
