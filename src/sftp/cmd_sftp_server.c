/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge sftp-server: its options, and what happens before it serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "core/app/command.h"
#include "core/app/exitcode.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/commands.h"
#include "sftp/server.h"
#include "sftp/server_audit.h"

/* Descriptors that are worth having; a session may have as many handles. */
#define FILES_WANTED 4096
/* How long the work at hand may take once the session is hung up. */
#define HANGUP_S 5

/* Names as sshd_config(5) has them; -1 writes nothing at all. */
static const struct {
	const char *name;
	int level;
} levels[] = {
    {"quiet", -1},
    {"fatal", OE_LOG_ERROR},
    {"error", OE_LOG_ERROR},
    {"info", OE_LOG_INFO},
    {"verbose", OE_LOG_DEBUG},
    {"debug", OE_LOG_DEBUG},
    {"debug1", OE_LOG_DEBUG},
    {"debug2", OE_LOG_DEBUG2},
    {"debug3", OE_LOG_DEBUG3},
};

static const struct {
	const char *name;
	int facility;
} facilities[] = {
    {"daemon", LOG_DAEMON},
    {"user", LOG_USER},
    {"auth", LOG_AUTH},
    {"authpriv", LOG_AUTHPRIV},
    {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4},
    {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
};

static int
level_of(const char *name, int *ret)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(levels); i++) {
		if (oe_str_eq_nocase(name, levels[i].name)) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return OE_EINVAL;
}

static int
facility_of(const char *name, int *ret)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(facilities); i++) {
		if (oe_str_eq_nocase(name, facilities[i].name)) {
			*ret = facilities[i].facility;
			return 0;
		}
	}
	return OE_EINVAL;
}

static int
check_level(const char *value, struct oe_err *err)
{
	int unused;

	if (level_of(value, &unused) == 0)
		return 0;
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is none of quiet, fatal, error, info, verbose, debug, "
	    "debug1, debug2, debug3",
	    value);
}

static int
check_facility(const char *value, struct oe_err *err)
{
	int unused;

	if (facility_of(value, &unused) == 0)
		return 0;
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is none of daemon, user, auth, authpriv, local0 to local7",
	    value);
}

static int
check_umask(const char *value, struct oe_err *err)
{
	size_t n = strlen(value);

	if (n && n <= 4 && strspn(value, "01234567") == n &&
	    strtol(value, NULL, 8) <= 0777)
		return 0;
	return oe_err_set(
	    err, OE_EINVAL, "'%s' is not an octal number up to 777", value);
}

static int
check_request(const char *value, struct oe_err *err)
{
	const char *name;
	size_t i;

	for (i = 0; (name = oe_sftp_server_request(i)); i++)
		if (oe_str_eq(name, value))
			return 0;
	return oe_err_set(err, OE_EINVAL,
	    "there is no request '%s'; --query requests lists them", value);
}

static int
check_root(const char *value, struct oe_err *err)
{
	if (*value == '/')
		return 0;
	return oe_err_set(err, OE_EINVAL, "'%s' is not absolute", value);
}

static int
check_audit(const char *value, struct oe_err *err)
{
	int64_t fd;

	if (!oe_str_starts(value, "fd:") ||
	    oe_str_parse_int(value + 3, 2, 1 << 20, &fd) == 0)
		return 0;
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not a file nor fd:NUMBER of 2 or more", value);
}

static const char *const queries[] = {"requests", NULL};

#define RULES   "Rules"
#define LOGGING "Log and audit"

