/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the process of a session as the local user.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <paths.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/app/module.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "server/login.h"
#include "server/pam.h"
#include "server/session.h"

#define OE_SRV_PIPE_SIZE (1024 * 1024)
/* Where a program that reports finds the pipe for it. */
#define OE_SRV_REPORT_FD   3
#define OE_SRV_REPORT_NAME "fd:3"

/* What is to be run: a shell, a shell with a command, or a program. */
struct launch {
	const char *command;     /* for sh -c; NULL: a login shell */
	const char *const *argv; /* a subsystem's own program, or NULL */
	const char *original;    /* what a forced command displaced */
	bool reports;            /* the program can tell what it does */
	int report_fd;           /* where to, or -1 */
	bool files;              /* argv is to be bound by the rule */
	struct oe_strs bounds;   /* options for that */
	bool refused;            /* say why, and nothing else */
	int status;              /* exit status then */
	struct oe_err why;
};

/* The operator's program of that name, or NULL. */
static const char *
launch_extra(const struct oe_srv_conn *c, const char *name)
{
	const struct oe_strs *extra = &c->srv->cfg->subsystems;
	size_t len = strlen(name), i;

	for (i = 0; i < extra->n; i++)
		if (!strncmp(extra->v[i], name, len) && extra->v[i][len] == ':')
			return extra->v[i] + len + 1;
	return NULL;
}

static const struct oe_subsystem *
launch_own(const struct oe_srv_conn *c, const struct oe_srv_session *s)
{
	if (s->kind != OE_SRV_START_SUBSYSTEM || launch_extra(c, s->text))
		return NULL;
	return oe_module_find_subsystem(c->srv->cfg->modules, s->text);
}

static int
launch_subsystem(struct oe_srv_conn *c, const struct oe_srv_session *s,
    struct launch *l, struct oe_err *err)
{
	const struct oe_subsystem *sub = launch_own(c, s);

	l->command = launch_extra(c, s->text);
	if (l->command)
		return 0;
	if (!sub)
		return oe_err_set(
		    err, OE_ENOENT, "there is no subsystem '%s'", s->text);
	l->argv = sub->argv;
	l->reports = sub->reports;
	l->files = sub->files;
	if (l->files)
		oe_srv__session_bounds(c, &l->bounds);
	return 0;
}

static int
launch_choose(struct oe_srv_conn *c, struct oe_srv_session *s, struct launch *l,
    struct oe_err *err)
{
	const char *forced = c->srv->cfg->force_command
				 ? c->srv->cfg->force_command
				 : c->grant.force_command;

	*l = (struct launch){.report_fd = -1};
	if (oe_srv__session_permit(
		c, s, launch_own(c, s), &l->status, &l->why) < 0) {
		l->refused = s->refused = true;
		return 0;
	}
	if (forced) {
		l->command = forced;
		l->original = s->kind == OE_SRV_START_SHELL ? NULL : s->text;
		return 0;
	}
	switch (s->kind) {
	case OE_SRV_START_SHELL:
		break;
	case OE_SRV_START_EXEC:
		l->command = s->text;
		break;
	case OE_SRV_START_SUBSYSTEM:
		return launch_subsystem(c, s, l, err);
	}
	return 0;
}

int
oe_srv__session_chosen(struct oe_srv_conn *c, const struct oe_srv_session *s,
    char **ret, struct oe_err *err)
{
	const struct oe_subsystem *sub = launch_own(c, s);
	const char *forced = c->srv->cfg->force_command
				 ? c->srv->cfg->force_command
				 : c->grant.force_command;
	struct oe_strs bounds = {NULL, 0};
	struct oe_buf text;
	int status, r;
	size_t i;

	r = oe_srv__session_permit(c, s, sub, &status, err);
	if (r < 0)
		return r;
	if (sub && sub->files && !forced)
		oe_srv__session_bounds(c, &bounds);
	oe_buf_init(&text, 4 * OE_SRV_COMMAND_MAX);
	(void)oe_buf_printf(&text, "%s", forced ? forced : "");
	/* no byte of a text: nobody can make one list look like another */
	(void)oe_buf_put_u8(&text, forced ? 1 : 2);
	for (i = 0; i < bounds.n; i++)
		(void)oe_buf_printf(&text, "%s\n", bounds.v[i]);
	(void)oe_buf_put_u8(&text, 0);
	*ret = oe_mem_strdup((const char *)oe_buf_head(&text));
	oe_buf_done(&text);
	oe_strs_done(&bounds);
	return 0;
}

/* Once per connection: groups, credentials and the session of PAM. */
static int
launch_open_pam(
    struct oe_srv_conn *c, const struct oe_srv_session *s, struct oe_err *err)
{
	int r;

	if (!c->srv->cfg->root || c->pam_open || s->refused)
		return 0;
	if (initgroups(c->account.name, c->account.gid) < 0)
		return oe_err_sys(err, "groups of '%s'", c->account.name);
	if (!c->pam)
		return 0;
	r = oe_srv_pam_open(c->pam, s->pty ? s->tty : NULL, err);
	c->pam_open = r == 0;
	return r;
}

