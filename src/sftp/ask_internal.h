/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/ask_internal.h - what ask.c and ask_ops.c share.
 */
#pragma once

#include "sftp/ask.h"

/* One question; on the heap, since an interrupted one outlives its asker. */
struct oe_ask_question {
	struct oe_sftp_op op;
	struct oe_sftp_fs *fs;
	struct oe_strs names;
	struct oe_ask_list list;
	char *text;
	bool left; /* nobody waits for it any more */
	bool too_many;
};

struct oe_ask_question *oe_ask__new(const struct oe_ask *a);
void oe_ask__free(struct oe_ask_question *q);
/*
 * Wait for the answer.  On failure the question is no longer the caller's:
 * freed, or left to the file system (OE_ECANCEL).
 */
int oe_ask__answer(const struct oe_ask *a, struct oe_ask_question *q,
    const char *path, struct oe_err *err);
/* Answer that is nothing but a status. */
int oe_ask__end(const struct oe_ask *a, struct oe_ask_question *q,
    const char *path, struct oe_err *err);
/* Answer that is an open file or directory. */
int oe_ask__opened(const struct oe_ask *a, struct oe_ask_question *q,
    const char *path, struct oe_sftp_file **ret, struct oe_err *err);
int oe_ask__open_dir(const struct oe_ask *a, const char *dir,
    struct oe_sftp_file **ret, struct oe_err *err);
/* Close @f even when the user interrupted. */
void oe_ask__close(const struct oe_ask *a, struct oe_sftp_file *f);
