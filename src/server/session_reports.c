/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subsystem's program reports of its work, as events of its session.
 *
 * It writes lines to a pipe, and it runs as the user: what comes is hostile.
 * Nothing is left out because of haste: a program that reports faster than
 * the rate waits in its write().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/event_batch.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "server/session.h"

#define OE_SRV_REPORT_PIPE (1024 * 1024)
/* What is read before other work of the monitor has its turn. */
#define OE_SRV_REPORT_TURN (64 * 1024)
/* Bytes a second, and how many may come at once after a time of less. */
#define OE_SRV_REPORT_RATE  (4 * 1024 * 1024)
#define OE_SRV_REPORT_BURST (16 * 1024 * 1024)
/* Lines of a while are taken in one go: a turn for each would cost more. */
#define OE_SRV_REPORT_WAIT_MS 20

struct oe_srv_reports {
	struct oe_srv_conn *conn;
	struct oe_srv_session *session;
	int fd;
	struct oe_watch *watch;
	struct oe_timer *wait;
	int64_t allowance, counted_ms; /* bytes that may be read; as of when */
	bool skipping;                 /* the rest of a line that is too long */
	struct oe_event_batch events;
	size_t n;
	char line[OE_SRV_REPORT_MAX];
};

static void
reports_event(struct oe_srv_reports *r, const char *line, size_t n)
{
	struct oe_event *e = oe_event_batch_begin(&r->events, "session.report");

	if (oe_event_foreign(e, "report", line, n)) {
		oe_event_batch_end(&r->events);
		return;
	}
	oe_event_batch_drop(&r->events);
	r->session->reports_refused++;
}

/* The rest of a line; one that came whole is looked at where it lies. */
static void
reports_line_end(struct oe_srv_reports *r, const char *p, size_t n)
{
	if (r->skipping || n > sizeof r->line - r->n) {
		r->session->reports_refused++;
	} else if (r->n == 0) {
		reports_event(r, p, n);
	} else {
		memcpy(r->line + r->n, p, n);
		reports_event(r, r->line, r->n + n);
	}
	r->skipping = false;
	r->n = 0;
}

static void
reports_line_part(struct oe_srv_reports *r, const char *p, size_t n)
{
	if (n > sizeof r->line - r->n)
		r->skipping = true;
	if (r->skipping)
		return;
	memcpy(r->line + r->n, p, n);
	r->n += n;
}

static void
reports_take(struct oe_srv_reports *r, const char *p, size_t n)
{
	const char *end;
	size_t k;

	while ((end = memchr(p, '\n', n)) != NULL) {
		k = (size_t)(end - p);
		reports_line_end(r, p, k);
		p += k + 1;
		n -= k + 1;
	}
	reports_line_part(r, p, n);
}

/* Bytes that came, or OE_ECLOSED: there will be no more. */
static ssize_t
reports_read(struct oe_srv_reports *r)
{
	char buf[OE_SRV_REPORT_TURN / 4];
	ssize_t n, turn = 0;

	while (turn < OE_SRV_REPORT_TURN) {
		n = read(r->fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			turn = OE_ECLOSED;
			break;
		}
		reports_take(r, buf, (size_t)n);
		turn += n;
		r->allowance -= n;
	}
	/* other events of this process come behind these */
	oe_event_batch_flush(&r->events);
	return turn;
}

static void
reports_earn(struct oe_srv_reports *r)
{
	int64_t now = oe_time_mono_ms(), most = OE_SRV_REPORT_BURST;
	int64_t got = (now - r->counted_ms) * (OE_SRV_REPORT_RATE / 1000);

	r->counted_ms = now;
	r->allowance = r->allowance + got < most ? r->allowance + got : most;
}

static void
reports_stop(struct oe_srv_reports *r)
{
	oe_watch_free(&r->watch);
	oe_timer_free(&r->wait);
	oe_fd_close(&r->fd);
}

static void
reports_on_input(void *arg, short revents)
{
	struct oe_srv_reports *r = arg;
	ssize_t n = reports_read(r);

	(void)revents;
	if (n < 0) {
		reports_stop(r);
		return;
	}
	reports_earn(r);
	if (n >= OE_SRV_REPORT_TURN && r->allowance > 0)
		return;
	oe_watch_set(r->watch, 0);
	oe_timer_set(r->wait, OE_SRV_REPORT_WAIT_MS);
}

static void
reports_on_wait(void *arg)
{
	struct oe_srv_reports *r = arg;

	reports_earn(r);
	if (r->allowance > 0)
		oe_watch_set(r->watch, POLLIN);
	else
		oe_timer_set(r->wait, OE_SRV_REPORT_WAIT_MS);
}

/* What each event has: none of it changes within a session. */
static void
reports_begin_batch(struct oe_srv_reports *r)
{
	struct oe_event e;

	oe_srv__event(r->conn, &e, "session.report");
	oe_event_int(&e, "session", r->session->id);
	oe_event_str(&e, "local_user", r->conn->account.name);
	oe_event_batch_init(&r->events, &r->conn->srv->events, &e);
}

int
oe_srv__reports_open(struct oe_srv_conn *c, struct oe_srv_session *s,
    int *ret_fd, struct oe_err *err)
{
	struct oe_srv_reports *r;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return oe_err_sys(err, "make a pipe");
	if (oe_fd_set_nonblock(p[0], true) < 0) {
		oe_fd_close(&p[0]);
		oe_fd_close(&p[1]);
		return oe_err_sys(err, "set up a pipe");
	}
	/* best effort: fewer turns in bulk */
	(void)fcntl(p[0], F_SETPIPE_SZ, OE_SRV_REPORT_PIPE);
	r = oe_mem_zalloc(sizeof *r);
	r->conn = c;
	r->session = s;
	reports_begin_batch(r);
	r->fd = p[0];
	r->allowance = OE_SRV_REPORT_BURST;
	r->counted_ms = oe_time_mono_ms();
	r->watch = oe_loop_watch(c->loop, r->fd, POLLIN, reports_on_input, r);
	r->wait = oe_loop_timer(c->loop, -1, reports_on_wait, r);
	s->reports = r;
	*ret_fd = p[1];
	return 0;
}

void
oe_srv__reports_close(struct oe_srv_session *s)
{
	struct oe_srv_reports *r = s->reports;
	size_t left = OE_SRV_REPORT_PIPE;

	if (!r)
		return;
	/* what the process wrote before its end; another may still write */
	for (; r->fd >= 0 && left > 0; left -= OE_SRV_REPORT_TURN) {
		struct pollfd p = {.fd = r->fd, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0 || reports_read(r) < 0)
			break;
	}
	if (r->n || r->skipping)
		s->reports_refused++;
	reports_stop(r);
	oe_event_batch_done(&r->events);
	oe_mem_free(&s->reports);
}
