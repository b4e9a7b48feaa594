/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/progress.h - how a transfer is told: a line on a terminal with rate
 * and time to go, one JSON object for each name, or nothing.
 */
#pragma once

#include <stdbool.h>

#include "sftp/copy.h"

struct oe_loop;
struct oe_progress;

struct oe_progress_plan {
	struct oe_loop *loop;
	bool meter;          /* draw on the terminal of standard error */
	bool json;           /* one line for each name on standard output */
	bool verbose;        /* a line for each name on standard error */
	const char *command; /* prefix of messages: "scp" */
};

/** oe_progress_new() - @plan is copied. */
struct oe_progress *oe_progress_new(const struct oe_progress_plan *plan);
/** oe_progress_ui() - to be put into the engine's plan. */
struct oe_copy_ui oe_progress_ui(struct oe_progress *p);
/** oe_progress_attach() - show this engine's totals from now on. */
void oe_progress_attach(struct oe_progress *p, struct oe_sftp_copy *c);
/** oe_progress_end() - last line, and detach. */
void oe_progress_end(struct oe_progress *p);
void oe_progress_free(struct oe_progress **p);
