/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards as plain values: what the commands that share a connection tell
 * each other (client/forwarding.h).
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "forwarding/client_internal.h"

/* Somebody waits for the peer's answer. */
struct waiter {
	struct oe_fwd__forward *f;
	/* either, or neither any more */
	void (*done)(void *arg, int port, const struct oe_err *err);
	void (*line)(void *arg, const char *text);
	void *arg;
};

static int
kind_of(char letter)
{
	return letter == 'L'   ? OE_FWD_LOCAL
	       : letter == 'R' ? OE_FWD_REMOTE
	       : letter == 'D' ? OE_FWD_DYNAMIC
			       : -1;
}

void
oe_fwd__each(const struct oe_cli_forwards *set,
    bool (*fn)(void *arg, const struct oe_cli_forward *what), void *arg)
{
	const struct oe_fwd__forward *f;
	struct oe_cli_forward what;

	for (f = set->first; f; f = f->next) {
		const struct oe_fwd_spec *s = &f->spec;

		what = (struct oe_cli_forward){
		    .kind = oe_fwd_spec_letter(s),
		    .listen_host = s->listen.host,
		    .listen_path = s->listen.path,
		    .listen_port = s->listen.port,
		    .host = s->socks ? NULL : s->target.host,
		    .path = s->socks ? NULL : s->target.path,
		    .port = s->target.port,
		};
		if (!fn(arg, &what))
			return;
	}
}

static bool
too_long(const char *text, size_t max)
{
	return text && strlen(text) > max;
}

static int
spec_of(const struct oe_cli_forward *what, struct oe_fwd_spec *ret,
    struct oe_err *err)
{
	int kind = kind_of(what->kind);
	bool socks = !what->host && !what->path;

	if (kind < 0 || (socks && kind == OE_FWD_LOCAL) ||
	    what->listen_port < 0 || what->listen_port > 65535 ||
	    what->port < 0 || what->port > 65535)
		return oe_err_set(err, OE_EINVAL, "there is no such forward");
	if (!what->listen_port && !what->listen_path && kind != OE_FWD_REMOTE)
		return oe_err_set(
		    err, OE_EINVAL, "the forward listens on no port");
	if (too_long(what->listen_host, OE_FWD_HOST_MAX) ||
	    too_long(what->host, OE_FWD_HOST_MAX) ||
	    too_long(what->listen_path, OE_FWD_PATH_MAX) ||
	    too_long(what->path, OE_FWD_PATH_MAX))
		return oe_err_set(
		    err, OE_EINVAL, "a name in the forward is too long");
	*ret = (struct oe_fwd_spec){
	    .kind = (enum oe_fwd_kind)kind,
	    .socks = socks,
	    .listen = {oe_mem_strdup(what->listen_host), what->listen_port,
		oe_mem_strdup(what->listen_path)},
	    .target = {oe_mem_strdup(what->host), what->port,
		oe_mem_strdup(what->path)},
	};
	return 0;
}

/* Both ends the same, as written. */
static struct oe_fwd__forward *
find_same(const struct oe_cli_forwards *set, const struct oe_fwd_spec *s)
{
	struct oe_fwd__forward *f;
	char *a = oe_fwd_spec_text(s), *b;
	bool same = false;

	for (f = set->first; f && !same; f = same ? f : f->next) {
		if (f->spec.kind != s->kind || f->doomed ||
		    f->state != OE_FWD__UP)
			continue;
		b = oe_fwd_spec_text(&f->spec);
		same = oe_str_eq(a, b);
		free(b);
	}
	free(a);
	return f;
}

static void
on_told(void *arg, const struct oe_err *err)
{
	struct waiter *w = arg;

	if (w->done)
		w->done(w->arg, w->f->port, err);
	/* at the end of it all nobody waits for that */
	if (w->line && !(err && err->code == OE_ECLOSED))
		w->line(w->arg, err ? oe_err_text(err) : "Forwarding port.");
	free(w);
}

void
oe_fwd__await(struct oe_fwd__forward *f, struct oe_cli_say say)
{
	struct waiter *w = oe_mem_zalloc(sizeof *w);

	w->f = f;
	w->line = say.line;
	w->arg = say.arg;
	f->told = on_told;
	f->told_arg = w;
}

static void
await(struct oe_fwd__forward *f,
    void (*done)(void *arg, int port, const struct oe_err *err), void *arg)
{
	struct waiter *w = oe_mem_zalloc(sizeof *w);

	w->f = f;
	w->done = done;
	w->arg = arg;
	f->told = on_told;
	f->told_arg = w;
}

static int
add(struct oe_cli_forwards *set, const struct oe_cli_forward *what,
    struct oe_fwd__forward **ret, struct oe_err *err)
{
	struct oe_fwd__forward *f;
	struct oe_fwd_spec spec;
	int r = spec_of(what, &spec, err);

	if (r < 0)
		return r;
	f = find_same(set, &spec);
	if (f) {
		oe_fwd_spec_done(&spec);
		*ret = f;
		return 0;
	}
	if (set->n >= OE_FWD_FORWARDS_MAX) {
		oe_fwd_spec_done(&spec);
		return oe_err_set(err, OE_ETOOBIG, "too many forwards");
	}
	f = oe_fwd__add(set, &spec);
	f->late = true;
	r = oe_fwd__start(f, err);
	if (r < 0)
		oe_fwd__remove(f);
	else
		*ret = f;
	return r;
}

void
oe_fwd__share(struct oe_cli_forwards *set, const struct oe_cli_forward *what,
    void (*done)(void *arg, int port, const struct oe_err *err), void *arg)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd__forward *f = NULL;

	if (add(set, what, &f, &err) < 0)
		done(arg, 0, &err);
	else if (f->state == OE_FWD__UP)
		done(arg, f->port, NULL);
	else
		await(f, done, arg);
}

void
oe_fwd__forget(struct oe_cli_forwards *set, const void *arg)
{
	struct oe_fwd__forward *f;
	struct waiter *w;

	for (f = set->first; f; f = f->next) {
		w = f->told == on_told ? f->told_arg : NULL;
		if (w && w->arg == arg) {
			w->done = NULL;
			w->line = NULL;
		}
	}
}

int
oe_fwd__unshare(struct oe_cli_forwards *set, const struct oe_cli_forward *what,
    struct oe_err *err)
{
	struct oe_fwd__forward *f;
	struct oe_fwd_spec spec;
	int r = spec_of(what, &spec, err);

	if (r < 0)
		return r;
	f = oe_fwd__find(set, &spec);
	oe_fwd_spec_done(&spec);
	if (!f)
		return oe_err_set(err, OE_ENOENT, "port not forwarded");
	oe_fwd__remove(f);
	return 0;
}
