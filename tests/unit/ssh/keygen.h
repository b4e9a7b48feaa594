/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keygen.h - keys, certificates and revocation lists made by ssh-keygen while
 * a test runs, in a directory that is removed after it.
 */
#pragma once

#include "core/base/buf.h"
#include "core/ssh/pubkey.h"

/** keygen_begin() - group set-up: the directory; *state NULL: no ssh-keygen. */
int keygen_begin(void **state);
/** keygen_end() - group tear-down. */
int keygen_end(void **state);
/** keygen_need() - skip the test when there is no ssh-keygen. */
void keygen_need(void **state);
/** keygen_run() - shell command in the directory; fails the test. */
void keygen_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** keygen_file() - content of a file of the directory; oe_buf_done() it. */
void keygen_file(const char *name, struct oe_buf *ret);
/** keygen_pub() - the key in NAME.pub; oe_pubkey_done() it. */
void keygen_pub(const char *name, struct oe_pubkey *ret);
/** keygen_line() - the text of NAME.pub without its newline; free() it. */
char *keygen_line(const char *name);
