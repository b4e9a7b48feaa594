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

static PGconn *
connect_listener(struct oe_ctl_pg *s)
{
	struct oe_ctl_told *w = &s->base.watcher;
	PGconn *db = NULL;
	PGresult *result;

	if (oe_ctl_pg_connect(s->url, &db, NULL))
		return NULL;
	result = PQexec(db, "LISTEN omniedge");
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		PQfinish(db);
		db = NULL;
	}
	PQclear(result);
	if (db != NULL)
		w->fn(w->arg, OE_CTL_TOPIC_POLICY, NULL);
	return db;
}

static void
deliver(struct oe_ctl_pg *s, PGconn *db)
{
	PGnotify *n;

	while ((n = PQnotifies(db)) != NULL) {
		oe_ctl_deliver(&s->base, n->extra);
		PQfreemem(n);
	}
}

/* False: the store is being closed. */
static bool
wait_for(struct oe_ctl_pg *s, PGconn *db, int timeout_ms)
{
	struct pollfd p[2] = {{s->stop[0], POLLIN, 0}, {-1, POLLIN, 0}};

	if (db != NULL)
		p[1].fd = PQsocket(db);
	(void)poll(p, 2, timeout_ms);
	return p[0].revents == 0;
}

static void *
listen_thread(void *arg)
{
	struct oe_ctl_pg *s = arg;
	PGconn *db = connect_listener(s);

	while (wait_for(s, db, db != NULL ? -1 : RETRY_MS)) {
		if (db == NULL) {
			db = connect_listener(s);
		} else if (!PQconsumeInput(db)) {
			PQfinish(db);
			db = NULL;
		} else {
			deliver(s, db);
		}
	}
	PQfinish(db);
	return NULL;
}

int
oe_ctl_pg_listen(struct oe_ctl_pg *s, struct oe_err *err)
{
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
	oe_fd_close(&s->stop[0]);
}
