/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/server_params.h"

#include "server/permits.h"

#define SECTION "Port forwarding"

static int
check_open(const char *value, struct oe_err *err)
{
	return oe_srv_permit_check(value, OE_SRV_PERMIT_OPEN, err);
}

static int
check_listen(const char *value, struct oe_err *err)
{
	return oe_srv_permit_check(value, OE_SRV_PERMIT_LISTEN, err);
}

static const char *const forwarding_kinds[] = {
    "yes", "no", "local", "remote", NULL};
static const char *const gateway_kinds[] = {
    "no", "yes", "clientspecified", NULL};

const struct oe_param oe_fwd_server_params[] = {
    {.name = "allow-forwarding",
	.type = OE_PARAM_CHOICE,
	.metavar = "WHICH",
	.help = "port forwarding that clients may ask for: 'local' to reach "
		"services from here, 'remote' to listen here",
	.fallback = "yes",
	.choices = forwarding_kinds,
	.section = SECTION},
    {.name = "permit-open",
	.type = OE_PARAM_STRING,
	.metavar = "TARGET",
	.help = "where forwarded connections may go: HOST:PORT with a name, "
		"an address, a network or '*' and a port, a range or '*', "
		"'any' or 'none', or the path of a Unix socket; without any, "
		"everywhere but this server's own port, link-local and "
		"metadata addresses, which are reached only where they are "
		"named",
	.flags = OE_PARAM_REPEAT,
	.check = check_open,
	.section = SECTION},
    {.name = "permit-listen",
	.type = OE_PARAM_STRING,
	.metavar = "[HOST:]PORT",
	.help = "where clients may listen, as for permit-open; without any, "
		"on every port",
	.flags = OE_PARAM_REPEAT,
	.check = check_listen,
	.section = SECTION},
    {.name = "gateway-ports",
	.type = OE_PARAM_CHOICE,
	.metavar = "WHO",
	.help = "who may use ports that clients listen on: 'no' this machine "
		"only, 'yes' everybody, 'clientspecified' as the client asks",
	.fallback = "no",
	.choices = gateway_kinds,
	.section = SECTION},
    {.name = NULL},
};
