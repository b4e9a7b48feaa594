/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h - a command of every kind of parameter, for the tests of core/app.
 */
#pragma once

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/fd.h"

static int
sample_even(const char *value, struct oe_err *err)
{
	if ((value[strlen(value) - 1] - '0') % 2 == 0)
		return 0;
	return oe_err_set(err, OE_EINVAL, "'%s' is odd", value);
}

static const char *const sample_formats[] = {"text", "json", NULL};

static const struct oe_param sample_params[] = {
    {.name = "port",
	.letter = 'p',
	.type = OE_PARAM_INT,
	.metavar = "PORT",
	.help = "port to listen on",
	.fallback = "2222",
	.min = 1,
	.max = 65535},
    {.name = "bind",
	.letter = 'b',
	.type = OE_PARAM_STRING,
	.metavar = "ADDRESS",
	.help = "address to listen on. Brackets [x] and 'quotes': kept",
	.fallback = "0.0.0.0",
	.flags = OE_PARAM_REPEAT},
    {.name = "permissive",
	.type = OE_PARAM_FLAG,
	.help = "accept any address",
	.group = "net",
	.section = "Networks"},
    {.name = "localhost-only",
	.type = OE_PARAM_FLAG,
	.help = "accept this machine only",
	.group = "net",
	.section = "Networks"},
    {.name = "allow-network",
	.type = OE_PARAM_STRING,
	.metavar = "CIDR",
	.help = "accept this network",
	.flags = OE_PARAM_REPEAT,
	.group = "net",
	.section = "Networks"},
    {.name = "motd",
	.type = OE_PARAM_FLAG,
	.help = "show the message of the day",
	.fallback = "yes"},
    {.name = "verbose",
	.letter = 'v',
	.type = OE_PARAM_COUNT,
	.help = "say more"},
    {.name = "no-shell",
	.letter = 'N',
	.type = OE_PARAM_FLAG,
	.help = "start nothing",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "login-grace",
	.type = OE_PARAM_DURATION,
	.metavar = "TIME",
	.help = "time to log in",
	.fallback = "2m",
	.min = 1,
	.max = 3600},
    {.name = "rekey",
	.type = OE_PARAM_SIZE,
	.metavar = "BYTES",
	.help = "renew keys after",
	.fallback = "1G"},
    {.name = "identity",
	.letter = 'i',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "private key"},
    {.name = "log-format",
	.type = OE_PARAM_CHOICE,
	.metavar = "FORMAT",
	.help = "form of the log",
	.fallback = "text",
	.choices = sample_formats},
    {.name = "auth",
	.type = OE_PARAM_STRING,
	.metavar = "METHODS",
	.help = "methods",
	.fallback = "publickey",
	.flags = OE_PARAM_REPEAT | OE_PARAM_COMMA},
    {.name = "even",
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "an even number",
	.check = sample_even},
    {.name = "user",
	.letter = 'l',
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "log in as",
	.flags = OE_PARAM_USER},
    {.name = "config",
	.letter = 'F',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "read this file instead",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "secret-knob",
	.type = OE_PARAM_FLAG,
	.help = "hidden",
	.flags = OE_PARAM_HIDDEN},
    {.name = NULL},
};

static int
sample_check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	(void)operands;
	if (oe_values_int(v, "port") == 666)
		return oe_err_set(err, OE_ECONF, "not that port");
	return 0;
}

/* Change the file of --config, then read it again. */
static int
sample_reload(const struct oe_ctx *ctx)
{
	static const char text[] = "[sample]\nport = 9\nrekey = 5\n";
	const char *path = oe_values_str(ctx->values, "config");
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v = NULL;

	if (oe_fd_write_file(path, text, strlen(text), 0600, &err) < 0 ||
	    ctx->reload(ctx, &v, &err) < 0) {
		printf("%s\n", oe_err_text(&err));
		return 1;
	}
	printf("port %d rekey %d\n", (int)oe_values_int(v, "port"),
	    (int)oe_values_int(v, "rekey"));
	oe_values_free(&v);
	return 0;
}

static int
sample_run(const struct oe_ctx *ctx)
{
	if (oe_strs_has(ctx->operands, "reload"))
		return sample_reload(ctx);
	oe_values_print(ctx->values);
	return 7;
}

static const struct oe_example sample_examples[] = {
    {"omniedge sample -p 22 host", "listens on 22"},
    {NULL, NULL},
};

static const struct oe_command sample_command = {
    .name = "sample",
    .summary = "a command's table: it's for tests",
    .operands = "[user@]peer [command...]",
    .min_operands = 0,
    .max_operands = -1,
    .params = sample_params,
    .flags = OE_CMD_SSH_OPERANDS | OE_CMD_CONFIG_FILE,
    .examples = sample_examples,
    .check = sample_check,
    .run = sample_run,
};

static const struct oe_command *const sample_commands[] = {
    &sample_command,
    NULL,
};

static const struct oe_subsystem sample_subsystems[] = {
    {"sftp", NULL, false, false},
    {NULL, NULL, false, false},
};

static const struct oe_param sample_more[] = {
    {.name = "extra",
	.letter = 'E',
	.type = OE_PARAM_STRING,
	.metavar = "TEXT",
	.help = "an option of a module"},
    {.name = NULL},
};

static const struct oe_module_options sample_options[] = {
    {"sample", sample_more},
    {"no-such-command", sample_more},
    {NULL, NULL},
};

static const struct oe_module sample_module = {
    .name = "sampler",
    .summary = "a module for tests",
    .commands = sample_commands,
    .subsystems = sample_subsystems,
    .libraries = oe_base_libraries,
    .options = sample_options,
};

static const struct oe_module *const sample_built[] = {&sample_module, NULL};
/* with the real commands, so that an installed config file does no harm */
static const char *const sample_absent_commands[] = {
    "scp", "ssh", "ssh-server", NULL};
static const char *const sample_absent_needs[] = {
    "scp", "sample:-Q", "sample:--quux", NULL};
static const struct oe_module_absent sample_absent[] = {
    {"sftp", "--enable-sftp", "disabled by --disable-sftp",
	sample_absent_commands},
    {"mesh", "--enable-mesh", "disabled by --disable-mesh",
	sample_absent_needs},
    {NULL, NULL, NULL, NULL},
};
static const struct oe_library *const sample_libraries[] = {
    oe_base_libraries,
    oe_app_libraries,
    NULL,
};
static const struct oe_module_set sample_set = {
    sample_built,
    sample_absent,
    "as \"tests\" like",
    sample_libraries,
};
