/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/clientauth.h - logging in: which method, which key, in which
 * order.  No "none" request while there is a key to try; a single key that
 * is at hand signs at once, several are offered first.
 */
#pragma once

#include "core/ssh/dial.h"
#include "core/ssh/internal.h"

struct oe_clientauth;

/**
 * oe_clientauth_new() - begin; what is passed must outlive it.
 * @wary: the host key is wrong and was let through: no password is given.
 */
struct oe_clientauth *oe_clientauth_new(ssh_session session,
    const struct oe_sshconf *conf, const struct oe_ssh_ui *ui, bool wary);
/**
 * oe_clientauth_step() - go on as far as possible without waiting.
 * @ret_asked: set when the user was asked: time passed that does not count.
 * Return: 0 logged in, OE_EAGAIN, OE_EAUTH, OE_ECLOSED.
 */
int oe_clientauth_step(
    struct oe_clientauth *a, bool *ret_asked, struct oe_err *err);
/** oe_clientauth_what() - what is being tried, for messages. */
const char *oe_clientauth_what(const struct oe_clientauth *a);
void oe_clientauth_free(struct oe_clientauth **a);
