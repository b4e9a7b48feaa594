/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/scp_params.h"

#include "client/settings.h"

#define FLAG(n, l, h, ...)                                                     \
	{                                                                      \
		.name = n, .letter = l, .type = OE_PARAM_FLAG, .help = h,      \
		__VA_ARGS__                                                    \
	}

#define COPY    .section = "What is copied, and how"
#define OUTPUT  .section = "Output"
#define AS_EVER .section = "For the sake of scripts: what is done anyhow"
#define REFUSED .flags = OE_PARAM_CLI_ONLY | OE_PARAM_HIDDEN

const struct oe_param oe_scp_params[] = {
    FLAG("recursive", 'r', "copy directories with all that is in them",
	.flags = OE_PARAM_CLI_ONLY, COPY),
    FLAG("preserve", 'p', "keep times and permissions", COPY),
    FLAG("links", 0, "copy symbolic links as links, not what they point to",
	COPY),
    {.name = "exclude",
	.type = OE_PARAM_STRING,
	.metavar = "PATTERN",
	.help = "leave out names that match; with a / in it: paths below the "
		"source",
	.flags = OE_PARAM_REPEAT,
	COPY},
    FLAG("resume", 0,
	"go on with what an earlier run began; what is there already and has "
	"the same size and time is left alone",
	.flags = OE_PARAM_CLI_ONLY, COPY),
    FLAG("verify", 0, "compare SHA-256 of both sides once a file is there",
	COPY),
    FLAG("in-place", 0,
	"write to the target itself instead of a temporary file that takes "
	"its place when it is whole",
	COPY),
    FLAG(
	"sync", 0, "wait until files are on the disk", .fallback = "yes", COPY),
    FLAG("sparse", 0, "keep holes in files", .fallback = "yes", COPY),
    FLAG("dry-run", 'n', "tell what would be copied, and copy nothing",
	.flags = OE_PARAM_CLI_ONLY, COPY),
    {.name = "limit",
	.letter = 'l',
	.type = OE_PARAM_INT,
	.metavar = "KBITS",
	.help = "use at most so many kilobits a second",
	.min = 1,
	.max = 1000000000,
	COPY},
    {.name = "sessions",
	.letter = 'j',
	.type = OE_PARAM_INT,
	.metavar = "N",
	.help = "use so many connections to a peer; 0: as many as help",
	.fallback = "0",
	.min = 0,
	.max = 16,
	COPY},
    {.name = "tune",
	.letter = 'X',
	.type = OE_PARAM_STRING,
	.metavar = "NAME=VALUE",
	.help = "nrequests=N: requests in flight; buffer=BYTES: size of one; "
		"without it both follow the connection",
	.flags = OE_PARAM_REPEAT,
	COPY},
    OE_PARAM_ROW_PORT('P'),
    OE_PARAM_ROWS_CONNECTION,
    OE_PARAM_ROWS_FILES('B'),
    FLAG("forward-agent", 'A',
	"let programs of the peer use the local authentication agent",
	.section = OE_PARAM_SECTION_CONNECTION),
    {.name = "program",
	.letter = 'D',
	.type = OE_PARAM_STRING,
	.metavar = "COMMAND",
	.help = "run this SFTP server, its path and arguments, instead of "
		"connecting to a peer",
	.flags = OE_PARAM_CLI_ONLY,
	.section = OE_PARAM_SECTION_CONNECTION},
    FLAG(
	"progress", 0, "show a meter on a terminal", .fallback = "yes", OUTPUT),
    FLAG("json", 0, "write one JSON object a file to standard output",
	.flags = OE_PARAM_CLI_ONLY, OUTPUT),
    FLAG("quiet", 'q', "no meter, no warnings and no banner", OUTPUT),
    {.name = "verbose",
	.letter = 'v',
	.type = OE_PARAM_COUNT,
	.help = "tell each file and each step; twice and three times tell "
		"more",
	OUTPUT},
    FLAG("through-here", '3', "copy between two peers through this machine",
	.flags = OE_PARAM_CLI_ONLY, AS_EVER),
    FLAG("sftp", 's', "speak SFTP", .flags = OE_PARAM_CLI_ONLY, AS_EVER),
    FLAG("no-name-check", 'T',
	"match names of patterns without the peer's shell",
	.flags = OE_PARAM_CLI_ONLY, AS_EVER),
    FLAG("legacy", 'O', "the protocol of rcp, which is refused", REFUSED),
    FLAG("remote-to-remote", 'R',
	"let one peer connect to the other, which is refused", REFUSED),
    {.name = "ssh-program",
	.letter = 'S',
	.type = OE_PARAM_STRING,
	.metavar = "PROGRAM",
	.help = "another ssh, which is refused",
	REFUSED},
    {.name = NULL},
};
