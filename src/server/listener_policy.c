/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener and a policy that changes: it reads, looks whether it is
 * sound, and tells the monitors.  An unsound one changes nothing, loudly.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/hostkey.h"
#include "server/listener_internal.h"

static void
policy_event(struct listener *l, const char *rules, const char *why)
{
	struct oe_event e;

	oe_event_begin(&e, &l->srv.events, "policy.change");
	oe_event_bool(&e, "success", !why);
	oe_event_str(&e, "rules", rules);
	oe_event_str(&e, "why", why);
	oe_event_end(&e, &l->srv.events);
}

static int
policy_publish(struct listener *l, struct oe_err *err)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	char *rules;
	bool first = l->srv.snapshot.fd < 0;
	int r = first ? oe_srv_snapshot_open(&l->srv.snapshot, err) : 0;

	if (r == 0)
		r = oe_srv_snapshot_put(&l->srv.snapshot,
		    oe_buf_head(&cfg->policy_text),
		    oe_buf_left(&cfg->policy_text), err);
	if (r < 0)
		return r;
	/* those that came before there was a policy do not know of one */
	if (!first)
		listener_signal_children(l, SIGUSR2);
	rules = cfg->source->describe(cfg->doc);
	oe_log_info(NULL, "policy in force: %s", rules);
	policy_event(l, rules, NULL);
	free(rules);
	return 0;
}

/* Take what there is now; 0, OE_EAGAIN, or an error and all is as it was. */
static int
policy_take(struct listener *l, struct oe_err *err)
{
	struct oe_srv_config *cfg = l->srv.cfg;
	struct oe_srv_doc *doc = NULL;
	struct oe_buf text;
	int r = cfg->source->take(cfg->feed, &text, err);

	if (r < 0)
		return r;
	r = cfg->source->parse(
	    oe_buf_head(&text), oe_buf_left(&text), &doc, err);
	if (r < 0) {
		oe_buf_done(&text);
		return r;
	}
	cfg->source->free(&cfg->doc);
	oe_buf_done(&cfg->policy_text);
	cfg->doc = doc;
	cfg->policy_text = text;
	cfg->policy = cfg->source->policy(doc);
	return policy_publish(l, err);
}

/*
 * The signal says which connection it is for: those that an earlier program
 * began are known by their process only.
 */
static void
policy_order(struct listener *l, const char *conn)
{
	union sigval v = {.sival_ptr = NULL};
	const struct child *c;
	uint64_t id;
	char *end;
	size_t i;

	id = strtoull(conn, &end, 16);
	if (*end || !id)
		return;
	memcpy(&v, &id, sizeof v < sizeof id ? sizeof v : sizeof id);
	for (i = 0; i < OE_ARRAY_LEN(l->children); i++)
		for (c = l->children[i]; c; c = c->next)
			if (c->adopted || !strcmp(c->id, conn))
				(void)sigqueue(
				    c->pid, (int)OE_SRV_SIGNAL_ORDER, v);
}

static void
policy_orders(struct listener *l)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	char conn[OE_SRV_ORDER_MAX];

	while (cfg->source->order && cfg->source->order(cfg->feed, conn))
		policy_order(l, conn);
}

bool
listener_policy_room(struct listener *l)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (!cfg->feed || !cfg->source->room)
		return true;
	r = cfg->source->room(cfg->feed, &err);
	if (r < 0 && !l->full)
		oe_log_error(
		    NULL, "NO connections are taken: %s", oe_err_text(&err));
	else if (r == 0 && l->full)
		oe_log_warn(NULL, "connections are taken again");
	l->full = r < 0;
	if (r == OE_EAGAIN)
		listener_signal_children(l, SIGTERM);
	return r == 0;
}

/* What is refused while there is no room has no room in it either. */
static void
policy_spool(struct listener *l)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	int fd = cfg->source->events ? cfg->source->events(cfg->feed) : -1;

	if (fd < 0)
		return;
	l->srv.spool.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	l->srv.events.also = &l->srv.spool;
}

void
listener_policy_stop(struct listener *l)
{
	oe_watch_free(&l->policy);
	oe_fd_close(&l->srv.spool.fd);
	l->srv.events.also = NULL;
}

static int
policy_watch(struct listener *l, struct oe_err *err)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	struct oe_strs lines = {NULL, 0};
	char *line;
	size_t i;
	int fd;

	for (i = 0; i < oe_ssh_hostkeys_count(cfg->hostkeys); i++)
		if ((line = oe_ssh_hostkeys_line(cfg->hostkeys, i)))
			oe_strs_add_take(&lines, line);
	fd = cfg->source->watch(cfg->feed, &lines, listener_port(l), err);
	oe_strs_done(&lines);
	return fd;
}

static void
policy_on_feed(void *arg, short revents)
{
	struct listener *l = arg;
	struct oe_err err = OE_ERR_INIT;
	int r = policy_take(l, &err);

	(void)revents;
	policy_orders(l);
	(void)listener_policy_room(l);
	if (r == 0 || r == OE_EAGAIN)
		return;
	oe_log_error(NULL, "policy: %s: the old policy stays in force",
	    oe_err_text(&err));
	policy_event(l, NULL, oe_err_text(&err));
}

int
listener_policy_start(struct listener *l, struct oe_err *err)
{
	const struct oe_srv_config *cfg = l->srv.cfg;
	int fd, r;

	oe_watch_free(&l->policy);
	if (!cfg->feed)
		return 0;
	fd = policy_watch(l, err);
	if (fd >= 0)
		l->policy =
		    oe_loop_watch(l->loop, fd, POLLIN, policy_on_feed, l);
	else
		oe_log_warn(NULL, "policy: changes are seen on SIGHUP only: %s",
		    oe_err_text(err));
	policy_spool(l);
	r = policy_publish(l, err);
	/* it may have changed before it was watched */
	if (r == 0 && fd >= 0)
		policy_on_feed(l, 0);
	return r;
}

void
listener_policy_keep(struct listener *l, struct oe_buf *kept)
{
	if (l->srv.snapshot.fd < 0)
		return;
	(void)fcntl(l->srv.snapshot.fd, F_SETFD, kept ? 0 : FD_CLOEXEC);
	if (kept)
		(void)oe_buf_printf(kept, "%d", l->srv.snapshot.fd);
}

void
listener_policy_adopt(struct listener *l, const char *kept)
{
	const char *last = strrchr(kept, ';');
	int64_t fd;

	/* a program from before there were policies has two parts only */
	if (last && strchr(kept, ';') != last &&
	    oe_str_parse_int(last + 1, 3, 65535, &fd) == 0 &&
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0)
		oe_srv_snapshot_adopt(&l->srv.snapshot, (int)fd);
}