static const struct oe_param params[] = {
    {.name = "read-only",
	.letter = 'R',
	.type = OE_PARAM_FLAG,
	.help = "refuse whatever changes a file or a directory",
	.group = "direction",
	.section = RULES},
    {.name = "write-only",
	.type = OE_PARAM_FLAG,
	.help = "take files, but tell no content, no names in directories "
		"and no targets of links",
	.group = "direction",
	.section = RULES},
    {.name = "root",
	.type = OE_PARAM_STRING,
	.metavar = "DIRECTORY",
	.help = "refuse every path that is not in this tree; symbolic links "
		"that lead out of it are refused too",
	.flags = OE_PARAM_REPEAT,
	.check = check_root,
	.section = RULES},
    {.name = "allow-requests",
	.letter = 'p',
	.type = OE_PARAM_STRING,
	.metavar = "NAMES",
	.help = "refuse all requests but these, separated by commas",
	.flags = OE_PARAM_REPEAT | OE_PARAM_COMMA,
	.check = check_request,
	.section = RULES},
    {.name = "deny-requests",
	.letter = 'P',
	.type = OE_PARAM_STRING,
	.metavar = "NAMES",
	.help = "refuse these requests, separated by commas; counts more "
		"than --allow-requests",
	.flags = OE_PARAM_REPEAT | OE_PARAM_COMMA,
	.check = check_request,
	.section = RULES},
    {.name = "umask",
	.letter = 'u',
	.type = OE_PARAM_STRING,
	.metavar = "OCTAL",
	.help = "permissions that new files and directories do not get, "
		"in place of the umask that is set at the start",
	.check = check_umask,
	.section = RULES},
    {.name = "start-directory",
	.letter = 'd',
	.type = OE_PARAM_STRING,
	.metavar = "DIRECTORY",
	.help = "where relative paths begin; %d is the user's home, %u the "
		"user's name, %U the user's number and %% a %",
	.section = RULES},
    {.name = "query",
	.letter = 'Q',
	.type = OE_PARAM_CHOICE,
	.metavar = "WHAT",
	.help = "print the names of the requests, and end",
	.choices = queries,
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "log-level",
	.letter = 'l',
	.type = OE_PARAM_STRING,
	.metavar = "LEVEL",
	.help = "least important lines of the log: quiet, fatal, error, info "
		"(what is done to files), verbose, debug, debug1 to debug3",
	.fallback = "error",
	.check = check_level,
	.section = LOGGING},
    {.name = "facility",
	.letter = 'f',
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "facility of lines to syslog: daemon, user, auth, authpriv, "
		"local0 to local7",
	.fallback = "auth",
	.check = check_facility,
	.section = LOGGING},
    {.name = "log-stderr",
	.letter = 'e',
	.type = OE_PARAM_FLAG,
	.help = "write the log to standard error in place of syslog",
	.section = LOGGING},
    {.name = "audit",
	.type = OE_PARAM_STRING,
	.metavar = "FILE",
	.help = "append an event to this file for each operation; fd:N is an "
		"open descriptor",
	.check = check_audit,
	.section = LOGGING},
    {.name = "device-id",
	.type = OE_PARAM_STRING,
	.metavar = "ID",
	.help = "name of this device in events",
	.section = LOGGING},
    {.name = NULL},
};

static int
print_requests(void)
{
	const char *name;
	size_t i;

	for (i = 0; (name = oe_sftp_server_request(i)); i++)
		puts(name);
	return OE_EXIT_OK;
}

static void
setup_log(const struct oe_values *v)
{
	int level = OE_LOG_ERROR, facility = LOG_AUTH, fd = -1;

	(void)level_of(oe_values_str(v, "log-level"), &level);
	(void)facility_of(oe_values_str(v, "facility"), &facility);
	if (level < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	oe_log_setup(level < 0 ? OE_LOG_ERROR : (enum oe_log_level)level,
	    OE_LOG_TEXT, fd, false);
	oe_log_prefix("omniedge sftp-server");
	if (level >= 0 && !oe_values_flag(v, "log-stderr"))
		oe_log_syslog("omniedge-sftp-server", facility);
}

/* @text with what stands for %d, %u, %U and %%; free() it. */
static char *
expand(const char *text, const struct passwd *pw)
{
	char *all = oe_mem_strdup(""), *more, one[2] = {0, 0}, uid[16];
	const char *add;

	snprintf(uid, sizeof uid, "%u", (unsigned)pw->pw_uid);
	if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
		free(all);
		all = oe_mem_strdup(pw->pw_dir);
		text++;
	}
	for (; *text; text++) {
		one[0] = *text;
		add = one;
		if (text[0] == '%' && text[1] && strchr("duU%", text[1])) {
			text++;
			add = *text == 'd'   ? pw->pw_dir
			      : *text == 'u' ? pw->pw_name
			      : *text == 'U' ? uid
					     : "%";
		}
		more = oe_mem_printf("%s%s", all, add);
		free(all);
		all = more;
	}
	return all;
}

static int
start_directory(const char *text, const struct passwd *pw, struct oe_err *err)
{
	char *dir;
	int r = 0;

	if (!text)
		return 0;
	dir = expand(text, pw);
	if (chdir(dir) < 0)
		r = oe_err_sys(err, "start directory '%s'", dir);
	free(dir);
	return r;
}

