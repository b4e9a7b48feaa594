/* SPDX-License-Identifier: Apache-2.0 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/cidr.h"
#include "core/ssh/sshconf.h"
#include "mesh/commands.h"
#include "mesh/common.h"

static const struct oe_param params[] = {
    {.name = "network",
	.letter = 'n',
	.type = OE_PARAM_STRING,
	.metavar = "NETWORK",
	.help = "only in the network of this name or id"},
    OE_MESH_ROW_JSON("print one JSON object with all that is known"),
    OE_MESH_ROWS_CACHE,
    OE_MESH_ROWS_API,
    {.name = NULL},
};

/* What the name turned out to be. */
struct answer {
	const char *source;
	char *address;
	struct oe_mesh_peer peer; /* device_id NULL: it is none */
};

static int
ask_mesh(const struct oe_values *v, const char *name, struct answer *a,
    struct oe_err *err)
{
	const struct oe_mesh_plan plan = oe_meshcmd_plan(v);
	struct oe_mesh *m = NULL;
	int r = oe_mesh_open(&plan, &m, err);

	if (r == 0)
		r = oe_mesh_resolve(
		    m, name, oe_values_str(v, "network"), &a->peer, err);
	if (r == 0) {
		a->source = "api";
		a->address =
		    oe_mem_strdup(*a->peer.ip ? a->peer.ip : a->peer.ip6);
		oe_meshcmd_age(a->peer.age_ms,
		    a->peer.away ? "the control API does not answer" : "");
	}
	oe_mesh_free(&m);
	return r;
}

/* The host behind a name of ssh_config; NULL: it says nothing. */
static char *
ask_ssh_config(const char *name)
{
	struct oe_sshconf_env env;
	struct oe_err err = OE_ERR_INIT;
	struct oe_sshconf *c;
	char *host = NULL;
	int r;

	if (oe_sshconf_env_real(&env, &err) < 0)
		return NULL;
	c = oe_sshconf_new(&env);
	r = oe_sshconf_resolve(c, name, NULL, &err);
	if (r == 0 && !oe_str_eq(oe_sshconf_host(c), name))
		host = oe_mem_strdup(oe_sshconf_host(c));
	else if (r < 0)
		oe_log_debug(NULL, "ssh_config: %s", oe_err_text(&err));
	oe_sshconf_free(&c);
	oe_sshconf_env_done(&env);
	return host;
}

static int
ask_system(const char *name, char **ret, struct oe_err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	char text[OE_ADDR_TEXT_MAX], *shown;
	struct oe_addr a;
	int r = getaddrinfo(name, NULL, &hints, &all);

	if (r == 0 &&
	    oe_addr_from_sockaddr(all->ai_addr, all->ai_addrlen, &a) == 0) {
		oe_addr_format(&a, text);
		*ret = oe_mem_strdup(text);
		freeaddrinfo(all);
		return 0;
	}
	if (r == 0)
		freeaddrinfo(all);
	shown = oe_mesh_shown(name);
	r = oe_err_set(err, OE_ENOENT, "nobody knows '%s'", shown);
	free(shown);
	return r;
}

static int
ask_others(const char *name, struct answer *a, struct oe_err *err)
{
	char *host = ask_ssh_config(name);
	int r;

	a->source = host ? "ssh_config" : "system";
	r = ask_system(host ? host : name, &a->address, err);
	free(host);
	return r;
}

/* Is it settled, for better or worse, by what the API said? */
static bool
is_final(int r)
{
	return r == 0 || r == OE_EEXIST || r == OE_EINVAL;
}

static int
resolve(const struct oe_values *v, const char *name, struct answer *a,
    struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	struct oe_addr address;
	char text[OE_ADDR_TEXT_MAX];
	int r = ask_mesh(v, name, a, &why);

	if (r < 0 && oe_addr_parse(name, &address, NULL) == 0) {
		oe_addr_format(&address, text);
		a->source = "address";
		a->address = oe_mem_strdup(text);
		return 0;
	}
	if (is_final(r) || oe_values_str(v, "network")) {
		if (r < 0)
			*err = why;
		return r;
	}
	if (r != OE_ENOENT)
		oe_log_warn(NULL, "peers are not known: %s", oe_err_text(&why));
	return ask_others(name, a, err);
}

static struct oe_jval *
list(const struct oe_strs *l)
{
	struct oe_jval *a = oe_jval_array();
	size_t i;

	for (i = 0; i < l->n; i++)
		oe_jval_add(a, oe_jval_of_text(l->v[i]));
	return a;
}

static void
print_json(const char *name, const struct answer *a)
{
	const struct oe_mesh_peer *p = &a->peer;
	struct oe_jval *j = oe_jval_object();

	oe_jval_set_int(j, "v", 1);
	oe_jval_set_text(j, "type", "resolved");
	oe_jval_set_text(j, "asked", name);
	oe_jval_set_text(j, "address", a->address);
	oe_jval_set_text(j, "source", a->source);
	if (p->device_id) {
		oe_jval_set_text(j, "name", p->name);
		oe_jval_set_text(j, "device_id", p->device_id);
		oe_jval_set_text(j, "network", p->network_name);
		oe_jval_set_text(j, "network_id", p->network_id);
		oe_jval_set_text(j, "virtual_ip", *p->ip ? p->ip : NULL);
		oe_jval_set_text(j, "virtual_ip_v6", *p->ip6 ? p->ip6 : NULL);
		if (p->ssh_port)
			oe_jval_set_int(j, "ssh_port", p->ssh_port);
		oe_jval_set(j, "online",
		    p->online == OE_MESH_ONLINE_UNKNOWN
			? oe_jval_null()
			: oe_jval_of_bool(p->online == OE_MESH_ONLINE_YES));
		oe_jval_set_text(j, "owner", *p->owner ? p->owner : NULL);
		oe_jval_set(j, "tags", list(&p->tags));
		oe_jval_set(j, "host_keys", list(&p->host_keys));
		oe_jval_set_bool(j, "signed", p->is_signed);
		oe_jval_set_int(j, "age_s", p->age_ms / 1000);
		oe_jval_set_bool(j, "stale", p->away);
	}
	oe_meshcmd_print(j);
}

static int
run(const struct oe_ctx *ctx)
{
	const char *name = ctx->operands->v[0];
	struct oe_err err = OE_ERR_INIT;
	struct answer a = {0};
	int r;

	oe_meshcmd_log(ctx->values);
	r = resolve(ctx->values, name, &a, &err);
	if (r == 0 && oe_values_flag(ctx->values, "json"))
		print_json(name, &a);
	else if (r == 0)
		puts(a.address);
	free(a.address);
	oe_mesh_peer_done(&a.peer);
	return r < 0 ? oe_meshcmd_fail(ctx, r, &err) : OE_EXIT_OK;
}

static const struct oe_example examples[] = {
    {"omniedge resolve robot-7", "its address"},
    {"omniedge resolve --json robot-7@lab", "all that is known of it"},
    {NULL, NULL},
};

const struct oe_command oe_command_resolve = {
    .name = "resolve",
    .summary = "the address of a peer",
    .operands = "peer",
    .min_operands = 1,
    .max_operands = 1,
    .params = params,
    .examples = examples,
    .run = run,
};
