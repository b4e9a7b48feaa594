/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/cidr.h"
#include "core/net/loop.h"
#include "core/net/race.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/relay.h"

#define PORT_DEFAULT 22

static const struct oe_param params[] = {
    {.name = "ipv4",
	.letter = '4',
	.type = OE_PARAM_FLAG,
	.help = "use IPv4 only",
	.group = "family"},
    {.name = "ipv6",
	.letter = '6',
	.type = OE_PARAM_FLAG,
	.help = "use IPv6 only",
	.group = "family"},
    {.name = "timeout",
	.letter = 'w',
	.type = OE_PARAM_INT,
	.metavar = "SECONDS",
	.help = "give up when there is no connection by then",
	.min = 1,
	.max = 3600,
	.fallback = "15"},
    OE_MESH_ROWS_CACHE,
    OE_MESH_ROWS_API,
    {.name = NULL},
};

/* The dial's answer, as it arrives on the loop. */
struct outcome {
	bool done;
	int status, fd;
	struct oe_err *err;
};

static int
family_of(const struct oe_values *v)
{
	if (oe_values_flag(v, "ipv4"))
		return AF_INET;
	return oe_values_flag(v, "ipv6") ? AF_INET6 : AF_UNSPEC;
}

static const char *
address_of(const struct oe_mesh_peer *p, int family)
{
	return *p->ip6 && (family == AF_INET6 || !*p->ip) ? p->ip6 : p->ip;
}

/*
 * The peer's address, or the text itself where nobody knows a peer of it: the
 * system does the rest.
 * @ret_port: of its SSH server, when that is known.
 */
static int
find(const struct oe_values *v, const char *name, char **ret, int64_t *ret_port,
    struct oe_err *err)
{
	struct oe_mesh_plan plan = oe_meshcmd_plan(v);
	struct oe_err why = OE_ERR_INIT;
	struct oe_mesh *m = NULL;
	struct oe_mesh_peer p;
	struct oe_addr a;
	int r;

	*ret = oe_mem_strdup(name);
	if (oe_addr_parse(name, &a, NULL) == 0)
		return 0;
	plan.quick = true;
	r = oe_mesh_open(&plan, &m, &why);
	if (r == 0) {
		r = oe_mesh_resolve(m, name, NULL, &p, &why);
		if (r == 0) {
			free(*ret);
			*ret = oe_mem_strdup(address_of(&p, family_of(v)));
			if (p.ssh_port && p.is_signed)
				*ret_port = p.ssh_port;
			oe_meshcmd_age(p.age_ms,
			    p.away ? "the control API does not answer" : "");
			oe_mesh_peer_done(&p);
		}
	}
	oe_mesh_free(&m);
	if (r == OE_EEXIST || r == OE_EINVAL || (r < 0 && strchr(name, '@'))) {
		*err = why;
		return r;
	}
	if (r < 0 && r != OE_ENOENT)
		oe_log_warn(NULL, "peers are not known: %s", oe_err_text(&why));
	return 0;
}

static void
on_step(void *arg, const char *what)
{
	(void)arg;
	oe_log_debug(NULL, "%s", what);
}

static void
on_done(void *arg, int status, int fd, const struct oe_err *err)
{
	struct outcome *o = arg;

	o->done = true;
	o->status = status;
	o->fd = fd;
	if (status < 0)
		*o->err = *err;
}

static int
dial(const struct oe_values *v, const char *host, int port, int *ret_fd,
    struct oe_err *err)
{
	struct outcome o = {.fd = -1, .err = err};
	const struct oe_race_plan plan = {
	    .host = host,
	    .port = port,
	    .family = family_of(v),
	    .step_ms = oe_values_int(v, "timeout") * 1000,
	    .attempts = 1,
	    .keepalive = true,
	    .step = on_step,
	    .done = on_done,
	    .arg = &o,
	};
	struct oe_loop *loop = oe_loop_new();
	struct oe_race *race = oe_race_start(loop, &plan);

	while (!o.done)
		if (oe_loop_once(loop, -1) < 0) {
			o.done = true;
			o.status = oe_err_sys(err, "wait");
		}
	oe_race_free(&race);
	oe_loop_free(&loop);
	*ret_fd = o.fd;
	return o.status;
}

static int
connect_to(const struct oe_ctx *ctx, int *ret_fd, struct oe_err *err)
{
	const struct oe_strs *operands = ctx->operands;
	int64_t port = PORT_DEFAULT, given = 0;
	char *host = NULL;
	int r;

	if (operands->n > 1 &&
	    oe_str_parse_int(operands->v[1], 1, 65535, &given) < 0)
		return oe_err_set(err, OE_EUSAGE,
		    "the port must be a number from 1 to 65535");
	r = find(ctx->values, operands->v[0], &host, &port, err);
	if (given)
		port = given;
	if (r == 0)
		r = dial(ctx->values, host, (int)port, ret_fd, err);
	free(host);
	return r;
}

static int
run(const struct oe_ctx *ctx)
{
	struct oe_err err = OE_ERR_INIT;
	int fd = -1, r;

	signal(SIGPIPE, SIG_IGN);
	oe_meshcmd_log(ctx->values);
	r = connect_to(ctx, &fd, &err);
	if (r < 0) {
		oe_log_error(NULL, "nc: %s", oe_err_text(&err));
		return r == OE_EUSAGE ? OE_EXIT_USAGE : OE_EXIT_CONNECT;
	}
	r = oe_relay(fd, STDIN_FILENO, STDOUT_FILENO, &err);
	oe_fd_close(&fd);
	if (r < 0)
		oe_log_error(NULL, "nc: %s", oe_err_text(&err));
	return r < 0 ? OE_EXIT_FAILURE : OE_EXIT_OK;
}

static const struct oe_example examples[] = {
    {"omniedge nc robot-7 80", "talk to its web server"},
    {"ssh -o ProxyCommand='omniedge nc %h %p' robot-7",
	"plain ssh to a peer by name"},
    {NULL, NULL},
};

const struct oe_command oe_command_nc = {
    .name = "nc",
    .summary = "standard input and output to a port of a peer",
    .operands = "peer [PORT]",
    .min_operands = 1,
    .max_operands = 2,
    .params = params,
    .examples = examples,
    .run = run,
};
