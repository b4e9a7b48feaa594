/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "forwarding/client_internal.h"

/* What the peer is asked to bind: RFC 4254 section 7.1. */
static const char *
bind_host(const struct oe_fwd__forward *f)
{
	const char *host = f->spec.listen.host;

	return host ? host : "localhost";
}

static void
on_answer(void *arg, int status, int port, const struct oe_err *err)
{
	struct oe_fwd__forward *f = arg;
	struct oe_err why = OE_ERR_INIT;
	char target[OE_FWD_SPEC_MAX];

	f->set->waiting--;
	f->state = status == 0 ? OE_FWD__UP : OE_FWD__FAILED;
	f->port = port;
	if (status < 0) {
		f->set->failed++;
		oe_log_debug(NULL, "%s", oe_err_text(err));
		oe_err_set(&why, status,
		    "remote port forwarding failed for listen port %d",
		    f->spec.listen.port);
	} else if (!f->spec.listen.port) {
		oe_fwd_end_text(&f->spec.target, target, sizeof target);
		oe_log_info(NULL, "Allocated port %d for remote forward to %s",
		    port, f->spec.socks ? "SOCKS proxy" : target);
	}
	if (f->told)
		f->told(f->told_arg, status < 0 ? &why : NULL);
	else if (status < 0)
		oe_log_warn(NULL, "%s", oe_err_text(&why));
	f->told = NULL;
	if (status < 0 && f->late) {
		f->doomed = true;
		f->set->doomed++;
	}
}

int
oe_fwd__remote_start(struct oe_fwd__forward *f, struct oe_err *err)
{
	if (!f->set->c) {
		/* asked for with the next connection */
		f->state = OE_FWD__IDLE;
		return 0;
	}
	if (f->spec.listen.path)
		return oe_err_set(err, OE_EINVAL,
		    "remote port forwarding failed for listen path %s: the "
		    "libssh of this build cannot ask for a Unix socket there",
		    f->spec.listen.path);
	f->asked_host = oe_mem_strdup(bind_host(f));
	f->state = OE_FWD__WAITING;
	f->set->waiting++;
	f->listen = oe_ssh_listen_start(
	    f->set->c->ssh, f->asked_host, f->spec.listen.port, on_answer, f);
	return 0;
}

void
oe_fwd__remote_stop(struct oe_fwd__forward *f)
{
	if (f->state == OE_FWD__WAITING)
		f->set->waiting--;
	oe_ssh_listen_free(&f->listen);
	oe_mem_free(&f->asked_host);
}

/*
 * Whom is it for?  Only ports that we asked for count; servers differ in how
 * they name the address, so that only decides between two of the same port.
 */
static struct oe_fwd__forward *
find(struct oe_cli_forwards *set, const char *host, int port)
{
	struct oe_fwd__forward *f, *found = NULL;

	for (f = set->first; f; f = f->next) {
		if (f->spec.kind != OE_FWD_REMOTE || f->state != OE_FWD__UP ||
		    f->port != port)
			continue;
		if (oe_str_eq(f->asked_host, host))
			return f;
		if (!found)
			found = f;
	}
	return found;
}

static void
on_asked(void *arg, struct oe_ssh_request *r)
{
	struct oe_cli_forwards *set = arg;
	const struct oe_ssh_request_text *t = oe_ssh_request_text(r);
	struct oe_fwd__forward *f = NULL;
	char host[256];

	if (t->kind == OE_SSH_REQUEST_FORWARDED)
		f = find(set, t->host, t->port);
	if (f && set->nlinks < OE_FWD_LINKS_MAX) {
		oe_fwd__link_remote(f, r);
		return;
	}
	oe_str_escape(t->host, strlen(t->host), host, sizeof host);
	oe_log_warn(NULL, "the peer opened a connection for %s port %d: %s",
	    host, t->port,
	    f ? "refused, too many at a time" : "refused, not asked for");
	oe_ssh_request_refuse(&r);
}

static const struct oe_ssh_forward_ops forward_ops = {.asked = on_asked};

void
oe_fwd__remote_serve(struct oe_cli_forwards *set)
{
	oe_ssh_forward_serve(set->c->ssh, &forward_ops, set);
}
