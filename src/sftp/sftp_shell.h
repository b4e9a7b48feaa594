/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_shell.h - the state of one sftp dialogue and what its commands
 * say.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "sftp/ask.h"

struct oe_loop;
struct oe_remote;
struct oe_sftp_copy;
struct oe_timer;

/* Sessions to one peer at most (-j). */
#define OE_SFTP_LANES_MAX 16

struct oe_sftp_shell {
	struct oe_loop *loop;
	struct oe_sftp_fs *remote, *local;
	struct oe_remote *peer;   /* for more sessions; NULL: there are none */
	unsigned jobs;            /* sessions at most; 0: as many as help */
	char *cwd;                /* of the remote side, absolute */
	char *start;              /* cwd at login */
	const volatile int *stop; /* the user pressed Ctrl-C; NULL: no */
	FILE *out, *diag;
	bool quiet;          /* do not tell what is done */
	bool batch;          /* a failure ends it */
	bool meter;          /* show progress of transfers */
	bool json;           /* one object for each name on standard output */
	unsigned copy_flags; /* OE_COPY_ for each transfer */
	uint64_t bytes_per_s;
	unsigned inflight;

	/* further sessions, and the transfer that has them */
	struct oe_sftp_fs *lanes[OE_SFTP_LANES_MAX];
	unsigned n_lanes, widened;
	struct oe_sftp_copy *copy;
	bool uploads;
	struct oe_timer *widen;
};

/**
 * oe_sftp_shell_enter() - ask the server where we are.  Sets cwd and start.
 * Return: 0, or a status with a message.
 */
int oe_sftp_shell_enter(struct oe_sftp_shell *sh, struct oe_err *err);
/** oe_sftp_shell_done() - free cwd and start. */
void oe_sftp_shell_done(struct oe_sftp_shell *sh);
/** oe_sftp_shell_stopped() - the user pressed Ctrl-C. */
bool oe_sftp_shell_stopped(const struct oe_sftp_shell *sh);

/**
 * oe_sftp_text() - text of any origin made safe for a terminal: as
 * oe_str_escape(), but a '\' stays what it is and a last newline too.
 * free() it.
 */
char *oe_sftp_text(const char *s);
/** oe_sftp_text_width() - columns that such a text takes, about. */
size_t oe_sftp_text_width(const char *s);

/** oe_sftp_say() - one line on sh->out, made safe; fflush() it some time. */
void
oe_sftp_say(struct oe_sftp_shell *sh, const char *fmt, ...) OE_PRINTF(2, 3);
/** oe_sftp_tell() - as oe_sftp_say(), unless sh->quiet. */
void
oe_sftp_tell(struct oe_sftp_shell *sh, const char *fmt, ...) OE_PRINTF(2, 3);
/** oe_sftp_fail() - one line on sh->diag, made safe. Return: OE_ESYS. */
int
oe_sftp_fail(struct oe_sftp_shell *sh, const char *fmt, ...) OE_PRINTF(2, 3);

/** oe_sftp_at() - who asks the remote side. */
struct oe_ask oe_sftp_at(const struct oe_sftp_shell *sh);
/** oe_sftp_absolute() - @path of the remote side; free() it. */
char *oe_sftp_absolute(const struct oe_sftp_shell *sh, const char *path);
/** oe_sftp_absolute_pattern() - the same for a pattern. */
char *
oe_sftp_absolute_pattern(const struct oe_sftp_shell *sh, const char *pattern);
/** oe_sftp_is_dir() - a directory, or a link to one, on the remote side. */
bool oe_sftp_is_dir(const struct oe_sftp_shell *sh, const char *path);
