/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/path.h - paths of either side as text, and names that are safe.
 *
 * Patterns are in pattern.c, the search for what they match in glob.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct oe_err;
struct oe_loop;
struct oe_sftp_fs;

/**
 * oe_sftp_name_ok() - one name of a directory: not empty, not "." or "..",
 * no '/', at most 255 bytes.
 */
bool oe_sftp_name_ok(const char *name);
/** oe_sftp_path_join() - @dir "/" @name; "" as @dir gives @name. free() it. */
char *oe_sftp_path_join(const char *dir, const char *name);
/**
 * oe_sftp_path_base() - last name of a path, trailing slashes apart; "." for
 * a path without one ("/", "", "a/..").  free() it.
 */
char *oe_sftp_path_base(const char *path);
/** oe_sftp_path_dir() - what is before the last name; "." or "/" if none. */
char *oe_sftp_path_dir(const char *path);
/**
 * oe_sftp_path_part() - the name beside @path of a file that is being
 * written: ".NAME.HASH.part", NAME cut so that it keeps 255 bytes.
 * @identity: what HASH is made of, any bytes.  free() it.
 */
char *oe_sftp_path_part(const char *path, const void *identity, size_t n);

/** oe_sftp_glob_is() - has '*', '?' or '[' that is not behind a '\'. */
bool oe_sftp_glob_is(const char *pattern);
/** oe_sftp_glob_plain() - without the '\'s that quote.  free() it. */
char *oe_sftp_glob_plain(const char *pattern);
/** oe_sftp_glob_quote() - with '\' before what glob() reads. free() it. */
char *oe_sftp_glob_quote(const char *name);
/** oe_sftp_glob_match() - one name; a leading '.' must be matched as such. */
bool oe_sftp_glob_match(const char *pattern, const char *name);
/**
 * oe_sftp_glob() - paths of @fs that match, sorted; a pattern without magic
 * is returned as it is, whether it exists or not.  Blocks.
 * @stop: as in oe_sftp_wait().
 * Return: 0, OE_ENOENT (nothing matched), or what the file system said.
 */
int
oe_sftp_glob(struct oe_loop *loop, struct oe_sftp_fs *fs, const char *pattern,
    const volatile int *stop, struct oe_strs *ret, struct oe_err *err);
