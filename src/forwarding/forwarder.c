/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/forwarder.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/ipc.h"
#include "core/net/loop.h"
#include "core/net/race.h"
#include "core/net/resolve.h"
#include "forwarding/forwarder_internal.h"
#include "forwarding/mailbox.h"
#include "forwarding/server_wire.h"

void
oe_fwd__job_report(
    const struct fwd_job *j, enum oe_fwd_report what, struct oe_ipc_msg *ret)
{
	oe_ipc_msg_init(ret, (uint8_t)what);
	(void)oe_buf_put_u32(&ret->payload, j->id);
}

void
oe_fwd__job_failed(struct fwd_job *j, const char *why)
{
	struct oe_ipc_msg m;

	j->over = true;
	oe_fwd__job_report(j, OE_FWD_IS_FAILED, &m);
	(void)oe_buf_put_string(&m.payload, why, strnlen(why, OE_FWD_WHY_MAX));
	oe_fwd_mailbox_send(j->f->monitor, &m);
}

static void
job_free(struct fwd_job *j)
{
	int i;

	if (j->lookup)
		j->f->lookups--;
	oe_timer_free(&j->limit);
	for (i = 0; i < OE_FWD_LISTEN_FDS_MAX; i++) {
		oe_watch_free(&j->watch[i]);
		oe_fd_close(&j->fd[i]);
	}
	oe_lookup_free(&j->lookup);
	oe_race_free(&j->race);
	free(j->host);
	free(j);
}

/* Between rounds, when nobody is inside a job. */
static bool
forwarder_sweep(void *arg)
{
	struct forwarder *f = arg;
	struct fwd_job **p = &f->jobs, *j;
	bool any = false;

	while ((j = *p)) {
		if (!j->over) {
			p = &j->next;
			continue;
		}
		*p = j->next;
		job_free(j);
		any = true;
	}
	/* a name that waited for its turn */
	for (j = any ? f->jobs : NULL; j; j = j->next)
		if (j->kind == FWD_JOB_RESOLVE && !j->lookup && !j->over)
			oe_fwd__job_resolve(j);
	return false;
}

static struct fwd_job *
job_new(struct forwarder *f, enum fwd_job_kind kind, uint32_t id)
{
	struct fwd_job *j = oe_mem_zalloc(sizeof *j), **p;
	int i;

	j->f = f;
	j->kind = kind;
	j->id = id;
	for (i = 0; i < OE_FWD_LISTEN_FDS_MAX; i++)
		j->fd[i] = -1;
	/* in order, so that names wait their turn */
	for (p = &f->jobs; *p; p = &(*p)->next)
		continue;
	*p = j;
	return j;
}

static void
forwarder_end_job(struct forwarder *f, uint32_t id)
{
	struct fwd_job *j;
	int i;

	for (j = f->jobs; j; j = j->next) {
		if (j->id != id)
			continue;
		j->over = true;
		/* the port is free when the answer is there */
		for (i = 0; i < OE_FWD_LISTEN_FDS_MAX; i++) {
			oe_watch_free(&j->watch[i]);
			oe_fd_close(&j->fd[i]);
		}
	}
}

static int
forwarder_addresses(struct forwarder *f, struct oe_ipc_msg *m, uint32_t id)
{
	struct oe_addr addrs[OE_FWD_ADDRS_MAX];
	bool listens = m->type == OE_FWD_DO_LISTEN;
	uint32_t port;
	size_t n;

	if (oe_buf_get_u32(&m->payload, &port) < 0 ||
	    oe_fwd_addrs_get(&m->payload, addrs,
		listens ? OE_FWD_LISTEN_FDS_MAX : OE_FWD_ADDRS_MAX, &n) < 0 ||
	    !n || port > 65535)
		return OE_EPROTO;
	if (listens)
		oe_fwd__job_listen(
		    job_new(f, FWD_JOB_LISTEN, id), port, addrs, n);
	else
		oe_fwd__job_connect(
		    job_new(f, FWD_JOB_CONNECT, id), port, addrs, n);
	return 0;
}

static int
forwarder_text(struct forwarder *f, struct oe_ipc_msg *m, uint32_t id)
{
	struct fwd_job *j;
	char *text;

	if (oe_buf_get_cstring(&m->payload, OE_FWD_HOST_MAX, &text) < 0)
		return OE_EPROTO;
	j = job_new(
	    f, m->type == OE_FWD_DO_UNIX ? FWD_JOB_UNIX : FWD_JOB_RESOLVE, id);
	j->host = text;
	if (j->kind == FWD_JOB_UNIX)
		oe_fwd__job_unix(j);
	else
		oe_fwd__job_resolve(j);
	return 0;
}

static void
forwarder_got(void *arg, struct oe_ipc_msg *m)
{
	struct forwarder *f = arg;
	int r = OE_EPROTO;
	uint32_t id;

	if (oe_buf_get_u32(&m->payload, &id) < 0) {
		f->done = true;
		return;
	}
	switch (m->type) {
	case OE_FWD_DO_RESOLVE:
	case OE_FWD_DO_UNIX:
		r = forwarder_text(f, m, id);
		break;
	case OE_FWD_DO_CONNECT:
	case OE_FWD_DO_LISTEN:
		r = forwarder_addresses(f, m, id);
		break;
	case OE_FWD_DO_END:
		forwarder_end_job(f, id);
		r = 0;
		break;
	}
	if (r < 0)
		f->done = true;
}

static void
forwarder_lost(void *arg)
{
	struct forwarder *f = arg;

	f->done = true;
}

void
oe_fwd_forwarder_run(int fd)
{
	struct forwarder f = {.loop = oe_loop_new()};

	f.monitor =
	    oe_fwd_mailbox_new(f.loop, fd, forwarder_got, forwarder_lost, &f);
	oe_loop_idle(f.loop, forwarder_sweep, &f);
	while (!f.done && oe_loop_once(f.loop, -1) == 0)
		continue;
	_exit(0);
}
