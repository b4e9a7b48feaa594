/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/scp_target.h - what a user of scp types to name a file, and where a
 * source goes.
 *
 * Source: scp(1) of OpenSSH 9.2.
 */
#pragma once

#include <stdbool.h>

#include "core/net/hoststr.h"

struct oe_err;

struct oe_scp_target {
	bool remote;
	struct oe_hoststr host; /* of a remote one */
	char *path;             /* never NULL; "" of a remote one: its home */
};

/**
 * oe_scp_target_parse() - [user@]host:path, [user@][v6]:path,
 * scp://[user@]host[:port][/path], or a local path.
 *
 * A colon behind the first '/' or at the beginning makes nothing remote.  The
 * path of a URI is percent-decoded and begins behind the '/': one more makes
 * it absolute.
 * @ret: oe_scp_target_done() it; untouched on failure.
 * Return: 0 or OE_EUSAGE with a message.
 */
int oe_scp_target_parse(
    const char *text, struct oe_scp_target *ret, struct oe_err *err);
void oe_scp_target_done(struct oe_scp_target *t);

/**
 * oe_scp_home() - a remote path as its server takes it: "", "~" and "~/x"
 * are below the directory that the session begins in.
 * Return: free() it; NULL when the server has to expand it ("~user/x").
 */
char *oe_scp_home(const char *path);

/* What is known of the place that sources go to. */
struct oe_scp_place {
	const char *path;
	bool exists, is_dir;
	bool remote;
};

enum oe_scp_where {
	OE_SCP_EXACTLY,  /* the source becomes the target */
	OE_SCP_INTO,     /* it goes into it, by its name */
	OE_SCP_MAKE_DIR, /* make the target a directory, then as INTO */
};

/**
 * oe_scp_where() - scp's rule of "exists, so into".
 * @sources: how many were named.
 * @matches: how many files they are once patterns were searched.
 * Return: an enum oe_scp_where, or OE_ENOENT or OE_EINVAL with a message.
 */
int oe_scp_where(const struct oe_scp_place *to, size_t sources, size_t matches,
    struct oe_err *err);
