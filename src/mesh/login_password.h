/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/login_password.h - logging in with a password, and setting another one.
 */
#pragma once

#include <stdbool.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_mesh_api;
struct oe_mesh_tokens;
struct oe_param;
struct oe_values;

/* Entries of a password on the terminal, before it is given up. */
#define OE_LOGIN_TRIES 3

/**
 * oe_login_password() - log in as --email with the password of
 * --password-file, or one that is asked for.
 * @ret_password: the one that was good; oe_mem_free_secret() it.
 * Return: 0, OE_EAUTH (wrong), OE_ECANCEL (none was given, nobody to ask), or
 * as oe_mesh_login_password().
 */
int oe_login_password(const struct oe_values *v, struct oe_mesh_api *api,
    struct oe_mesh_tokens *ret, char **ret_password,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_login_renew() - set another password where the options want it, or the
 * API does before it lets the account do anything else.
 * @password: the one that was good, or NULL when the login was by other means.
 * @must: it is good once only.
 * Return: 0 (also when nothing had to be done), OE_EUSAGE (it must be, and
 * @password is missing), OE_EINVAL (the API does not take the new one),
 * OE_ECANCEL, or as oe_mesh_password_change().
 */
int oe_login_renew(const struct oe_values *v, struct oe_mesh_api *api,
    const char *password, bool must, struct oe_err *err) OE_MUST_CHECK;
