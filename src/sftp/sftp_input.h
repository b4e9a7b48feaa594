/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_input.h - lines from a file or pipe; the connection is served
 * meanwhile.
 */
#pragma once

#include <stdbool.h>

struct oe_loop;
struct oe_sftp_input;

/**
 * oe_sftp_input_new() - @fd: stays the caller's.
 * @lost: as in sftp_edit.h.
 */
struct oe_sftp_input *
oe_sftp_input_new(struct oe_loop *loop, int fd, const bool *lost);
void oe_sftp_input_free(struct oe_sftp_input **in);
/** oe_sftp_input_line() - as oe_sftp_edit_line(), without Ctrl-C. */
int oe_sftp_input_line(struct oe_sftp_input *in, char **ret);
