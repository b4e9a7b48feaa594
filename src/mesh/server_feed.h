/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/server_feed.h - a policy in a file, and the moment that it changes.
 *
 * The folder is watched (inotify(7)), so that a file that is replaced by
 * rename is seen as well as one that is written in place and closed.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;
struct oe_srv_feed;

/** oe_mesh__feed_new() - of @path; the file is not read yet. */
struct oe_srv_feed *oe_mesh__feed_new(const char *path);
void oe_mesh__feed_close(struct oe_srv_feed **f);
/** oe_mesh__feed_watch() - as struct oe_srv_source.watch has it. */
int oe_mesh__feed_watch(struct oe_srv_feed *f, struct oe_err *err);
/** oe_mesh__feed_take() - as struct oe_srv_source.take has it. */
int oe_mesh__feed_take(
    struct oe_srv_feed *f, struct oe_buf *ret, struct oe_err *err);
