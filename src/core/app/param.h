/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/param.h - options as data.
 *
 * One table per command drives the parsing of the command line, the
 * environment, the config files, --help, completions and the option lists
 * of the manual pages.  Precedence: flag > environment > user's config file
 * > system config file > default.
 *
 * Names: option --login-grace of command ssh-server is key "login-grace" in
 * section [ssh-server], and OMNIEDGE_SSH_SERVER_LOGIN_GRACE in the
 * environment.  Dashes and underscores are the same in config keys.  An empty
 * variable counts as not set; a list in a variable has one item per line, or
 * between commas for OE_PARAM_COMMA.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oe_err;
struct oe_strs;

enum oe_param_type {
	OE_PARAM_FLAG,  /* --x, --no-x; in files yes/no/true/false/on/off/1/0 */
	OE_PARAM_COUNT, /* each occurrence adds one (-vv); a number in files */
	OE_PARAM_INT,   /* decimal within [min, max] */
	OE_PARAM_DURATION, /* seconds: "90", "15m", "1h30m"; within [min, max]
			    */
	OE_PARAM_SIZE,     /* bytes: "4096", "64K", "1G"; within [min, max] */
	OE_PARAM_STRING,
	OE_PARAM_PATH,   /* completed as a file name; "~/" is the home */
	OE_PARAM_CHOICE, /* one of choices */
};

enum oe_param_flag {
	/* may be given several times; in files: repeated keys.  A higher
	 * source replaces the list of a lower one. */
	OE_PARAM_REPEAT = 1 << 0,
	/* not a setting: command line only (-h, --check-config, -W) */
	OE_PARAM_CLI_ONLY = 1 << 1,
	/* works, but is left out of --help, manual and completions */
	OE_PARAM_HIDDEN = 1 << 2,
	/* a REPEAT parameter whose value is a comma-separated list */
	OE_PARAM_COMMA = 1 << 3,
	/* complete with the names of peers */
	OE_PARAM_PEER = 1 << 4,
	/* complete with local user names */
	OE_PARAM_USER = 1 << 5,
	/* may be a URL with a password in it, which is not printed */
	OE_PARAM_URL = 1 << 6,
};

struct oe_param {
	const char *name; /* long name without dashes; NULL ends a table */
	char letter;      /* short option, or 0 */
	enum oe_param_type type;
	const char *metavar;  /* "PORT"; NULL for flags */
	const char *help;     /* one or two sentences, no full stop at end */
	const char *fallback; /* default as text; NULL: not set */
	int64_t min, max;     /* INT, DURATION, SIZE; both 0: 0..INT64_MAX */
	const char *const *choices; /* CHOICE: ended by NULL */
	unsigned flags;             /* enum oe_param_flag */
	/* Parameters with the same group name exclude each other. */
	const char *group;
	/*
	 * Further check of one value, or NULL.  Return 0, or a negative code
	 * with a message that does not repeat the option's name.
	 */
	int (*check)(const char *value, struct oe_err *err);
	/* Heading in --help and the manual; NULL: "Options". */
	const char *section;
};

enum oe_param_source {
	OE_SOURCE_DEFAULT,
	OE_SOURCE_SYSTEM_FILE,
	OE_SOURCE_USER_FILE,
	OE_SOURCE_ENV,
	OE_SOURCE_FLAG,
};

struct oe_values; /* the settled values of one command; opaque */

/*
 * Readers.  @name must be in the command's table: a name that is not ends the
 * process with a message.  Strings are borrowed and live as long as the values.
 */
/**
 * oe_values_knows() - is @name in the command's table?  For code that serves
 * several commands; the only reader that may be asked for any name.
 */
bool oe_values_knows(const struct oe_values *v, const char *name);
/** oe_values_str() - as text (of a list: the last item); NULL when not set. */
const char *oe_values_str(const struct oe_values *v, const char *name);
/** oe_values_int() - number, seconds or bytes; 0 when not set. */
int64_t oe_values_int(const struct oe_values *v, const char *name);
bool oe_values_flag(const struct oe_values *v, const char *name);
/** oe_values_list() - all values of a REPEAT parameter in order. */
const struct oe_strs *
oe_values_list(const struct oe_values *v, const char *name);
/** oe_values_is_set() - true when it comes from elsewhere than the default. */
bool oe_values_is_set(const struct oe_values *v, const char *name);
/** oe_values_where() - "--port", "environment X", "/etc/x.conf:7", "default".
 */
const char *oe_values_where(const struct oe_values *v, const char *name);
