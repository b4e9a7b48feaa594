/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/wire_words.h - what a server says on its standard error, and what we
 * say of its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sftp/wire.h"

/* A line of its standard error that has begun. */
struct oe_sftp_words {
	char line[OE_SFTP_STDERR_MAX];
	size_t len;
};

/** oe_sftp_words_take() - bytes of standard error, for user or log. */
void oe_sftp_words_take(struct oe_sftp_words *w,
    const struct oe_sftp_wire_plan *plan, const char *p, size_t n);
/**
 * oe_sftp_words_gone() - why the session ended, as far as that can be known.
 * @heard: the server had said something before.
 * @status: its exit status; -1: none was told.  @signal: or what ended it.
 */
void oe_sftp_words_gone(const char *host, bool heard, int status,
    const char *signal, struct oe_err *ret);
