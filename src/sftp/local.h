/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/local.h - the parts of the local file system, to each other only;
 * everybody else uses fs.h.
 */
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "sftp/fs.h"

struct oe_sftp_file {
	int fd;
	DIR *dir;     /* of opendir(), which owns fd then; else NULL */
	bool regular; /* else positions mean nothing */
};

/* A file of put_file() that waits for others: under its temporary name. */
struct oe_sftp__held {
	struct oe_sftp_op *op;
	char *name, *tmp; /* in the directory dir */
	int fd, dir;      /* dir: an index of dirs */
	uint32_t flags;
};

struct oe_sftp__local {
	struct oe_sftp_fs fs;
	uint8_t *buf; /* HEADROOM, LOCAL_BUF; once something was read */

	struct oe_sftp__held held[OE_LOCAL_HELD_MAX];
	size_t n_held, held_bytes;
	/* directories of what is held, the last one used last */
	struct oe_sftp__held_dir {
		int fd;
		char *path;
	} dirs[OE_LOCAL_HELD_MAX];
	size_t n_dirs;
	/* ended, done() not called yet */
	struct oe_sftp_op *ended, **ended_last;
	bool telling;
};

#define LOCAL_BUF OE_SFTP_PACKET_MAX

/** oe_sftp__local() - @fs as what it is. */
struct oe_sftp__local *oe_sftp__local(struct oe_sftp_fs *fs);
/** oe_sftp__local_buf() - its LOCAL_BUF bytes. */
uint8_t *oe_sftp__local_buf(struct oe_sftp_fs *fs);
/** oe_sftp__local_settle() - flush when a file of @path's name is held. */
void oe_sftp__local_settle(struct oe_sftp_fs *fs, const char *path);
/** oe_sftp__local_drop() - remove what is held; its ops end, OE_ECLOSED. */
void oe_sftp__local_drop(struct oe_sftp_fs *fs);

/** oe_sftp__local_errno() - status, code and words of an errno into @op. */
void oe_sftp__local_errno(struct oe_sftp_op *op, int e);
/** oe_sftp__local_fail() - the same for words of our own. */
void oe_sftp__local_fail(struct oe_sftp_op *op, int status, const char *words);
/** oe_sftp__local_end() - set finished, call done(). */
void oe_sftp__local_end(struct oe_sftp_op *op);
/** oe_sftp__local_sys() - end with errno when @r is negative. */
void oe_sftp__local_sys(struct oe_sftp_op *op, int r);
/** oe_sftp__local_rename_new() - renameat() that never replaces. */
int oe_sftp__local_rename_new(
    int from_dir, const char *from, int to_dir, const char *to);
/**
 * oe_sftp__local_open_regular() - open for reading, never waiting; @st is
 * filled.  -1 with @op's status set otherwise.
 */
int oe_sftp__local_open_regular(
    struct oe_sftp_op *op, const char *path, int flags, struct stat *st);
/** oe_sftp__local_pread() - @n bytes or up to the end; -1 with errno. */
ssize_t oe_sftp__local_pread(int fd, void *p, size_t n, uint64_t offset);

/* fs.h's requests, by the file they are in. */

/* local_file.c */
void oe_sftp__local_open(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *path, uint32_t pflags, const struct oe_sftp_attrs *a);
void oe_sftp__local_close(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file);
void oe_sftp__local_read(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, size_t len);
void oe_sftp__local_write(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, const void *p, size_t n);
void oe_sftp__local_fstat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file);
void oe_sftp__local_fsync(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file);
void oe_sftp__local_opendir(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
void oe_sftp__local_readdir(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *dir);

/* local_data.c */
void oe_sftp__local_hash(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const char *algorithm, uint64_t offset,
    uint64_t length, uint32_t block);
void oe_sftp__local_extents(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset);
void oe_sftp__local_copy(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *from, uint64_t from_offset, uint64_t length,
    struct oe_sftp_file *to, uint64_t to_offset);

/* local_whole.c */
void oe_sftp__local_get_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *path, size_t max, bool follow);
void oe_sftp__local_put_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const char *path, uint32_t flags, const struct oe_sftp_attrs *a,
    const void *p, size_t n);

/* local_name.c */
void oe_sftp__local_realpath(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
void oe_sftp__local_expand(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
void oe_sftp__local_readlink(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
void oe_sftp__local_users(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const uint32_t *uids, size_t n_uids, const uint32_t *gids, size_t n_gids);
