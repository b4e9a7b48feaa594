/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/ask.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "sftp/ask_internal.h"
#include "sftp/path.h"

void
oe_ask__free(struct oe_ask_question *q)
{
	oe_ask_list_done(&q->list);
	oe_strs_done(&q->names);
	free(q->text);
	free(q);
}

static void on_done(struct oe_sftp_op *op);

/* A question whose answer nobody waits for. */
static void
close_left(struct oe_sftp_fs *fs, struct oe_sftp_file *f)
{
	struct oe_ask_question *q = oe_mem_zalloc(sizeof *q);

	q->op.done = on_done;
	q->op.arg = q;
	q->fs = fs;
	q->left = true;
	fs->ops->close(fs, &q->op, f);
}

static void
on_done(struct oe_sftp_op *op)
{
	struct oe_ask_question *q = op->arg;

	if (q->left) {
		/* opened for nobody */
		if (op->status == 0 && op->file)
			close_left(q->fs, op->file);
		oe_ask__free(q);
	} else if (op->status == 0 && op->text)
		q->text = oe_mem_strdup(op->text);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct oe_ask_question *q = op->arg;

	if (q->names.n >= OE_ASK_NAMES_MAX)
		q->too_many = true;
	else if (oe_sftp_name_ok(e->name))
		oe_strs_add(&q->names, e->name);
}

struct oe_ask_question *
oe_ask__new(const struct oe_ask *a)
{
	struct oe_ask_question *q = oe_mem_zalloc(sizeof *q);

	q->op.done = on_done;
	q->op.entry = on_entry;
	q->op.arg = q;
	q->fs = a->fs;
	return q;
}

int
oe_ask__answer(const struct oe_ask *a, struct oe_ask_question *q,
    const char *path, struct oe_err *err)
{
	int r = oe_sftp_wait(a->loop, &q->op, a->stop);

	if (r == OE_ECANCEL && !q->op.finished) {
		q->left = true;
		return oe_err_set(err, r, "interrupted");
	}
	if (r < 0) {
		r = oe_sftp_op_error(&q->op, path, err);
		oe_ask__free(q);
	}
	return r;
}

int
oe_ask__end(const struct oe_ask *a, struct oe_ask_question *q, const char *path,
    struct oe_err *err)
{
	int r = oe_ask__answer(a, q, path, err);

	if (r == 0)
		oe_ask__free(q);
	return r;
}

int
oe_ask_stat(const struct oe_ask *a, const char *path, bool follow,
    struct oe_sftp_attrs *ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);
	int r;

	a->fs->ops->stat(a->fs, &q->op, path, follow);
	r = oe_ask__answer(a, q, path, err);
	if (r < 0)
		return r;
	if (ret)
		*ret = q->op.attrs;
	oe_ask__free(q);
	return 0;
}

/* An answer that is a path. */
static int
answer_text(const struct oe_ask *a, struct oe_ask_question *q, const char *path,
    char **ret, struct oe_err *err)
{
	int r = oe_ask__answer(a, q, path, err);

	if (r < 0)
		return r;
	*ret = q->text ? q->text : oe_mem_strdup("");
	q->text = NULL;
	oe_ask__free(q);
	return 0;
}

int
oe_ask_realpath(
    const struct oe_ask *a, const char *path, char **ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->realpath(a->fs, &q->op, path);
	return answer_text(a, q, path, ret, err);
}

int
oe_ask_expand(
    const struct oe_ask *a, const char *path, char **ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->expand(a->fs, &q->op, path);
	return answer_text(a, q, path, ret, err);
}

int
oe_ask__opened(const struct oe_ask *a, struct oe_ask_question *q,
    const char *path, struct oe_sftp_file **ret, struct oe_err *err)
{
	int r = oe_ask__answer(a, q, path, err);

	if (r < 0)
		return r;
	*ret = q->op.file;
	oe_ask__free(q);
	return 0;
}

int
oe_ask__open_dir(const struct oe_ask *a, const char *dir,
    struct oe_sftp_file **ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->opendir(a->fs, &q->op, dir);
	return oe_ask__opened(a, q, dir, ret, err);
}

/* Some names; OE_ESHORT when there are no more. */
static int
read_dir(const struct oe_ask *a, struct oe_sftp_file *f, const char *dir,
    struct oe_strs *ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);
	size_t i;
	int r;

	a->fs->ops->readdir(a->fs, &q->op, f);
	r = oe_ask__answer(a, q, dir, err);
	if (r < 0)
		return r;
	for (i = 0; i < q->names.n; i++) {
		oe_strs_add_take(ret, q->names.v[i]);
		q->names.v[i] = NULL;
	}
	q->names.n = 0;
	if (q->too_many || ret->n > OE_ASK_NAMES_MAX)
		r = oe_err_set(err, OE_ETOOBIG, "%s: more than %d names", dir,
		    OE_ASK_NAMES_MAX);
	oe_ask__free(q);
	return r;
}

void
oe_ask__close(const struct oe_ask *a, struct oe_sftp_file *f)
{
	close_left(a->fs, f);
}

int
oe_ask_names(const struct oe_ask *a, const char *dir, struct oe_strs *ret,
    struct oe_err *err)
{
	struct oe_sftp_file *f = NULL;
	int r = oe_ask__open_dir(a, dir, &f, err);

	if (r < 0)
		return r;
	while (r == 0)
		r = read_dir(a, f, dir, ret, err);
	oe_ask__close(a, f);
	return r == OE_ESHORT ? 0 : r;
}

int
oe_ask_mkdir(
    const struct oe_ask *a, const char *path, uint32_t mode, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->mkdir(a->fs, &q->op, path, mode);
	return oe_ask__end(a, q, path, err);
}
