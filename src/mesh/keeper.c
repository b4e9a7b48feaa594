/* SPDX-License-Identifier: Apache-2.0 */
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
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/login.h"
#include "mesh/common.h"
#include "mesh/keeper_internal.h"

/* A call that takes longer than this counts as the API being away. */
#define KEEPER_CONNECT_MS 5000
#define KEEPER_TOTAL_MS   15000
#define KEEPER_EVENTS_MS  1000
#define KEEPER_PAUSE_MAX  60000
#define KEEPER_SOCKET     3

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

/* --- calls --- */

void
keeper_tell(struct keeper *k, const struct oe_keeper_note *n)
{
	(void)!send(k->fd, n, sizeof *n, MSG_NOSIGNAL);
}

static int
keeper_login(struct keeper *k, struct oe_err *err)
{
	const struct oe_mesh_api_plan plan = {
	    .origin = k->plan->origin,
	    .ca_file = k->account.ca_file,
	    .pin = k->account.pin,
	    .tries = 1,
	};
	struct oe_mesh_api *api;
	struct oe_mesh_tokens t = {0};
	char *key = NULL;
	int r = oe_meshcmd_secret(k->plan->key_file, &key, err);

	if (r < 0)
		return r;
	api = oe_mesh_api_new(&plan);
	r = oe_mesh_login_key(api, key, &t, err);
	oe_mem_free_secret(&key);
	if (r == 0) {
		oe_mesh_account_take(&k->account, &t);
		r = oe_mesh_account_save(&k->account, err);
	}
	oe_mesh_tokens_done(&t);
	oe_mesh_api_free(&api);
	if (r == 0)
		oe_log_info(
		    NULL, "logged in to the control API by security key");
	return r;
}

int
keeper_call(struct keeper *k, const struct oe_mesh_call *call,
    struct oe_mesh_answer *ret, struct oe_err *err)
{
	int r = oe_mesh_api_call(k->api, call, ret, err);

	if (r != OE_EAUTH || !k->plan->key_file)
		return r;
	oe_mesh_answer_done(ret);
	memset(ret, 0, sizeof *ret);
	r = keeper_login(k, err);
	return r < 0 ? r : oe_mesh_api_call(k->api, call, ret, err);
}

/* --- what is due when --- */

struct task {
	const char *what;
	int (*run)(struct keeper *k, struct oe_err *err);
	unsigned part; /* every interval divided by this */
	int64_t due_ms;
	uint32_t told; /* of what it failed last; 0: it works */
};

/* Many devices that were started together do not ask together. */
static int64_t
task_pause(const struct keeper *k, const struct task *t)
{
	int64_t ms = k->plan->interval_ms / t->part;

	return ms - ms / 10 + oe_mem_random((uint32_t)(ms / 5) + 1);
}

/* What failed, whatever the times and sizes in it. */
static uint32_t
fault_of(const char *text)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *text; text++)
		if (*text < '0' || *text > '9')
			h = (h ^ (unsigned char)*text) * 16777619u;
	return h ? h : 1;
}

/* Told once, and again when it is another fault: not at each try. */
static void
task_tell(struct task *t, const struct oe_err *err)
{
	uint32_t fault = fault_of(oe_err_text(err));

	oe_log(t->told == fault ? OE_LOG_DEBUG : OE_LOG_ERROR, NULL,
	    "control API: %s: %s", t->what, oe_err_text(err));
	t->told = fault;
}

static void
task_worked(struct task *t)
{
	if (t->told)
		oe_log_info(NULL, "control API: %s: works again", t->what);
	t->told = 0;
}

static void
task_run(struct keeper *k, struct task *t)
{
	struct oe_err err = OE_ERR_INIT;
	int r = t->run(k, &err);

	t->due_ms = oe_time_mono_ms() + task_pause(k, t);
	if (r < 0)
		task_tell(t, &err);
	else
		task_worked(t);
}

