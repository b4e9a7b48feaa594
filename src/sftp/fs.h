/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/fs.h - a file system at one end of a transfer, local or remote.
 *
 * Every request is an oe_sftp_op that the caller embeds in state of its own
 * and that must stay until done() was called, which happens exactly once.  A
 * local file system, and a remote one that has failed, call done() before the
 * request returns: callers must not recurse on that without a bound (look at
 * op->finished after issuing instead).  Paths are bytes without NUL; names
 * that come from a remote side were not checked by this layer, except that
 * they hold no NUL and keep the bounds of proto.h.
 *
 * Requests on one remote file system are sent in the order of the calls and
 * the server handles them in that order; answers may come in any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "sftp/proto.h"

struct oe_loop;
struct oe_sftp_fs;
struct oe_sftp_file; /* an open file or directory; opaque */

/* What a file system can do beyond SFTP version 3. */
#define OE_FS_RENAME_OVER 0x0001u /* rename() replaces (posix-rename) */
#define OE_FS_FSYNC       0x0002u
#define OE_FS_STATVFS     0x0004u
#define OE_FS_HARDLINK    0x0008u
#define OE_FS_LSETSTAT    0x0010u
#define OE_FS_COPY_DATA   0x0020u
#define OE_FS_EXPAND      0x0040u /* expand() knows ~user */
#define OE_FS_HASH        0x0080u /* check-file */
#define OE_FS_WHOLE       0x0100u /* get_file(), put_file() in one request */
#define OE_FS_EXTENTS     0x0200u /* extents(): holes are known */
#define OE_FS_USERS       0x0400u /* users-groups-by-id */
#define OE_FS_LOCAL       0x1000u /* this machine: requests end at once */

/*
 * pflags of open() that never go over the wire: a symbolic link at the end of
 * @path is refused.  Local only; a remote file system leaves it out.
 */
#define OE_FXF_NOFOLLOW 0x80000000u

/* Room for words about a failure, the ending NUL included. */
#define OE_SFTP_MESSAGE_MAX 160

/* One name of a directory, valid during the call only. */
struct oe_sftp_entry {
	const char *name;
	const char *longname; /* as "ls -l" prints; "" when not known */
	struct oe_sftp_attrs attrs;
};

struct oe_sftp_extent {
	uint64_t offset, length;
};

/* Enough before the data of a WRITE for all that goes before it. */
#define OE_SFTP_HEADROOM 1024

struct oe_sftp_op {
	/* --- set by the caller; the rest must be zero --- */
	void (*done)(struct oe_sftp_op *op);
	void *arg;
	/*
	 * READ, get_file(): bytes of the file as they arrive, in order within
	 * this request.  @p is valid during the call only.
	 */
	void (*data)(
	    struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n);
	/*
	 * So many bytes before the data may be overwritten: told to WRITE, so
	 * that the request's own fields are sent with the data, and told by a
	 * READ during data().
	 */
	size_t headroom;
	/* READDIR, USERS: one call for each name. */
	void (*entry)(struct oe_sftp_op *op, const struct oe_sftp_entry *e);
	/* EXTENTS */
	void (*extent)(struct oe_sftp_op *op, const struct oe_sftp_extent *x);

	/* --- results, set before done() --- */
	bool finished;
	/*
	 * 0; OE_ESHORT at the end of a file or directory; OE_ENOENT, OE_EPERM,
	 * OE_EEXIST; OE_EINVAL (not supported); OE_ESYS (other failure);
	 * OE_ECLOSED (the connection is gone); OE_EPROTO; OE_ETOOBIG
	 * (get_file(): larger than asked for); OE_ETIMEOUT.
	 */
	int status;
	uint32_t fx; /* SSH_FX code of a failure */
	/* words about a failure, safe for a terminal; "" when there are none */
	char message[OE_SFTP_MESSAGE_MAX];
	size_t n;                   /* READ: bytes delivered through data() */
	struct oe_sftp_file *file;  /* OPEN, OPENDIR: the caller's */
	struct oe_sftp_attrs attrs; /* STAT..., get_file() */
	struct oe_sftp_vfs vfs;     /* STATVFS */
	const char *text;    /* READLINK, REALPATH, EXPAND: valid in done() */
	const uint8_t *hash; /* HASH: digests joined; valid in done() */
	size_t hash_len;
	bool last; /* EXTENTS: no data after the last extent */

	/* --- the file system's own --- */
	struct oe_sftp_op *next;
	struct oe_sftp_fs *waits_in; /* a local put_file(): see its flush */
	uint64_t offset;
	uint64_t sent_us; /* monotonic time of sending; 0: not measured */
	void *own;        /* memory that goes with it */
	uint32_t id, asked;
	uint8_t kind;
};