static int
open_audit(const char *to, int *ret, struct oe_err *err)
{
	int64_t n = -1;
	int fd;

	if (!to)
		return 0;
	if (oe_str_starts(to, "fd:")) {
		(void)oe_str_parse_int(to + 3, 2, 1 << 20, &n);
		fd = fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0 ? -1 : (int)n;
	} else {
		fd = open(to,
		    O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return oe_err_sys(err, "audit '%s'", to);
	*ret = fd;
	return 0;
}

static void
raise_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur >= FILES_WANTED)
		return;
	rl.rlim_cur = rl.rlim_max < FILES_WANTED ? rl.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

static bool
has_rules(const struct oe_sftp_server_rules *rules)
{
	return rules->read_only || rules->write_only || rules->roots->n ||
	       rules->allowed->n || rules->denied->n || rules->audit;
}

/*
 * Clients that go by the draft unless the server calls itself OpenSSH.  Our
 * own ssh-server tells who the client is; under another one nobody does.
 * libssh's own client is one of them, and says the same as ours.
 */
static bool
goes_by_draft(const char *client)
{
	static const char *const those[] = {
	    "SSH-2.0-AsyncSSH_", "SSH-2.0-WinSCP_"};
	size_t i;

	for (i = 0; client && i < OE_ARRAY_LEN(those); i++)
		if (oe_str_starts(client, those[i]))
			return true;
	return false;
}

static int
serve(const struct oe_sftp_server_rules *rules, struct oe_err *err)
{
	struct oe_sftp_server *s = NULL;
	bool rules_hold = has_rules(rules);
	int r;

	/*
	 * A process of the same user, or the peer by way of /proc/self/mem,
	 * could otherwise change this one and with it the rules.
	 */
	if (rules_hold && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return oe_err_sys(err, "close this process to others");
	r = oe_sftp_server_new(rules, &s, err);
	if (r == 0)
		r = oe_sftp_server_run(s, STDIN_FILENO, STDOUT_FILENO, err);
	oe_sftp_server_free(&s);
	/* nothing is left to protect, and a leak checker wants to look */
	if (rules_hold)
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return r;
}

static void
on_hangup(int number)
{
	(void)number;
	alarm(HANGUP_S);
}

/*
 * The end of the input follows a hangup.  Files that are being put get or
 * lose their names by then; to end at once would leave temporary ones.
 */
static void
survive_hangup(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = on_hangup;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGHUP, &sa, NULL);
}

static int
serve_audited(const struct oe_values *v, struct oe_sftp_server_rules *rules,
    const struct passwd *pw, struct oe_err *err)
{
	struct oe_eventlog events = {.fd = -1};
	struct oe_sftp_auditlog audit;
	int r;

	events.node = oe_values_str(v, "device-id");
	r = open_audit(oe_values_str(v, "audit"), &events.fd, err);
	if (r < 0)
		return r;
	oe_sftp_auditlog_init(
	    &audit, &events, pw->pw_name, getenv("SSH_CONNECTION"));
	if (events.fd >= 0 || oe_log_wants(OE_LOG_INFO))
		rules->audit = &audit.audit;
	oe_sftp_auditlog_session(&audit, true, 0);
	r = serve(rules, err);
	if (r == OE_ECLOSED) {
		/* a client that goes away is no failure of ours */
		oe_log_debug(NULL, "%s", oe_err_text(err));
		r = 0;
	}
	oe_sftp_auditlog_session(&audit, false, r < 0 ? 1 : 0);
	oe_sftp_auditlog_done(&audit);
	oe_fd_close(&events.fd);
	return r;
}

static int
run(const struct oe_ctx *ctx)
{
	const struct oe_values *v = ctx->values;
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_server_rules rules = {
	    .read_only = oe_values_flag(v, "read-only"),
	    .write_only = oe_values_flag(v, "write-only"),
	    .roots = oe_values_list(v, "root"),
	    .allowed = oe_values_list(v, "allow-requests"),
	    .denied = oe_values_list(v, "deny-requests"),
	    .link_first = goes_by_draft(getenv("SSH_CLIENT_VERSION")),
	};
	const struct passwd *pw = getpwuid(getuid());
	struct passwd mine;
	char *name, *home;
	int r;

	if (oe_values_is_set(v, "query"))
		return print_requests();
	setup_log(v);
	signal(SIGPIPE, SIG_IGN);
	survive_hangup();
	/* a limit on file sizes is an answer to a WRITE, not the end */
	signal(SIGXFSZ, SIG_IGN);
	raise_files();
	if (oe_values_str(v, "umask"))
		umask((mode_t)strtol(oe_values_str(v, "umask"), NULL, 8));
	/* getpwuid()'s memory does not last */
	name = oe_mem_strdup(pw ? pw->pw_name : "unknown");
	home = oe_mem_strdup(pw ? pw->pw_dir : "/");
	mine = (struct passwd){
	    .pw_name = name, .pw_dir = home, .pw_uid = getuid()};
	r = start_directory(oe_values_str(v, "start-directory"), &mine, &err);
	if (r == 0)
		r = serve_audited(v, &rules, &mine, &err);
	free(name);
	free(home);
	if (r == 0)
		return OE_EXIT_OK;
	oe_log_error(NULL, "%s", oe_err_text(&err));
	return OE_EXIT_FAILURE;
}

static const struct oe_example examples[] = {
    {"omniedge sftp-server -R --root /srv/models",
	"let users fetch models and nothing else"},
    {"omniedge sftp-server --write-only --root /srv/inbox -u 027",
	"a box to drop files into"},
    {"sftp -D 'omniedge sftp-server'",
	"look around on this machine with OpenSSH's client"},
    {NULL, NULL},
};

const struct oe_command oe_command_sftp_server = {
    .name = "sftp-server",
    .summary = "serve files over SFTP on standard input and output",
    .operands = "",
    .params = params,
    .flags = OE_CMD_SYSTEM_ONLY,
    .examples = examples,
    .run = run,
};
