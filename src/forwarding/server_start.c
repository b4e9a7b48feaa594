/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder's start, and what the monitor knows for its decisions.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/net/ipc.h"
#include "core/net/local.h"
#include "core/ssh/hostkey.h"
#include "core/ssh/serve.h"
#include "forwarding/forwarder.h"
#include "forwarding/mailbox.h"
#include "forwarding/server_monitor.h"
#include "server/conn.h"

/* Connections under way at a time, and listeners. */
#define OE_FWD_NOFILE 4096

/* Secrets that the forwarder has no business with. */
static void
start_forget(const struct oe_srv_conn *c)
{
	struct oe_ssh_bind *bind = c->srv->bind;

	oe_ssh_bind_free(&bind);
	oe_ssh_hostkeys_free(&c->srv->cfg->hostkeys);
}

static int
start_limits(void)
{
	struct rlimit core = {0, 0}, files;

	if (setrlimit(RLIMIT_CORE, &core) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	files.rlim_cur =
	    files.rlim_max < OE_FWD_NOFILE ? files.rlim_max : OE_FWD_NOFILE;
	return setrlimit(RLIMIT_NOFILE, &files);
}

static int
start_become(const struct oe_srv_conn *c)
{
	/* a session of PAM has set groups already, and may have added some */
	if (c->srv->cfg->root && !c->pam_open &&
	    initgroups(c->account.name, c->account.gid) < 0)
		return -1;
	if (oe_srv__become(c) < 0)
		return -1;
	/* a change of identity clears the first of these */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return chdir("/");
}

/* Standard error for messages, and the socket; events are the monitor's. */
static int
start_descriptors(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO + 1) < 0)
		return -1;
	oe_fd_close_from(STDERR_FILENO + 2);
	return 0;
}

static void OE_NORETURN
start_child(const struct oe_srv_conn *c, int fd)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (start_descriptors(fd) < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "omniedge-fwd", 0, 0, 0);
	start_forget(c);
	if (start_limits() < 0 || start_become(c) < 0) {
		oe_log_error(&c->lc_user, "the forwarder cannot be the user");
		_exit(1);
	}
	oe_fwd_forwarder_run(STDERR_FILENO + 1);
}

bool
oe_fwd__forwarder_start(struct oe_srv_forwards *f)
{
	int pair[2];

	if (f->pid && !f->forwarder_lost)
		return true;
	oe_fwd__forwarder_stop(f);
	if (oe_ipc_pair(pair, NULL) < 0)
		return false;
	f->pid = fork();
	if (f->pid == 0)
		start_child(f->conn, pair[1]);
	oe_fd_close(&pair[1]);
	if (f->pid < 0) {
		f->pid = 0;
		oe_fd_close(&pair[0]);
		return false;
	}
	f->forwarder_fd = pair[0];
	f->forwarder_lost = false;
	f->forwarder = oe_fwd_mailbox_new(f->conn->loop, pair[0],
	    oe_fwd__forwarder_got, oe_fwd__forwarder_lost, f);
	return true;
}

void
oe_fwd__forwarder_stop(struct oe_srv_forwards *f)
{
	if (f->pid)
		kill(f->pid, SIGKILL);
	f->pid = 0;
	oe_fwd_mailbox_free(&f->forwarder);
	oe_fd_close(&f->forwarder_fd);
}

void
oe_fwd__rules(const struct oe_srv_conn *c, struct oe_fwd_rules *ret)
{
	const struct oe_srv_config *cfg = c->srv->cfg;

	*ret = (struct oe_fwd_rules){
	    .grant = &c->grant,
	    .local = cfg->forward_local && c->rule.forward_local,
	    .remote = cfg->forward_remote && c->rule.forward_remote,
	    .rule_open = c->rule.open_listed ? &c->rule.permit_open : NULL,
	    .rule_listen =
		c->rule.listen_listed ? &c->rule.permit_listen : NULL,
	    .permit_open = &cfg->permit_open,
	    .permit_listen = &cfg->permit_listen,
	    .is_own = oe_addr_is_local,
	    .own_ports = {cfg->port, c->peer->local_port},
	    .root = c->account.uid == 0,
	};
}

size_t
oe_fwd__listen_addrs(const struct oe_srv_conn *c, const char *host,
    struct oe_addr ret[OE_FWD_BIND_MAX])
{
	static const char *const loopback[] = {"127.0.0.1", "::1"};
	static const char *const any[] = {"0.0.0.0", "::"};
	enum oe_srv_gateway gateway = c->srv->cfg->gateway_ports;
	const char *const *pair = loopback;
	size_t i;

	if (gateway == OE_SRV_GATEWAY_YES)
		pair = any;
	else if (gateway == OE_SRV_GATEWAY_CLIENT) {
		if (!*host || !strcmp(host, "*"))
			pair = any;
		else if (oe_addr_parse(host, &ret[0], NULL) == 0)
			return 1;
		else if (strcmp(host, "localhost"))
			return 0;
	}
	for (i = 0; i < OE_FWD_BIND_MAX; i++)
		(void)!oe_addr_parse(pair[i], &ret[i], NULL);
	return OE_FWD_BIND_MAX;
}
