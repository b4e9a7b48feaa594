/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/server_internal.h - what the files of the SFTP server share.
 *
 * Inside the server, functions that touch files say 0 (or a descriptor) or
 * -1 with errno, as the system does, because errno is what becomes the
 * answer.  A request's handler returns an SSH_FX code that is sent as a
 * STATUS, or OE_SFTP__ANSWERED.
 */
#pragma once

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "sftp/proto.h"
#include "sftp/server.h"
#include "sftp/server_audit.h"

#define OE_SFTP__ANSWERED (-1)

/* Bytes that wait to be written before anything else is done. */
#define OE_SFTP__OUT_HIGH (256 * 1024)
/* Longest answer, its length included. */
#define OE_SFTP__REPLY_MAX (OE_SFTP_PACKET_MAX + 4)
/* Memory for copies and hashes. */
#define OE_SFTP__SCRATCH (256 * 1024)

/* --- paths: server_path.c --- */

struct oe_sftp__root {
	int fd;     /* O_PATH */
	char *path; /* absolute, without links and trailing slash */
	size_t len; /* of path; 0 for "/" */
};

struct oe_sftp__roots {
	struct oe_sftp__root *v;
	size_t n;
	char *cwd; /* where relative paths begin, when there are roots */
};

/* A directory and a name in it, for calls that end in "at". */
struct oe_sftp__place {
	int dirfd; /* AT_FDCWD, or O_PATH */
	bool owned;
	const char *name; /* into the caller's path, or into text */
	char text[OE_SFTP_PATH_MAX + 1];
};

int oe_sftp__roots_open(
    struct oe_sftp__roots *r, const struct oe_strs *paths, struct oe_err *err);
void oe_sftp__roots_done(struct oe_sftp__roots *r);
/**
 * oe_sftp__lexical() - @path, beginning at @dir when relative, without ".",
 * ".." and repeated slashes.  Links are not looked at.
 * @ret: OE_SFTP_PATH_MAX + 1 bytes; absolute.
 * Return: 0 or -1 (ENAMETOOLONG).
 */
int oe_sftp__lexical(const char *dir, const char *path, char *ret);
/** oe_sftp__roots_allow() - is the lexical path @abs in one of the roots? */
bool oe_sftp__roots_allow(const struct oe_sftp__roots *r, const char *abs);
/**
 * oe_sftp__roots_link() - may a link at @path hold @target?  Not when its
 * words lead out of the roots.
 */
bool oe_sftp__roots_link(
    const struct oe_sftp__roots *r, const char *path, const char *target);
/** oe_sftp__open() - open(2) for a peer's path: beneath the roots. */
int oe_sftp__open(
    const struct oe_sftp__roots *r, const char *path, int flags, mode_t mode);
/**
 * oe_sftp__place() - the directory of @path, which is opened beneath its
 * root, and the last name.  oe_sftp__place_done() it when 0 was returned.
 */
int oe_sftp__place(const struct oe_sftp__roots *r, const char *path,
    struct oe_sftp__place *ret);
void oe_sftp__place_done(struct oe_sftp__place *p);
/**
 * oe_sftp__realpath() - @path as an absolute path; its last name need not
 * exist.  With roots: by its words, in one of them.
 * @ret: OE_SFTP_PATH_MAX + 1 bytes.
 */
int
oe_sftp__realpath(const struct oe_sftp__roots *r, const char *path, char *ret);

/* --- handles: server_handle.c --- */

struct oe_sftp__handle {
	int fd;   /* -1: the slot is free */
	DIR *dir; /* owns fd; NULL: a file */
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
	uint32_t pflags;    /* OE_FXF_ */
	uint64_t bytes_read, bytes_written;
	char *path;
};

struct oe_sftp__handles {
	struct oe_sftp__handle *v;
	uint32_t n;    /* slots there are */
	uint32_t max;  /* slots there may be */
	uint32_t free; /* index + 1 of the first free slot */
};

/* Bytes of a handle on the wire: u32 slot, u32 generation. */
#define OE_SFTP__HANDLE_LEN 8

/**
 * oe_sftp__handle_new() - a slot for @fd (or @dir, and its descriptor),
 * which it takes.
 * @ret: what the peer gets.
 * Return: 0, or -1 (EMFILE) and nothing was taken.
 */
int oe_sftp__handle_new(struct oe_sftp__handles *t,
    const struct oe_sftp__handle *h, uint8_t ret[OE_SFTP__HANDLE_LEN]);
