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

/* Bytes of names in one list. */
#define OE_ASK_LIST_BYTES (256u * 1024 * 1024)

/* One name of a directory. */
struct oe_ask_entry {
	char *name, *longname;
	struct oe_sftp_attrs attrs;
};

/* A directory as read; oe_ask_list_done() it. */
struct oe_ask_list {
	struct oe_ask_entry *v;
	size_t n, room, bytes;
};

/* Names of numeric ids: n users, then groups; "" for one without a name. */
struct oe_ask_ids {
	const uint32_t *uids, *gids;
	size_t n_uids, n_gids;
};

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
/* As above, in ask_ops.c. */
int oe_ask_remove(const struct oe_ask *a, const char *path, struct oe_err *err);
int oe_ask_rmdir(const struct oe_ask *a, const char *path, struct oe_err *err);
/** oe_ask_rename() - @over: replace what is at @to, as in fs.h. */
int oe_ask_rename(const struct oe_ask *a, const char *from, const char *to,
    bool over, struct oe_err *err);
int oe_ask_symlink(const struct oe_ask *a, const char *target, const char *path,
    struct oe_err *err);
int oe_ask_hardlink(const struct oe_ask *a, const char *from, const char *to,
    struct oe_err *err);
int oe_ask_setstat(const struct oe_ask *a, const char *path,
    const struct oe_sftp_attrs *attrs, bool follow, struct oe_err *err);
int oe_ask_statvfs(const struct oe_ask *a, const char *path,
    struct oe_sftp_vfs *ret, struct oe_err *err);
/**
 * oe_ask_copy() - @from to @to by the server itself (copy-data).
 * Return: also OE_EINVAL: not a regular file, or both are the same.
 */
int oe_ask_copy(const struct oe_ask *a, const char *from, const char *to,
    struct oe_err *err);
/**
 * oe_ask_list() - the names in a directory with their attributes, in its
 * order; names that oe_sftp_name_ok() refuses are left out.
 * Return: also OE_ETOOBIG.
 */
int oe_ask_list(const struct oe_ask *a, const char *dir,
    struct oe_ask_list *ret, struct oe_err *err);
void oe_ask_list_add(struct oe_ask_list *l, const char *name,
    const char *longname, const struct oe_sftp_attrs *attrs);
void oe_ask_list_done(struct oe_ask_list *l);
/** oe_ask_users() - their names into @ret, in order (fs.h, users()). */
int oe_ask_users(const struct oe_ask *a, const struct oe_ask_ids *ids,
    struct oe_strs *ret, struct oe_err *err);
