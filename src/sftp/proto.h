/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/proto.h - SFTP version 3 on the wire: numbers, bounds, attributes.
 *
 * Source: draft-ietf-secsh-filexfer-02; OpenSSH's PROTOCOL, section 4, for
 * the @openssh.com extensions; doc/protocol/sftp.md for our own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;

#define OE_SFTP_VERSION 3

/* Longest packet, without its length field, that either side takes. */
#define OE_SFTP_PACKET_MAX (256 * 1024)
/* Longest READ or WRITE: what is left of it, as OpenSSH counts. */
#define OE_SFTP_DATA_MAX (OE_SFTP_PACKET_MAX - 1024)
/* What any server takes, told or not (draft section 3: 34000 a packet). */
#define OE_SFTP_DATA_SAFE 32768
/* Longest path, longest handle (draft section 6.2), longest text. */
#define OE_SFTP_PATH_MAX   4096
#define OE_SFTP_HANDLE_MAX 256
#define OE_SFTP_TEXT_MAX   1024
/* Extended pairs of one ATTRS, extensions of one VERSION. */
#define OE_SFTP_PAIRS_MAX 64

enum oe_sftp_type {
	OE_FXP_INIT = 1,
	OE_FXP_VERSION = 2,
	OE_FXP_OPEN = 3,
	OE_FXP_CLOSE = 4,
	OE_FXP_READ = 5,
	OE_FXP_WRITE = 6,
	OE_FXP_LSTAT = 7,
	OE_FXP_FSTAT = 8,
	OE_FXP_SETSTAT = 9,
	OE_FXP_FSETSTAT = 10,
	OE_FXP_OPENDIR = 11,
	OE_FXP_READDIR = 12,
	OE_FXP_REMOVE = 13,
	OE_FXP_MKDIR = 14,
	OE_FXP_RMDIR = 15,
	OE_FXP_REALPATH = 16,
	OE_FXP_STAT = 17,
	OE_FXP_RENAME = 18,
	OE_FXP_READLINK = 19,
	OE_FXP_SYMLINK = 20,
	OE_FXP_STATUS = 101,
	OE_FXP_HANDLE = 102,
	OE_FXP_DATA = 103,
	OE_FXP_NAME = 104,
	OE_FXP_ATTRS = 105,
	OE_FXP_EXTENDED = 200,
	OE_FXP_EXTENDED_REPLY = 201,
};

enum oe_sftp_fx {
	OE_FX_OK = 0,
	OE_FX_EOF = 1,
	OE_FX_NO_SUCH_FILE = 2,
	OE_FX_PERMISSION_DENIED = 3,
	OE_FX_FAILURE = 4,
	OE_FX_BAD_MESSAGE = 5,
	OE_FX_NO_CONNECTION = 6,
	OE_FX_CONNECTION_LOST = 7,
	OE_FX_OP_UNSUPPORTED = 8,
};

/* pflags of OPEN */
#define OE_FXF_READ   0x01u
#define OE_FXF_WRITE  0x02u
#define OE_FXF_APPEND 0x04u
#define OE_FXF_CREAT  0x08u
#define OE_FXF_TRUNC  0x10u
#define OE_FXF_EXCL   0x20u

/* flags of ATTRS */
#define OE_ATTR_SIZE        0x00000001u
#define OE_ATTR_UIDGID      0x00000002u
#define OE_ATTR_PERMISSIONS 0x00000004u
#define OE_ATTR_ACMODTIME   0x00000008u
#define OE_ATTR_EXTENDED    0x80000000u

/* Attributes of a file; @flags tells which are there. */
struct oe_sftp_attrs {
	uint32_t flags;
	uint64_t size;
	uint32_t uid, gid;
	uint32_t mode;         /* type and permissions as in st_mode */
	uint32_t atime, mtime; /* seconds since 1970 */
};

/* statvfs@openssh.com: its eleven numbers, in wire order. */
struct oe_sftp_vfs {
	uint64_t bsize, frsize, blocks, bfree, bavail;
	uint64_t files, ffree, favail, fsid, flag, namemax;
};
/* flag of oe_sftp_vfs */
#define OE_VFS_RDONLY 0x1u
#define OE_VFS_NOSUID 0x2u

/* limits@openssh.com; 0 says unlimited, or not told. */
struct oe_sftp_limits {
	uint64_t packet, read, write, handles;
};

/* Our own extensions; doc/protocol/sftp.md has their packets. */
#define OE_SFTP_EXT_GET     "get-file@omniedge.io"
#define OE_SFTP_EXT_PUT     "put-file@omniedge.io"
#define OE_SFTP_EXT_EXTENTS "extents@omniedge.io"
/* Largest file that get-file and put-file carry. */
#define OE_SFTP_WHOLE_MAX (128 * 1024)

/* flags of get-file */
#define OE_GET_NOFOLLOW 0x1u /* a symbolic link is refused */

/* flags of put-file */
#define OE_PUT_REPLACE 0x1u /* an existing file may be replaced */
#define OE_PUT_SYNC    0x2u /* on disk before the reply */
#define OE_PUT_TIMES   0x4u /* set the times of the attributes */
#define OE_PUT_MODE    0x8u /* permissions exactly, whatever the umask */

/** oe_sftp_put_attrs() - append ATTRS. 0 or OE_ETOOBIG. */
int oe_sftp_put_attrs(struct oe_buf *b, const struct oe_sftp_attrs *a);
/**
 * oe_sftp_get_attrs() - parse ATTRS; extended pairs are skipped.
 * Return: 0, OE_ESHORT, OE_ETOOBIG (more than OE_SFTP_PAIRS_MAX pairs).
 */
int
oe_sftp_get_attrs(struct oe_buf *b, struct oe_sftp_attrs *ret) OE_MUST_CHECK;
/** oe_sftp_put_vfs(), oe_sftp_get_vfs() - 0, OE_ETOOBIG or OE_ESHORT. */
int oe_sftp_put_vfs(struct oe_buf *b, const struct oe_sftp_vfs *v);
int oe_sftp_get_vfs(struct oe_buf *b, struct oe_sftp_vfs *ret) OE_MUST_CHECK;
/** oe_sftp_attrs_of() - all attributes of a stat(2). */
void oe_sftp_attrs_of(const struct stat *st, struct oe_sftp_attrs *ret);
/** oe_sftp_fx_of() - the SSH_FX code for an errno. */
enum oe_sftp_fx oe_sftp_fx_of(int sys_errno);
/** oe_sftp_fx_status() - the OE_E status for an SSH_FX code. */
int oe_sftp_fx_status(uint32_t fx);
/** oe_sftp_fx_text() - "No such file", for people; never NULL. */
const char *oe_sftp_fx_text(uint32_t fx);
