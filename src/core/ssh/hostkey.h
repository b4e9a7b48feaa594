/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/hostkey.h - the server's host keys: found, made once, checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct oe_err;
struct oe_ssh_hostkeys;

/**
 * oe_ssh_hostkeys_load() - load the keys at @path, making them at need.
 * @path: a directory (ssh_host_ed25519_key and ssh_host_rsa_key in it; it
 *        and the keys are made when absent) or one private key file.
 * @make: false: absent keys are an error.
 * A key that exists is never replaced.  A key that others may read, or that
 * cannot be parsed, is an error (OE_ECONF) that names the file.
 * @ret: oe_ssh_hostkeys_free() it.
 */
int oe_ssh_hostkeys_load(const char *path, bool make,
    struct oe_ssh_hostkeys **ret, struct oe_err *err);
void oe_ssh_hostkeys_free(struct oe_ssh_hostkeys **k);
size_t oe_ssh_hostkeys_count(const struct oe_ssh_hostkeys *k);
/** oe_ssh_hostkeys_describe() - "ssh-ed25519 SHA256:..." of key @i. */
const char *oe_ssh_hostkeys_describe(const struct oe_ssh_hostkeys *k, size_t i);
/**
 * oe_ssh_hostkeys_line() - "ssh-ed25519 AAAA..." of key @i, its public half.
 * Return: free() it; NULL when libssh fails.
 */
char *oe_ssh_hostkeys_line(const struct oe_ssh_hostkeys *k, size_t i);
