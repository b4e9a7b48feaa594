/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/fd.h - descriptors and files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct oe_buf;
struct oe_err;

/** oe_fd_close() - close *@fd unless -1, and set it to -1; errno is kept. */
void oe_fd_close(int *fd);
/** oe_fd_set_nonblock() - switch O_NONBLOCK; 0 or OE_ESYS. */
int oe_fd_set_nonblock(int fd, bool on);
/** oe_fd_write_all() - all @n bytes, through EINTR and EAGAIN (by poll). */
int oe_fd_write_all(int fd, const void *p, size_t n);
/**
 * oe_fd_read_file() - a whole regular file of at most @max bytes.
 * @ret: initialised by this function; oe_buf_done() it.  A NUL byte follows
 *       the content and is not counted.
 * Return: 0, OE_ESYS, OE_ETOOBIG, OE_EINVAL (not a regular file).
 */
int oe_fd_read_file(
    const char *path, size_t max, struct oe_buf *ret, struct oe_err *err);
/** oe_fd_read_all() - as oe_fd_read_file() for an open descriptor. */
int oe_fd_read_all(int fd, const char *what, size_t max, struct oe_buf *ret,
    struct oe_err *err);
/**
 * oe_fd_write_file() - replace @path by temporary file, fsync and rename.
 * A crash or a full disk leaves the old file whole.
 * Return: 0 or OE_ESYS.
 */
int oe_fd_write_file(
    const char *path, const void *p, size_t n, mode_t mode, struct oe_err *err);
/** oe_fd_close_from() - close every descriptor >= @lowest. */
void oe_fd_close_from(int lowest);
