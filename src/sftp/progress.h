/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/progress.h - how a transfer is told: a line on a terminal with rate
 * and time to go, one JSON object for each name, or nothing.
 *
 * The meter is one line that is drawn again and again.  A large file leaves a
 * line behind when it is there, as does a copy of one file; a copy of several
 * ends with their sum.  Failures and warnings are told whatever the plan.
 *
 * JSON: omniedge-scp(1), section JSON.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "sftp/copy.h"

struct oe_loop;
struct oe_progress;

struct oe_progress_plan {
	struct oe_loop *loop;
	bool meter;          /* draw on standard error, where a terminal is */
	bool json;           /* one line for each name on standard output */
	bool names;          /* FROM -> TO on standard output (dry run) */
	bool verbose;        /* FROM -> TO on standard error; no meter then */
	const char *command; /* prefix of messages: "scp" */
};

/** oe_progress_new() - @plan is copied; messages go through the log. */
struct oe_progress *oe_progress_new(const struct oe_progress_plan *plan);
/** oe_progress_ui() - to be put into the engine's plan. */
struct oe_copy_ui oe_progress_ui(struct oe_progress *p);
/**
 * oe_progress_attach() - show this engine's totals from now on, added to
 * those of the engines before it.
 */
void oe_progress_attach(struct oe_progress *p, struct oe_sftp_copy *c);
/** oe_progress_detach() - the engine is about to be freed; its sums count. */
void oe_progress_detach(struct oe_progress *p);
/** oe_progress_failed() - a name that could not even be given to an engine. */
void oe_progress_failed(
    struct oe_progress *p, const char *from, const struct oe_err *err);
/** oe_progress_failures() - names that failed so far. */
uint64_t oe_progress_failures(const struct oe_progress *p);
/** oe_progress_moved() - bytes that went over so far. */
uint64_t oe_progress_moved(const struct oe_progress *p);
/** oe_progress_end() - last line, and detach. */
void oe_progress_end(struct oe_progress *p);
void oe_progress_free(struct oe_progress **p);
