/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/longname.h - attributes as a line of "ls -l".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sftp/proto.h"

/* Room for a line besides its name. */
#define OE_LONGNAME_ROOM 192

struct oe_longname {
	const struct oe_sftp_attrs *attrs; /* what is missing is shown as '?' */
	uint64_t links;                    /* 0: not known */
	const char *user, *group;          /* NULL: the ids as numbers */
	const char *size; /* NULL: in bytes; else what to show ("1.2M") */
	int64_t now_s;    /* older than half a year: the year, not the time */
};

/**
 * oe_sftp_longname() - "-rw-r--r--    1 root     root         1024 Jan  2
 * 03:04 NAME" in local time.
 * @name: as it is; the caller escapes.
 */
void oe_sftp_longname(
    const struct oe_longname *l, const char *name, char *ret, size_t size);
/** oe_sftp_longname_mode() - "drwxr-xr-x" and NUL. */
void oe_sftp_longname_mode(uint32_t mode, char ret[11]);
