/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ssh_params.h"

#include "client/escape.h"
#include "client/mux.h"
#include "client/settings.h"
#include "core/base/err.h"
#include "core/net/hoststr.h"

#define FLAG(n, l, h, ...)                                                     \
	{                                                                      \
		.name = n, .letter = l, .type = OE_PARAM_FLAG, .help = h,      \
		__VA_ARGS__                                                    \
	}

static int
check_escape(const char *value, struct oe_err *err)
{
	if (oe_escape_parse(value) != OE_ESCAPE_BAD)
		return 0;
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not one character, ^ and a letter, or none", value);
}

static int
check_host(const char *value, struct oe_err *err)
{
	struct oe_hoststr h;
	int r = oe_hoststr_parse(value, &h, err);

	if (r == 0) {
		if (!h.port)
			r = oe_err_set(
			    err, OE_EINVAL, "'%s' has no port", value);
		oe_hoststr_done(&h);
	}
	return r;
}

#define TERMINAL   .section = "Terminal and streams"
#define SHARING    .section = "Shared connections"
#define CONNECTION .section = OE_PARAM_SECTION_CONNECTION

const struct oe_param oe_ssh_params[] = {
    OE_PARAM_ROW_PORT('p'),
    {.name = "login",
	.letter = 'l',
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "user to log in as",
	CONNECTION},
    OE_PARAM_ROWS_CONNECTION,
    {.name = "bind-address",
	.letter = 'b',
	.type = OE_PARAM_STRING,
	.metavar = "ADDRESS",
	.help = "local address to connect from",
	CONNECTION},
    FLAG("forward-agent", 'A',
	"let programs of the peer use the local authentication agent",
	.group = "agent", CONNECTION),
    FLAG("no-agent", 'a', "keep the agent to oneself", .group = "agent",
	.flags = OE_PARAM_CLI_ONLY, CONNECTION),
    {.name = "stdio-forward",
	.letter = 'W',
	.type = OE_PARAM_STRING,
	.metavar = "HOST:PORT",
	.help = "connect standard input and output to this address as seen "
		"from the peer; no shell, no command",
	.flags = OE_PARAM_CLI_ONLY,
	.check = check_host,
	CONNECTION},
    {.name = "control-master",
	.letter = 'M',
	.type = OE_PARAM_COUNT,
	.help = "be the master of a shared connection; twice: ask before "
		"others may use it",
	.flags = OE_PARAM_CLI_ONLY,
	SHARING},
    {.name = "control-path",
	.letter = 'S',
	.type = OE_PARAM_PATH,
	.metavar = "SOCKET",
	.help = "share a connection over this control socket; none: do not",
	SHARING},
    {.name = "control",
	.letter = 'O',
	.type = OE_PARAM_STRING,
	.metavar = "ORDER",
	.help = "tell the master of a shared connection: check, forward, "
		"cancel, exit, stop",
	.flags = OE_PARAM_CLI_ONLY,
	.check = oe_mux_order_check,
	SHARING},
    {.name = "tty",
	.letter = 't',
	.type = OE_PARAM_COUNT,
	.help = "ask for a terminal; twice: even without a local one",
	.flags = OE_PARAM_CLI_ONLY,
	.group = "tty",
	TERMINAL},
    FLAG("no-tty", 'T', "ask for no terminal", .flags = OE_PARAM_CLI_ONLY,
	.group = "tty", TERMINAL),
    {.name = "escape",
	.letter = 'e',
	.type = OE_PARAM_STRING,
	.metavar = "CHAR",
	.help = "character that begins a command at the start of a line "
		"(~, see ~?); none: every byte is sent",
	.check = check_escape,
	TERMINAL},
    FLAG("null-input", 'n', "take no input", .flags = OE_PARAM_CLI_ONLY,
	TERMINAL),
    FLAG("no-command", 'N', "run nothing, only hold the connection",
	.flags = OE_PARAM_CLI_ONLY, TERMINAL),
    FLAG("subsystem", 's', "the command is the name of a subsystem",
	.flags = OE_PARAM_CLI_ONLY, TERMINAL),
    FLAG("background", 'f', "go to the background once logged in",
	.flags = OE_PARAM_CLI_ONLY, TERMINAL),
    OE_PARAM_ROWS_TALK,
    {.name = "log-file",
	.letter = 'E',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "append messages to this file instead of standard error",
	.flags = OE_PARAM_CLI_ONLY},
    FLAG("print-config", 'G',
	"print the settings for the peer as ssh -G does, and end",
	.flags = OE_PARAM_CLI_ONLY),
    FLAG("no-x11", 'x', "no X11 forwarding, which there is none of anyhow",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_HIDDEN),
    FLAG("x11", 'X', "X11 forwarding, which is refused",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_HIDDEN),
    FLAG("x11-trusted", 'Y', "X11 forwarding, which is refused",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_HIDDEN),
    {.name = NULL},
};