struct oe_sftp_fs_ops {
	/* @pflags OE_FXF_; @a: permissions of a new file, or NULL. */
	void (*open)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *path, uint32_t pflags, const struct oe_sftp_attrs *a);
	/* Ends @file whatever the result. */
	void (*close)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file);
	/* At most @len bytes; fewer, or OE_ESHORT with none, at the end. */
	void (*read)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file, uint64_t offset, size_t len);
	/*
	 * All @n bytes, at most limits.write.  The bytes are taken before the
	 * call returns.
	 */
	void (*write)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file, uint64_t offset, const void *p,
	    size_t n);
	void (*stat)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *path, bool follow);
	void (*fstat)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file);
	void (*setstat)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *path, const struct oe_sftp_attrs *a, bool follow);
	void (*fsetstat)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file, const struct oe_sftp_attrs *a);
	void (*fsync)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file);
	void (*opendir)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	/* Some entries ("." and ".." left out); OE_ESHORT when there are no
	 * more. */
	void (*readdir)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *dir);
	void (*mkdir)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *path, uint32_t mode);
	void (*rmdir)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	void (*remove)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	/*
	 * @over: replace what is at @to, in one step where the file system
	 * has OE_FS_RENAME_OVER (OE_EINVAL where it has not); else @to must
	 * not exist.
	 */
	void (*rename)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *from, const char *to, bool over);
	/* @path becomes a link that holds @target. */
	void (*symlink)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *target, const char *path);
	void (*hardlink)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *from, const char *to);
	void (*readlink)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	void (*realpath)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	/* "~/x" and "~user/x" as an absolute path. */
	void (*expand)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	void (*statvfs)(
	    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path);
	/*
	 * @algorithm "sha256"; of @length bytes from @offset (0: to the end),
	 * one digest for each @block bytes (0: one in all).  At most
	 * OE_SFTP_HASHES_MAX digests.
	 */
	void (*hash)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file, const char *algorithm, uint64_t offset,
	    uint64_t length, uint32_t block);
	/* Data extents from @offset on, in order; op->last when all. */
	void (*extents)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *file, uint64_t offset);
	/* copy-data: @length 0 means to the end. */
	void (*copy)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    struct oe_sftp_file *from, uint64_t from_offset, uint64_t length,
	    struct oe_sftp_file *to, uint64_t to_offset);
	/*
	 * A whole regular file of at most @max bytes (never more than
	 * OE_SFTP_WHOLE_MAX): attributes, then data().  OE_ETOOBIG when it is
	 * larger (attributes only).  A symbolic link is followed when @follow.
	 */
	void (*get_file)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *path, size_t max, bool follow);
	/*
	 * A whole file that appears at @path at once, or not at all.  @flags
	 * OE_PUT_.  OE_EEXIST without OE_PUT_REPLACE when it is there.  The
	 * bytes are taken before the call returns.  Of @a only permissions and
	 * times count.  Local with OE_PUT_SYNC: see oe_sftp_local_flush().
	 */
	void (*put_file)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const char *path, uint32_t flags, const struct oe_sftp_attrs *a,
	    const void *p, size_t n);
	/*
	 * Names of numeric ids through entry(), one call for each in the order
	 * given, users first: attrs.uid or attrs.gid is the id and the other
	 * UINT32_MAX; the name is "" when there is none.  At most
	 * OE_SFTP_IDS_MAX ids in all.
	 */
	void (*users)(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
	    const uint32_t *uids, size_t n_uids, const uint32_t *gids,
	    size_t n_gids);
	/* Requests still out end with OE_ECLOSED. */
	void (*free)(struct oe_sftp_fs *fs);
};

/* Ids of one USERS request. */
#define OE_SFTP_IDS_MAX 256
/* Digests of one HASH request. */
#define OE_SFTP_HASHES_MAX 1024

struct oe_sftp_fs {
	const struct oe_sftp_fs_ops *ops;
	unsigned features;            /* OE_FS_ */
	struct oe_sftp_limits limits; /* read, write: never 0 here */
	/*
	 * Bytes of WRITE data that may be handed over now; when 0, wait for
	 * writable().  UINT64_MAX: no bound (local).
	 */
	uint64_t (*room)(struct oe_sftp_fs *fs);
	/* Called when room() grew from 0, or NULL; set by the owner. */
	void (*writable)(void *arg);
	void *writable_arg;
	/* Smoothed time of a round trip, 0 before one was seen. */
	uint64_t rtt_us;
	unsigned outstanding; /* requests without an answer */
	bool failed;          /* everything ends with OE_ECLOSED from now on */
	char host[256];       /* for messages: "robot7"; "" for local */
};

/** oe_sftp_local_new() - the files of this machine; oe_sftp_fs_free() it. */
struct oe_sftp_fs *oe_sftp_local_new(void);
/**
 * oe_sftp_local_flush() - put what put_file() with OE_PUT_SYNC holds back to
 * the disk and in place, and call done() for each.
 *
 * Such a put_file() of a local file system may not end at once: up to
 * OE_LOCAL_HELD_MAX files or OE_LOCAL_HELD_BYTES are written under their
 * temporary names, and one wait for the disk serves them all.  It ends when
 * either bound is reached, when a request names a file among them or changes
 * what is under a name, or here: call it when nothing else is left to issue.
 * @fs: any; one that is not local is left alone.
 */
void oe_sftp_local_flush(struct oe_sftp_fs *fs);
#define OE_LOCAL_HELD_MAX   64
#define OE_LOCAL_HELD_BYTES (8u * 1024 * 1024)
/** oe_sftp_fs_free() - end it; empties the pointer. */
void oe_sftp_fs_free(struct oe_sftp_fs **fs);

/**
 * oe_sftp_op_error() - the failure of @op as an error: "PATH: words", @path
 * escaped; the words are the server's where a code says nothing.
 * Return: op->status.
 */
int oe_sftp_op_error(
    const struct oe_sftp_op *op, const char *path, struct oe_err *err);

/**
 * oe_sftp_wait() - run @loop until @op is finished; op->done may be NULL when
 * only this is used (set it to oe_sftp_op_noop).
 * @stop: ends the wait early when it becomes true (Ctrl-C), or NULL.
 * An op that a local file system holds back is flushed.
 * Return: op->status, or OE_ECANCEL (the op is still out then: its memory
 * must stay until it is finished or the file system is freed).
 */
int oe_sftp_wait(
    struct oe_loop *loop, struct oe_sftp_op *op, const volatile int *stop);
/** oe_sftp_op_noop() - a done() that does nothing. */
void oe_sftp_op_noop(struct oe_sftp_op *op);