static int64_t
events_failed(struct keeper *k)
{
	int64_t ms = k->events_pause_ms * 2 + KEEPER_EVENTS_MS;

	ms = ms < KEEPER_PAUSE_MAX ? ms : KEEPER_PAUSE_MAX;
	ms = ms < k->plan->interval_ms ? ms : k->plan->interval_ms;
	return k->events_pause_ms = ms;
}

/*
 * They go to the disk every second, whoever answers; and to the API when there
 * are some, more and more seldom while it does not take them.
 */
static void
events_run(struct keeper *k, struct task *t)
{
	struct oe_err err = OE_ERR_INIT;
	int64_t now = oe_time_mono_ms();
	int r;

	t->due_ms = now + KEEPER_EVENTS_MS;
	(void)oe_spool_sync(&k->spool);
	if (k->events_next_ms > now)
		return;
	r = keeper_events(k, &err);
	if (r < 0 && r != OE_EAGAIN) {
		oe_err_wrap(&err, r, "they wait on disk");
		task_tell(t, &err);
		k->events_next_ms = now + events_failed(k);
		return;
	}
	task_worked(t);
	k->events_pause_ms = 0;
	if (r == OE_EAGAIN)
		t->due_ms = now;
}

/* Nothing is said to us; the listener's end is ours. */
static bool
keeper_hear(struct keeper *k, int64_t timeout_ms)
{
	struct pollfd p = {.fd = k->fd, .events = POLLIN};
	struct oe_keeper_note n;
	ssize_t got;

	if (poll(&p, 1, (int)timeout_ms) <= 0)
		return true;
	got = recv(k->fd, &n, sizeof n, MSG_DONTWAIT);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
keeper_loop(struct keeper *k)
{
	struct task tasks[] = {
	    {"directory", keeper_directory, 1, 0, 0},
	    {"policy", keeper_policy, 1, 0, 0},
	    {"host keys", keeper_host_keys, 1, 0, 0},
	    {"heartbeat", keeper_heartbeat, 1, 0, 0},
	    {"orders", keeper_orders, 4, 0, 0},
	};
	struct task events = {"events", NULL, 1, 0, 0};
	int64_t now, next;
	size_t i;

	do {
		now = oe_time_mono_ms();
		next = events.due_ms;
		for (i = 0; i < OE_ARRAY_LEN(tasks); i++) {
			if (tasks[i].due_ms <= now)
				task_run(k, &tasks[i]);
			if (tasks[i].due_ms < next)
				next = tasks[i].due_ms;
		}
		if (events.due_ms <= now)
			events_run(k, &events);
		if (events.due_ms < next || next <= now)
			next = events.due_ms;
		next -= oe_time_mono_ms();
	} while (keeper_hear(k, next < 0 ? 0 : next));
}

static int
keeper_open(struct keeper *k, struct oe_err *err)
{
	struct oe_mesh_api_plan plan = {
	    .origin = k->plan->origin,
	    .account = &k->account,
	    .connect_ms = KEEPER_CONNECT_MS,
	    .total_ms = KEEPER_TOTAL_MS,
	    .tries = 1,
	};
	int r = oe_mesh_account_load(k->plan->account, &k->account, err);

	if (r < 0)
		return r;
	plan.ca_file = k->account.ca_file;
	plan.pin = k->account.pin;
	k->api = oe_mesh_api_new(&plan);
	return oe_spool_open(k->plan->folder, &k->spool, err);
}

static void OE_NORETURN
keeper_run(const struct oe_keeper_plan *p, pid_t parent)
{
	struct keeper k = {.plan = p, .fd = KEEPER_SOCKET};
	struct oe_err err = OE_ERR_INIT;

	(void)prctl(PR_SET_NAME, "api-keeper");
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (keeper_open(&k, &err) < 0) {
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
	pid_t parent = getpid(), pid;
	sigset_t none;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return oe_err_sys(err, "make a pair of sockets");
	pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (keeper_descriptors(s[1]) < 0)
			_exit(1);
		keeper_run(p, parent);
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
