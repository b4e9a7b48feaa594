/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/policy_file.h - a policy in a file, and the moment that it changes.
 *
 * The folder is watched (inotify(7)), so that a file that is replaced by
 * rename is seen as well as one that is written in place and closed.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;
struct oe_mesh__file;

/** oe_mesh__file_new() - of @path; the file is not read yet. */
struct oe_mesh__file *oe_mesh__file_new(const char *path);
void oe_mesh__file_close(struct oe_mesh__file **f);
/** oe_mesh__file_watch() - begin to watch; a descriptor of @f's, or -1. */
int oe_mesh__file_watch(struct oe_mesh__file *f, struct oe_err *err);
/** oe_mesh__file_take() - as struct oe_srv_source.take has it. */
int oe_mesh__file_take(
    struct oe_mesh__file *f, struct oe_buf *ret, struct oe_err *err);
