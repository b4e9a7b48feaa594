/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_params.h"

#include "core/base/compiler.h"
#include "core/base/str.h"
#include "core/ssh/sshconf.h"
#include "forwarding/client.h"
#include "forwarding/client_spec.h"

static int
check(enum oe_fwd_kind kind, const char *value, struct oe_err *err)
{
	struct oe_fwd_spec s;
	int r = oe_fwd_spec_parse(kind, value, &s, err);

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
