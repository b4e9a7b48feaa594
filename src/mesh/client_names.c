/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/client_names.h"

#include <stdlib.h>
#include <string.h>

#include "client/names.h"
#include "core/app/param.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/resolve.h"
#include "core/net/cidr.h"
#include "core/ssh/sshconf.h"
#include "mesh/common.h"
#include "mesh/peer_ssh.h"

struct oe_cli_book {
	struct oe_mesh *mesh;
	bool opened;   /* or tried to */
	bool told;     /* why nobody can be asked */
	bool told_age; /* of what is on disk */
};

static struct oe_cli_book *
book_open(const struct oe_values *v)
{
	if (oe_values_knows(v, "no-peers") && oe_values_flag(v, "no-peers"))
		return NULL;
	return oe_mem_zalloc(sizeof(struct oe_cli_book));
}

static void
book_close(struct oe_cli_book **b)
{
	if (!*b)
		return;
	oe_mesh_free(&(*b)->mesh);
	oe_mem_free(b);
}

static void
tell_why(struct oe_cli_book *b, const struct oe_err *err)
{
	if (!b->told)
		oe_log_warn(NULL, "peers are not known: %s", oe_err_text(err));
	b->told = true;
}

/* NULL: not logged in, or nothing comes of it. */
static struct oe_mesh *
mesh_of(struct oe_cli_book *b)
{
	const struct oe_mesh_plan plan = {.quick = true};
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (b->opened)
		return b->mesh;
	b->opened = true;
	r = oe_mesh_open(&plan, &b->mesh, &err);
	if (r == OE_ENOENT)
		oe_log_debug(NULL, "no peers: %s", oe_err_text(&err));
	else if (r < 0)
		tell_why(b, &err);
	return b->mesh;
}

static bool
is_address(const char *text)
{
	struct oe_addr a;

	return oe_addr_parse(text, &a, NULL) == 0;
}

static bool
is_group(struct oe_cli_book *b, const char *text)
{
	return !is_address(text) && mesh_of(b) &&
	       oe_mesh_may_have_network(b->mesh, text);
}

/* Does whatever was typed mean two things now? */
static int
refuse_both(const char *name, const char *group, struct oe_err *err)
{
	return oe_err_set(err, OE_EEXIST,
	    "'%s@%s' may be the peer '%s' of the network '%s' or the user "
	    "'%s' on the peer '%s': write USER@%s@%s for the one, '-l %s %s' "
	    "for the other",
	    name, group, name, group, name, group, name, group, name, group);
}

/* Among what was looked at a moment ago: nothing is asked for it. */
static bool
is_peer(struct oe_cli_book *b, const char *text)
{
	struct oe_mesh_dir *d = NULL;
	struct oe_mesh_entry e;
	const char *away;
	size_t by_id = 0, by_name = 0;

	if (oe_mesh_directory(b->mesh, &d, &away, NULL) < 0)
		return false;
	return oe_mesh_dir_find(d, OE_MESH_BY_ID, text, &by_id, &e) ||
	       oe_mesh_dir_find(d, OE_MESH_BY_NAME, text, &by_name, &e);
}

static int
has(struct oe_cli_book *b, const char *name, const char *group, bool alone,
    struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	struct oe_mesh_peer p;
	int r = oe_mesh_resolve(b->mesh, name, group, &p, &why);

	if (r == OE_EEXIST) {
		*err = why;
		return r;
	}
	if (r < 0 && r != OE_ENOENT && r != OE_EINVAL)
		tell_why(b, &why);
	if (r < 0)
		return 0;
	oe_mesh_peer_done(&p);
	return alone && is_peer(b, group) ? refuse_both(name, group, err) : 1;
}

static void
tell_age(struct oe_cli_book *b, const struct oe_mesh_peer *p)
{
	if (p->away && !b->told_age) {
		oe_meshcmd_age(p->age_ms, "the control API does not answer");
		b->told_age = true;
	}
}

static char *
certificate_for(
    struct oe_cli_book *b, const struct oe_mesh_peer *p, const char *identity)
{
	struct oe_err err = OE_ERR_INIT;
	char *path = NULL;
	int r;

