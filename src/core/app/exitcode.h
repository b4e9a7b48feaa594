/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/exitcode.h - what omniedge's exit status means.
 */
#pragma once

enum oe_exit {
	OE_EXIT_OK = 0,
	OE_EXIT_FAILURE = 1,
	OE_EXIT_USAGE = 64,       /* unknown option, missing operand */
	OE_EXIT_UNAVAILABLE = 69, /* module not in this build, or a library of
				   * it not installed */
	OE_EXIT_CONFIG = 78,      /* bad configuration */
	OE_EXIT_NOEXEC = 126,     /* found but cannot run, as a shell says */
	OE_EXIT_NOTFOUND = 127,   /* command not found, as a shell says */
	OE_EXIT_SIGNAL = 128,     /* 128+n: ended by signal n */
	OE_EXIT_POLICY = 253,     /* refused by policy */
	OE_EXIT_RECORDING = 254,  /* a required recording could not be made */
	OE_EXIT_CONNECT = 255,    /* connection or authentication failed */
};
