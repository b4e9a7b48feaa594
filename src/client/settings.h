/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/settings.h - the settings for a peer, from a command's options and
 * ssh_config, and the rows of options that commands share.
 *
 * A command's table has those of the options below that make sense for it;
 * the others are taken as not given.
 */
#pragma once

#include <stdbool.h>

#include "client/connect.h"
#include "client/names.h"
#include "core/app/param.h"
#include "core/ssh/sshconf.h"

struct oe_err;
struct oe_hoststr;
struct oe_module_set;

#define OE_PARAM_SECTION_CONNECTION "Connection"

#define OE_PARAM_ROW_PORT(l)                                                   \
	{                                                                      \
		.name = "port", .letter = (l), .type = OE_PARAM_INT,           \
		.metavar = "PORT",                                             \
		.help = "port of the peer (22, or as ssh_config says)",        \
		.min = 1, .max = 65535, .section = OE_PARAM_SECTION_CONNECTION \
	}

/* -i -F -o -J -4 -6 -C */
#define OE_PARAM_ROWS_CONNECTION                                               \
	{.name = "identity",                                                   \
	    .letter = 'i',                                                     \
	    .type = OE_PARAM_PATH,                                             \
	    .metavar = "FILE",                                                 \
	    .help = "private key to log in with, before the usual ones",       \
	    .flags = OE_PARAM_REPEAT,                                          \
	    .section = OE_PARAM_SECTION_CONNECTION},                           \
	    {.name = "ssh-config",                                             \
		.letter = 'F',                                                 \
		.type = OE_PARAM_PATH,                                         \
		.metavar = "FILE",                                             \
		.help = "read this ssh_config instead of ~/.ssh/config and "   \
			"/etc/ssh/ssh_config; none reads no file",             \
		.section = OE_PARAM_SECTION_CONNECTION},                       \
	    {.name = "option",                                                 \
		.letter = 'o',                                                 \
		.type = OE_PARAM_STRING,                                       \
		.metavar = "KEY=VALUE",                                        \
		.help = "a setting as in ssh_config",                          \
		.flags = OE_PARAM_REPEAT,                                      \
		.section = OE_PARAM_SECTION_CONNECTION},                       \
	    {.name = "jump",                                                   \
		.letter = 'J',                                                 \
		.type = OE_PARAM_STRING,                                       \
		.metavar = "HOST[,HOST...]",                                   \
		.help = "go there through these hosts, one after another",     \
		.flags = OE_PARAM_PEER,                                        \
		.check = oe_settings_check_hops,                               \
		.section = OE_PARAM_SECTION_CONNECTION},                       \
	    {.name = "ipv4",                                                   \
		.letter = '4',                                                 \
		.type = OE_PARAM_FLAG,                                         \
		.help = "use IPv4 only",                                       \
		.group = "family",                                             \
		.section = OE_PARAM_SECTION_CONNECTION},                       \
	    {.name = "ipv6",                                                   \
		.letter = '6',                                                 \
		.type = OE_PARAM_FLAG,                                         \
		.help = "use IPv6 only",                                       \
		.group = "family",                                             \
		.section = OE_PARAM_SECTION_CONNECTION},                       \
	{                                                                      \
		.name = "compression", .letter = 'C', .type = OE_PARAM_FLAG,   \
		.help = "compress what is sent and received",                  \
		.section = OE_PARAM_SECTION_CONNECTION                         \
	}

/* -c, and --batch with the letter of the command */
#define OE_PARAM_ROWS_FILES(batch_letter)                                      \
	{.name = "cipher",                                                     \
	    .letter = 'c',                                                     \
	    .type = OE_PARAM_STRING,                                           \
	    .metavar = "CIPHER[,CIPHER...]",                                   \
	    .help = "ciphers to offer, best first, as Ciphers of ssh_config",  \
	    .section = OE_PARAM_SECTION_CONNECTION},                           \
	{                                                                      \
		.name = "batch", .letter = (batch_letter),                     \
		.type = OE_PARAM_FLAG,                                         \
		.help = "ask for nothing: no password, no passphrase",         \
		.section = OE_PARAM_SECTION_CONNECTION                         \
	}

/* -q -v */
#define OE_PARAM_ROWS_TALK                                                     \
	{.name = "quiet",                                                      \
	    .letter = 'q',                                                     \
	    .type = OE_PARAM_FLAG,                                             \
	    .help = "no warnings and no banner"},                              \
	{                                                                      \
		.name = "verbose", .letter = 'v', .type = OE_PARAM_COUNT,      \
		.help = "tell each step; twice and three times tell more"      \
	}

/** oe_settings_check_hops() - the check of -J, for tables. */
int oe_settings_check_hops(const char *value, struct oe_err *err);

/**
 * oe_settings_log() - start the log as "verbose", "quiet" and "log-file" say.
 * Return: 0 or OE_ESYS.
 */
int oe_settings_log(const struct oe_values *v, struct oe_err *err);

/* The settings for one peer. */
struct oe_settings {
	const struct oe_values *v; /* borrowed */
	struct oe_sshconf_env env;
	struct oe_sshconf *conf;
	struct oe_peer_names names;
};

/**
 * oe_settings_begin() - nothing set yet: the caller may oe_sshconf_set() what
 * is to win over everything else.
 * @modules: with who knows peers by name, or NULL.
 * @s: zeroed; oe_settings_done() it, whatever the result.  It must not move.
 */
int
oe_settings_begin(struct oe_settings *s, const struct oe_module_set *modules,
    const struct oe_values *v, struct oe_err *err);
/**
 * oe_settings_split() - find out what "@" means in @host, before anything of
 * it is used; as oe_peer_names_split().
 */
int oe_settings_split(
    struct oe_settings *s, struct oe_hoststr *host, struct oe_err *err);
/**
 * oe_settings_resolve() - take the options, then what @host says, then the
 * files; LogLevel is heeded where no option said otherwise.
 * Return: 0, OE_EUSAGE, or as oe_sshconf_resolve().
 */
int oe_settings_resolve(
    struct oe_settings *s, const struct oe_hoststr *host, struct oe_err *err);
/** oe_settings_plan() - how to connect there; borrows from @s. */
struct oe_connect_plan oe_settings_plan(struct oe_settings *s);
void oe_settings_done(struct oe_settings *s);
