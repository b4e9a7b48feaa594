/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/login_internal.h - what the ways of logging in share.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;
struct oe_jval;
struct oe_mesh_answer;
struct oe_mesh_api;
struct oe_mesh_tokens;

/**
 * oe_mesh_login__ask() - POST @body, taken over, for tokens.
 * @ret_answer: oe_mesh_answer_done() it, whatever comes back.
 */
int oe_mesh_login__ask(struct oe_mesh_api *a, const char *path,
    struct oe_jval *body, struct oe_mesh_tokens *ret,
    struct oe_mesh_answer *ret_answer, struct oe_err *err) OE_MUST_CHECK;
