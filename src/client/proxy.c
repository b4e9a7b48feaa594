/* SPDX-License-Identifier: Apache-2.0 */
#include "client/proxy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/mux.h"
#include "client/names.h"
#include "client/session.h"
#include "client/streams.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"

/* Room for the peer's bytes while the other process is not scheduled. */
#define PROXY_SOCKET_BUFFER (1024 * 1024)

static int
stream_pair(int ret[2], struct oe_err *err)
{
	int size = PROXY_SOCKET_BUFFER, i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
		return oe_err_sys(err, "make a socket pair");
	for (i = 0; i < 2; i++)
		(void)setsockopt(
		    ret[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return 0;
}

/*
 * In the child: a proxy that is stuck, and so does not see the end of its
 * stream, still ends with us.  -f changes the process that it belongs to.
 */
static void
end_with_parent(const struct oe_connect_plan *plan)
{
	if (!plan->outlived &&
	    !oe_sshconf_yes(plan->conf, OE_SSHCONF_FORKAFTERAUTHENTICATION))
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (plan->sheltered || plan->outlived)
		signal(SIGINT, SIG_IGN);
}

static void
run_command(const struct oe_connect_plan *plan, const char *command, int fd)
{
	char *line = oe_mem_printf("exec %s", command);

	end_with_parent(plan);
	if (plan->unattended)
		(void)setsid();
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	/* whoever reads our messages does not wait for the background */
	if (plan->outlived && oe_mux_persists(plan->conf) &&
	    !oe_log_wants(OE_LOG_DEBUG))
		oe_stream_drop(STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

static int
start_command(const struct oe_connect_plan *plan, const char *text, int *ret_fd,
    struct oe_err *err)
{
	char *command = NULL;
	int pair[2], r;
	pid_t pid;

	r = oe_sshconf_expand(plan->conf, text, &command, err);
	if (r < 0)
		return oe_err_wrap(err, r, "ProxyCommand");
	r = stream_pair(pair, err);
	if (r < 0)
		goto out;
	oe_log_debug(NULL, "starting the proxy command: %s", command);
	pid = fork();
	if (pid == 0)
		run_command(plan, command, pair[1]);
	if (pid < 0)
		r = oe_err_sys(err, "start the proxy command");
	oe_fd_close(&pair[1]);
	if (r < 0)
		oe_fd_close(&pair[0]);
	else
		*ret_fd = pair[0];
out:
	free(command);
	return r;
}

/* "a,b,c": the hop to log in to (c), and the way there (a,b or NULL). */
static void
split_hops(const char *text, char **ret_last, char **ret_before)
{
	const char *comma = strrchr(text, ',');

	*ret_before =
	    comma ? oe_mem_strndup(text, (size_t)(comma - text)) : NULL;
	*ret_last = oe_mem_strdup(comma ? comma + 1 : text);
}

/* Settings of a hop: its own, with user, port and way as written. */
static int
hop_conf(const struct oe_connect_plan *plan, const char *hop,
    const char *before, struct oe_sshconf **ret, struct oe_err *err)
{
	struct oe_hoststr h = {NULL, NULL, 0};
	struct oe_sshconf *c = NULL;
	char port[16];
	int r;

	r = oe_hoststr_parse(hop, &h, err);
	if (r < 0)
		return oe_err_wrap(err, OE_ECONF, "ProxyJump");
	r = oe_peer_names_split(
	    plan->names, plan->env, plan->config_file, &h, err);
	c = oe_sshconf_new(plan->env);
	if (r == 0 && h.user)
		r = oe_sshconf_set(c, OE_SSHCONF_USER, h.user, err);
	snprintf(port, sizeof port, "%d", h.port);
	if (r == 0 && h.port)
		r = oe_sshconf_set(c, OE_SSHCONF_PORT, port, err);
	if (r == 0 && before)
		r = oe_sshconf_set(c, OE_SSHCONF_PROXYJUMP, before, err);
	if (r == 0 && oe_sshconf_yes(plan->conf, OE_SSHCONF_BATCHMODE))
		r = oe_sshconf_set(c, OE_SSHCONF_BATCHMODE, "yes", err);
	if (r == 0)
		r = oe_sshconf_resolve(c, h.host, plan->config_file, err);
	if (r < 0)
		oe_sshconf_free(&c);
	else
		*ret = c;
	oe_hoststr_done(&h);
	return r;
}

static void
run_hop(const struct oe_connect_plan *plan, struct oe_sshconf *conf, int fd)
{
	const char *host = oe_sshconf_str(conf, OE_SSHCONF_HOSTNAME);
	struct oe_connect_plan mine = *plan;
	struct oe_err err = OE_ERR_INIT;
	struct oe_connect c;
	int status;

	mine.conf = conf;
	mine.fd = -1;
	mine.loop = NULL;
	if (oe_connect_open(&mine, &c, &err) < 0) {
		oe_log_error(NULL, "jump host %s: %s", host, oe_err_text(&err));
		_exit(OE_EXIT_CONNECT);
	}
	status = oe_session_bridge(&c, conf,
	    oe_sshconf_str(plan->conf, OE_SSHCONF_HOSTNAME),
	    (int)oe_sshconf_num(plan->conf, OE_SSHCONF_PORT), fd, fd);
	oe_connect_close(&c);
	_exit(status);
}

static int
start_jump(const struct oe_connect_plan *plan, const char *hops, int *ret_fd,
    struct oe_err *err)
{
	char *last = NULL, *before = NULL;
	struct oe_sshconf *conf = NULL;
	int pair[2], r;
	pid_t pid;

	split_hops(hops, &last, &before);
	r = hop_conf(plan, last, before, &conf, err);
	if (r == 0)
		r = stream_pair(pair, err);
	if (r < 0)
		goto out;
	oe_log_debug(NULL, "jumping over %s", last);
	pid = fork();
	if (pid == 0) {
		end_with_parent(plan);
		oe_fd_close(&pair[0]);
		run_hop(plan, conf, pair[1]);
	}
	if (pid < 0)
		r = oe_err_sys(err, "start the jump over %s", last);
	oe_fd_close(&pair[1]);
	if (r < 0)
		oe_fd_close(&pair[0]);
	else
		*ret_fd = pair[0];
out:
	oe_sshconf_free(&conf);
	free(last);
	free(before);
	return r;
}

static bool
given(const char *s)
{
	return s && !oe_str_eq_nocase(s, "none");
}

int
oe_proxy_open(
    const struct oe_connect_plan *plan, int *ret_fd, struct oe_err *err)
{
	const char *jump = oe_sshconf_str(plan->conf, OE_SSHCONF_PROXYJUMP);
	const char *command =
	    oe_sshconf_str(plan->conf, OE_SSHCONF_PROXYCOMMAND);

	*ret_fd = -1;
	if (given(jump))
		return start_jump(plan, jump, ret_fd, err);
	if (given(command))
		return start_command(plan, command, ret_fd, err);
	return 0;
}
