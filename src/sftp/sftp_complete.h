/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_complete.h - what a half-typed line may go on with.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct oe_sftp_shell;

/* How a line goes on; oe_sftp_completion_done() it. */
struct oe_sftp_completion {
	size_t replace;       /* bytes before the cursor that give way... */
	char *text;           /* ...to this, or NULL: nothing to add */
	struct oe_strs shown; /* names to choose from; none when there is one */
};

/**
 * oe_sftp_complete() - look up what may follow @line, which ends at the
 * cursor.  Names that cannot be typed are shown, not inserted.  Blocks.
 */
void oe_sftp_complete(
    struct oe_sftp_shell *sh, const char *line, struct oe_sftp_completion *ret);
void oe_sftp_completion_done(struct oe_sftp_completion *c);
