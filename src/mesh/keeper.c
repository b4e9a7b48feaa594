/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How keeper and courier are started, and what the keeper waits for.
 */
#include "mesh/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "mesh/courier.h"
#include "mesh/keeper_internal.h"

#define KEEPER_SOCKET 3
/* Events go to the disk that often, whoever answers. */
#define KEEPER_SYNC_MS 1000
/* The keeper before us may still be at its last write. */
#define KEEPER_SPOOL_TRIES 100
#define KEEPER_SPOOL_US    100000

void
oe_keeper_plan_done(struct oe_keeper_plan *p)
{
	oe_mem_free(&p->account);
	oe_mem_free(&p->key_file);
	oe_mem_free(&p->folder);
	oe_mem_free(&p->network_id);
	oe_mem_free(&p->device_id);
	oe_mem_free(&p->hardware);
	oe_mem_free(&p->origin);
	oe_strs_done(&p->host_keys);
}

char *
oe_keeper_path(const struct oe_keeper_plan *p, const char *name)
{
	return oe_mem_printf("%s/%s", p->folder, name);
}

const char *
oe_keeper_name(enum oe_keeper_kind kind)
{
	return kind == OE_KEEPER_POLICY ? "policy" : "directory";
}

/* --- the courier's beginning --- */

/* What a library is set up by, and nothing that was meant for the server. */
static bool
courier_wants(const char *entry)
{
	static const char *const names[] = {"http_proxy=", "https_proxy=",
	    "HTTPS_PROXY=", "all_proxy=", "ALL_PROXY=", "no_proxy=",
	    "NO_PROXY=", "SSL_CERT_FILE=", "SSL_CERT_DIR=", "OPENSSL_CONF=",
	    "RES_OPTIONS=", "LOCALDOMAIN=", "LD_LIBRARY_PATH=", "TZ=", "LANG=",
	    "LC_ALL=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS="};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(names); i++)
		if (oe_str_starts(entry, names[i]))
			return true;
	return false;
}

static void OE_NORETURN
courier_exec(int fd)
{
	char name[] = "omniedge", command[] = OE_COURIER_COMMAND;
	char *argv[] = {name, command, NULL};
	char **env;
	size_t i, n = 0;

	for (i = 0; environ[i]; i++)
		continue;
	env = oe_mem_zalloc((i + 1) * sizeof *env);
	for (i = 0; environ[i]; i++)
		if (courier_wants(environ[i]))
			env[n++] = environ[i];
	if (dup2(fd, OE_COURIER_SOCKET) < 0 ||
	    fcntl(OE_COURIER_SOCKET, F_SETFD, 0) < 0)
		_exit(1);
	oe_fd_close_from(OE_COURIER_SOCKET + 1);
	(void)signal(SIGTERM, SIG_DFL);
	/* the program that runs, whatever is at its place by now */
	execve("/proc/self/exe", argv, env);
	_exit(1);
}

static int
courier_start(struct keeper *k, struct oe_err *err)
{
	int s[2], r = oe_ipc_pair(s, err);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		courier_exec(s[1]);
	oe_fd_close(&s[1]);
	k->courier_fd = s[0];
	k->courier = pid;
	if (pid < 0)
		return oe_err_sys(err, "start a process for the control API");
	return keeper_send_plan(k, err);
}

/* --- the keeper --- */

void
keeper_tell(struct keeper *k, const struct oe_keeper_note *n)
{
	(void)!send(k->fd, n, sizeof *n, MSG_NOSIGNAL);
}

static int
keeper_open(struct keeper *k, struct oe_err *err)
{
	int r = oe_mesh_account_load(k->plan->account, &k->account, err), i;

	if (r < 0)
		return r;
	keeper_load_documents(k);
	for (i = 0; i < KEEPER_SPOOL_TRIES; i++) {
		r = oe_spool_open(k->plan->folder, &k->spool, err);
		if (r != OE_EAGAIN)
			break;
		oe_spool_close(&k->spool);
		usleep(KEEPER_SPOOL_US);
	}
	return r;
}

static void
keeper_sync(struct keeper *k)
{
	uint64_t waits = oe_spool_waits(&k->spool) + k->spool.sent;

	if (waits != k->synced && oe_spool_sync(&k->spool) == 0)
		k->synced = waits;
}

/* Until the listener or the courier is gone. */
static void
keeper_loop(struct keeper *k)
{
	struct pollfd p[2];
	struct oe_err err = OE_ERR_INIT;
	int r = 0;

	while (r == 0) {
		p[0] = (struct pollfd){.fd = k->fd, .events = POLLIN};
		p[1] = (struct pollfd){.fd = k->courier_fd, .events = POLLIN};
		if (poll(p, 2, KEEPER_SYNC_MS) < 0 && errno != EINTR)
			return;
		keeper_sync(k);
		/* it says nothing: this is its end */
		if (p[0].revents)
			return;
		if (p[1].revents)
			r = keeper_serve(k, &err);
	}
	if (r != OE_ECLOSED)
		oe_log_error(
		    NULL, "control API: the courier: %s", oe_err_text(&err));
}

/*
 * A renewal must be brought to its end, or the login is lost: the end of the
 * listener is seen between two requests, and no signal of it ends us.
 */
static void OE_NORETURN
keeper_run(const struct oe_keeper_plan *p)
{
	struct keeper k = {.plan = p, .fd = KEEPER_SOCKET, .courier_fd = -1};
	struct oe_err err = OE_ERR_INIT;

	(void)prctl(PR_SET_NAME, "api-keeper");
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	if (keeper_open(&k, &err) < 0 || courier_start(&k, &err) < 0) {
		oe_log_error(NULL, "control API: %s", oe_err_text(&err));
		_exit(1);
	}
	keeper_loop(&k);
	_exit(0);
}

/* Nothing of the listener's but its log. */
static int
keeper_descriptors(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(fd, KEEPER_SOCKET) < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    fcntl(KEEPER_SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	oe_fd_close_from(KEEPER_SOCKET + 1);
	return 0;
}

pid_t
oe_keeper_start(const struct oe_keeper_plan *p, int *ret_fd, struct oe_err *err)
{
	sigset_t none;
	pid_t pid;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return oe_err_sys(err, "make a pair of sockets");
	pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (keeper_descriptors(s[1]) < 0)
			_exit(1);
		keeper_run(p);
	}
	oe_fd_close(&s[1]);
	if (pid < 0 || oe_fd_set_nonblock(s[0], true) < 0) {
		oe_err_sys(err, "start a process for the control API");
		oe_fd_close(&s[0]);
		return OE_ESYS;
	}
	*ret_fd = s[0];
	return pid;
}
