/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/sshkeys.h - public keys that callers send.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

/**
 * oe_ctl_key_read() - a plain public key in its one form.
 * @line: "type base64[ comment]".
 * @ret_line: "type base64"; @ret_fingerprint: "SHA256:..."; free() them.
 * Return: 0 or OE_EINVAL.
 */
int oe_ctl_key_read(const char *line, char **ret_line, char **ret_fingerprint,
    struct oe_err *err) OE_MUST_CHECK;
