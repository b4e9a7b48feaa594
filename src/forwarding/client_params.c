/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/sshconf.h"
#include "forwarding/client.h"
#include "forwarding/client_internal.h"
#include "forwarding/client_spec.h"

static int
check(enum oe_fwd_kind kind, const char *value, struct oe_err *err)
{
	struct oe_fwd_spec s;
	int r;

	/* what a variable holds is read with the settings of the peer */
	if (strstr(value, "${"))
		return 0;
	r = oe_fwd_spec_parse(kind, value, &s, err);
	if (r == 0)
		oe_fwd_spec_done(&s);
	return r;
}

static int
check_local(const char *value, struct oe_err *err)
{
	return check(OE_FWD_LOCAL, value, err);
}

static int
check_remote(const char *value, struct oe_err *err)
{
	return check(OE_FWD_REMOTE, value, err);
}

static int
check_dynamic(const char *value, struct oe_err *err)
{
	return check(OE_FWD_DYNAMIC, value, err);
}

const struct oe_param oe_fwd_params[] = {
    {.name = "local-forward",
	.letter = 'L',
	.type = OE_PARAM_STRING,
	.metavar = "[BIND:]PORT:HOST:PORT",
	.help = "connections to this port here go to HOST:PORT as seen from "
		"the peer. A path on either side is a Unix socket",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_REPEAT,
	.check = check_local,
	.section = "Forwarding"},
    {.name = "remote-forward",
	.letter = 'R',
	.type = OE_PARAM_STRING,
	.metavar = "[BIND:]PORT[:HOST:PORT]",
	.help = "connections to this port of the peer go to HOST:PORT as seen "
		"from here; alone, it is a SOCKS proxy. The peer chooses "
		"port 0",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_REPEAT,
	.check = check_remote,
	.section = "Forwarding"},
    {.name = "dynamic-forward",
	.letter = 'D',
	.type = OE_PARAM_STRING,
	.metavar = "[BIND:]PORT",
	.help = "SOCKS proxy (5, 4 and 4a) at this port here, whose "
		"connections leave from the peer",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_REPEAT,
	.check = check_dynamic,
	.section = "Forwarding"},
    {.name = "gateway-ports",
	.letter = 'g',
	.type = OE_PARAM_FLAG,
	.help = "let other machines connect to forwarded ports here",
	.flags = OE_PARAM_CLI_ONLY,
	.section = "Forwarding"},
    {.name = NULL},
};

int
oe_fwd_params_take(
    const struct oe_values *v, struct oe_sshconf *conf, struct oe_err *err)
{
	static const struct {
		const char *option;
		enum oe_sshconf_key key;
	} all[] = {
	    {"local-forward", OE_SSHCONF_LOCALFORWARD},
	    {"remote-forward", OE_SSHCONF_REMOTEFORWARD},
	    {"dynamic-forward", OE_SSHCONF_DYNAMICFORWARD},
	};
	const struct oe_strs *l;
	size_t i, k;
	int r = 0;

	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		l = oe_values_list(v, all[i].option);
		for (k = 0; k < l->n && r == 0; k++)
			r = oe_sshconf_set(conf, all[i].key, l->v[k], err);
	}
	if (r == 0 && oe_values_flag(v, "gateway-ports"))
		r = oe_sshconf_set(conf, OE_SSHCONF_GATEWAYPORTS, "yes", err);
	return r;
}

/* "[host]:port", "port" or a path, as ssh -G writes them. */
static char *
plain_end(const struct oe_fwd_end *e)
{
	const char *host = e->host;

	if (e->path)
		return oe_mem_strdup(e->path);
	if (!host)
		return oe_mem_printf("%d", e->port);
	return oe_mem_printf("[%s]:%d", *host ? host : "*", e->port);
}

static char *
plain(const struct oe_sshconf *conf, enum oe_fwd_kind kind, const char *value)
{
	char *listen, *target, *ret;
	struct oe_fwd_spec s;

	if (oe_sshconf_yes(conf, OE_SSHCONF_CLEARALLFORWARDINGS))
		return NULL;
	if (oe_fwd__read(conf, oe_fwd_spec_parse, kind, value, &s, NULL) < 0)
		return oe_mem_strdup(value);
	listen = plain_end(&s.listen);
	if (kind == OE_FWD_DYNAMIC) {
		ret = listen;
	} else {
		/* its word for a target that is asked for each time */
		target =
		    s.socks ? oe_mem_strdup("[socks]:0") : plain_end(&s.target);
		ret = oe_mem_printf("%s %s", listen, target);
		free(target);
		free(listen);
	}
	oe_fwd_spec_done(&s);
	return ret;
}

static char *
plain_local(const struct oe_sshconf *conf, const char *value)
{
	return plain(conf, OE_FWD_LOCAL, value);
}

static char *
plain_remote(const struct oe_sshconf *conf, const char *value)
{
	return plain(conf, OE_FWD_REMOTE, value);
}

static char *
plain_dynamic(const struct oe_sshconf *conf, const char *value)
{
	return plain(conf, OE_FWD_DYNAMIC, value);
}

void
oe_fwd_params_print(struct oe_sshconf *conf)
{
	oe_sshconf_rewrite(conf, OE_SSHCONF_LOCALFORWARD, plain_local);
	oe_sshconf_rewrite(conf, OE_SSHCONF_REMOTEFORWARD, plain_remote);
	oe_sshconf_rewrite(conf, OE_SSHCONF_DYNAMICFORWARD, plain_dynamic);
}
