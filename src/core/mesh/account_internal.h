/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/account_internal.h - token files as JSON, in their three shapes.
 */
#pragma once

#include "core/mesh/account.h"

struct oe_jval;

/**
 * oe_mesh_account__read() - an account out of a token file's object.
 * @ret: path is not set; untouched on failure.
 * Return: 0 or OE_ECONF.
 */
int oe_mesh_account__read(const struct oe_jval *v, struct oe_mesh_account *ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_account__merge() - the file as it is to be.
 * @was: what is in it now, or NULL; its shape is @a's, or it is not used.
 * Return: an object; oe_jval_free() it.
 */
struct oe_jval *oe_mesh_account__merge(
    const struct oe_mesh_account *a, const struct oe_jval *was);

/**
 * oe_mesh_file_check() - is the open file ours to believe?
 * @secret: others may not read it either.
 * Return: 0, OE_EPERM, OE_ESYS.
 */
int oe_mesh_file_check(
    int fd, const char *path, bool secret, struct oe_err *err) OE_MUST_CHECK;
