/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/strictmodes.h - open a user's own file, or say why it cannot be
 * trusted.
 *
 * As sshd's StrictModes: symbolic links are resolved first, then the file and
 * every directory above it, up to the home or else to /, must belong to the
 * user or root and be writable by nobody else.  The walk opens each component
 * from the one above without following links, so that what was checked is
 * what is opened.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;

/**
 * oe_strictmodes_open() - open @path for reading after the checks.
 * @path: absolute.
 * @uid: the user whose file it is.
 * @home: their home; NULL checks up to /.
 * Runs with whatever effective ids the caller has chosen; directories need
 * only be searchable.
 * @ret_fd: close it; untouched on failure.
 * Return: 0, OE_ENOENT, OE_EPERM (message names the path and the chmod or
 * chown that helps), OE_EINVAL (not absolute, not a regular file), OE_ESYS.
 */
int oe_strictmodes_open(const char *path, uid_t uid, const char *home,
    int *ret_fd, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_strictmodes_read() - the same, and read it whole.
 * @max: largest size in bytes.
 * @ret: initialised on success; oe_buf_done() it.
 * Return: as oe_strictmodes_open(), and OE_ETOOBIG.
 */
int oe_strictmodes_read(const char *path, uid_t uid, const char *home,
    size_t max, struct oe_buf *ret, struct oe_err *err) OE_MUST_CHECK;
