/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge ssh-server: its options, and what happens before it listens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/command.h"
#include "core/app/daemon.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/net/cidr.h"
#include "core/ssh/hostkey.h"
#include "core/ssh/ssh.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/listener.h"
#include "server/session_env.h"

static int
check_network(const char *value, struct oe_err *err)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	int r = oe_cidr_list_add(l, value, err);

	oe_cidr_list_free(&l);
	return r;
}

static int
check_address(const char *value, struct oe_err *err)
{
	struct oe_addr a;

	return oe_addr_parse(value, &a, err);
}

static int
check_startups(const char *value, struct oe_err *err)
{
	struct oe_srv_limits_conf c;

	memset(&c, 0, sizeof c);
	return oe_srv_limits_parse_startups(value, &c, err);
}

static const char *const method_names[] = {
    "publickey", "password", "keyboard-interactive", NULL};

#define NETWORK "Who may connect"
#define LOGIN   "Login"
#define LIMITS  "Limits"
#define SESSION "Sessions"
#define CRYPTO  "Cryptography"
#define SERVICE "Service"

static const struct oe_param params[] = {
    {.name = "port",
	.letter = 'p',
	.type = OE_PARAM_INT,
	.metavar = "PORT",
	.help = "listen on this port",
	.fallback = "2222",
	.min = 1,
	.max = 65535},
    {.name = "bind",
	.letter = 'b',
	.type = OE_PARAM_STRING,
	.metavar = "ADDRESS",
	.help = "listen on this address, IPv4 or IPv6",
	.fallback = "0.0.0.0",
	.flags = OE_PARAM_REPEAT,
	.check = check_address},
    {.name = "permissive",
	.type = OE_PARAM_FLAG,
	.help = "accept connections from any address",
	.group = "network",
	.section = NETWORK},
    {.name = "localhost-only",
	.type = OE_PARAM_FLAG,
	.help = "accept connections from 127.0.0.0/8 and ::1 only",
	.group = "network",
	.section = NETWORK},
    {.name = "allow-network",
	.type = OE_PARAM_STRING,
	.metavar = "CIDR",
	.help = "accept connections from this network, in place of the "
		"private networks that are accepted by default",
	.flags = OE_PARAM_REPEAT,
	.group = "network",
	.check = check_network,
	.section = NETWORK},
    {.name = "trust-network",
	.type = OE_PARAM_FLAG,
	.help = "let allowed private addresses in without any key or "
		"password, never as root: for an isolated bench network",
	.section = NETWORK},
    {.name = "device-id",
	.type = OE_PARAM_STRING,
	.metavar = "ID",
	.help = "name of this device in events",
	.fallback = "standalone-server",
	.section = SERVICE},
    {.name = "user-map",
	.type = OE_PARAM_STRING,
	.metavar = "SSH:LOCAL",
	.help = "log the requested user SSH in as the local user LOCAL",
	.flags = OE_PARAM_REPEAT,
	.section = LOGIN},
    {.name = "default-user",
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "local user for requested names that --user-map does not "
		"name; without it a name stands for itself",
	.flags = OE_PARAM_USER,
	.section = LOGIN},
    {.name = "auth",
	.type = OE_PARAM_CHOICE,
	.metavar = "METHODS",
	.help = "ways to log in, separated by commas",
	.fallback = "publickey",
	.choices = method_names,
	.flags = OE_PARAM_REPEAT | OE_PARAM_COMMA,
	.section = LOGIN},
    {.name = "authorized-keys",
	.type = OE_PARAM_STRING,
	.metavar = "FILE",
	.help = "file of authorized keys in place of .ssh/authorized_keys; "
		"%h is the home directory and %u the name of the local user",
	.fallback = ".ssh/authorized_keys",
	.flags = OE_PARAM_REPEAT,
	.section = LOGIN},
    {.name = "trusted-ca",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "public keys of authorities whose user certificates are "
		"accepted",
	.section = LOGIN},
    {.name = "revoked-keys",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "keys and certificates that are refused: a KRL or a list of "
		"public keys",
	.section = LOGIN},
    {.name = "strict-modes",
	.type = OE_PARAM_FLAG,
	.help = "refuse key files that others could have written",
	.fallback = "yes",
	.section = LOGIN},
    {.name = "pam",
	.type = OE_PARAM_FLAG,
	.help = "use PAM for accounts and sessions when running as root",
	.fallback = "yes",
	.section = LOGIN},
    {.name = "login-grace",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "time to log in; 0 is no limit",
	.fallback = "60s",
	.max = 3600,
	.section = LIMITS},
    {.name = "max-auth-tries",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "refused keys and passwords before a connection ends",
	.fallback = "6",
	.min = 1,
	.max = 100,
	.section = LIMITS},
    {.name = "idle-timeout",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "end connections without traffic for so long; 0 is never",
	.fallback = "0",
	.max = 31536000,
	.section = LIMITS},
    {.name = "max-sessions",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "connections that may be logged in at a time; 0 is no limit",
	.fallback = "256",
	.max = 100000,
	.section = LIMITS},
    {.name = "max-channels",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "sessions within one connection",
	.fallback = "10",
	.min = 1,
	.max = 64,
	.section = LIMITS},
    {.name = "max-startups",
	.type = OE_PARAM_STRING,
	.metavar = "START:RATE:FULL",
	.help = "connections that may be logging in at a time: from START "
		"on, RATE percent are dropped, and all from FULL on",
	.fallback = "20:30:100",
	.check = check_startups,
	.section = LIMITS},
    {.name = "source-startups",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "the same for a single source; 0 is no limit",
	.fallback = "0",
	.max = 100000,
	.section = LIMITS},
    {.name = "source-rate",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "connections a minute from one source; 0 is no limit",
	.fallback = "0",
	.max = 1000000,
	.section = LIMITS},
    {.name = "ban-after",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "failed logins within ten minutes that shut a source out; "
		"0 is never",
	.fallback = "20",
	.max = 100000,
	.section = LIMITS},
    {.name = "ban-time",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "how long the first time; each further ban lasts twice as "
		"long, up to a day",
	.fallback = "60s",
	.min = 1,
	.max = 86400,
	.section = LIMITS},
    {.name = "ban-exempt",
	.type = OE_PARAM_STRING,
	.metavar = "CIDR",
	.help = "network that is never banned or slowed",
	.flags = OE_PARAM_REPEAT,
	.check = check_network,
	.section = LIMITS},
    {.name = "keepalive",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "ask a silent client whether it is still there; 0 is never",
	.fallback = "60s",
	.max = 86400,
	.section = SESSION},
    {.name = "keepalive-max",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "questions without answer before the connection ends",
	.fallback = "3",
	.min = 1,
	.max = 100,
	.section = SESSION},
    {.name = "accept-env",
	.type = OE_PARAM_STRING,
	.metavar = "PATTERNS",
	.help = "variables that clients may set, separated by commas",
	.fallback = OE_SRV_ENV_ACCEPT_DEFAULT,
	.section = SESSION},
    {.name = "agent-forwarding",
	.type = OE_PARAM_FLAG,
	.help = "let sessions use the client's agent",
	.fallback = "yes",
	.section = SESSION},
    {.name = "force-command",
	.type = OE_PARAM_STRING,
	.metavar = "COMMAND",
	.help = "run this in every session, whatever the client asks for "
		"(SSH_ORIGINAL_COMMAND tells it)",
	.section = SESSION},
    {.name = "subsystem",
	.type = OE_PARAM_STRING,
	.metavar = "NAME:COMMAND",
	.help = "offer a subsystem that a command serves",
	.flags = OE_PARAM_REPEAT,
	.section = SESSION},
    {.name = "banner",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "text that is sent before login",
	.section = SESSION},
    {.name = "print-motd",
	.type = OE_PARAM_FLAG,
	.help = "show the message of the day before a shell",
	.fallback = "yes",
	.section = SESSION},
    {.name = "print-last-login",
	.type = OE_PARAM_FLAG,
	.help = "show the last login before a shell",
	.fallback = "yes",
	.section = SESSION},
    {.name = "host-key-path",
	.type = OE_PARAM_PATH,
	.metavar = "PATH",
	.help = "directory of the host keys, made at the first start, or one "
		"key file; default: /etc/omniedge as root, else ~/.omniedge",
	.section = CRYPTO},
    {.name = "ciphers",
	.type = OE_PARAM_STRING,
	.metavar = "LIST",
	.help = "ciphers in order of preference, separated by commas",
	.section = CRYPTO},
    {.name = "macs",
	.type = OE_PARAM_STRING,
	.metavar = "LIST",
	.help = "message authentication codes",
	.section = CRYPTO},
    {.name = "kex",
	.type = OE_PARAM_STRING,
	.metavar = "LIST",
	.help = "key exchange methods",
	.section = CRYPTO},
    {.name = "rekey-bytes",
	.type = OE_PARAM_SIZE,
	.metavar = "SIZE",
	.help = "new keys after so much data; 0 leaves it to the cipher",
	.fallback = "0",
	.max = INT64_C(1) << 40,
	.section = CRYPTO},
    {.name = "rekey-time",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "new keys after so long; 0 is never",
	.fallback = "1h",
	.max = 604800,
	.section = CRYPTO},
    {.name = "net-user",
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "account of the network process when running as root",
	.fallback = OE_NET_USER,
	.flags = OE_PARAM_USER,
	.section = SERVICE},
    OE_DAEMON_PARAMS(SERVICE),
    {.name = NULL},
};

