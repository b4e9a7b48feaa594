/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_params.h"

#include <string.h>

#include "client/settings.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "sftp/proto.h"
#include "sftp/sftp_shell.h"

#define FILES .section = "Files"

/* Names that -X knows, and their bounds. */
static const struct {
	const char *name;
	int64_t max;
} x_options[] = {
    {"buffer", OE_SFTP_PACKET_MAX},
    {"nrequests", 262144},
};

/* The number of "NAME=NUMBER[K]", or -1. */
static int64_t
x_value(const char *text, const char *name, int64_t max)
{
	size_t n = strlen(name);
	char digits[16];
	int64_t v, unit = 1;
	size_t len;

	if (strncmp(text, name, n) != 0 || text[n] != '=' ||
	    !oe_str_copy(digits, sizeof digits, text + n + 1))
		return -1;
	len = strlen(digits);
	if (len && (digits[len - 1] | 0x20) == 'k') {
		digits[len - 1] = 0;
		unit = 1024;
	}
	if (oe_str_parse_int(digits, 1, max / unit, &v) < 0)
		return -1;
	return v * unit;
}

static int
check_x(const char *value, struct oe_err *err)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(x_options); i++)
		if (x_value(value, x_options[i].name, x_options[i].max) > 0)
			return 0;
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not nrequests=NUMBER or buffer=BYTES up to %d", value,
	    OE_SFTP_PACKET_MAX);
}

int64_t
oe_sftp_option_value(const struct oe_values *v, const char *name)
{
	const struct oe_strs *all = oe_values_list(v, "tune");
	int64_t found = 0, n;
	size_t i;

	for (i = 0; i < all->n; i++) {
		n = x_value(all->v[i], name, INT64_MAX);
		if (n > 0)
			found = n;
	}
	return found;
}

const struct oe_param oe_sftp_params[] = {
    OE_PARAM_ROW_PORT('P'),
    OE_PARAM_ROWS_CONNECTION,
    OE_PARAM_ROWS_FILES(0),
    {.name = "forward-agent",
	.letter = 'A',
	.type = OE_PARAM_FLAG,
	.help = "let programs of the peer use the local authentication agent",
	.section = OE_PARAM_SECTION_CONNECTION},
    {.name = "subsystem",
	.letter = 's',
	.type = OE_PARAM_STRING,
	.metavar = "NAME",
	.help = "subsystem to ask for (sftp), or with a slash in it the "
		"command that is the server",
	.section = OE_PARAM_SECTION_CONNECTION},
    {.name = "program",
	.letter = 'D',
	.type = OE_PARAM_STRING,
	.metavar = "COMMAND",
	.help = "run this server, its path and arguments, and connect to "
		"nobody",
	.flags = OE_PARAM_CLI_ONLY,
	.section = OE_PARAM_SECTION_CONNECTION},
    {.name = "ssh-program",
	.letter = 'S',
	.type = OE_PARAM_STRING,
	.metavar = "PROGRAM",
	.help = "another program for the connection, which is refused",
	.flags = OE_PARAM_CLI_ONLY | OE_PARAM_HIDDEN,
	.section = OE_PARAM_SECTION_CONNECTION},
    {.name = "batch-file",
	.letter = 'b',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "read commands from this file (- for standard input), ask for "
		"nothing, and stop at the first failure",
	.flags = OE_PARAM_CLI_ONLY},
    {.name = "recursive",
	.letter = 'r',
	.type = OE_PARAM_FLAG,
	.help = "copy directories with what is in them",
	FILES},
    {.name = "preserve",
	.letter = 'p',
	.type = OE_PARAM_FLAG,
	.help = "keep times and permissions",
	FILES},
    {.name = "resume",
	.letter = 'a',
	.type = OE_PARAM_FLAG,
	.help = "go on with transfers that were cut off",
	FILES},
    {.name = "verify",
	.type = OE_PARAM_FLAG,
	.help = "compare SHA-256 of both sides after each file",
	FILES},
    {.name = "in-place",
	.type = OE_PARAM_FLAG,
	.help = "write into the file itself, not beside it",
	FILES},
    {.name = "links",
	.type = OE_PARAM_FLAG,
	.help = "copy symbolic links as links, not what they point to",
	FILES},
    {.name = "sparse",
	.type = OE_PARAM_FLAG,
	.help = "keep holes in files",
	.fallback = "yes",
	FILES},
    {.name = "sync",
	.letter = 'f',
	.type = OE_PARAM_FLAG,
	.help = "wait until files are on the disk",
	.fallback = "yes",
	FILES},
    {.name = "sessions",
	.letter = 'j',
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "use so many connections; 0: as many as help",
	.fallback = "0",
	.max = OE_SFTP_LANES_MAX,
	FILES},
    {.name = "limit",
	.letter = 'l',
	.type = OE_PARAM_INT,
	.metavar = "KBIT",
	.help = "use at most so many kilobits a second",
	.min = 1,
	.max = 104857600,
	FILES},
    {.name = "buffer",
	.letter = 'B',
	.type = OE_PARAM_INT,
	.metavar = "BYTES",
	.help = "bytes of one request at most (as many as the server takes)",
	.min = 1,
	.max = OE_SFTP_PACKET_MAX,
	FILES},
    {.name = "requests",
	.letter = 'R',
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "requests in flight (as many as the round trip needs)",
	.min = 1,
	.max = 262144,
	FILES},
    {.name = "tune",
	.letter = 'X',
	.type = OE_PARAM_STRING,
	.metavar = "KEY=VALUE",
	.help = "nrequests=N as -R, buffer=BYTES as -B",
	.flags = OE_PARAM_REPEAT,
	.check = check_x,
	FILES},
    {.name = "json",
	.type = OE_PARAM_FLAG,
	.help = "one JSON object for each file on standard output"},
    {.name = "noisy",
	.letter = 'N',
	.type = OE_PARAM_FLAG,
	.help = "tell what is done even with -b",
	.flags = OE_PARAM_CLI_ONLY},
    OE_PARAM_ROWS_TALK,
    {.name = NULL},
};
