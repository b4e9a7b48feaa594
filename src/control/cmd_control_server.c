/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge control-server: its options and its sub-commands.
 */
#include "control/commands.h"
#include "control/serve.h"
#include "core/app/command.h"
#include "core/app/daemon.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/str.h"

static int
check_listen(const char *value, struct oe_err *err)
{
	struct oe_ctl_listen l;

	return oe_ctl_listen_parse(value, &l, err);
}

static int
check_network(const char *value, struct oe_err *err)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	int r = oe_cidr_list_add(l, value, err);

	oe_cidr_list_free(&l);
	return r;
}

#define STORE   "Where things are kept"
#define TLS     "TLS"
#define LIMITS  "Limits"
#define TOKENS  "Tokens"
#define SERVICE "Service"

static const struct oe_param params[] = {
    {.name = "listen",
	.type = OE_PARAM_STRING,
	.metavar = "ADDRESS:PORT",
	.help = "serve HTTPS here; IPv6 in brackets, port 0 is any that is "
		"free; http://ADDRESS:PORT serves without TLS, on loopback "
		"addresses only",
	.fallback = "0.0.0.0:8443",
	.flags = OE_PARAM_REPEAT,
	.check = check_listen},
    {.name = "public-url",
	.type = OE_PARAM_STRING,
	.metavar = "URL",
	.help = "address that browsers and devices reach this server by; "
		"default: the first --listen, with the name of this machine "
		"in place of 0.0.0.0"},
    {.name = "email",
	.type = OE_PARAM_STRING,
	.metavar = "ADDRESS",
	.help = "init: address of the administrator",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "data-dir",
	.type = OE_PARAM_PATH,
	.metavar = "DIR",
	.help = "directory of the database and the certificate; default: "
		"/var/lib/omniedge-control-server as root, else "
		"~/.omniedge/control-server",
	.section = STORE},
    {.name = "database",
	.type = OE_PARAM_STRING,
	.metavar = "FILE|URL",
	.help = "SQLite file, or postgres://... for several servers beside "
		"each other; default: control.db in the data directory",
	.flags = OE_PARAM_URL,
	.section = STORE},
    {.name = "events-keep",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "how long events are kept, those about administrators as "
		"well; 0 is for ever",
	.fallback = "90d",
	.max = INT64_C(100) * 365 * 86400,
	.section = STORE},
    {.name = "events-max",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "events that are kept of one user's devices, the newest; 0 is "
		"no bound",
	.fallback = "1000000",
	.max = INT64_C(1000000000),
	.section = STORE},
    {.name = "tls-cert",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "certificate in PEM with what leads to its root; default: one "
		"that signs itself, made at the first start",
	.section = TLS},
    {.name = "tls-key",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "its key in PEM, without a password",
	.section = TLS},
    {.name = "tls-name",
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "further name or address that a certificate made here is good "
		"for",
	.flags = OE_PARAM_REPEAT,
	.section = TLS},
    {.name = "max-connections",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "connections at a time; the idlest makes room for a new one",
	.fallback = "1024",
	.min = 1,
	.max = 100000,
	.section = LIMITS},
    {.name = "max-per-address",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "connections of one address, or one /64 of IPv6",
	.fallback = "128",
	.min = 1,
	.max = 100000,
	.section = LIMITS},
    {.name = "trusted-proxy",
	.type = OE_PARAM_STRING,
	.metavar = "CIDR",
	.help = "address or network of a proxy in front of this server: it is "
		"believed who its clients are (X-Forwarded-For), and "
		"--max-per-address is left to it",
	.flags = OE_PARAM_REPEAT,
	.check = check_network,
	.section = LIMITS},
    {.name = "head-timeout",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "time for TLS and the head of a request",
	.fallback = "10s",
	.min = 1,
	.max = 3600,
	.section = LIMITS},
    {.name = "body-timeout",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "time for the body of a request, and for a client that does "
		"not take its reply",
	.fallback = "30s",
	.min = 1,
	.max = 3600,
	.section = LIMITS},
    {.name = "idle-timeout",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "time between two requests of a connection",
	.fallback = "75s",
	.min = 1,
	.max = 3600,
	.section = LIMITS},
    {.name = "password-checks",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "passwords that are verified at a time: each takes 64 MiB and "
		"a processor",
	.fallback = "2",
	.min = 1,
	.max = 64,
	.section = LIMITS},
    {.name = "access-lifetime",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "how long an access token is good",
	.fallback = "1d",
	.min = 60,
	.max = 2592000,
	.section = TOKENS},
    {.name = "refresh-lifetime",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "how long a refresh token is good",
	.fallback = "14d",
	.min = 60,
	.max = 31536000,
	.section = TOKENS},
    {.name = "workers",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "threads that answer what only reads; three times as many "
		"wait for the disk",
	.fallback = "8",
	.min = 2,
	.max = 256,
	.section = SERVICE},
    {.name = "stop-grace",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "time for requests to be finished when it is stopped",
	.fallback = "10s",
	.max = 600,
	.section = SERVICE},
    OE_DAEMON_PARAMS(SERVICE),
    {.name = NULL},
};

