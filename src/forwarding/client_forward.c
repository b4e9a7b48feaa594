/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/ssh/sshconf.h"
#include "forwarding/client_internal.h"

static int
expand_end(
    const struct oe_sshconf *conf, struct oe_fwd_end *e, struct oe_err *err)
{
	char *path;
	int r;

	if (!e->path || !strchr(e->path, '%'))
		return 0;
	r = oe_sshconf_expand(conf, e->path, &path, err);
	if (r < 0)
		return r;
	free(e->path);
	e->path = path;
	return 0;
}

int
oe_fwd__read(const struct oe_sshconf *conf,
    int (*parse)(enum oe_fwd_kind kind, const char *text,
	struct oe_fwd_spec *ret, struct oe_err *err),
    enum oe_fwd_kind kind, const char *text, struct oe_fwd_spec *ret,
    struct oe_err *err)
{
	struct oe_fwd_spec spec;
	char *full;
	int r;

	/* first, so that a variable may hold a path, or all of it */
	r = oe_sshconf_expand_env(conf, text, &full, err);
	if (r < 0)
		return r;
	r = parse(kind, full, &spec, err);
	free(full);
	if (r < 0)
		return r;
	r = expand_end(conf, &spec.listen, err);
	if (r == 0)
		r = expand_end(conf, &spec.target, err);
	if (r < 0)
		oe_fwd_spec_done(&spec);
	else
		*ret = spec;
	return r;
}

struct oe_fwd__forward *
oe_fwd__add(struct oe_cli_forwards *set, struct oe_fwd_spec *spec)
{
	struct oe_fwd__forward *f = oe_mem_zalloc(sizeof *f), **p;

	f->set = set;
	f->spec = *spec;
	memset(spec, 0, sizeof *spec);
	f->id = ++set->last_id;
	f->port = f->spec.listen.port;
	for (p = &set->first; *p; p = &(*p)->next)
		continue;
	*p = f;
	set->n++;
	return f;
}

int
oe_fwd__start(struct oe_fwd__forward *f, struct oe_err *err)
{
	int r;

	if (f->spec.kind == OE_FWD_REMOTE) {
		r = oe_fwd__remote_start(f, err);
	} else {
		r = oe_fwd__listen(f, err);
		f->state = OE_FWD__UP;
	}
	if (r < 0)
		f->state = OE_FWD__FAILED;
	return r;
}

void
oe_fwd__remove(struct oe_fwd__forward *f)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd__forward **p;

	if (f->told) {
		oe_err_set(&err, OE_ECLOSED, "it was ended meanwhile");
		f->told(f->told_arg, &err);
	}
	oe_fwd__link_orphan(f);
	oe_fwd__listen_close(f);
	oe_fwd__remote_stop(f);
	for (p = &f->set->first; *p != f; p = &(*p)->next)
		continue;
	*p = f->next;
	f->set->n--;
	f->set->doomed -= f->doomed;
	oe_fwd_spec_done(&f->spec);
	free(f);
}

struct oe_fwd__forward *
oe_fwd__find(const struct oe_cli_forwards *set, const struct oe_fwd_spec *where)
{
	struct oe_fwd__forward *f;

	for (f = set->first; f; f = f->next)
		if (f->spec.kind == where->kind &&
		    oe_fwd_spec_same_listen(&f->spec, where))
			return f;
	/* a port that the peer chose is what the user knows */
	for (f = set->first; f && where->kind == OE_FWD_REMOTE; f = f->next)
		if (f->spec.kind == OE_FWD_REMOTE && !where->listen.path &&
		    where->listen.port && f->port == where->listen.port)
			return f;
	return NULL;
}

void
oe_fwd__bytes(
    const struct oe_fwd__forward *f, uint64_t *ret_sent, uint64_t *ret_received)
{
	*ret_sent = f->sent;
	*ret_received = f->received;
	oe_fwd__link_bytes(f, ret_sent, ret_received);
}

char *
oe_fwd__describe(const struct oe_fwd__forward *f)
{
	char *spec = oe_fwd_spec_text(&f->spec), *ret;

	ret = oe_mem_printf("-%c %s", oe_fwd_spec_letter(&f->spec), spec);
	free(spec);
	return ret;
}
