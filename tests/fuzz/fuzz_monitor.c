/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net process that says anything: requests from bytes, served by the
 * monitor's own table.  What the handlers would do to the machine (start
 * programs, make directories, wait) is stood in for below.
 *
 * Input: u8 flags (1: logged in, 2: everything is granted), then for each
 * request u8 type, u8 descriptors, u16 length, payload.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/server/hostile.h"
#include "core/app/module.h"

#define FUZZ_REQUESTS_MAX 64

enum { FUZZ_LOGGED_IN = 1, FUZZ_GRANTED = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stand-ins: the linker prefers them to libc's. */
pid_t
fork(void)
{
	errno = EAGAIN;
	return -1;
}

int
nanosleep(const struct timespec *ts, struct timespec *rest)
{
	(void)ts;
	(void)rest;
	return 0;
}

char *
mkdtemp(char *pattern)
{
	(void)pattern;
	errno = EACCES;
	return NULL;
}

/* Takes one request off the input; false: none is left. */
static bool
next(struct oe_buf *in, struct oe_ipc_msg *m)
{
	uint8_t type, fds, len[2];
	size_t n, i;

	if (oe_buf_get_u8(in, &type) < 0 || oe_buf_get_u8(in, &fds) < 0 ||
	    oe_buf_get_u8(in, &len[0]) < 0 || oe_buf_get_u8(in, &len[1]) < 0)
		return false;
	oe_ipc_msg_init(m, type);
	n = (size_t)len[0] << 8 | len[1];
	if (n > oe_buf_left(in))
		n = oe_buf_left(in);
	(void)oe_buf_put(&m->payload, oe_buf_head(in), n);
	oe_buf_skip(in, n);
	for (i = 0; i < fds % 4u; i++)
		m->fds[i] = 0;
	m->nfds = fds % 4u;
	return true;
}

/* What no sequence of requests may lead to. */
static void
judge(const struct oe_srv_conn *c, bool logged_in)
{
	const struct oe_srv_session *s;
	unsigned n = 0;

	for (s = c->sessions; s; s = s->next) {
		if (s->pid || s->started)
			abort();
		n++;
	}
	if (n != c->open_sessions || n > 3)
		abort();
	if (!logged_in &&
	    (c->phase == OE_SRV_PHASE_OPEN || c->method || n || c->pam))
		abort();
	if (c->done && c->phase != OE_SRV_PHASE_OVER)
		abort();
}

static void
serve(struct hostile *h, struct oe_buf *in, bool logged_in)
{
	struct oe_ipc_msg m, reply;
	unsigned i;
	int r;

	for (i = 0; i < FUZZ_REQUESTS_MAX && !h->conn.done && next(in, &m);
	     i++) {
		r = oe_ipc_send(h->rpc, &m, NULL);
		m.nfds = 0;
		if (r < 0)
			abort();
		oe_srv__serve(&h->conn);
		judge(&h->conn, logged_in);
		/* one reply for each request, or the end */
		r = oe_ipc_recv(h->rpc, 0, &reply, NULL);
		if (r == 0 ? reply.type != m.type : !h->conn.done)
			abort();
		if (r == 0)
			oe_ipc_msg_done(&reply);
		if (oe_ipc_recv(h->rpc, 0, &reply, NULL) == 0)
			abort();
		oe_ipc_msg_done(&m);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool quiet;
	struct oe_module_set none = {0};
	struct hostile h;
	struct oe_buf in;
	bool logged_in;
	uint8_t flags;

	if (!quiet)
		oe_log_setup(OE_LOG_ERROR, OE_LOG_TEXT,
		    open("/dev/null", O_WRONLY | O_CLOEXEC), false);
	quiet = true;
	oe_buf_view(&in, data, size);
	if (oe_buf_get_u8(&in, &flags) < 0)
		return 0;
	if (!hostile_init(&h, "/nonexistent/keys"))
		abort();
	h.cfg.modules = &none;
	logged_in = flags & FUZZ_LOGGED_IN;
	if (logged_in)
		hostile_log_in(&h, flags & FUZZ_GRANTED);
	serve(&h, &in, logged_in);
	hostile_done(&h);
	return 0;
}
