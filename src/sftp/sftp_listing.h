/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_listing.h - names, sizes and attributes as "ls" shows them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "sftp/longname.h"

struct oe_sftp_shell;

/** oe_sftp_scaled() - bytes as "0B", "1.5K", "200M": at most four digits. */
void oe_sftp_scaled(uint64_t n, char ret[16]);
/**
 * oe_sftp_long() - one line of "ls -l" without its end; free() it.
 * @scaled: the size as oe_sftp_scaled() has it.
 */
char *oe_sftp_long(const char *name, const struct oe_longname *l, bool scaled);
/**
 * oe_sftp_columns() - @names on sh->out, side by side as many as @width holds
 * when the longest takes @longest columns.
 */
void oe_sftp_columns(struct oe_sftp_shell *sh, const struct oe_strs *names,
    size_t longest, size_t width);
/** oe_sftp_width() - columns of the terminal on standard input, or 80. */
size_t oe_sftp_width(void);