/** oe_sftp__handle_get() - by the peer's bytes; NULL when not one of ours. */
struct oe_sftp__handle *
oe_sftp__handle_get(struct oe_sftp__handles *t, const struct oe_buf *wire);
/** oe_sftp__handle_close() - 0, or -1 with what close(2) said. */
int
oe_sftp__handle_close(struct oe_sftp__handles *t, struct oe_sftp__handle *h);
void oe_sftp__handles_done(struct oe_sftp__handles *t);

/* --- names of users and groups: server_name.c --- */

#define OE_SFTP__NAMES    64
#define OE_SFTP__NAME_MAX 64 /* longer names are told as numbers */

struct oe_sftp__names {
	struct {
		uint32_t id;
		bool used, known;
		char name[OE_SFTP__NAME_MAX];
	} v[2][OE_SFTP__NAMES]; /* users, groups */
};

/** oe_sftp__name() - of a user or group; NULL when it has none. */
const char *oe_sftp__name(struct oe_sftp__names *t, bool is_group, uint32_t id);
/** oe_sftp__longname() - one line of "ls -l"; its length. */
size_t oe_sftp__longname(struct oe_sftp__names *t, const char *name,
    const struct stat *st, const struct oe_sftp_attrs *a, char *ret,
    size_t size);

/* --- small files: server_put.c --- */

#define OE_SFTP__PUTS_MAX   128
#define OE_SFTP__PUTS_BYTES (8 * 1024 * 1024)
#define OE_SFTP__PUTS_DIRS  16
/* As many on one file system, and it is told to write everything. */
#define OE_SFTP__PUTS_TOGETHER 4

struct oe_sftp__put {
	uint32_t id, flags;
	int fd;       /* -1: closed, nothing waits for the disk */
	unsigned dir; /* index into dirs */
	int sys_errno;
	dev_t dev;
	size_t size;
	char *path; /* of the peer; the last name begins at name */
	const char *name;
	char temporary[40];
};

/* Files that are written, but not yet on the disk and at their place. */
struct oe_sftp__puts {
	struct oe_sftp__put *v; /* OE_SFTP__PUTS_MAX, or NULL */
	unsigned n;
	uint64_t bytes;
	struct {
		int fd;
		char *path;
	} dirs[OE_SFTP__PUTS_DIRS];
	unsigned n_dirs;
	uint32_t random[2], count; /* of temporary names */
	bool guarded;              /* signals wait; before holds the mask */
	sigset_t before;
};

int oe_sftp__put_file(struct oe_sftp_server *s, struct oe_buf *req);
/** oe_sftp__puts_flush() - bring them to their places and answer. */
void oe_sftp__puts_flush(struct oe_sftp_server *s);
/** oe_sftp__puts_done() - give up what was not answered. */
void oe_sftp__puts_done(struct oe_sftp_server *s);

/* --- the session --- */

struct oe_sftp_server {
	struct oe_sftp_server_rules rules;
	uint64_t refused; /* bits: requests, by their place in the table */
	bool begun;       /* INIT was seen */
	int in, peer;     /* descriptors while it runs, else -1 */
	int spare[2];     /* for server_splice.c, or -1 */
	bool broken;      /* an answer could not be written wholly */
	uint8_t *input;
	size_t in_off, in_len;
	struct oe_buf out;
	uint32_t id;     /* of the request in hand */
	const char *why; /* words for its STATUS, or NULL */
	struct oe_sftp__roots roots;
	struct oe_sftp__handles handles;
	struct oe_sftp__names names;
	struct oe_sftp__puts puts;
	uint8_t *scratch; /* OE_SFTP__SCRATCH bytes, mapped on first use */
	char path[2][OE_SFTP_PATH_MAX + 1];
	char text[OE_SFTP_PATH_MAX + 1];
};

/* One kind of request. */
struct oe_sftp__request {
	const char *name; /* for -p, -P, -Q */
	uint8_t type;
	const char *extension, *version; /* as announced; NULL: none */
	unsigned flags;                  /* OE_SFTP__WRITES, ... */
	int (*handle)(struct oe_sftp_server *s, struct oe_buf *req);
};

#define OE_SFTP__WRITES 0x1u /* changes files: not when read-only */
#define OE_SFTP__TELLS  0x2u /* tells content or names: not when write-only */
#define OE_SFTP__HIDDEN 0x4u /* another name of an extension: not announced */

