/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other control-servers of the same PostgreSQL tell: a thread with a
 * connection of its own.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "control/store_pg.h"
#include "core/base/err.h"
#include "core/base/fd.h"

#define RETRY_MS 1000

static int
connect_listener(const char *url, PGconn **ret, struct oe_err *err)
{
	PGconn *db = NULL;
	PGresult *result;
	int rc = oe_ctl_pg_connect(url, &db, err);

	if (rc)
		return rc;
	result = oe_ctl__pg()->PQexec(db, "LISTEN omniedge");
	if (oe_ctl__pg()->PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = oe_ctl_pg_fault(db, result, err);
	oe_ctl__pg()->PQclear(result);
	if (rc)
		oe_ctl__pg()->PQfinish(db);
	else
		*ret = db;
	return rc;
}

static void
connect_again(struct oe_ctl_pg *s)
{
	struct oe_ctl_told *w = &s->base.watcher;

	if (connect_listener(s->url, &s->heard, NULL) == 0)
		w->fn(w->arg, OE_CTL_TOPIC_POLICY, NULL);
}

static void
deliver(struct oe_ctl_pg *s)
{
	PGnotify *n;

	while ((n = oe_ctl__pg()->PQnotifies(s->heard)) != NULL) {
		oe_ctl_deliver(&s->base, n->extra);
		oe_ctl__pg()->PQfreemem(n);
	}
}

/* False: the store is being closed. */
static bool
wait_for(struct oe_ctl_pg *s)
{
	struct pollfd p[2] = {{s->stop[0], POLLIN, 0}, {-1, POLLIN, 0}};

	if (s->heard != NULL)
		p[1].fd = oe_ctl__pg()->PQsocket(s->heard);
	(void)poll(p, 2, s->heard != NULL ? -1 : RETRY_MS);
	return p[0].revents == 0;
}

static void *
listen_thread(void *arg)
{
	struct oe_ctl_pg *s = arg;

	while (wait_for(s)) {
		if (s->heard == NULL) {
			connect_again(s);
		} else if (!oe_ctl__pg()->PQconsumeInput(s->heard)) {
			oe_ctl__pg()->PQfinish(s->heard);
			s->heard = NULL;
		} else {
			deliver(s);
		}
	}
	return NULL;
}

int
oe_ctl_pg_listen(struct oe_ctl_pg *s, struct oe_err *err)
{
	int rc = connect_listener(s->url, &s->heard, err);

	if (rc)
		return rc;
	if (pipe2(s->stop, O_CLOEXEC))
		return oe_err_sys(err, "pipe");
	if (pthread_create(&s->listener, NULL, listen_thread, s))
		return oe_err_set(err, OE_ESYS, "cannot start a thread");
	s->listening = true;
	return 0;
}

void
oe_ctl_pg_listen_stop(struct oe_ctl_pg *s)
{
	oe_fd_close(&s->stop[1]);
	if (s->listening)
		pthread_join(s->listener, NULL);
	s->listening = false;
	oe_ctl__pg()->PQfinish(s->heard);
	s->heard = NULL;
	oe_fd_close(&s->stop[0]);
}
