/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/userkey.h - a key pair that this machine makes for its user.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

/**
 * oe_ssh_userkey_have() - the ed25519 key at @path, made when absent.
 * @path: private key as OpenSSH writes it, 0600, without passphrase; its
 *        public half is written as PATH.pub when that is absent.  A key that
 *        exists is never replaced.
 * @ret: "ssh-ed25519 AAAA..." without a comment; free() it.
 * Return: 0, OE_ECONF (a file that others may read, or that is no key),
 * OE_ESYS.
 */
int oe_ssh_userkey_have(const char *path, const char *comment, char **ret,
    struct oe_err *err) OE_MUST_CHECK;
