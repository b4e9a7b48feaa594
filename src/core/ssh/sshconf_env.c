/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sshconf.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* ssh's rule: ours or root's, and nobody else may write it. */
static int
check_owner(int fd, const char *path, struct oe_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oe_err_sys(err, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return 0; /* as ssh: -F /dev/stdin and the like */
	if ((st.st_uid != 0 && st.st_uid != getuid()) ||
	    (st.st_mode & 022) != 0)
		return oe_err_set(err, OE_EPERM,
		    "'%s' is owned by or writable for somebody else: "
		    "chmod go-w it, and make it yours",
		    path);
	return 0;
}

static int
real_read(
    void *arg, const char *path, bool checked, char **ret, struct oe_err *err)
{
	struct oe_buf text;
	int fd, r;

	(void)arg;
	oe_buf_init(&text, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return oe_err_set(
		    err, OE_ENOENT, "there is no file '%s'", path);
	if (fd < 0)
		return oe_err_sys(err, "open '%s'", path);
	r = checked ? check_owner(fd, path, err) : 0;
	if (r < 0)
		goto out;
	r = oe_fd_read_all(fd, path, OE_SSHCONF_FILE_MAX, &text, err);
	if (r == 0)
		*ret = oe_mem_strndup(
		    (const char *)oe_buf_head(&text), oe_buf_left(&text));
out:
	oe_buf_done(&text);
	oe_fd_close(&fd);
	return r;
}

static void
real_glob(void *arg, const char *pattern, struct oe_strs *ret)
{
	glob_t g;
	size_t i;

	(void)arg;
	memset(&g, 0, sizeof g);
	if (glob(pattern, 0, NULL, &g) == 0)
		for (i = 0; i < g.gl_pathc; i++)
			oe_strs_add(ret, g.gl_pathv[i]);
	globfree(&g);
}

static bool
real_exec(void *arg, const char *command)
{
	const char *shell = getenv("SHELL");
	int status;
	pid_t pid;

	(void)arg;
	if (!shell || !*shell)
		shell = "/bin/sh";
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		/* the command may not eat our input or mix with our output */
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execl(shell, shell, "-c", command, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *
real_getenv(const char *name)
{
	return getenv(name);
}

int
oe_sshconf_env_real(struct oe_sshconf_env *ret, struct oe_err *err)
{
	char host[256] = "localhost";
	const struct passwd *pw = getpwuid(getuid());

	if (!pw)
		return oe_err_set(err, OE_ENOENT,
		    "user id %u has no account here", (unsigned)getuid());
	gethostname(host, sizeof host - 1);
	memset(ret, 0, sizeof *ret);
	ret->home = oe_mem_strdup(pw->pw_dir);
	ret->local_user = oe_mem_strdup(pw->pw_name);
	ret->local_host = oe_mem_strdup(host);
	ret->read = real_read;
	ret->glob = real_glob;
	ret->exec = real_exec;
	ret->getenv = real_getenv;
	return 0;
}

void
oe_sshconf_env_done(struct oe_sshconf_env *env)
{
	free(env->home);
	free(env->local_user);
	free(env->local_host);
	env->home = env->local_user = env->local_host = NULL;
}
