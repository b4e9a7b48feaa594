/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/login_key.h - what a login sets up where the control API has the SSH
 * part: its signing key is pinned, and a key of this machine registered.
 */
#pragma once

#include <stdbool.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_mesh_account;
struct oe_mesh_api;

/** oe_login_key_path() - of the user's private key; free() it. */
int oe_login_key_path(char **ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_login_pin() - keep the key that the API signs documents with.
 * @a: signing_key is the one of an earlier login, or NULL; it is replaced.
 * @accept: another one than before is accepted.
 * Return: 0; OE_ENOENT (no SSH part: signing_key is NULL then); OE_EPERM (it
 * has changed); or another failure.
 */
int oe_login_pin(struct oe_mesh_api *api, struct oe_mesh_account *a,
    bool accept, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_login_register() - make this machine's user key if there is none, and
 * tell the API its public half, once.
 * Return: 0, OE_ENOENT (the API has no such thing), or another failure.
 */
int
oe_login_register(struct oe_mesh_api *api, struct oe_err *err) OE_MUST_CHECK;
