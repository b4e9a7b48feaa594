/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/dialopts.h - settings of ssh_config as options of libssh.
 */
#pragma once

#include "core/ssh/internal.h"
#include "core/ssh/sshconf.h"

struct oe_err;

/**
 * oe_dialopts_set() - all options of a new client session on socket @fd.
 * Return: 0, OE_ECONF (no usable algorithm in a setting), OE_ELIB.
 */
int oe_dialopts_set(ssh_session session, const struct oe_sshconf *conf, int fd,
    struct oe_err *err);
/**
 * oe_dialopts_rekey() - "1G 30m", "default none" of RekeyLimit.
 * @ret_bytes, @ret_s: 0 leaves it to the library.
 * Return: 0 or OE_ECONF.
 */
int oe_dialopts_rekey(const struct oe_strs *words, uint64_t *ret_bytes,
    uint32_t *ret_s, struct oe_err *err);