static int
launch_env(struct oe_srv_conn *c, struct oe_srv_session *s,
    const struct launch *l, struct oe_srv_env *env, struct oe_err *err)
{
	struct oe_strs pam = {NULL, 0};
	struct oe_srv_env_params p = {
	    .user = &c->account,
	    .peer_ip = c->peer->text,
	    .local_ip = c->peer->local_text,
	    .peer_port = c->peer->port,
	    .local_port = c->peer->local_port,
	    .tty = s->pty ? s->tty : NULL,
	    .term = s->pty ? s->term : NULL,
	    .command = l->original,
	    .agent_socket = s->agent ? c->agent_path : NULL,
	    .tz = getenv("TZ"),
	    .client_version =
		s->kind == OE_SRV_START_SUBSYSTEM ? c->version : NULL,
	    .client = &s->env,
	    .key = &c->grant.env,
	    .pam = c->pam_open ? &pam : NULL,
	};
	int r;

	if (c->pam_open)
		oe_srv_pam_environ(c->pam, &pam);
	r = oe_srv_env_build(env, &p, err);
	oe_strs_done(&pam);
	return r;
}

int
oe_srv__become(const struct oe_srv_conn *c)
{
	const struct oe_srv_user *u = &c->account;

	if (!c->srv->cfg->root)
		return 0;
	/* supplementary groups were set before PAM could add to them */
	if (setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return -1;
	if (u->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return -1;
	return geteuid() == u->uid && getegid() == u->gid ? 0 : -1;
}

/* Messages before a login shell on a terminal. */
static void
launch_greet(struct oe_srv_conn *c, const struct oe_buf *last)
{
	const struct oe_srv_config *cfg = c->srv->cfg;
	const struct oe_buf *said;
	struct oe_buf text;

	if (oe_srv_login_is_hushed(&c->account))
		return;
	oe_buf_init(&text, OE_SRV_MOTD_MAX + OE_SRV_PAM_TEXT_MAX + 4096);
	said = c->pam_open ? oe_srv_pam_text(c->pam) : NULL;
	if (said && oe_buf_left(said))
		(void)oe_buf_put(&text, oe_buf_head(said), oe_buf_left(said));
	else if (cfg->print_motd)
		oe_srv_login_motd(&c->account, NULL, &text);
	if (cfg->print_last)
		(void)oe_buf_put(&text, oe_buf_head(last), oe_buf_left(last));
	(void)oe_fd_write_all(
	    STDOUT_FILENO, oe_buf_head(&text), oe_buf_left(&text));
	oe_buf_done(&text);
}

static void OE_NORETURN
launch_fail(const char *what, int status)
{
	dprintf(STDERR_FILENO, "omniedge: %s: %s\n", what, strerror(errno));
	_exit(status);
}

static void OE_NORETURN
launch_program(struct oe_srv_conn *c, const struct launch *l, char **envp)
{
	struct oe_strs argv = {NULL, 0};
	size_t i;

	oe_strs_add(&argv, *l->argv[0] ? l->argv[0] : c->srv->self_path);
	for (i = 1; l->argv[i] && i < OE_SUBSYSTEM_ARGS_MAX; i++)
		oe_strs_add(&argv, l->argv[i]);
	for (i = 0; i < l->bounds.n; i++)
		oe_strs_add(&argv, l->bounds.v[i]);
	if (l->report_fd >= 0) {
		oe_strs_add(&argv, "--audit");
		oe_strs_add(&argv, OE_SRV_REPORT_NAME);
	}
	execve(argv.v[0], argv.v, envp);
	launch_fail(argv.v[0], errno == ENOENT ? 127 : 126);
}

static void OE_NORETURN
launch_exec(struct oe_srv_conn *c, const struct launch *l, char **envp)
{
	const char *shell = c->account.shell;
	const char *base = strrchr(shell, '/');
	char name[256], *argv[4] = {NULL};

	base = base ? base + 1 : shell;
	if (l->argv)
		launch_program(c, l, envp);
	snprintf(name, sizeof name, l->command ? "%s" : "-%s", base);
	argv[0] = name;
	if (l->command) {
		argv[1] = oe_mem_strdup("-c");
		argv[2] = oe_mem_strdup(l->command);
	}
	execve(shell, argv, envp);
	launch_fail(shell, errno == ENOENT ? 127 : 126);
}

static void
launch_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Of what is above standard error, only the pipe for reports stays open. */
static int
launch_keep(int fd)
{
	/* the same number twice would leave it to be closed by exec */
	if (fd == OE_SRV_REPORT_FD) {
		if (fcntl(fd, F_SETFD, 0) < 0)
			return OE_ESYS;
	} else if (dup2(fd, OE_SRV_REPORT_FD) < 0) {
		return OE_ESYS;
	}
	oe_fd_close_from(OE_SRV_REPORT_FD + 1);
	return 0;
}

/* The child: from here to exec, with nothing of ours left open. */
static void OE_NORETURN
launch_child(struct oe_srv_conn *c, struct oe_srv_session *s,
    const struct launch *l, const int fds[3], char **envp,
    const struct oe_buf *last)
{
	int i;

	if (setsid() < 0)
		_exit(1);
	launch_signals();
	if (s->pty && ioctl(s->slave, TIOCSCTTY, 0) < 0)
		_exit(1);
	/* fds are above 2 by construction: nothing is overwritten early */
	for (i = 0; i < 3; i++)
		if (dup2(s->pty ? s->slave : fds[i], i) < 0)
			_exit(1);
	if (l->report_fd < 0)
		oe_fd_close_from(3);
	else if (launch_keep(l->report_fd) < 0)
		_exit(1);
	if (!c->pam_open)
		umask(oe_srv_env_umask(NULL));
	if (oe_srv__become(c) < 0)
		launch_fail("cannot become the user", 1);
	if (l->refused) {
		dprintf(STDERR_FILENO, "omniedge: refused: %s%s\n",
		    oe_err_text(&l->why), s->pty ? "\r" : "");
		_exit(l->status);
	}
	if (chdir(c->account.home) < 0) {
		dprintf(STDERR_FILENO,
		    "omniedge: cannot enter the home directory %s: %s\n",
		    c->account.home, strerror(errno));
		if (chdir("/") < 0)
			_exit(1);
	}
	if (s->pty && !l->command && !l->argv)
		launch_greet(c, last);
	launch_exec(c, l, envp);
}

/* ours[] are net's ends, theirs[] the child's: stdin, stdout, stderr. */
static int
launch_pipes(int ours[3], int theirs[3], struct oe_err *err)
{
	int i, p[2];

	for (i = 0; i < 3; i++)
		ours[i] = theirs[i] = -1;
	for (i = 0; i < 3; i++) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return oe_err_sys(err, "make a pipe");
		/* best effort: fewer wake-ups in bulk */
		(void)fcntl(p[0], F_SETPIPE_SZ, OE_SRV_PIPE_SIZE);
		ours[i] = i == 0 ? p[1] : p[0];
		theirs[i] = i == 0 ? p[0] : p[1];
	}
	return 0;
}

static void
launch_close(int fds[3])
{
	int i;

	for (i = 0; i < 3; i++)
		oe_fd_close(&fds[i]);
}

static int
launch_fork(struct oe_srv_conn *c, struct oe_srv_session *s,
    const struct launch *l, int theirs[3], struct oe_err *err)
{
	struct oe_srv_env env;
	struct oe_buf last;
	int r;

	oe_srv_env_init(&env);
	oe_buf_init(&last, 4096);
	r = launch_env(c, s, l, &env, err);
	if (r < 0)
		goto out;
	if (s->pty && c->srv->cfg->print_last && c->srv->cfg->root)
		oe_srv_login_last(c->account.uid, NULL, &last);
	if (!s->refused)
		oe_srv__session_record(c, s, true);
	free(s->chosen);
	s->chosen = NULL;
	if (!s->refused)
		(void)oe_srv__session_chosen(c, s, &s->chosen, NULL);
	s->pid = fork();
	if (s->pid == 0)
		launch_child(c, s, l, theirs, env.v.v, &last);
	if (s->pid < 0) {
		s->pid = 0;
		r = oe_err_sys(err, "fork");
	}
out:
	oe_buf_done(&last);
	oe_srv_env_done(&env);
	return r;
}

int
oe_srv__session_launch(struct oe_srv_conn *c, struct oe_srv_session *s,
    int ret_fds[3], struct oe_err *err)
{
	int ours[3] = {-1, -1, -1}, theirs[3] = {-1, -1, -1};
	struct launch l = {.report_fd = -1};
	int r = launch_choose(c, s, &l, err);

	if (r == 0)
		r = launch_open_pam(c, s, err);
	if (r == 0 && !s->pty)
		r = launch_pipes(ours, theirs, err);
	/* nobody would read them: then the program need not write them */
	if (r == 0 && l.reports && oe_event_wanted(&c->srv->events))
		r = oe_srv__reports_open(c, s, &l.report_fd, err);
	if (r == 0)
		r = launch_fork(c, s, &l, theirs, err);
	launch_close(theirs);
	oe_fd_close(&l.report_fd);
	oe_strs_done(&l.bounds);
	if (r == 0 && l.refused)
		*err = l.why;
	if (r < 0) {
		oe_srv__reports_close(s);
		launch_close(ours);
		return r;
	}
	oe_fd_close(&s->slave);
	if (!s->pty) {
		memcpy(ret_fds, ours, sizeof ours);
		return 3;
	}
	ret_fds[0] = fcntl(s->master, F_DUPFD_CLOEXEC, 3);
	return ret_fds[0] < 0 ? oe_err_sys(err, "duplicate the terminal") : 1;
}