	if (!identity)
		return NULL;
	r = oe_peer_certificate(
	    b->mesh, p->network_id, identity, !p->away, &path, &err);
	if (r == OE_ENOENT || r == OE_EAGAIN)
		oe_log_debug(NULL, "certificate: %s", oe_err_text(&err));
	else if (r < 0)
		oe_log_warn(NULL, "no certificate from the control API: %s",
		    oe_err_text(&err));
	return path;
}

/* The address to connect to, of the family that is wanted. */
static const char *
address_of(const struct oe_mesh_peer *p, const struct oe_sshconf *c)
{
	bool six = oe_sshconf_is(c, OE_SSHCONF_ADDRESSFAMILY, "inet6");

	return *p->ip6 && (six || !*p->ip) ? p->ip6 : p->ip;
}

static void
know(struct oe_cli_book *b, const struct oe_mesh_peer *p, const char *typed,
    struct oe_sshconf *c)
{
	char *alias = oe_peer_alias(p->network_id, p->device_id);
	char *identity = oe_peer_identity();
	char *certificate = certificate_for(b, p, identity);
	const struct oe_sshconf_peer peer = {
	    .address = typed ? typed : address_of(p, c),
	    .alias = alias,
	    .port = p->is_signed ? p->ssh_port : 0,
	    .host_keys = p->is_signed ? &p->host_keys : NULL,
	    .identity = identity,
	    .certificate = certificate,
	};

	tell_age(b, p);
	oe_log_debug(NULL, "%s is the peer %s (%s) of the network %s (%s)",
	    oe_sshconf_host(c), p->name, p->device_id, p->network_name,
	    p->network_id);
	oe_sshconf_know(c, &peer);
	free(certificate);
	free(identity);
	free(alias);
}

/* An address works without being known; its keys are what may be. */
static int
place_address(struct oe_cli_book *b, const char *address, struct oe_sshconf *c)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_mesh_peer p;
	char *typed = oe_mem_strdup(address);
	int r = oe_mesh_resolve(b->mesh, typed, NULL, &p, &err);

	if (r == 0) {
		know(b, &p, typed, c);
		oe_mesh_peer_done(&p);
	} else {
		oe_log_debug(NULL, "%s: %s", typed, oe_err_text(&err));
	}
	free(typed);
	return 0;
}

static int
place_name(struct oe_cli_book *b, const char *name, struct oe_sshconf *c,
    struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	struct oe_mesh_peer p;
	int r = oe_mesh_resolve(b->mesh, name, NULL, &p, &why);

	if (r == 0) {
		know(b, &p, NULL, c);
		oe_mesh_peer_done(&p);
		return 0;
	}
	if (r == OE_EEXIST || r == OE_EINVAL || strchr(name, '@')) {
		if (err)
			*err = why;
		return r;
	}
	if (r != OE_ENOENT)
		tell_why(b, &why);
	return 0;
}

static int
place(struct oe_cli_book *b, struct oe_sshconf *c, struct oe_err *err)
{
	const char *name = oe_sshconf_host(c);
	const char *host = oe_sshconf_str(c, OE_SSHCONF_HOSTNAME);

	if (!strchr(name, '@') && host && is_address(host))
		name = host;
	else if (!strchr(name, '@') && !is_address(name) &&
		 oe_peer_names_has_way(c))
		return 0;
	if (!mesh_of(b))
		return 0;
	return is_address(name) ? place_address(b, name, c)
				: place_name(b, name, c, err);
}

const struct oe_cli_names oe_mesh_client_names = {
    .open = book_open,
    .is_group = is_group,
    .has = has,
    .place = place,
    .close = book_close,
};

const struct oe_param oe_mesh_client_params[] = {
    {.name = "no-peers",
	.type = OE_PARAM_FLAG,
	.help = "ask no control API: names, host keys and keys to log in with "
		"are those of ssh_config alone",
	.section = OE_MESH_SECTION_API},
    {.name = NULL},
};
