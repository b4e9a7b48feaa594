/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_edit.h - lines typed at a terminal, with editing, history and
 * completion; the connection is served meanwhile.
 */
#pragma once

#include <stdbool.h>

struct oe_err;
struct oe_sftp_edit;
struct oe_sftp_shell;

/**
 * oe_sftp_edit_new() - for standard input and output, which are a terminal.
 * @lost: becomes true when the connection is gone; ends a wait.
 * Return: 0 or OE_ELIB.
 */
int oe_sftp_edit_new(struct oe_sftp_shell *sh, const bool *lost,
    struct oe_sftp_edit **ret, struct oe_err *err);
void oe_sftp_edit_free(struct oe_sftp_edit **e);
/**
 * oe_sftp_edit_line() - the next line, without its end.
 * @ret: free() it.
 * Return: 0; OE_ESHORT (Ctrl-D); OE_ECANCEL (Ctrl-C); OE_ECLOSED (@lost);
 * OE_ETOOBIG (longer than OE_SFTP_LINE_MAX).
 */
int oe_sftp_edit_line(struct oe_sftp_edit *e, char **ret);
