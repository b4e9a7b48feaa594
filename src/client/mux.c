/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/forwarding.h"
#include "client/mux_client.h"
#include "client/mux_master.h"
#include "client/streams.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/ssh/ssh.h"

const char *
oe_mux_path(const struct oe_sshconf *conf)
{
	const char *path = oe_sshconf_str(conf, OE_SSHCONF_CONTROLPATH);

	return path && !oe_str_eq_nocase(path, "none") ? path : NULL;
}

static bool
master_is(const struct oe_sshconf *conf, const char *word)
{
	return oe_sshconf_is(conf, OE_SSHCONF_CONTROLMASTER, word);
}

bool
oe_mux_masters(const struct oe_sshconf *conf)
{
	return oe_mux_path(conf) && !master_is(conf, "no");
}

bool
oe_mux_persists(const struct oe_sshconf *conf)
{
	return oe_mux_masters(conf) &&
	       !oe_sshconf_is(conf, OE_SSHCONF_CONTROLPERSIST, "no");
}

int
oe_mux_join(const struct oe_sshconf *conf, struct oe_mux_client *ret)
{
	const char *path = oe_mux_path(conf);
	struct oe_err err = OE_ERR_INIT;
	bool leads = oe_mux_masters(conf);
	int r;

	/* "yes" and "ask" are for a connection of one's own */
	if (!path || master_is(conf, "yes") || master_is(conf, "ask"))
		return OE_ENOENT;
	r = oe_mux_client_open(path, ret, &err);
	if (r == OE_ENOENT || (r == OE_ECLOSED && leads))
		oe_log_debug(NULL, "%s", oe_err_text(&err));
	else if (r < 0)
		oe_log_error(NULL, "%s", oe_err_text(&err));
	return r;
}

/* The process in the background; does not return. */
static void
run_master(const struct oe_mux_master_plan *plan)
{
	const int keep[] = {
	    oe_ssh_fd(plan->c->ssh), plan->socket.fd, plan->first};
	int status;

	oe_stream_detach(keep, OE_ARRAY_LEN(keep));
	status = oe_mux_master_run(plan);
	_exit(status);
}

static int
begin(const struct oe_sshconf *conf, struct oe_mux_socket *ret)
{
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (!oe_mux_masters(conf))
		return OE_EAGAIN;
	r = oe_mux_socket_listen(oe_mux_path(conf), ret, &err);
	if (r == 0)
		return 0;
	oe_log_error(NULL, "%s, disabling multiplexing", oe_err_text(&err));
	return OE_EAGAIN;
}

/* Two processes from one: the parent's end of what joins them. */
static int
divide(struct oe_mux_master_plan *plan)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		oe_fd_close(&pair[0]);
		plan->first = pair[1];
		run_master(plan);
	}
	oe_fd_close(&pair[1]);
	if (pid < 0)
		oe_fd_close(&pair[0]);
	return pair[0];
}

int
oe_mux_lead(struct oe_connect *c, const struct oe_sshconf *conf,
    const struct oe_cli_forwarding *forwarding,
    struct oe_cli_forwards **forwards, bool stays, struct oe_mux_client *ret)
{
	struct oe_mux_master_plan plan = {
	    .c = c,
	    .conf = conf,
	    .forwarding = forwarding,
	    .forwards = *forwards,
	    .stays = stays,
	    .detached = true,
	};
	struct oe_err err = OE_ERR_INIT;
	int fd, r;

	r = begin(conf, &plan.socket);
	if (r < 0)
		return r;
	fd = divide(&plan);
	if (fd < 0) {
		oe_log_error(NULL, "start the master of the connection: no "
				   "process for it, disabling multiplexing");
		oe_mux_socket_close(&plan.socket);
		return OE_EAGAIN;
	}
	oe_mux_socket_forget(&plan.socket);
	oe_ssh_abandon(&c->ssh);
	if (forwarding)
		forwarding->close(forwards);
	/* it greets when the forwards are settled, or says why not */
	r = oe_mux_client_adopt(fd, -1, ret, &err);
	if (r < 0 && r != OE_ECLOSED)
		oe_log_error(NULL, "%s", oe_err_text(&err));
	return r == OE_EAGAIN ? OE_ECLOSED : r;
}

int
oe_mux_hold(struct oe_connect *c, const struct oe_session_plan *plan)
{
	struct oe_mux_master_plan mp = {
	    .c = c,
	    .conf = plan->conf,
	    .forwarding = plan->forwarding,
	    .forwards = plan->forwards,
	    .first = -1,
	    .stays = true,
	};
	int r = begin(plan->conf, &mp.socket);

	return r < 0 ? r : oe_mux_master_run(&mp);
}