extern const struct oe_sftp__request oe_sftp__requests[];

/* --- answers: server_reply.c --- */

/**
 * oe_sftp__reply() - begin an answer to the request in hand.
 * There is room for OE_SFTP__REPLY_MAX bytes, which do not move until
 * oe_sftp__reply_end().
 * Return: what _end() wants.
 */
size_t oe_sftp__reply(struct oe_sftp_server *s, enum oe_sftp_type type);
int oe_sftp__reply_end(struct oe_sftp_server *s, size_t start);
/** oe_sftp__reply_drop() - as if it had not begun. */
void oe_sftp__reply_drop(struct oe_sftp_server *s, size_t start);
void oe_sftp__status(
    struct oe_sftp_server *s, uint32_t id, uint32_t fx, const char *why);
/** oe_sftp__reply_name() - NAME with one name and no attributes. */
int oe_sftp__reply_name(struct oe_sftp_server *s, const char *name);
int oe_sftp__reply_attrs(struct oe_sftp_server *s, const struct stat *st);
/** oe_sftp__fail() - the code for errno; its words go with it. */
int oe_sftp__fail(struct oe_sftp_server *s);
/** oe_sftp__tell() - audit an operation; @r 0 or -1 with errno, kept. */
void oe_sftp__tell(struct oe_sftp_server *s, enum oe_sftp_audit_op op,
    const char *path, const char *to, uint64_t bytes, int r);
/** oe_sftp__told() - all that was audited is out when this returns. */
void oe_sftp__told(const struct oe_sftp_server *s);
/** oe_sftp__result() - audit, and the code for @r (0 or -1 with errno). */
int oe_sftp__result(struct oe_sftp_server *s, enum oe_sftp_audit_op op,
    const char *path, const char *to, int r);

/* --- parts of requests --- */

/**
 * oe_sftp__get_path() - a path into s->path[@which]; an empty one is ".".
 * Return: the path, or NULL: malformed, answer with BAD_MESSAGE.
 */
const char *
oe_sftp__get_path(struct oe_sftp_server *s, struct oe_buf *req, int which);
/**
 * oe_sftp__get_handle() - an open handle.
 * @ret: NULL when it is not one of ours (answer with NO_SUCH_FILE).
 * Return: 0 or OE_ESHORT (BAD_MESSAGE).
 */
int oe_sftp__get_handle(struct oe_sftp_server *s, struct oe_buf *req,
    struct oe_sftp__handle **ret) OE_MUST_CHECK;
/** oe_sftp__scratch() - OE_SFTP__SCRATCH bytes for the request in hand. */
uint8_t *oe_sftp__scratch(struct oe_sftp_server *s);
/**
 * oe_sftp__peer_gone() - nobody will read the answer: a long request should
 * end.
 */
bool oe_sftp__peer_gone(const struct oe_sftp_server *s);

/** oe_sftp__drain() - write what the peer takes; 0, OE_ECLOSED, OE_ESYS. */
int oe_sftp__drain(struct oe_sftp_server *s, struct oe_err *err);

/* --- pages instead of copies: server_splice.c --- */

/* Shorter reads are cheaper to copy. */
#define OE_SFTP__SPLICE_MIN (32 * 1024)

/** oe_sftp__splice_begin() - find out whether the answers go into a pipe. */
void oe_sftp__splice_begin(struct oe_sftp_server *s);
void oe_sftp__splice_end(struct oe_sftp_server *s);
/**
 * oe_sftp__splice_read() - answer a READ with a file's pages.
 * Return: bytes; 0: there are none; -1: not possible, nothing was done.
 * When the peer went away meanwhile s->broken is set.
 */
ssize_t oe_sftp__splice_read(
    struct oe_sftp_server *s, int fd, uint64_t offset, uint32_t len);

/* --- handlers --- */

int oe_sftp__do_open(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_close(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_read(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_write(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_stat(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_lstat(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_fstat(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_setstat(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_lsetstat(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_fsetstat(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_fsync(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_opendir(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_readdir(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_mkdir(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_rmdir(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_remove(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_rename(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_posix_rename(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_symlink(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_hardlink(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_readlink(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_realpath(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_expand(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_home(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_users(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_limits(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_statvfs(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_fstatvfs(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_copy(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_hash_handle(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_hash_name(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_extents(struct oe_sftp_server *s, struct oe_buf *req);
int oe_sftp__do_get_file(struct oe_sftp_server *s, struct oe_buf *req);
