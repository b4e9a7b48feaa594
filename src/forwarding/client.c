/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "core/ssh/sshconf.h"
#include "forwarding/client_internal.h"
#include "forwarding/client_params.h"
#include "forwarding/client_permit.h"

static const struct {
	enum oe_sshconf_key key;
	enum oe_fwd_kind kind;
	const char *name;
} keys[] = {
    {OE_SSHCONF_LOCALFORWARD, OE_FWD_LOCAL, "LocalForward"},
    {OE_SSHCONF_REMOTEFORWARD, OE_FWD_REMOTE, "RemoteForward"},
    {OE_SSHCONF_DYNAMICFORWARD, OE_FWD_DYNAMIC, "DynamicForward"},
};

static int
add_text(struct oe_cli_forwards *set, enum oe_fwd_kind kind, const char *text,
    struct oe_err *err)
{
	struct oe_fwd_spec spec;
	int r;

	if (set->n >= OE_FWD_FORWARDS_MAX)
		return oe_err_set(err, OE_ETOOBIG, "too many forwards");
	r = oe_fwd__read(set->conf, oe_fwd_spec_parse, kind, text, &spec, err);
	if (r == 0)
		(void)oe_fwd__add(set, &spec);
	return r;
}

static int
add_all(struct oe_cli_forwards *set, struct oe_err *err)
{
	const struct oe_strs *l;
	size_t i, k;
	int r = 0;

	if (oe_sshconf_yes(set->conf, OE_SSHCONF_CLEARALLFORWARDINGS))
		return 0;
	for (i = 0; i < OE_ARRAY_LEN(keys); i++) {
		l = oe_sshconf_list(set->conf, keys[i].key);
		for (k = 0; k < l->n && r == 0; k++)
			r = add_text(set, keys[i].kind, l->v[k], err);
		if (r < 0)
			return oe_err_wrap(err, OE_EUSAGE, "%s", keys[i].name);
	}
	return 0;
}

static int
family_of(const struct oe_sshconf *conf)
{
	if (oe_sshconf_is(conf, OE_SSHCONF_ADDRESSFAMILY, "inet"))
		return AF_INET;
	if (oe_sshconf_is(conf, OE_SSHCONF_ADDRESSFAMILY, "inet6"))
		return AF_INET6;
	return AF_UNSPEC;
}

int
oe_fwd__open(const struct oe_sshconf *conf, struct oe_cli_forwards **ret,
    struct oe_err *err)
{
	struct oe_cli_forwards *set = oe_mem_zalloc(sizeof *set);
	const char *mask = oe_sshconf_str(conf, OE_SSHCONF_STREAMLOCALBINDMASK);
	const struct oe_strs *permits =
	    oe_sshconf_list(conf, OE_SSHCONF_PERMITREMOTEOPEN);
	int r;

	set->conf = conf;
	set->family = family_of(conf);
	set->gateway_ports = oe_sshconf_yes(conf, OE_SSHCONF_GATEWAYPORTS);
	set->unlink_first =
	    oe_sshconf_yes(conf, OE_SSHCONF_STREAMLOCALBINDUNLINK);
	set->bind_mask = (mode_t)strtoul(mask, NULL, 8) & 0777;
	r = oe_fwd_permit_check(permits, err);
	if (r < 0)
		r = oe_err_wrap(err, OE_EUSAGE, "PermitRemoteOpen");
	if (r == 0)
		r = add_all(set, err);
	if (r < 0)
		oe_fwd__close(&set);
	else
		*ret = set;
	return r;
}

/* Each connection is a descriptor. */
static void
raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

/* Outside of whatever told that they failed. */
static void
remove_doomed(struct oe_cli_forwards *set)
{
	struct oe_fwd__forward *f, *next;

	for (f = set->first; f && set->doomed; f = next) {
		next = f->next;
		if (f->doomed)
			oe_fwd__remove(f);
	}
}

static bool
on_idle(void *arg)
{
	struct oe_cli_forwards *set = arg;
	void (*settled)(void *arg, size_t failed) = set->settled;
	/* who waits for the last to end would not look before the next event */
	bool more = oe_fwd__link_reap(set, false);

	remove_doomed(set);
	if (!settled || set->waiting)
		return more;
	set->settled = NULL;
	settled(set->settled_arg, set->failed);
	return true;
}

static void
on_pause_end(void *arg)
{
	oe_fwd__accept_all(arg, true);
}

static void
start_one(struct oe_fwd__forward *f)
{
	struct oe_err err = OE_ERR_INIT;

	if (oe_fwd__start(f, &err) == 0)
		return;
	f->set->failed++;
	oe_log_warn(NULL, "%s", oe_err_text(&err));
}

void
oe_fwd__listen_all(struct oe_cli_forwards *set, struct oe_loop *loop)
{
	struct oe_fwd__forward *f;

	set->loop = loop;
	raise_limit();
	set->idle = oe_loop_idle(loop, on_idle, set);
	set->pause = oe_loop_timer(loop, -1, on_pause_end, set);
	for (f = set->first; f; f = f->next)
		if (f->spec.kind != OE_FWD_REMOTE)
			start_one(f);
}

void
oe_fwd__attach(struct oe_cli_forwards *set, struct oe_connect *c)
{
	struct oe_fwd__forward *f;

	set->c = c;
	oe_fwd__remote_serve(set);
	for (f = set->first; f; f = f->next)
		if (f->spec.kind == OE_FWD_REMOTE)
			start_one(f);
}

void
oe_fwd__detach(struct oe_cli_forwards *set)
{
	struct oe_fwd__forward *f;

	if (!set->c)
		return;
	oe_ssh_forward_serve(set->c->ssh, NULL, NULL);
	oe_fwd__link_reap(set, true);
	for (f = set->first; f; f = f->next)
		if (f->spec.kind == OE_FWD_REMOTE) {
			oe_fwd__remote_stop(f);
			f->state = OE_FWD__IDLE;
		}
	set->c = NULL;
}

static void
client_start(struct oe_cli_forwards *set, struct oe_connect *c,
    void (*settled)(void *arg, size_t failed), void *arg)
{
	set->settled = settled;
	set->settled_arg = arg;
	oe_fwd__listen_all(set, c->loop);
	oe_fwd__attach(set, c);
}

static void
client_ready(struct oe_cli_forwards *set, bool lasting)
{
	struct oe_err err = OE_ERR_INIT;

	if (!lasting && !set->n)
		return;
	if (oe_fwd__control_open(set, &set->control, &err) < 0)
		oe_log_debug(NULL, "no control socket: %s", oe_err_text(&err));
}

static size_t
client_busy(const struct oe_cli_forwards *set)
{
	return set->nlinks;
}

void
oe_fwd__close(struct oe_cli_forwards **pset)
{
	struct oe_cli_forwards *set = *pset;

	if (!set)
		return;
	*pset = NULL;
	oe_fwd__control_close(&set->control);
	oe_fwd__detach(set);
	while (set->first)
		oe_fwd__remove(set->first);
	oe_timer_free(&set->pause);
	if (set->loop)
		oe_idle_free(set->loop, &set->idle);
	free(set);
}

const struct oe_cli_forwarding oe_fwd_client = {
    .take = oe_fwd_params_take,
    .print = oe_fwd_params_print,
    .open = oe_fwd__open,
    .start = client_start,
    .ready = client_ready,
    .busy = client_busy,
    .list = oe_fwd__list,
    .command = oe_fwd__command,
    .each = oe_fwd__each,
    .add = oe_fwd__share,
    .forget = oe_fwd__forget,
    .remove = oe_fwd__unshare,
    .close = oe_fwd__close,
};
