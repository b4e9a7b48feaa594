/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/courier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/sandbox.h"
#include "mesh/courier_internal.h"

/* A call that takes longer than this counts as the API being away. */
#define COURIER_CONNECT_MS 5000
#define COURIER_TOTAL_MS   15000
#define COURIER_EVENTS_MS  1000
#define COURIER_PAUSE_MAX  60000

/* --- what is due when --- */

struct task {
	const char *what;
	int (*run)(struct courier *k, struct oe_err *err);
	unsigned part; /* every interval divided by this */
	int64_t due_ms;
	uint32_t told; /* of what it failed last; 0: it works */
};

/* Many devices that were started together do not ask together. */
static int64_t
task_pause(const struct courier *k, const struct task *t)
{
	int64_t ms = k->plan.interval_ms / t->part;

	return ms - ms / 10 + oe_mem_random((uint32_t)(ms / 5) + 1);
}

/* What failed, whatever times and sizes are in it; but a status is itself. */
static uint32_t
fault_of(const char *text)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	const char *status = strstr(text, "(HTTP ");

	for (; *text; text++)
		if (*text < '0' || *text > '9' || (status && text > status))
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
task_run(struct courier *k, struct task *t)
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
events_failed(struct courier *k)
{
	int64_t ms = k->events_pause_ms * 2 + COURIER_EVENTS_MS;

	ms = ms < COURIER_PAUSE_MAX ? ms : COURIER_PAUSE_MAX;
	ms = ms < k->plan.interval_ms ? ms : k->plan.interval_ms;
	return k->events_pause_ms = ms;
}

/*
 * To the API when there are some, more and more seldom while it does not take
 * them.
 */
static void
events_run(struct courier *k, struct task *t)
{
	struct oe_err err = OE_ERR_INIT;
	int64_t now = oe_time_mono_ms();
	int r;

	t->due_ms = now + COURIER_EVENTS_MS;
	if (k->events_next_ms > now)
		return;
	r = courier_events(k, &err);
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

/* Nothing is said to us unasked; the keeper's end is ours. */
static bool
courier_hear(struct courier *k, int64_t timeout_ms)
{
	struct pollfd p = {.fd = k->fd, .events = POLLIN};
	char c;
	ssize_t got;

	if (poll(&p, 1, (int)timeout_ms) <= 0)
		return true;
	got = recv(k->fd, &c, 1, MSG_DONTWAIT | MSG_PEEK);
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

static void
courier_loop(struct courier *k)
{
	struct task tasks[] = {
	    {"directory", courier_directory, 1, 0, 0},
	    {"policy", courier_policy, 1, 0, 0},
	    {"host keys", courier_host_keys, 1, 0, 0},
	    {"heartbeat", courier_heartbeat, 1, 0, 0},
	    {"orders", courier_orders, 4, 0, 0},
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
	} while (courier_hear(k, next < 0 ? 0 : next));
}

/* --- what it is --- */

static void
courier_open(struct courier *k)
{
	const struct oe_mesh_api_plan plan = {
	    .origin = k->plan.origin,
	    .ca_pem = k->plan.ca_pem,
	    .pin = k->plan.pin,
	    .account = &k->account,
	    .renew = courier_renew,
	    .renew_arg = k,
	    .connect_ms = COURIER_CONNECT_MS,
	    .total_ms = COURIER_TOTAL_MS,
	    .tries = 1,
	};

	k->api = oe_mesh_api_new(&plan);
}

/* The libraries come from files, which are read before there are none. */
static int
courier_confine(struct courier *k, struct oe_err *err)
{
	const struct oe_sandbox_identity id = {
	    .change = k->plan.root,
	    .uid = k->plan.uid,
	    .gid = k->plan.gid,
	    .die_with_parent = true,
	};
	struct oe_sandbox *box = NULL;
	pid_t parent = getppid();
	int r = oe_mesh_api_prepare(k->api, err);

	if (r == 0)
		r = oe_sandbox_new_client(&box, err);
	if (r == 0)
		r = oe_sandbox_enter(box, &id, err);
	oe_sandbox_free(&box);
	if (r == 0 && getppid() != parent)
		r = oe_err_set(err, OE_ECLOSED, "the keeper is gone");
	return r;
}

static int
courier_run(const struct oe_ctx *ctx)
{
	struct courier k = {.fd = OE_COURIER_SOCKET, .spool = {.fd = -1}};
	struct oe_err err = OE_ERR_INIT;
	int type = 0, r;
	socklen_t n = sizeof type;

	(void)ctx;
	oe_log_prefix("omniedge ssh-server");
	if (getsockopt(k.fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 ||
	    type != SOCK_SEQPACKET) {
		oe_log_error(NULL, "this is a part of ssh-server");
		return OE_EXIT_USAGE;
	}
	(void)prctl(PR_SET_NAME, "api-courier");
	(void)signal(SIGPIPE, SIG_IGN);
	r = courier_hear_plan(&k, &err);
	if (r == 0) {
		courier_open(&k);
		r = courier_confine(&k, &err);
	}
	if (r == 0)
		courier_loop(&k);
	else
		oe_log_error(NULL, "control API: %s", oe_err_text(&err));
	/* nothing of the end of a usual program is possible in here */
	_exit(r < 0);
}

static const struct oe_param no_params[] = {{.name = NULL}};

const struct oe_command oe_mesh_command_courier = {
    .name = OE_COURIER_COMMAND,
    .summary = "a part of ssh-server --api",
    .operands = "",
    .params = no_params,
    .flags = OE_CMD_HIDDEN,
    .run = courier_run,
};
