/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/scp_peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/settings.h"
#include "core/app/param.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"
#include "sftp/copy.h"
#include "sftp/remote.h"

/* Lanes that a peer is asked for. */
#define LANES_MAX 16

struct oe_scp_peer {
	struct oe_scp_peer *next;
	char *user, *host; /* as they were typed; user may be NULL */
	int port;
	struct oe_settings set;
	struct oe_connect_plan connect;
	struct oe_remote *remote;
	struct oe_sftp_fs *lanes[LANES_MAX];
	size_t n_lanes;
	unsigned asked;            /* lanes */
	struct oe_sftp_copy *copy; /* whom they serve now */
	bool is_target;
};

/* What the host is, once it is known who is asked about names. */
static int
split(struct oe_scp_peer *p, const struct oe_hoststr *typed,
    struct oe_hoststr *ret, struct oe_err *err)
{
	ret->user = oe_mem_strdup(typed->user);
	ret->host = oe_mem_strdup(typed->host);
	ret->port = typed->port;
	return oe_settings_split(&p->set, ret, err);
}

/* What holds for files whatever the configuration says. */
static int
force(struct oe_scp_peers *ps, struct oe_scp_peer *p,
    const struct oe_hoststr *host, struct oe_err *err)
{
	char port[16];
	int e = 0;

	/* the host's own words win: several peers share one -P */
	if (host->user)
		e = oe_sshconf_set(
		    p->set.conf, OE_SSHCONF_USER, host->user, err);
	if (e == 0 && host->port) {
		snprintf(port, sizeof port, "%d", host->port);
		e = oe_sshconf_set(p->set.conf, OE_SSHCONF_PORT, port, err);
	}
	if (e == 0 && !oe_values_flag(ps->v, "forward-agent"))
		e = oe_sshconf_set(
		    p->set.conf, OE_SSHCONF_FORWARDAGENT, "no", err);
	if (e == 0)
		e = oe_sshconf_set(
		    p->set.conf, OE_SSHCONF_CLEARALLFORWARDINGS, "yes", err);
	return e;
}

static int
connect_peer(struct oe_scp_peers *ps, struct oe_scp_peer *p,
    const struct oe_hoststr *host, struct oe_err *err)
{
	struct oe_remote_plan plan = {.loop = ps->loop,
	    .connect = &p->connect,
	    .program = ps->program,
	    .data_max = ps->data_max};
	struct oe_hoststr h = {NULL, NULL, 0};
	int e;

	if (!ps->program) {
		e = oe_settings_begin(&p->set, ps->modules, ps->v, err);
		if (e == 0)
			e = split(p, host, &h, err);
		if (e == 0)
			e = force(ps, p, &h, err);
		if (e == 0)
			e = oe_settings_resolve(&p->set, &h, err);
		oe_hoststr_done(&h);
		if (e < 0)
			return e;
		p->connect = oe_settings_plan(&p->set);
		p->connect.forwarding = ps->forwarding;
	}
	return oe_sftp_remote_open(&plan, &p->remote, err);
}

static void
free_peer(struct oe_scp_peer *p)
{
	oe_sftp_remote_close(&p->remote);
	oe_settings_done(&p->set);
	free(p->user);
	free(p->host);
	free(p);
}

static struct oe_scp_peer *
find(struct oe_scp_peers *ps, const struct oe_hoststr *host)
{
	struct oe_scp_peer *p = ps->all;

	/* the program serves every name */
	while (p && !ps->program &&
	       !(oe_str_eq(p->user, host->user) &&
		   oe_str_eq(p->host, host->host) && p->port == host->port))
		p = p->next;
	return p;
}

int
oe_scp_peers_get(struct oe_scp_peers *ps, const struct oe_hoststr *host,
    struct oe_scp_peer **ret, struct oe_err *err)
{
	struct oe_scp_peer *p = find(ps, host);
	int e;

	if (p) {
		*ret = p;
		return 0;
	}
	p = oe_mem_zalloc(sizeof *p);
	p->user = oe_mem_strdup(host->user);
	p->host = oe_mem_strdup(host->host);
	p->port = host->port;
	e = connect_peer(ps, p, host, err);
	if (e < 0) {
		free_peer(p);
		return oe_err_wrap(err, e, "%s", host->host);
	}
	p->next = ps->all;
	ps->all = p;
	*ret = p;
	return 0;
}

struct oe_sftp_fs *
oe_scp_peer_fs(struct oe_scp_peer *p)
{
	return oe_sftp_remote_fs(p->remote);
}

void
oe_scp_peer_serve(struct oe_scp_peer *p, struct oe_sftp_copy *c, bool is_target)
{
	size_t i;

	p->copy = c;
	p->is_target = is_target;
	for (i = 0; c && i < p->n_lanes; i++)
		if (!p->lanes[i]->failed)
			oe_sftp_copy_lane(c, is_target, p->lanes[i]);
}

static void
on_lane(void *arg, struct oe_sftp_fs *fs)
{
	struct oe_scp_peer *p = arg;

	if (p->n_lanes == LANES_MAX)
		return;
	oe_log_debug(NULL, "one more connection to %s", p->host);
	p->lanes[p->n_lanes++] = fs;
	if (p->copy)
		oe_sftp_copy_lane(p->copy, p->is_target, fs);
}

uint64_t
oe_scp_peer_rtt_us(const struct oe_scp_peer *p)
{
	return oe_sftp_remote_rtt_us(p->remote);
}

void
oe_scp_peer_widen(struct oe_scp_peer *p, unsigned n)
{
	if (n == 0 && p->copy)
		n = oe_sftp_copy_wants(
		    p->copy, oe_sftp_remote_rtt_us(p->remote));
	if (n > LANES_MAX)
		n = LANES_MAX;
	if (n <= 1 || n <= p->asked)
		return;
	p->asked = n;
	oe_sftp_remote_widen(p->remote, n, on_lane, p);
}

void
oe_scp_peers_done(struct oe_scp_peers *ps)
{
	struct oe_scp_peer *p;

	while ((p = ps->all)) {
		ps->all = p->next;
		free_peer(p);
	}
}