static const struct oe_example examples[] = {
    {"omniedge control-server init --email admin@example.org",
	"make the administrator; prints a password that is good once"},
    {"omniedge control-server --public-url https://control.example.org:8443",
	"serve, with a certificate of its own"},
    {"omniedge control-server user bob@example.org",
	"an account for somebody else, also while it serves"},
    {"omniedge control-server backup /var/backups/control.db",
	"a copy of the SQLite store, also while it serves"},
    {"omniedge control-server --check-config", "what would be in force"},
    {NULL, NULL},
};

/* A sub-command; @init takes --email, @word is what stands behind it. */
struct verb {
	const char *name;
	bool init;
	const char *word; /* or NULL */
};

static const struct verb verbs[] = {
    {"init", true, NULL},
    {"user", false, "EMAIL"},
    {"password", false, "EMAIL"},
    {"migrate", false, NULL},
    {"backup", false, "FILE"},
    {"restore", false, "FILE"},
};

static int
check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	static const struct verb serve = {"", false, NULL};
	const struct verb *verb = operands->n ? NULL : &serve;
	size_t i;

	for (i = 0; !verb && i < sizeof verbs / sizeof *verbs; i++)
		if (oe_str_eq(operands->v[0], verbs[i].name))
			verb = &verbs[i];
	if (!verb)
		return oe_err_set(err, OE_EUSAGE,
		    "'%s' is none of init, user, password, migrate, backup and "
		    "restore",
		    operands->v[0]);
	if (verb->word && operands->n != 2)
		return oe_err_set(
		    err, OE_EUSAGE, "%s needs %s", verb->name, verb->word);
	if (!verb->word && operands->n == 2)
		return oe_err_set(
		    err, OE_EUSAGE, "%s takes nothing more", verb->name);
	if (!verb->init && oe_values_is_set(v, "email"))
		return oe_err_set(err, OE_EUSAGE, "--email is for init");
	return 0;
}

static int
run_verb(
    const struct oe_ctx *ctx, const struct oe_ctl_config *c, struct oe_err *err)
{
	const struct oe_strs *o = ctx->operands;

	if (oe_str_eq(o->v[0], "init"))
		return oe_ctl_admin_init(ctx, c, err);
	if (oe_str_eq(o->v[0], "user"))
		return oe_ctl_admin_user(c, o->v[1], err);
	if (oe_str_eq(o->v[0], "password"))
		return oe_ctl_admin_password(c, o->v[1], err);
	if (oe_str_eq(o->v[0], "migrate"))
		return oe_ctl_admin_migrate(c, err);
	if (oe_str_eq(o->v[0], "backup"))
		return oe_ctl_admin_backup(c, o->v[1], err);
	return oe_ctl_admin_restore(c, o->v[1], err);
}

static int
run_admin(const struct oe_ctx *ctx, const struct oe_ctl_config *c)
{
	struct oe_err err = OE_ERR_INIT;
	int r = run_verb(ctx, c, &err);

	if (r < 0)
		oe_log_error(NULL, "%s", oe_err_text(&err));
	return r == 0            ? OE_EXIT_OK
	       : r == OE_EUSAGE  ? OE_EXIT_USAGE
	       : r == OE_EABSENT ? OE_EXIT_UNAVAILABLE
				 : OE_EXIT_FAILURE;
}

static int
run(const struct oe_ctx *ctx)
{
	struct oe_ctl_config *c = NULL;
	struct oe_err err = OE_ERR_INIT;
	int r;

	(void)oe_daemon_log(ctx->values);
	oe_log_prefix("omniedge control-server");
	if (oe_ctl_config_load(ctx->values, &c, &err) < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		return OE_EXIT_CONFIG;
	}
	if (oe_daemon_check(ctx->values)) {
		r = OE_EXIT_OK;
	} else if (ctx->operands->n > 0) {
		r = run_admin(ctx, c);
	} else {
		r = oe_ctl_serve(ctx, c);
	}
	oe_ctl_config_free(&c);
	return r;
}

const struct oe_command oe_ctl_command_control_server = {
    .name = "control-server",
    .summary = "serve the control API: devices, names, policy, keys",
    .operands = "[init|user EMAIL|password EMAIL|migrate|backup FILE|"
		"restore FILE]",
    .max_operands = 2,
    .params = params,
    .flags = OE_CMD_CONFIG_FILE,
    .examples = examples,
    .check = check,
    .run = run,
};
