/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_commands.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "sftp/path.h"

static void
on_exit_seen(void *arg, short revents)
{
	(void)revents;
	*(bool *)arg = true;
}

/* Wait for a child while the connection is served: keepalives go on. */
static int
wait_child(struct oe_sftp_shell *sh, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct oe_watch *w;
	bool ended = false;

	if (fd >= 0) {
		w = oe_loop_watch(sh->loop, fd, POLLIN, on_exit_seen, &ended);
		while (!ended && oe_loop_once(sh->loop, -1) == 0)
			;
		oe_watch_free(&w);
		oe_fd_close(&fd);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static void
exec_shell(const char *command)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGPIPE};
	const char *shell = getenv("SHELL");
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	if (!shell || !*shell)
		shell = "/bin/sh";
	if (*command)
		execl(shell, shell, "-c", command, (char *)NULL);
	else
		execl(shell, shell, (char *)NULL);
	fprintf(stderr, "%s: %s\n", shell, strerror(errno));
	_exit(127);
}

static int
run_shell(struct oe_sftp_shell *sh, const char *command)
{
	/* Ctrl-C is the child's as long as it runs */
	struct sigaction ignore = {.sa_handler = SIG_IGN}, was_int, was_quit;
	int status;
	pid_t pid;

	fflush(NULL);
	sigaction(SIGINT, &ignore, &was_int);
	sigaction(SIGQUIT, &ignore, &was_quit);
	pid = fork();
	if (pid == 0)
		exec_shell(command);
	status = pid < 0 ? -1 : wait_child(sh, pid);
	sigaction(SIGINT, &was_int, NULL);
	sigaction(SIGQUIT, &was_quit, NULL);
	if (pid < 0)
		return oe_sftp_fail(
		    sh, "Couldn't start a shell: %s", strerror(errno));
	if (WIFSIGNALED(status))
		oe_sftp_fail(
		    sh, "The shell was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		oe_sftp_fail(
		    sh, "The shell's exit status is %d", WEXITSTATUS(status));
	return 0;
}

int
oe_sftp_cmd_shell(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return run_shell(sh, a->rest);
}

int
oe_sftp_cmd_lls(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	char *command = oe_mem_printf("ls %s", a->rest);
	int r = run_shell(sh, command);

	free(command);
	return r;
}

/* "~" and "~user" at the start of a local path. */
static char *
expand_home(const char *path)
{
	size_t n = strcspn(path, "/");
	const struct passwd *pw;
	const char *home;
	char *user;

	if (*path != '~')
		return oe_mem_strdup(path);
	user = oe_mem_strndup(path + 1, n - 1);
	home = *user ? NULL : getenv("HOME");
	if (!home) {
		pw = *user ? getpwnam(user) : getpwuid(getuid());
		home = pw ? pw->pw_dir : NULL;
	}
	free(user);
	return home ? oe_mem_printf("%s%s", home, path + n)
		    : oe_mem_strdup(path);
}

int
oe_sftp_cmd_lcd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	char *plain = oe_sftp_glob_plain(a->n ? a->words[0] : "~");
	char *path = expand_home(*plain ? plain : "~");
	int r = 0;

	if (chdir(path) < 0)
		r = oe_sftp_fail(sh,
		    "Couldn't change local directory to \"%s\": %s", path,
		    strerror(errno));
	free(plain);
	free(path);
	return r;
}

int
oe_sftp_cmd_lmkdir(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	char *path = oe_sftp_glob_plain(a->words[0]);
	int r = 0;

	if (mkdir(path, 0777) < 0)
		r = oe_sftp_fail(sh, "Couldn't make local directory \"%s\": %s",
		    path, strerror(errno));
	free(path);
	return r;
}

int
oe_sftp_cmd_lpwd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	char *cwd = getcwd(NULL, 0);

	(void)a;
	if (!cwd)
		return oe_sftp_fail(
		    sh, "Couldn't get local directory: %s", strerror(errno));
	oe_sftp_say(sh, "Local working directory: %s", cwd);
	free(cwd);
	return 0;
}

int
oe_sftp_cmd_lumask(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	const char *s = a->words[0];
	char *end;
	unsigned long v = strtoul(s, &end, 8);

	if (*s < '0' || *s > '7' || *end || v > 0777)
		return oe_sftp_fail(
		    sh, "lumask: '%s' is not an octal number up to 777", s);
	umask((mode_t)v);
	oe_sftp_say(sh, "Local umask: %03lo", v);
	return 0;
}