static const struct oe_example examples[] = {
    {"omniedge ssh-server",
	"accept keys of ~/.ssh/authorized_keys on port 2222 from private "
	"networks"},
    {"omniedge ssh-server --allow-network 100.64.0.0/10 --user-map ops:root",
	"only from the mesh, and 'ops' becomes root"},
    {"omniedge ssh-server --check-config", "what would be in force, and why"},
    {NULL, NULL},
};

static int
server_check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	(void)operands;
	if (oe_values_flag(v, "trust-network") &&
	    oe_values_flag(v, "permissive"))
		return oe_err_set(err, OE_EUSAGE,
		    "--trust-network cannot be combined with --permissive: "
		    "it would let everybody in without any proof");
	return 0;
}

static int
server_run(const struct oe_ctx *ctx)
{
	bool check = oe_values_flag(ctx->values, "check-config");
	struct oe_srv_config *cfg = NULL;
	struct oe_err err = OE_ERR_INIT;
	int r;

	oe_srv_config_log(ctx->values);
	oe_log_prefix("omniedge ssh-server");
	if (oe_ssh_global_init(&err) < 0 ||
	    oe_srv_config_load(ctx->modules, ctx->values, !check, &cfg, &err) <
		0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		return OE_EXIT_CONFIG;
	}
	r = oe_daemon_check(ctx->values) ? OE_EXIT_OK
					 : oe_srv_listener_run(ctx, &cfg);
	oe_srv_config_free(&cfg);
	return r;
}

const struct oe_command oe_srv_command_ssh_server = {
    .name = "ssh-server",
    .summary = "serve shells, commands and subsystems over SSH",
    .operands = "",
    .params = params,
    .flags = OE_CMD_CONFIG_FILE,
    .examples = examples,
    .check = server_check,
    .run = server_run,
};
