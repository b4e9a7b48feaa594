/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/ask.h - single questions to a file system, waited for.
 *
 * For what a command does before and after a transfer.  Memory is taken care
 * of when the user interrupts: the question is left to the file system, whose
 * end frees it.
 */
#pragma once

#include "core/base/str.h"
#include "sftp/fs.h"

struct oe_loop;

/* Names of one directory that are taken at most. */
#define OE_ASK_NAMES_MAX 1000000

/* Who asks; everything is borrowed. */
struct oe_ask {
	struct oe_loop *loop;
	struct oe_sftp_fs *fs;
	const volatile int *stop; /* as in oe_sftp_wait(); may be NULL */
};

/*
 * Each returns 0, OE_ECANCEL, or the status of the request (fs.h) with the
 * message "PATH: words".
 */
/** oe_ask_stat() - attributes; @ret may be NULL: only whether it is there. */
int oe_ask_stat(const struct oe_ask *a, const char *path, bool follow,
    struct oe_sftp_attrs *ret, struct oe_err *err);
/** oe_ask_realpath() - an absolute path; free() it. */
int oe_ask_realpath(
    const struct oe_ask *a, const char *path, char **ret, struct oe_err *err);
/** oe_ask_expand() - "~/x" or "~user/x" as an absolute path; free() it. */
int oe_ask_expand(
    const struct oe_ask *a, const char *path, char **ret, struct oe_err *err);
/**
 * oe_ask_names() - add the names in a directory, in its order; those that
 * oe_sftp_name_ok() refuses are left out.
 * Return: also OE_ETOOBIG: more than OE_ASK_NAMES_MAX.
 */
int oe_ask_names(const struct oe_ask *a, const char *dir, struct oe_strs *ret,
    struct oe_err *err);
/** oe_ask_mkdir() - make one directory. */
int oe_ask_mkdir(const struct oe_ask *a, const char *path, uint32_t mode,
    struct oe_err *err);
