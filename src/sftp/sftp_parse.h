/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_parse.h - lines that are typed to sftp.
 *
 * Words are split as sh(1) does: blanks part them, '...' and "..." and '\'
 * quote, '#' at the start of a word begins a comment.  Within quotes '\'
 * quotes the quote and itself only.  A word is kept as a pattern (path.h):
 * what was quoted and means something to a pattern is behind a '\', so that
 * oe_sftp_glob_plain() gives the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct oe_err;

/* Longest line, without its end. */
#define OE_SFTP_LINE_MAX 16384

struct oe_sftp_line {
	struct oe_strs words;
	bool ignore_errors; /* '-' before the command */
	bool no_echo;       /* '@' before the command */
	size_t command;     /* where the command begins in the text */
	size_t rest;        /* where the second word begins */
	/* The last word, for completion: where it begins, its opening quote
	 * or 0, whether it is quoted still and whether it goes on at the end
	 * of the text. */
	size_t last;
	char quote;
	bool unclosed, touches;
};

/**
 * oe_sftp_line_parse() - @text without a newline.
 * @ret: oe_sftp_line_done() it, after a failure too.
 * Return: 0 (no words: nothing to do), OE_EINVAL (a quote is not closed; the
 * fields tell about the last word then), OE_ETOOBIG.
 */
int oe_sftp_line_parse(
    const char *text, struct oe_sftp_line *ret, struct oe_err *err);
void oe_sftp_line_done(struct oe_sftp_line *l);
/**
 * oe_sftp_word_quote() - @name as it would be typed.
 * @quote: to be within ' or ", which the result begins and does not end with;
 * 0: '\' where it is needed.
 * free() it.
 */
char *oe_sftp_word_quote(const char *name, char quote);
