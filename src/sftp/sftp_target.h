/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/sftp_target.h - where sftp is to go, as typed.
 *
 * Forms: [user@]host[:path], [user@][v6][:path] and
 * sftp://[user@]host[:port][/path] with percent-encoding.  A path is read
 * from the directory of the login on; an absolute one begins with '/', in a
 * URI with a second '/'.
 */
#pragma once

#include "core/base/compiler.h"
#include "core/net/hoststr.h"

struct oe_sftp_target {
	struct oe_hoststr host;
	char *path; /* NULL: none was given */
};

/**
 * oe_sftp_target_parse() - @ret: zeroed; oe_sftp_target_done() it.
 * Return: 0, OE_EINVAL or OE_ETOOBIG with a message.
 */
int oe_sftp_target_parse(const char *text, struct oe_sftp_target *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_sftp_target_done(struct oe_sftp_target *t);
